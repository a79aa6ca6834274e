"""Attempts: begun on a seat, heard of, published by the driver alone; or repeated, where the cause may pass."""

import asyncio
import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import distributed

from . import sandbox
from .accounting import Row, Table, as_text, cost
from .attempt import RESULT
from .forkserver import REFUSED
from .pilot import run_attempt
from .pilots import Pilot, Seat
from .task import Task

if TYPE_CHECKING:
    from .controller import Controller

PASSING = {"lost", "killed", "disk"}  # causes that another place or time may not have
CURABLE = {"memory", "time"}  # causes that more of it may cure


class Attempts:
    """All attempts of this run and, by the name of their job, those that earlier drivers left."""

    def __init__(self, controller: "Controller", work: Path, frozen: Mapping[str, str]) -> None:
        self._c, self._work, self._frozen = controller, work, dict(frozen)
        self._root = controller.state / "attempts"
        self._before = {one["task"]: one for one in controller.ledger.of("began").values()}
        self._published = set(controller.ledger.of("published"))
        self._numbers = {task: one["number"] for task, one in self._before.items()}
        self._table = Table(controller.state / "accounting.tsv")
        self.running: dict[str, Task] = {}
        self.settled = True
        kept = {one["name"] for one in self._before.values()}
        for left in self._root.glob("*"):
            if left.name not in kept:
                shutil.rmtree(left, ignore_errors=True)

    async def run(self, task: Task, pilot: Pilot, seat: Seat) -> None:
        """One attempt, from its begin to whatever follows from its end."""
        task.tries += 1
        number = self._numbers[task.name] = self._numbers.get(task.name, 0) + 1
        name = f"{task.name}-{number}"
        pilot.attempts.add(name)
        self.running[name] = task
        about = {
            "task": task.name,
            "number": number,
            "pool": pilot.kind,
            "pilot": pilot.name,
            "job": pilot.job_id,
            "began": time.time(),
            "hosts": list(seat.hosts),
            "cores": len(seat.nodes) * (task.request.cores if len(seat.nodes) == 1 else pilot.pool.cpus),
            "gpus": len(seat.gpus) * len(seat.nodes),
        }
        self._c.ledger.write("began", name=name, **about)
        result = await self._result(self._spec(name, task, pilot, seat), pilot)
        pilot.attempts.discard(name)
        pilot.leave(seat, task.request)
        pilot.leaving |= result["cause"] in (REFUSED, "cancelled")  # by SLURM: it ends what it runs, and goes
        if result["cause"] == REFUSED:
            task.tries -= 1
            self._forget(name)
            self._c.requeue(task)
        else:
            await self._ended(task, name, about, result)

    def _spec(self, name: str, task: Task, pilot: Pilot, seat: Seat) -> dict[str, Any]:
        return {
            "argv": task.words(task.tries, task.request),
            "inputs": task.paths.inputs,
            "products": task.paths.products,
            "updated": task.paths.updated,
            "id": name,
            "directory": str(self._root / name),
            "workdir": str(self._work),
            "frozen": self._frozen,
            "memory": task.request.memory,
            "seconds": task.request.seconds,
            "env": task.env | placed(task, pilot, seat, local=self._c.fleet.backend == "local"),
        }

    async def _result(self, spec: dict[str, Any], pilot: Pilot) -> dict[str, Any]:
        future = self._c.client.submit(run_attempt, spec, key=spec["id"], workers=[pilot.address], pure=False)
        await distributed.wait([future])
        if future.status == "finished":
            return await future
        return await self._from_afar(spec["id"], pilot.job_id)  # whatever Dask calls it: the worker is out of contact

    async def _from_afar(self, name: str, job: str | None) -> dict[str, Any]:
        """The result of an attempt whose pilot is silent: what it wrote, unless SLURM says that the pilot ended."""
        path = self._root / name / RESULT
        since = time.time()
        while not path.exists():
            if await self._c.crew.has_ended(job, since) and not path.exists():
                return {"id": name, "cause": "lost", "exit": None}
            since = time.time()
        return json.loads(path.read_text())

    async def _ended(self, task: Task, name: str, about: dict[str, Any], result: dict[str, Any]) -> None:
        cause = result["cause"] = "lost" if result["cause"] == "cancelled" else result["cause"]
        if cause == "done":
            await self._publish(task, name)
        self._account(task, name, about, result)
        if cause == "done":
            self._forget(name)
            self._c.changed.set()
            task.done()
        elif self._c.closing:
            self._forget(name)
        else:
            await self._retry(task, name, about, cause)

    async def _publish(self, task: Task, name: str) -> None:
        """Rename into place what an attempt made; it is never undone, and doing it again does no harm."""
        directory, products = self._root / name, task.paths.products
        while True:
            try:
                await asyncio.to_thread(sandbox.publish, directory / "work", self._work, products, directory / "aside")
                break
            except OSError as error:
                if error.errno not in sandbox.NO_ROOM:
                    raise
                await asyncio.sleep(1)
        self._c.ledger.write("published", name=name)

    async def _retry(self, task: Task, name: str, about: dict[str, Any], cause: str) -> None:
        """Again, elsewhere or with more, where that may help; otherwise the job has failed."""
        grown = task.request.grown(cause, self._c.fleet)
        again = cause in PASSING or (cause in CURABLE and grown != task.request)
        here = self._root / name
        await asyncio.to_thread(sandbox.publish, here / "work", self._work, task.paths.logs, here / "aside")
        if again and task.tries < self._c.fleet.attempts:
            self._c.tell(f"dask-jobqueue: attempt {task.tries} at {task.rule} has ended ({cause}); trying again")
            self._forget(name)
            task.request = grown
            task.avoid |= set(about["hosts"]) if cause in PASSING else set()
            await asyncio.sleep(5 if cause == "disk" else 0)
            self._c.requeue(task)
            return
        kept = self._keep_log(name)
        self._forget(name)
        task.failed(f"cause: {cause}, after {task.tries} attempt(s)", kept)

    def _keep_log(self, name: str) -> Path | None:
        failed = self._c.state / "failed"
        failed.mkdir(mode=0o700, exist_ok=True)
        with suppress(OSError):
            return Path(shutil.copy(self._root / name / "log", failed / f"{name}.log"))
        return None

    def _forget(self, name: str) -> None:
        self.running.pop(name, None)
        self._before.pop(name.rpartition("-")[0], None)
        asyncio.get_running_loop().run_in_executor(None, shutil.rmtree, self._root / name, True)

    def adopt(self, task: Task) -> bool:
        """Take over what an earlier driver had in flight for the same job, if it is as it was."""
        about = self._before.get(task.name)
        if not (task.adoptable and about):
            return False
        if about["name"] in self._published:
            self._forget(about["name"])
            task.done()
        else:
            self._c.spawn(self._adopted(task, about))
        return True

    async def _adopted(self, task: Task, about: dict[str, Any]) -> None:
        self.running[about["name"]] = task
        task.tries = 1
        result = await self._from_afar(about["name"], about["job"])
        if result["cause"] in ("lost", "cancelled"):
            self._account(task, about["name"], about, result | {"cause": "lost"})
            self._forget(about["name"])
            task.tries = 0
            self._c.requeue(task)
        else:
            await self._ended(task, about["name"], about, result)

    def _account(self, task: Task, name: str, about: dict[str, Any], result: dict[str, Any]) -> None:
        wall = task.wall = result.get("wall", time.time() - about["began"])
        prices = self._c.fleet.prices
        row = Row(
            attempt=name,
            rule=task.rule,
            wildcards=as_text(task.wildcards),
            subject=task.wildcards.get(self._c.fleet.subject, ""),
            pool=about["pool"],
            pilot=about["pilot"],
            slurm_job=about["job"] or "",
            hosts=",".join(about["hosts"]),
            cause=result["cause"],
            submitted=round(task.submitted, 3),
            waited=round(max(0.0, about["began"] - task.submitted), 3),
            wall=round(wall, 3),
            cpu=round(result.get("cpu", 0.0), 3),
            memory=result.get("memory", 0),
            cores=about["cores"],
            gpus=about["gpus"],
            cost=round(cost(prices, wall, about["cores"], about["gpus"]), 6),
            currency=prices.currency,
        )
        self._table.add(row)

    async def finish(self) -> None:
        """Wait a while for attempts that were asked to end; what is still out then is left to the next driver."""
        until = time.time() + 30
        while self.running and time.time() < until:
            await asyncio.sleep(0.1)
        self.settled = not self.running
        self._table.close()


def placed(task: Task, pilot: Pilot, seat: Seat, *, local: bool) -> dict[str, str]:
    """What an attempt's environment says of its seat: nodes, tasks and GPUs, in the variables that launchers read."""
    env = {"CUDA_VISIBLE_DEVICES": ",".join(seat.gpus)} if pilot.pool.gpus else {}
    if local:
        return env
    request, count = task.request, len(seat.hosts)
    per_node = -(-request.tasks // count)
    return env | {
        "SLURM_JOB_NUM_NODES": str(count),
        "SLURM_NNODES": str(count),
        "SLURM_JOB_NODELIST": ",".join(seat.hosts),
        "SLURM_NODELIST": ",".join(seat.hosts),
        "SLURM_NTASKS": str(request.tasks),
        "SLURM_NPROCS": str(request.tasks),
        "SLURM_NTASKS_PER_NODE": str(per_node),
        "SLURM_TASKS_PER_NODE": f"{per_node}(x{count})" if count > 1 else str(per_node),
        "SLURM_OVERLAP": "1",  # or a step waits for that of another job; who has which cores is for us to know
        "PRTE_MCA_rmaps_default_mapping_policy": "slot",  # a user's own may put all ranks on the first node
        "PRTE_MCA_hwloc_default_binding_policy": "none",  # or two jobs on a node are bound to the same cores
    }
