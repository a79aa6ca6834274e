"""Stores: what is published is read back exactly, what is damaged is never read, a killed writer leaves no trace."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from twinbeat import store
from twinbeat.store import manifest, provenance
from twinbeat.variables import VARIABLES, Variable
from twinbeat.verdicts import Quarantined, Rejected

SAMPLE = {
    "number": Variable(("time", "x"), "mL", "floats"),
    "single": Variable(("x",), "kPa", "floats of 32 bits"),
    "count": Variable(("x",), "1", "integers"),
    "flag": Variable(("x",), "1", "truth values"),
    "name": Variable(("x",), "1", "text"),
    "scalar": Variable((), "ms", "a number alone"),
}


@pytest.fixture(autouse=True, scope="module")
def sample_kind():
    """A kind of store with a variable of every sort."""
    VARIABLES["sample"] = SAMPLE
    yield
    del VARIABLES["sample"]


def sample(seed: int = 0, size: int = 3) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "number": (("time", "x"), rng.normal(size=(2, size))),
            "single": ("x", rng.normal(size=size).astype("float32")),
            "count": ("x", np.arange(size)),
            "flag": ("x", np.arange(size) % 2 == 0),
            "name": ("x", np.array(["apex", "Höhe", ""] * size)[:size]),
            "scalar": ((), float(seed)),
        },
        coords={"time": [0.0, 40.0], "x": np.arange(size) * 1.5},
        attrs={"kind": "sample", "note": {"nested": [1, 2.5, None, "text"]}},
    )


def same(found: xr.Dataset, published: xr.Dataset) -> None:
    xr.testing.assert_equal(found, published)
    for name, variable in published.variables.items():
        assert found[name].dtype == variable.dtype


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), size=st.integers(0, 5), times=st.integers(0, 4))
def test_round_trip_is_exact(tmp_path, data, size, times):
    """Whatever is finite comes back bit for bit, zeros, empty arrays and the smallest floats included."""
    draw = lambda dtype, shape, elements: data.draw(npst.arrays(dtype, shape, elements=elements))  # noqa: E731
    dataset = xr.Dataset(
        {
            "number": (("time", "x"), draw("float64", (times, size), finite)),
            "single": ("x", draw("float32", size, st.floats(width=32, allow_nan=False, allow_infinity=False))),
            "count": ("x", draw("int64", size, None)),
            "flag": ("x", draw("bool", size, None)),
            "name": ("x", np.array(data.draw(st.lists(text, min_size=size, max_size=size)), dtype="U8")),
            "scalar": ((), data.draw(finite)),
        },
        attrs={"kind": "sample"},
    )
    store.publish(dataset, tmp_path / "any.zarr")
    found = store.open(tmp_path / "any.zarr")
    same(found, dataset)
    assert found["number"].values.tobytes() == dataset["number"].values.tobytes()


def test_store_carries_units_code_parameters_and_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store.publish(sample(), "results/study/p1/labels.zarr")
    raw = Path("Smith^John/dicom")
    raw.mkdir(parents=True)
    (raw / "slice.dcm").write_text("raw")
    parameters = {"mesh": {"size": "6 mm", "key": "/home/smith/key", "more": ["/x", 2]}}
    made_from = ["results/study/p1/labels.zarr", raw]
    store.publish(sample(), "results/study/p1/a.zarr", inputs=made_from, parameters=parameters)
    found = store.open("results/study/p1/a.zarr")
    assert {name: found[name].attrs["units"] for name in SAMPLE} == {name: row.unit for name, row in SAMPLE.items()}
    assert found["time"].attrs["units"] == "ms"
    origin = found.attrs["provenance"]
    assert origin["kind"] == "sample"
    assert origin["code"]["version"] == "0.1.0"
    assert origin["parameters"] == {"mesh": {"size": "6 mm", "key": "withheld path", "more": ["withheld path", 2]}}
    assert origin["inputs"] == {"study/p1/labels.zarr": store.checksum(Path("results/study/p1/labels.zarr"))}
    assert origin["external"] == [store.checksum(raw)]
    assert "Smith" not in "".join(path.read_text(errors="replace") for path in Path("results").rglob("*.json"))


def test_publishing_twice_gives_the_same_manifest(tmp_path):
    for name in ("one", "two"):
        store.publish(sample(), tmp_path / f"{name}.zarr", parameters={"a": 1})
    assert store.checksum(tmp_path / "one.zarr") == store.checksum(tmp_path / "two.zarr")
    store.publish(sample(1), tmp_path / "two.zarr", parameters={"a": 1})
    assert store.checksum(tmp_path / "one.zarr") != store.checksum(tmp_path / "two.zarr")


def test_manifest_is_one_that_sha256sum_reads(tmp_path):
    store.publish(sample(), tmp_path / "a.zarr")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", manifest.NAME], cwd=tmp_path / "a.zarr", check=True)


def test_codecs_hold_a_crc_and_every_chunk_is_written(tmp_path):
    """A checksum in the codecs serves readers that do not know the manifest; zeros are chunks like others."""
    store.publish(sample().assign(number=(("time", "x"), np.zeros((2, 3)))), tmp_path / "a.zarr")
    array = json.loads((tmp_path / "a.zarr/number/zarr.json").read_text())
    assert (array["zarr_format"], [codec["name"] for codec in array["codecs"]]) == (3, ["bytes", "zstd", "crc32c"])
    assert (tmp_path / "a.zarr/number/c/0/0").is_file()


@pytest.mark.filterwarnings(f"ignore:Object at {manifest.NAME}")
def test_others_can_read_a_store(tmp_path):
    """Plain xarray reads it, without this library."""
    store.publish(sample(), tmp_path / "a.zarr")
    same(xr.load_dataset(tmp_path / "a.zarr", engine="zarr", consolidated=False, decode_times=False), sample())


@pytest.mark.parametrize("verdict", [Rejected("no-slice", "slice 7 is missing", "import_image"), Quarantined("x", "y")])
def test_a_verdict_is_raised_again(tmp_path, verdict):
    store.publish(store.verdict(verdict), tmp_path / "labels.zarr")
    with pytest.raises(type(verdict)) as raised:
        store.open(tmp_path / "labels.zarr")
    assert (raised.value.code, raised.value.message, raised.value.stage) == (
        verdict.code,
        verdict.message,
        verdict.stage,
    )


def test_stores_without_a_verdict_are_the_finished_ones(tmp_path):
    paths = [tmp_path / f"{number}.zarr" for number in range(3)]
    for number, path in enumerate(paths):
        store.publish(sample(number) if number != 1 else store.verdict(Rejected("a", "b")), path)
    assert [int(dataset["scalar"]) for dataset in store.finished(paths)] == [0, 2]
    assert [store.earlier(path) is None for path in [*paths, tmp_path / "none.zarr"]] == [False, True, False, True]


def files_of(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file())


def tiny(path: Path) -> Path:
    store.publish(sample()[["scalar"]], path)
    return path


def test_every_flipped_bit_is_found(tmp_path):
    """All bits of the manifest and the chunk, one bit of every byte of the metadata, in turn."""
    path = tiny(tmp_path / "a.zarr")
    flips = 0
    for file in files_of(path):
        content = file.read_bytes()
        for position in range(len(content)):
            for bit in range(8) if file.name in ("c", manifest.NAME) else [position % 8]:
                broken = bytearray(content)
                broken[position] ^= 1 << bit
                file.write_bytes(broken)
                with pytest.raises(store.StoreError, match=r"a\.zarr: "):
                    store.open(path)
                flips += 1
        file.write_bytes(content)
    assert flips > 2000
    assert store.open(path)["scalar"] == 0


def test_a_truncated_or_missing_file_is_named(tmp_path):
    path = tiny(tmp_path / "a.zarr")
    for file in (file for file in files_of(path) if file.name != manifest.NAME):
        content, name = file.read_bytes(), file.relative_to(path).as_posix()
        for length in (0, len(content) // 2, len(content) - 1):
            file.write_bytes(content[:length])
            with pytest.raises(store.StoreError, match=rf"a\.zarr: {name} does not have the checksum"):
                store.open(path)
        file.unlink()
        with pytest.raises(store.StoreError, match=rf"a\.zarr: {name} is in the manifest and not in the store"):
            store.open(path)
        file.write_bytes(content)


def test_a_truncated_or_missing_manifest_is_found(tmp_path):
    path = tiny(tmp_path / "a.zarr")
    file = path / manifest.NAME
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        with pytest.raises(store.StoreError, match=r"a\.zarr: "):
            store.open(path)
    file.unlink()
    with pytest.raises(store.StoreError, match="no store is there"):
        store.open(path)


def test_a_manifest_of_other_form_is_damaged(tmp_path):
    """The lines are the right ones; only their order is not what we write."""
    file = tiny(tmp_path / "a.zarr") / manifest.NAME
    file.write_bytes(b"".join(reversed(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(store.StoreError, match=f"{manifest.NAME} is damaged"):
        store.open(tmp_path / "a.zarr")


def test_a_surplus_file_is_named_and_that_of_snakemake_is_not(tmp_path):
    path = tiny(tmp_path / "a.zarr")
    (path / ".snakemake_timestamp").touch()
    assert store.open(path)["scalar"] == 0
    (path / "scalar/extra").write_text("")
    with pytest.raises(store.StoreError, match="scalar/extra is in the store and not in the manifest"):
        store.open(path)


def test_a_file_that_goes_away_while_it_is_read(tmp_path, monkeypatch):
    path = tiny(tmp_path / "a.zarr")

    def gone(folder):
        raise FileNotFoundError(2, "gone", "scalar/c")

    monkeypatch.setattr(manifest, "_files", gone)
    with pytest.raises(store.StoreError, match="scalar/c went away"):
        store.open(path)


def test_a_missing_chunk_with_a_manifest_that_agrees_is_no_zero(tmp_path):
    """The second fence: had the writer sealed a store without a chunk, it would still not read as the fill value."""
    path = tiny(tmp_path / "a.zarr")
    (path / "scalar/c").unlink()
    manifest.seal(path)
    with pytest.raises(zarr.errors.ChunkNotFoundError):
        store.open(path)


def test_a_chunk_lost_while_writing_is_not_published(tmp_path, monkeypatch):
    write = xr.Dataset.to_zarr

    def lossy(dataset, folder, **options):
        write(dataset, folder, **options)
        (folder / "number/c/0/0").unlink()

    monkeypatch.setattr(xr.Dataset, "to_zarr", lossy)
    with pytest.raises(store.StoreError, match="number has 0 of 1 chunks"):
        store.publish(sample(), tmp_path / "a.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(manifest, "flush", full)
    with pytest.raises(OSError, match="No space left"):
        store.publish(sample(), tmp_path / "a.zarr")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_taken_is_an_error(tmp_path):
    (tmp_path / "a.zarr").write_text("a file, where a folder should go")
    with pytest.raises(NotADirectoryError):
        store.publish(sample(), tmp_path / "a.zarr")


def test_an_existing_store_and_an_empty_folder_give_way(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    for seed in (1, 2):
        store.publish(sample(seed), tmp_path / "a.zarr")
        same(store.open(tmp_path / "a.zarr"), sample(seed))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def test_what_was_abandoned_long_ago_is_swept(tmp_path):
    for name, age in (("old", 25), ("new", 1)):
        left = tmp_path / f".a.zarr.{name}"
        left.mkdir()
        os.utime(left, (time.time() - age * 3600,) * 2)
    store.publish(sample(), tmp_path / "a.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.zarr.new", "a.zarr"]


def writer(folder: Path, pipe: int, replace: bool, first: int) -> None:
    """Publish store after store for ever, each acknowledged through the pipe once ``publish`` has returned."""
    number = first
    while True:
        store.publish(sample(number), folder / ("same.zarr" if replace else f"{number}.zarr"))
        os.write(pipe, number.to_bytes(4, "big"))
        number += 1


def kill_after(seconds: float, folder: Path, replace: bool, first: int) -> list[int]:
    """Kill a writer after this time; the numbers that it acknowledged."""
    reading, writing = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=writer, args=(folder, writing, replace, first))
    process.start()
    time.sleep(seconds)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read()
    return [int.from_bytes(content[i : i + 4], "big") for i in range(0, len(content), 4)]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_killed_writers_publish_whole_stores_or_none(tmp_path):
    """60 SIGKILLs at random moments. What was acknowledged is there; beside it at most the one whose rename was done
    but not yet acknowledged; each of them is whole and right."""
    rng = random.Random(2026)
    acknowledged, unacknowledged = 0, 0
    for kill in range(60):
        folder = tmp_path / str(kill)
        folder.mkdir()
        numbers = kill_after(rng.uniform(0.02, 0.15), folder, replace=False, first=0)
        published = sorted(int(path.stem) for path in folder.glob("[0-9]*.zarr"))
        assert published[: len(numbers)] == numbers
        assert len(published) - len(numbers) <= 1
        for number in published:
            same(store.open(folder / f"{number}.zarr"), sample(number))
        acknowledged += len(numbers)
        unacknowledged += len(published) - len(numbers)
    assert acknowledged > 30
    assert unacknowledged < 10


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_killed_replacements_are_never_a_mixture(tmp_path):
    """The store is the last acknowledged one or its successor, whole; or none, if the kill fell between the renames."""
    rng = random.Random(7)
    store.publish(sample(0), tmp_path / "same.zarr")
    last, missing = 0, 0
    for _ in range(20):
        numbers = kill_after(rng.uniform(0.02, 0.15), tmp_path, replace=True, first=last + 1)
        last = numbers[-1] if numbers else last
        if not (tmp_path / "same.zarr").exists():
            missing += 1
            continue
        found = store.open(tmp_path / "same.zarr")
        number = int(found["scalar"])
        assert last <= number <= last + 1
        same(found, sample(number))
        last = number
    assert missing <= 2


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_racing_writers_leave_one_whole_store(tmp_path):
    """Two processes replace the same store again and again; a reader meanwhile sees one of theirs or an error."""
    processes = [
        multiprocessing.get_context("fork").Process(
            target=publish_many, args=(tmp_path / "a.zarr", range(first, 20, 2))
        )
        for first in (0, 1)
    ]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        try:
            found = store.open(tmp_path / "a.zarr")
        except store.StoreError:
            continue
        same(found, sample(int(found["scalar"])))
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    last = store.open(tmp_path / "a.zarr")
    assert int(last["scalar"]) in (18, 19)
    same(last, sample(int(last["scalar"])))
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]


def publish_many(path: Path, seeds: range) -> None:
    for seed in seeds:
        store.publish(sample(seed), path)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "-C", folder, *words], check=True, capture_output=True)


def test_code_version_under_git(tmp_path):
    """The commit while clean, marked once a file differs; nothing of a repository that does not hold the package."""
    package = tmp_path / "repository/package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git(package.parent, "init")
    assert provenance.code(package) == {"version": "0.1.0", "commit": None, "modified": None}
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-m", "first")
    provenance.code.cache_clear()
    clean = provenance.code(package)
    assert len(clean["commit"]) == 40
    assert clean["modified"] is False
    (package / "new.py").touch()
    provenance.code.cache_clear()
    assert provenance.code(package) == {**clean, "modified": True}


def test_code_version_without_git(tmp_path, monkeypatch):
    assert provenance.code(tmp_path) == {"version": "0.1.0", "commit": None, "modified": None}
    monkeypatch.setenv("PATH", "")
    provenance.code.cache_clear()
    assert provenance.code(provenance.PACKAGE)["commit"] is None
    provenance.code.cache_clear()


def test_checksum_of_a_file_and_a_folder(tmp_path):
    """SHA-256 of "abc" is the first test vector of FIPS 180-2; the one of a folder does not depend on its place."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("abc")
    assert store.checksum(tmp_path / "a/file").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert store.checksum(tmp_path / "a") == store.checksum(tmp_path / "b")
