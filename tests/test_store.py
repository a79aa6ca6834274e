"""Stores: what is published is read back exactly, and what is damaged is never read."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from store_samples import known, same, sample

from twinbeat import store
from twinbeat.store import manifest, provenance
from twinbeat.verdicts import Quarantined, Rejected


@pytest.fixture(autouse=True, scope="module")
def sample_kind():
    with known():
        yield


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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


def test_an_earlier_store_is_a_sound_one_of_the_same_code(tmp_path, monkeypatch):
    """A verdict, nothing, another commit, and code that is not that of its commit are none."""
    code = {"version": "1", "commit": "a" * 40, "modified": False}
    monkeypatch.setattr(provenance, "code", lambda folder: code)
    store.publish(sample(), tmp_path / "a.zarr")
    store.publish(store.verdict(Rejected("a", "b")), tmp_path / "verdict.zarr")
    assert store.earlier(tmp_path / "a.zarr")["scalar"] == 0
    assert store.earlier(tmp_path / "verdict.zarr") is None
    assert store.earlier(tmp_path / "none.zarr") is None
    for other in ({"commit": "b" * 40}, {"modified": True}):
        monkeypatch.setattr(provenance, "code", lambda folder, other=other: code | other)
        assert store.earlier(tmp_path / "a.zarr") is None


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
