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
    ENDLESS,
    MEBI,
    alive,
    bash,
    begin,
    end,
    grow,
    mode,
    number,
    python,
    result,
    spec,
    tried,
    until,
)

from snakemake_executor_plugin_dask_jobqueue import attempt, tree

DAEMON = """
import os, signal, sys, time
for step in (os.setsid, lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)):
    if os.fork():
        {parent}
    step()
open("{path}.new", "w").write(f"{{os.getpid()}}\\n")
os.rename("{path}.new", "{path}")
{then}
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def program(monkeypatch):
    """Attempts are at Python programs."""
    monkeypatch.setattr(attempt, "_snakemake", python)


@pytest.fixture(autouse=True)
def scratch(monkeypatch, tmp_path):
    """Where temporary files go."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)
    return tmp_path / "scratch"


def daemon(path, parent="os._exit(0)", then=""):
    """A program that leaves its session and its parents, and is not to be asked to end; it writes who it is."""
    return DAEMON.format(path=path, parent=parent, then=then)


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


def test_a_limit_of_memory_ends_all(tmp_path):
    """50 MiB may be held, 100 MiB are; the size at which it was ended is between."""
    found = tried(spec(tmp_path, f"a = bytearray({100 * MEBI}); {ENDLESS}", memory=50 * MEBI))
    assert (found["cause"], found["exit"]) == ("memory", None)
    assert 50 * MEBI < found["memory"] < 150 * MEBI


def test_memory_is_that_of_the_whole_tree(tmp_path, monkeypatch):
    """Three processes of 40 MiB each are below 100 MiB, and together above."""
    monkeypatch.setattr(attempt, "_snakemake", bash)
    one = f"python3 -c 'a = bytearray({40 * MEBI}); {ENDLESS}'"
    assert tried(spec(tmp_path, f"{one} & {one} & {one}", memory=100 * MEBI))["cause"] == "memory"


@pytest.fixture
def looks(tmp_path, monkeypatch):
    """A file that grows with every look at the memory; a program line that waits for a whole one from then on."""
    look, path = attempt.Tree.look, tmp_path / "looks"
    path.touch()

    def noted(tree):
        look(tree)
        with path.open("a") as file:
            file.write(".")

    monkeypatch.setattr(attempt.Tree, "look", noted)
    size = f"os.stat('{path}').st_size"
    return f"import os, time\nbefore = {size}\nwhile {size} < before + 2: time.sleep(0.01)\n"


def test_the_peak_is_what_was_held(tmp_path, looks):
    """64 MiB more than by the same program without them, though they are given back before it ends."""
    programs = {size: f"a = bytearray({size * MEBI})\n{looks}del a\n{looks}" for size in (0, 64)}
    peaks = {size: tried(spec(tmp_path, text, name=f"job-{size}"))["memory"] for size, text in programs.items()}
    assert peaks[64] - peaks[0] == pytest.approx(64 * MEBI, abs=8 * MEBI)


def test_pages_that_processes_share_are_counted_once(tmp_path, looks):
    """A process and its child hold one 64 MiB between them; the sum of their resident sizes is 128 MiB."""
    program = f"import os\na = bytearray({64 * MEBI})\nchild = os.fork()\n{looks}if child: os.wait()"
    assert 64 * MEBI < tried(spec(tmp_path, program))["memory"] < 110 * MEBI


BURN = "import time\nwhile time.process_time() < 0.2: pass\n"


def test_the_time_of_the_processor_is_that_of_the_whole_tree(tmp_path):
    """0.2 s each of the job, of its child, and of a grandchild that has run away and is killed in the end."""
    path = tmp_path / "daemon"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])\n"
    runaway = daemon(path, then=BURN + f"open('{path}.burnt', 'w')")
    away = f"subprocess.run([sys.executable, '-c', {runaway!r}])\n"
    wait = f"import os\nwhile not os.path.exists('{path}.burnt'): time.sleep(0.01)\n"
    found = tried(spec(tmp_path, child + away + BURN + wait))
    assert 0.6 <= found["cpu"] < 2  # the rest is the start of four interpreters


def test_a_limit_of_time_ends_all(tmp_path):
    """A tenth of a second may pass; a result that says so comes after it."""
    found = tried(spec(tmp_path, ENDLESS, seconds=0.1))
    assert (found["cause"], found["exit"]) == ("time", None)
    assert found["wall"] > 0.1


def gone(path: Path) -> None:
    process = number(path)
    assert process
    assert not alive(process)


@pytest.mark.parametrize(
    ("parent", "cause"), [("os._exit(0)", "done"), ("os._exit(4)", "error"), ("os.kill(os.getpid(), 9)", "error")]
)
def test_a_daemon_does_not_outlive_its_job(tmp_path, parent, cause):
    """It has a session of its own, its parents are dead, it takes no SIGTERM; the job itself ended well, or not."""
    wait = f"while not os.path.exists('{tmp_path}/daemon'): time.sleep(0.01)\n        {parent}"
    assert tried(spec(tmp_path, daemon(tmp_path / "daemon", parent=wait)))["cause"] == cause
    gone(tmp_path / "daemon")


@pytest.mark.parametrize(
    ("limits", "then", "cause"),
    [({"seconds": 0.5}, "", "time"), ({"memory": 50 * MEBI}, f"held = bytearray({100 * MEBI})", "memory")],
)
def test_a_daemon_does_not_outlive_a_limit(tmp_path, limits, then, cause):
    """Of memory, that which it holds itself counts, though it has long run away."""
    program = daemon(tmp_path / "daemon", parent="time.sleep(60)", then=then)
    found = tried(spec(tmp_path, program, **limits))
    assert found["cause"] == cause
    if number(tmp_path / "daemon"):  # the time may have been up before it wrote its name
        gone(tmp_path / "daemon")


def test_a_process_that_is_another_one_every_moment_is_caught(tmp_path):
    """Each forks the next and ends, so that no list of processes is true for long."""
    relay = f"""
import os, time
if os.fork():
    while not os.path.exists("{tmp_path}/relay"): time.sleep(0.01)
    os._exit(0)
os.setsid()
for number in range(12000):
    if number == 20: open("{tmp_path}/relay", "w")
    if os.fork(): os._exit(0)
    time.sleep(0.005)
"""
    assert tried(spec(tmp_path, relay))["cause"] == "done"
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if alive(int(path.parent.name))]
    assert not [command for command in commands if f"{tmp_path}/relay".encode() in command]


def test_a_request_ends_all(tmp_path):
    told = spec(tmp_path, daemon(tmp_path / "daemon", parent="time.sleep(60)"))
    watcher = begin(told)
    until(lambda: number(tmp_path / "daemon"))
    os.kill(watcher, signal.SIGTERM)
    assert end(watcher) == 0
    assert (result(told)["cause"], result(told)["exit"]) == ("cancelled", None)
    gone(tmp_path / "daemon")


def test_an_attempt_ends_with_the_server_that_forked_it(tmp_path):
    """The watcher's parent dies without a word; the watcher ends all, writes so, and goes."""
    told = spec(tmp_path, daemon(tmp_path / "daemon", parent="time.sleep(60)"))
    server = os.fork()
    if server == 0:
        begin(told)
        time.sleep(60)
    until(lambda: number(tmp_path / "daemon"))
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    until(lambda: (Path(told["directory"]) / attempt.RESULT).exists())
    assert result(told)["cause"] == "lost"
    gone(tmp_path / "daemon")


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


def test_a_process_that_has_gone_holds_and_takes_nothing():
    gone = 2**22 + 1  # above the largest number of a process
    assert tree._proportional(gone) == tree._resident(gone) == tree._seconds(gone) == 0
    assert list(tree.descendants(gone)) == tree._launchers([gone]) == []


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
