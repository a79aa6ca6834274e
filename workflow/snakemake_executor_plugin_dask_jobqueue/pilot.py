"""What a batch job of SLURM runs: a Dask worker that starts Snakemake's jobs through a fork server.

It outlives its driver for as long as an attempt runs, so that the next driver can adopt what was made.
"""

import argparse
import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from .forkserver import ForkServer

GRACE = 95  # seconds before the end of the walltime: SLURM asks a pilot to end its attempts 30 to 90 s before it


async def run_attempt(spec: dict[str, Any]) -> dict[str, Any]:
    """The task of Dask that an attempt is."""
    from distributed import get_worker

    return await get_worker().fork_server.run(spec)


async def describe() -> dict[str, Any]:
    """Where the pilot is and what it was given."""
    return {
        "hosts": hosts(),
        "gpus": [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name],
        "job": os.environ.get("SLURM_JOB_ID"),
        "ends": float(os.environ["SLURM_JOB_END_TIME"]) if "SLURM_JOB_END_TIME" in os.environ else None,
    }


def hosts() -> list[str]:
    """The nodes of the allocation, this one first."""
    if int(os.environ.get("SLURM_JOB_NUM_NODES", "1")) == 1:
        return [os.environ.get("SLURMD_NODENAME") or os.uname().nodename]
    command = ["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pilot")
    parser.add_argument("scheduler")
    for name in ("name", "interface", "protocol", "tls-ca-file", "tls-cert", "tls-key", "local-directory"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--nthreads", type=int)
    parser.add_argument("--memory-limit")
    parser.add_argument("--death-timeout", type=float, default=60)
    parser.add_argument("--preload", action="append", default=[])
    return parser.parse_args(argv)


async def _serve(said: argparse.Namespace, server: ForkServer) -> None:
    import dask
    from distributed import Worker
    from distributed.security import Security

    listening = asyncio.create_task(server.listen())
    secure = {"tls_ca_file": said.tls_ca_file, "tls_worker_cert": said.tls_cert, "tls_worker_key": said.tls_key}
    security = Security(require_encryption=True, **secure) if said.tls_cert else None
    dask.config.set({"distributed.worker.http.routes": []})  # pages, which anybody could read
    with tempfile.TemporaryDirectory(prefix="pilot-") as folder:
        worker = Worker(
            said.scheduler, nthreads=1024, name=said.name, memory_limit=0, security=security, interface=said.interface,
            protocol=said.protocol, local_directory=folder, death_timeout=said.death_timeout, dashboard=False,
            dashboard_address="127.0.0.1:0",
        )  # fmt: skip
        worker.fork_server = server
        asked = asyncio.Event()
        listening.add_done_callback(lambda _: asked.set())  # without its fork server a pilot is of no use
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
        ending = asyncio.create_task(_end(asked, worker, server))
        await worker
        print("Registered to:", said.scheduler, file=sys.stderr, flush=True)
        await worker.finished()
        while server.running:  # the driver went without them
            await asyncio.sleep(0.1)
        ending.cancel()
    listening.cancel()


async def _end(asked: asyncio.Event, worker: Any, server: ForkServer) -> None:
    """On request (of SLURM, near the end of the walltime, or of the driver): end the attempts, let it be heard, go."""
    await asked.wait()
    server.leaving = True
    for name in server.running:
        server.cancel(name)
    while server.running:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    await worker.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the driver, the walltime or the lack of work ends it."""
    os.umask(0o077)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost driver is no news here
    said = _parsed(sys.argv[1:] if argv is None else argv)
    server = ForkServer(said.preload)  # before anything here has threads
    asyncio.run(_serve(said, server))


if __name__ == "__main__":
    main()
