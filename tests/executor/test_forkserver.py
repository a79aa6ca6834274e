"""The fork server: attempts run beside each other, and whatever dies, an answer comes and nothing is left."""

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import pytest
import snakemake.cli  # noqa: F401  (so that a server, which is forked, has it)
from executor_samples import ENDLESS, alive, number, result, spec, until

from snakemake_executor_plugin_dask_jobqueue import attempt
from snakemake_executor_plugin_dask_jobqueue.attempt import FULL
from snakemake_executor_plugin_dask_jobqueue.forkserver import ForkServer, _result

NAMED = "import os, time; open('{path}', 'w').write(f'{{os.getpid()}}\\n'); time.sleep(60)"


pytestmark = pytest.mark.usefixtures("program")


@contextlib.asynccontextmanager
async def serving(preload=()):
    """A server that is listened to, and is gone in the end."""
    server = ForkServer(preload)
    server.listening = asyncio.create_task(server.listen())
    while not hasattr(server, "_writer"):
        await asyncio.sleep(0)
    try:
        yield server
    finally:
        server._writer.close()
        await asyncio.to_thread(ended, server)
        await server.listening


def ended(server):
    """The exit status of a server."""
    with contextlib.suppress(ChildProcessError):
        server.status = os.waitstatus_to_exitcode(os.waitpid(server.process, 0)[1])
    return server.status


async def soon(holds):
    return await asyncio.to_thread(until, holds)


def test_attempts_run_beside_each_other_and_each_has_its_own_result(tmp_path):
    """All wait for the last: one after the other, they would wait for ever."""

    async def scene():
        async with serving() as server:
            wait = f"import os, time\nwhile not os.path.exists('{tmp_path}/go'): time.sleep(0.01)\n"
            told = [spec(tmp_path, f"{wait}raise SystemExit({n})", name=f"job-{n}") for n in range(3)]
            last = spec(tmp_path, f"open('{tmp_path}/go', 'w')", name="last")
            runs = [asyncio.create_task(server.run(one)) for one in (*told, last)]
            await asyncio.sleep(0)
            assert server.running == ["job-0", "job-1", "job-2", "last"]
            found = await asyncio.gather(*runs)
            assert server.running == []
            return found

    found = asyncio.run(scene())
    assert [one["id"] for one in found] == ["job-0", "job-1", "job-2", "last"]
    assert [one["exit"] for one in found] == [0, 1, 2, 0]


def test_a_long_order_arrives_whole(tmp_path):
    """That of a job with 10,000 inputs is a line of 1 MB; two of them come in many pieces."""
    program = "import sys; sys.exit(len(open(0).read()))"
    inputs = [f"{number:0100d}" for number in range(10_000)]

    async def scene():
        async with serving() as server:
            told = [spec(tmp_path, program, name=name, products=inputs) for name in ("a", "b")]
            assert len(json.dumps(told[0])) > 10**6
            return await asyncio.gather(*map(server.run, told))

    assert [one["cause"] for one in asyncio.run(scene())] == ["done", "done"]


def test_only_the_attempt_that_is_cancelled_ends(tmp_path):
    async def scene():
        async with serving() as server:
            told = [spec(tmp_path, NAMED.format(path=tmp_path / name), name=name) for name in ("a", "b")]
            runs = [asyncio.create_task(server.run(one)) for one in told]
            for name in ("a", "b"):
                await soon(lambda name=name: number(tmp_path / name))
            server.cancel("none of these")
            server.cancel("a")
            first = await runs[0]
            assert server.running == ["b"]
            assert alive(number(tmp_path / "b"))
            server.cancel("b")
            return first, await runs[1]

    first, second = asyncio.run(scene())
    assert (first["id"], second["id"]) == ("a", "b")
    assert first["cause"] == second["cause"] == "cancelled"


def test_an_attempt_that_is_cancelled_at_once_ends(tmp_path):
    """Both orders are on their way before its watcher has begun: a request that comes too early is not lost."""

    async def scene():
        async with serving() as server:
            runs = [asyncio.create_task(server.run(spec(tmp_path, ENDLESS, name=f"job-{n}"))) for n in range(5)]
            await asyncio.sleep(0)
            for n in range(5):
                server.cancel(f"job-{n}")
            return await asyncio.gather(*runs)

    assert [(one["cause"], one["exit"]) for one in asyncio.run(scene())] == [("cancelled", None)] * 5


def test_who_stops_waiting_for_an_attempt_does_not_end_it(tmp_path):
    """Dask forgets a task whose driver is gone; the attempt is the next driver's."""

    async def scene():
        async with serving() as server:
            told = spec(tmp_path, NAMED.format(path=tmp_path / "name"))
            run = asyncio.create_task(server.run(told))
            await soon(lambda: number(tmp_path / "name"))
            run.cancel()
            await asyncio.sleep(0)
            assert server.running == ["job-1"]
            assert alive(number(tmp_path / "name"))
            server.cancel("job-1")
            await soon(lambda: not server.running)
            return result(told)

    assert asyncio.run(scene())["cause"] == "cancelled"


def test_when_the_pilot_dies_all_attempts_end_and_say_so(tmp_path):
    """Its end of the link closes, as it does when the kernel kills it."""

    async def scene():
        async with serving() as server:
            told = spec(tmp_path, NAMED.format(path=tmp_path / "name"))
            run = asyncio.create_task(server.run(told))
            await soon(lambda: number(tmp_path / "name"))
            server._writer.close()
            await asyncio.to_thread(ended, server)
            assert not alive(number(tmp_path / "name"))
            assert server.status == 0
            assert result(told)["cause"] == "cancelled"
            await run

    asyncio.run(scene())


def test_when_the_server_dies_all_attempts_end_and_none_is_waited_for(tmp_path):
    """Those that ran are told to be killed, and none is taken any more: Dask tells the driver of a useless pilot."""

    async def scene():
        async with serving() as server:
            told = spec(tmp_path, NAMED.format(path=tmp_path / "name"))
            run = asyncio.create_task(server.run(told))
            await soon(lambda: number(tmp_path / "name"))
            os.kill(server.process, signal.SIGKILL)
            assert await run == {"id": "job-1", "cause": "killed", "exit": -signal.SIGKILL}
            assert server.running == []
            await soon((Path(told["directory"]) / attempt.RESULT).exists)
            assert result(told)["cause"] == "lost"
            assert not alive(number(tmp_path / "name"))
            with pytest.raises(RuntimeError, match="the fork server has ended"):
                await server.run(spec(tmp_path, "pass", name="later"))
            assert server.running == []

    asyncio.run(scene())


def test_a_preload_that_is_not_there_ends_the_server_and_it_alone(tmp_path, capfd):
    """It was forked from the pilot, into whose code it must not return."""

    async def scene():
        async with serving(["no_such_module"]) as server:
            await asyncio.to_thread(ended, server)
            await server.listening
            with pytest.raises(RuntimeError, match="the fork server has ended"):
                await server.run(spec(tmp_path, "pass"))
            return server.status

    assert asyncio.run(scene()) == 1
    assert capfd.readouterr().err == "fork server: ModuleNotFoundError(\"No module named 'no_such_module'\")\n"


def test_an_order_on_its_way_to_a_dead_server_is_answered(tmp_path):
    """It stands in the link when the server dies, or is sent into a closed one."""

    async def scene():
        async with serving() as server:
            os.kill(server.process, signal.SIGSTOP)
            runs = [asyncio.create_task(server.run(spec(tmp_path, "pass", name=name))) for name in ("a", "b")]
            await asyncio.sleep(0)
            os.kill(server.process, signal.SIGKILL)
            return await asyncio.gather(*runs)

    assert [one["cause"] for one in asyncio.run(scene())] == ["killed"] * 2


def test_a_preload_is_kept_ready(tmp_path, monkeypatch):
    (tmp_path / "kept_ready.py").write_text("VALUE = 7")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(attempt, "_snakemake", lambda argv: __import__("sys").modules["kept_ready"].VALUE)

    async def scene():
        async with serving(["kept_ready"]) as server:
            return await server.run(spec(tmp_path))

    assert asyncio.run(scene())["exit"] == 7


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ('{"id": "job-1", "cause": "error", "exit": 3}', 0, {"cause": "error", "exit": 3}),
        (None, 0, {"cause": "killed", "exit": 0}),
        ('{"id": "jo', 0, {"cause": "killed", "exit": 0}),
        (
            '{"id": "job-1", "cause": "done", "exit": 0}',
            1,
            {"cause": "killed", "exit": 1},
        ),  # of another watcher
        (None, FULL, {"cause": "disk", "exit": FULL}),
        (None, -9, {"cause": "killed", "exit": -9}),
    ],
)
def test_a_result_is_what_the_watcher_wrote_or_what_its_end_says(tmp_path, text, status, expected):
    told = spec(tmp_path)
    if text:
        Path(told["directory"]).mkdir(parents=True)
        (Path(told["directory"]) / attempt.RESULT).write_text(text)
    assert _result(told, status) == {"id": "job-1"} | expected


def test_a_pilot_that_is_about_to_go_begins_nothing():
    server = ForkServer.__new__(ForkServer)
    server._ended, server.leaving = False, True
    assert asyncio.run(server.run({"id": "a-1"})) == {"id": "a-1", "cause": "refused", "exit": None}
