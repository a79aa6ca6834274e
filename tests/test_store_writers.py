"""Writers of stores that are killed, that race, or that find something in their place."""

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest
from store_samples import known, same, sample

from twinbeat import store


@pytest.fixture(autouse=True, scope="module")
def sample_kind():
    with known():
        yield


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


def killed(rng: random.Random, pace: float, folder: Path, replace: bool, first: int) -> list[int]:
    """Kill a writer at a random moment of its first or second store; the numbers that it acknowledged."""
    reading, writing = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=writer, args=(folder, writing, replace, first))
    process.start()
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        content = stream.read(4 * rng.randrange(2))
        time.sleep(rng.uniform(0, pace))
        process.kill()
        content += stream.read()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    return [int.from_bytes(content[i : i + 4], "big") for i in range(0, len(content), 4)]


@pytest.fixture
def pace(tmp_path_factory) -> float:
    """Seconds that publishing takes here and now."""
    folder, start = tmp_path_factory.mktemp("pace"), time.perf_counter()
    for number in range(5):
        store.publish(sample(number), folder / "a.zarr")
    return (time.perf_counter() - start) / 5


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_killed_writers_publish_whole_stores_or_none(tmp_path, pace):
    """52 SIGKILLs at random moments. What was acknowledged is there; beside it at most the one whose rename was done
    but not yet acknowledged; each of them is whole and right."""
    rng = random.Random(2026)
    acknowledged, unacknowledged = 0, 0
    for kill in range(52):
        folder = tmp_path / str(kill)
        folder.mkdir()
        numbers = killed(rng, pace, folder, replace=False, first=0)
        published = sorted(int(path.stem) for path in folder.glob("[0-9]*.zarr"))
        assert published[: len(numbers)] == numbers
        assert len(published) - len(numbers) <= 1
        for number in published:
            same(store.open(folder / f"{number}.zarr"), sample(number))
        acknowledged += len(numbers)
        unacknowledged += len(published) - len(numbers)
    assert acknowledged > 15
    assert unacknowledged < 10


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_killed_replacements_are_never_a_mixture(tmp_path, pace):
    """The store is the last acknowledged one or its successor, whole; or none, if the kill fell between the renames."""
    rng, missing = random.Random(7), 0
    for _ in range(20):
        store.publish(sample(0), tmp_path / "same.zarr")
        last = max(killed(rng, pace, tmp_path, replace=True, first=1), default=0)
        if not (tmp_path / "same.zarr").exists():
            missing += 1
            continue
        found = store.open(tmp_path / "same.zarr")
        assert int(found["scalar"]) in (last, last + 1)
        same(found, sample(int(found["scalar"])))
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
