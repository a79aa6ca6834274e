"""The ledger: what was written is read back after any crash, and only one driver writes."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from executor_samples import apart, mode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue import ledger
from snakemake_executor_plugin_dask_jobqueue.ledger import Held, Ledger, write_whole

json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)
abouts = st.dictionaries(st.text(min_size=1).filter(lambda key: key not in ("self", "fact", "at")), json, max_size=3)
facts = st.lists(st.tuples(st.sampled_from(["began", "published", "pilot"]), abouts), max_size=4)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """What the disk of this machine does is not tested."""
    monkeypatch.setattr(ledger.os, "fsync", lambda file: None)


def written(state: Path, facts) -> None:
    """A driver that writes facts and dies."""
    book = Ledger(state)
    for fact, about in facts:
        book.write(fact, **about)
    book.close(settled=False)


def left(state: Path):
    """What the next driver finds."""
    book = Ledger(state)
    found = [(one["fact"], {key: value for key, value in one.items() if key not in ("fact", "at")})
             for one in book.before]  # fmt: skip
    book.close(settled=False)
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts, facts)
def test_facts_are_read_back(first, second):
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder), first)
        assert left(Path(folder)) == first
        written(Path(folder), second)
        assert left(Path(folder)) == first + second


def test_a_crash_in_mid_line_loses_that_line_alone(tmp_path):
    """Cut at every byte: whole lines are read, and the next fact stands in a line of its own."""
    facts, more = [("began", {"name": "a\n"}), ("pilot", {"name": "é", "job": None})], ("published", {"name": "a"})
    written(tmp_path, facts)
    text = (tmp_path / "ledger.jsonl").read_bytes()
    for cut in range(len(text) + 1):
        (tmp_path / "ledger.jsonl").write_bytes(text[:cut])
        whole = facts[: text[:cut].count(b"\n")]
        assert left(tmp_path) == whole
        written(tmp_path, [more])
        assert left(tmp_path) == [*whole, more]


def test_the_latest_fact_of_a_name_counts(tmp_path):
    written(tmp_path, [("began", {"name": "a", "number": n}) for n in (1, 2)] + [("published", {"name": "a"})])
    book = Ledger(tmp_path)
    assert book.of("began")["a"]["number"] == 2
    assert list(book.of("published")) == ["a"]
    assert book.of("pilot") == {}
    book.write("began", name="b")
    assert "b" not in book.of("began")  # of earlier drivers only
    book.close(settled=True)


def test_a_settled_driver_leaves_nothing_and_another_one_its_facts(tmp_path):
    book = Ledger(tmp_path)
    book.write("began", name="a")
    book.close(settled=True)
    assert not (tmp_path / "ledger.jsonl").exists()
    assert left(tmp_path) == []


def test_only_its_owner_reads_it(tmp_path):
    before = os.umask(0)
    try:
        Ledger(tmp_path / "deep/state").close(settled=False)
    finally:
        os.umask(before)
    assert mode(tmp_path / "deep/state") == 0o700
    assert {mode(path) for path in (tmp_path / "deep/state").iterdir()} == {0o600}


def test_a_state_that_others_could_read_is_closed_to_them(tmp_path):
    (tmp_path / "state").mkdir(mode=0o755)
    Ledger(tmp_path / "state").close(settled=True)
    assert mode(tmp_path / "state") == 0o700


def test_a_second_driver_is_refused_and_told_who_holds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    book = Ledger(tmp_path)
    refused = apart(lambda: Ledger(tmp_path))
    assert refused.startswith(f"Held: {tmp_path}/lock: this study is held by ada on ")
    assert f", process {os.getpid()}, since " in refused
    assert apart(lambda: Ledger(tmp_path)) == refused  # a refused driver does not take the name off
    book.close(settled=True)
    assert apart(lambda: Ledger(tmp_path).close(settled=True)) is None


def test_the_lock_of_a_dead_driver_holds_nobody(tmp_path):
    """The file is there, with its name in it; the process is not."""
    assert apart(lambda: Ledger(tmp_path).write("began", name="a")) is None
    assert left(tmp_path) == [("began", {"name": "a"})]


def test_the_refusal_is_an_error_of_its_own(tmp_path, monkeypatch):
    def lockf(file, how):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(ledger.fcntl, "lockf", lockf)
    with pytest.raises(Held, match=r"lock: this study is held by another driver; wait for it, or end it$"):
        Ledger(tmp_path)


class Disk:
    """A disk that does as it is told: takes so many bytes, or refuses with an error, and then takes all."""

    def __init__(self, monkeypatch, *does) -> None:
        self.does, self.pauses, self._write = list(does), 0, os.write
        monkeypatch.setattr(ledger.os, "write", self.write)
        monkeypatch.setattr(ledger.time, "sleep", self.sleep)

    def write(self, file, line):
        doing = self.does.pop(0) if self.does else len(line)
        if isinstance(doing, OSError):
            raise doing
        return self._write(file, line[:doing])

    def sleep(self, seconds):
        self.pauses += 1


def test_while_the_disk_is_full_a_fact_waits_and_comes_whole(tmp_path, monkeypatch):
    """Neither an error, nor half a line, nor a quota leaves a trace: each costs a pause."""
    book = Ledger(tmp_path)
    book.write("began", name="a")
    disk = Disk(monkeypatch, OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota"), 0, 5)
    book.write("began", name="b")
    assert disk.pauses == 4
    book.close(settled=False)
    assert [about["name"] for _, about in left(tmp_path)] == ["a", "b"]


def test_another_error_of_the_disk_is_raised_and_leaves_no_half_line(tmp_path, monkeypatch):
    book = Ledger(tmp_path)
    Disk(monkeypatch, 5, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output error"):
        book.write("began", name="a")
    assert book.path.read_bytes() == b""
    book.close(settled=True)


def test_a_fact_is_on_the_disk_before_it_is_relied_on(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(ledger.os, "fsync", lambda file: done.append(os.fstat(file).st_size))
    with (tmp_path / "a").open("wb", buffering=0) as file:
        write_whole(file.fileno(), b"line\n")
    assert done == [5]
