"""The processes of an attempt: memory and time are added up, and none outlives a limit, a request or its watcher."""

import os
import signal
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
    number,
    result,
    spec,
    tried,
    until,
)

from snakemake_executor_plugin_dask_jobqueue import attempt, tree

pytestmark = pytest.mark.usefixtures("program", "scratch")
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


def daemon(path, parent="os._exit(0)", then=""):
    """A program that leaves its session and its parents, and is not to be asked to end; it writes who it is."""
    return DAEMON.format(path=path, parent=parent, then=then)


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


def test_a_limit_of_memory_ends_all(tmp_path, looks):
    """50 MiB may be held beside what is shared with these tests, 100 MiB are; it was ended at a size between."""
    shared = tried(spec(tmp_path, looks, name="bare"))["memory"]
    found = tried(spec(tmp_path, f"a = bytearray({100 * MEBI}); {ENDLESS}", memory=shared + 50 * MEBI))
    assert (found["cause"], found["exit"]) == ("memory", None)
    assert 50 * MEBI < found["memory"] - shared < 150 * MEBI


def test_the_peak_is_what_was_held(tmp_path, looks):
    """64 MiB more than by the same program without them, though they are given back before it ends."""
    programs = {size: f"a = bytearray({size * MEBI})\n{looks}del a\n{looks}" for size in (0, 64)}
    peaks = {size: tried(spec(tmp_path, text, name=f"job-{size}"))["memory"] for size, text in programs.items()}
    assert peaks[64] - peaks[0] == pytest.approx(64 * MEBI, abs=8 * MEBI)


def test_pages_that_processes_share_are_counted_once(tmp_path, looks):
    """A process and its child hold one 64 MiB between them; the sum of their resident sizes is 128 MiB."""
    program = "import os\na = bytearray({})\nchild = os.fork()\n" + looks + "if child: os.wait()"
    peaks = [tried(spec(tmp_path, program.format(size), name=f"{size}"))["memory"] for size in (0, 64 * MEBI)]
    assert peaks[1] - peaks[0] == pytest.approx(64 * MEBI, abs=16 * MEBI)


def test_memory_lent_to_a_child_that_is_about_to_run_another_program_is_counted_once(tmp_path, looks):
    """Between vfork and exec, which a pipe to be opened holds up here, two processes have the same 64 MiB."""
    os.mkfifo(tmp_path / "pipe")
    program = (
        "import os, subprocess, sys\n"
        f"a, writes = bytearray({{}}), {looks!r} + \"open('{tmp_path}/pipe', 'w')\"\n"
        "writer = subprocess.Popen([sys.executable, '-c', writes])\n"
        f"opened = [(os.POSIX_SPAWN_OPEN, 0, '{tmp_path}/pipe', os.O_RDONLY, 0)]\n"
        "os.waitpid(os.posix_spawn('/bin/true', ['true'], {{}}, file_actions=opened), 0), writer.wait()"
    )
    peaks = [tried(spec(tmp_path, program.format(size), name=f"{size}"))["memory"] for size in (0, 64 * MEBI)]
    assert peaks[1] - peaks[0] == pytest.approx(64 * MEBI, abs=16 * MEBI)


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


def test_a_process_that_has_gone_holds_and_takes_nothing():
    gone = 2**22 + 1  # above the largest number of a process
    assert tree._proportional(gone) == tree._resident(gone) == tree._seconds(gone) == 0
    assert list(tree.descendants(gone)) == tree._launchers([gone]) == []
