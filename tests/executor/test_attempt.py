"""An attempt, forked and watched: what it did is in its result, and nothing of it outlives its watcher."""

import ctypes
import errno
import json
import os
import signal
import socket
import tempfile
import time
from pathlib import Path

import pytest
from executor_samples import (
    MEBI,
    begin,
    end,
    grow,
    mode,
    spec,
    tried,
)

from snakemake_executor_plugin_dask_jobqueue import attempt

pytestmark = pytest.mark.usefixtures("program", "scratch")


def test_what_was_made_is_there_with_what_was_said_and_the_result(tmp_path):
    grow(tmp_path / "real", {"in": "input"})
    told = spec(
        tmp_path,
        "import sys; print(open('in').read()); print('aside', file=sys.stderr); open('out', 'w').write('made')",
        inputs=["in"], products=["out"],
    )  # fmt: skip
    before = time.time()
    found = tried(told)
    assert (found["id"], found["cause"], found["exit"]) == ("job-1", "done", 0)
    assert before <= found["started"] <= found["started"] + found["wall"] <= time.time()
    assert found["host"] == socket.gethostname()
    folder = Path(told["directory"])
    assert (folder / "work/out").read_text() == "made"
    assert sorted((folder / "log").read_text().splitlines()) == ["aside", "input"]
    assert not (tmp_path / "real/out").exists()
    assert {mode(folder), mode(folder / "work")} == {0o700}
    assert {mode(folder / "log"), mode(folder / attempt.RESULT), mode(folder / "work/out")} == {0o600}


def test_the_host_is_slurms_name_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    assert tried(spec(tmp_path, "pass"))["host"] == "n7"


@pytest.mark.parametrize(("status", "cause"), [(0, "done"), (1, "error"), (3, "error"), (255, "error")])
def test_an_exit_status_is_kept(tmp_path, status, cause):
    found = tried(spec(tmp_path, f"raise SystemExit({status})"))
    assert (found["exit"], found["cause"]) == (status, cause)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGXCPU, signal.SIGTERM])
def test_a_signal_from_elsewhere_is_no_error_of_the_code(tmp_path, monkeypatch, sent):
    monkeypatch.setattr(attempt, "_snakemake", lambda argv: os.kill(os.getpid(), sent))
    found = tried(spec(tmp_path))
    assert (found["exit"], found["cause"]) == (-sent, "killed")


def test_an_error_before_the_job_is_in_its_log(tmp_path, monkeypatch):
    def broken(argv):
        raise RuntimeError("no such profile")

    monkeypatch.setattr(attempt, "_snakemake", broken)
    told = spec(tmp_path)
    assert tried(told)["cause"] == "error"
    assert (Path(told["directory"]) / "log").read_text() == "RuntimeError('no such profile')\n"


def test_a_job_begins_in_its_sandbox_with_its_environment_and_nothing_to_read(tmp_path, monkeypatch, scratch):
    """It is a leader of its own group, and its temporary files are its own."""
    found = tmp_path / "found"

    def look(argv):
        about = {
            "argv": argv, "where": str(Path.cwd()), "mark": os.environ["MARK"], "read": os.read(0, 1).decode(),
            "leads": os.getpgid(0) == os.getpid(), "scratch": os.environ["TMPDIR"], "same": tempfile.gettempdir(),
            "ends": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
            "blocked": [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
        }  # fmt: skip
        (Path(os.environ["TMPDIR"]) / "temporary").touch()
        found.write_text(json.dumps(about))
        return 0

    monkeypatch.setattr(attempt, "_snakemake", look)
    told = spec(tmp_path, "--cores", "1", env={"MARK": "here"})
    assert tried(told)["cause"] == "done"
    about, work = json.loads(found.read_text()), f"{told['directory']}/work"
    assert about["argv"] == ["--cores", "1", "--directory", work]
    assert (about["where"], about["mark"], about["read"], about["leads"]) == (work, "here", "", True)
    assert about["scratch"] == about["same"]
    assert (about["ends"], about["blocked"]) == (True, [])
    assert Path(about["scratch"]).parent == scratch
    assert not list(scratch.iterdir())


def test_a_sandbox_that_cannot_be_made_leaves_no_result(tmp_path, scratch, capfd):
    told = spec(tmp_path, "pass", workdir=str(tmp_path / "missing"))
    assert end(begin(told)) == 1
    assert "job-1: FileNotFoundError" in capfd.readouterr().err
    assert not (Path(told["directory"]) / attempt.RESULT).exists()
    assert not list(scratch.iterdir())


@pytest.fixture
def tiny(tmp_path):
    """A file system of one MiB."""
    (tmp_path / "attempts").mkdir()
    libc, where = ctypes.CDLL(None, use_errno=True), str(tmp_path / "attempts").encode()
    if libc.mount(b"tmpfs", where, b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"no file system can be mounted: {os.strerror(ctypes.get_errno())}")
    yield tmp_path / "attempts"
    libc.umount2(where, 2)


@pytest.mark.parametrize("status", [0, 1])
def test_a_full_disk_is_told_by_the_exit_status(tmp_path, tiny, status):
    """No result fits on it any more, not even that the job thinks itself done."""
    fill = f"""
try:
    with open("out", "wb", buffering=0) as file:
        while True: file.write(bytes(4096))
except OSError: raise SystemExit({status})
"""
    told = spec(tmp_path, fill, products=["out"])
    assert end(begin(told)) == attempt.FULL
    assert not (tiny / "job-1" / attempt.RESULT).exists()


def test_a_disk_that_was_full_before_is_told_too(tmp_path, tiny):
    with pytest.raises(OSError, match="No space left"):
        (tiny / "other").write_bytes(bytes(2 * MEBI))
    assert end(begin(spec(tmp_path, "pass"))) == attempt.FULL


class Space:
    """What is told of a disk with so many free blocks."""

    f_frsize = 4096

    def __init__(self, free: int) -> None:
        self.f_bavail = free


@pytest.mark.parametrize(
    ("status", "free", "killed", "expected"),
    [
        (0, 0, 1, "done"),  # whatever else happened, it is
        (1, 0, 0, "disk"),
        (1, 255, 0, "disk"),  # the last MiB is 256 blocks of 4 KiB
        (1, 256, 0, "error"),
        (1, 0, 1, "memory"),
        (-9, 999, 1, "memory"),  # by the kernel, before the watcher looked
        (-9, 999, 0, "killed"),
    ],
)
def test_a_cause_is_what_the_node_says(tmp_path, monkeypatch, status, free, killed, expected):
    monkeypatch.setattr(attempt.os, "statvfs", lambda path: Space(free))
    monkeypatch.setattr(attempt, "_kills_of_the_kernel", lambda: 5 + killed)
    assert attempt._cause(status, tmp_path, 5) == expected


def test_the_kernel_counts_its_kills():
    """Linux has counted them since 4.13; a node that does not tell has none."""
    assert f"oom_kill {attempt._kills_of_the_kernel()}\n" in Path("/proc/vmstat").read_text()


def test_a_node_without_counts_has_no_kills(monkeypatch):
    def unread(path):
        raise OSError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Path, "read_text", unread)
    assert attempt._kills_of_the_kernel() == 0


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (3, 3), (True, 1), ("no such rule", 1)])
def test_snakemake_returns_what_it_would_to_a_shell(monkeypatch, code, expected):
    import snakemake.cli

    seen = []

    def main(argv):
        seen.append(argv)
        raise SystemExit(code)

    monkeypatch.undo()  # of the program in its place
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snakemake.cli, "main", main)
        patch.setattr("sys.argv", ["pytest"])
        assert attempt._snakemake(["--cores", "1"]) == expected
    assert seen == [["--cores", "1"]]


def test_snakemake_that_returns_has_done_its_work(monkeypatch):
    import snakemake.cli

    monkeypatch.undo()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snakemake.cli, "main", lambda argv: None)
        patch.setattr("sys.argv", ["pytest"])
        assert attempt._snakemake([]) == 0
