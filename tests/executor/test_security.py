"""Certificates of a run: nobody else reads them, and a scheduler hears nobody who has not got them."""

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client, Scheduler
from executor_samples import fleet, mode, until

from snakemake_executor_plugin_dask_jobqueue.controller import Controller
from snakemake_executor_plugin_dask_jobqueue.fleet import pilot_job
from snakemake_executor_plugin_dask_jobqueue.security import certificates

PAGES = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
QUICK = {"distributed.comm.timeouts.connect": "2s", "distributed.comm.retry.count": 0}


def test_only_their_owner_reads_them(tmp_path):
    """Whatever the mask is, and from the moment that the files are there."""
    before = os.umask(0)
    try:
        certificates(tmp_path / "state/tls")
    finally:
        os.umask(before)
    assert mode(tmp_path / "state/tls") == 0o700
    assert {path.name: mode(path) for path in (tmp_path / "state/tls").iterdir()} == {
        "certificate.pem": 0o600,
        "key.pem": 0o600,
    }


def test_every_run_has_its_own(tmp_path):
    """What an earlier run left is gone, with whatever was beside it."""
    certificates(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (tmp_path / "old.pem").touch()
    certificates(tmp_path)
    second = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(first) == set(second) == {"certificate.pem", "key.pem"}
    assert not set(first.values()) & set(second.values())


def test_a_file_that_somebody_has_put_there_is_not_written_into(tmp_path, monkeypatch):
    """As by a link to where it could be read."""
    import shutil

    monkeypatch.setattr(shutil, "rmtree", lambda *args, **keys: None)
    monkeypatch.setattr(Path, "mkdir", lambda *args, **keys: None)
    (tmp_path / "certificate.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        certificates(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_the_key_is_in_one_file_and_all_parts_have_it(tmp_path):
    made = certificates(tmp_path)
    assert made.require_encryption
    assert "PRIVATE" in (tmp_path / "key.pem").read_text()
    assert "PRIVATE" not in (tmp_path / "certificate.pem").read_text()
    for role in ("client", "scheduler", "worker"):
        said = made.get_tls_config_for_role(role)
        assert {name: path for name, path in said.items() if name != "ciphers"} == {
            "ca_file": str(tmp_path / "certificate.pem"),
            "cert": str(tmp_path / "certificate.pem"),
            "key": str(tmp_path / "key.pem"),
        }


async def heard(address, security):
    """Whether a scheduler tells a client who it is."""
    async with Client(address, security=security, asynchronous=True, timeout=3) as client:
        return (await client.scheduler.identity())["type"]


async def raw(address, context):
    """What a scheduler says to one who connects and asks."""
    host, port = address.partition("://")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=None)
    try:
        writer.write(bytes(64))
        return await asyncio.wait_for(reader.read(1), 10)
    finally:
        writer.close()


def scene(folder, act):
    """Something that is done to a scheduler of ours."""

    async def whole():
        ours = certificates(folder / "ours")
        async with Scheduler(interface="lo", port=0, protocol="tls://", security=ours, **PAGES) as scheduler:
            return await act(scheduler.address, ours)

    with dask.config.set(QUICK):
        return asyncio.run(whole())


def test_who_has_the_certificate_is_heard(tmp_path):
    assert scene(tmp_path, heard) == "Scheduler"


def test_who_has_another_certificate_does_not_trust_ours(tmp_path):
    """One that is as good, of another run: a pilot is not taken in by another's scheduler."""

    async def act(address, ours):
        with pytest.raises(OSError, match="TLS certificate does not match"):
            await heard(address, certificates(tmp_path / "theirs"))

    scene(tmp_path, act)


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [(None, r"CERTIFICATE_REQUIRED|reset"), ("theirs", r"UNKNOWN_CA|DECRYPT_ERROR|reset"), ("ours", None)],
)
def test_who_trusts_anybody_is_not_trusted(tmp_path, certificate, expected):
    """Without a certificate or with that of another run, the handshake ends; with ours, the scheduler speaks."""
    certificates(tmp_path / "theirs")

    async def act(address, ours):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(tmp_path / certificate / "certificate.pem", tmp_path / certificate / "key.pem")
        if expected is None:
            assert await raw(address, context)
        else:
            with pytest.raises((ssl.SSLError, ConnectionError), match=expected):
                await raw(address, context)

    scene(tmp_path, act)


def test_who_speaks_in_the_clear_is_not_answered(tmp_path):
    async def act(address, ours):
        with contextlib.suppress(ConnectionError):
            assert await raw(address, None) in (b"", b"\x15")  # nothing, or the alert of TLS

    scene(tmp_path, act)


@pytest.fixture
def network():
    """The name of an interface that is not loopback."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.family == socket.AF_INET and not one.address.startswith("127.") for one in addresses):
            return name
    pytest.skip("no network but loopback")


class User:
    """Whom a controller speaks to."""

    def tell(self, line):
        """Nothing has to be said."""

    def fail(self, error):
        raise error


def listening(process):
    """Where a process listens beyond loopback."""
    sockets = [one for one in psutil.Process(process).net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return [one.laddr for one in sockets if not one.laddr.ip.startswith("127.")]


def test_nothing_in_the_clear_is_heard_on_the_network(tmp_path, network):
    """Of a driver and of a pilot, the one port that the network sees is that of TLS; Dask's pages are not on it."""
    said, before = fleet(backend="local", interface=network), listening(os.getpid())  # MPI may listen in these tests
    controller = Controller(said, tmp_path / "state", tmp_path, {}, User())
    try:
        address = controller.scheduler.address
        (port,) = set(listening(os.getpid())) - set(before)
        assert address == f"tls://{port.ip}:{port.port}"
        job = pilot_job(said, said.pools["small"], "small-1", address, controller.security, tmp_path / "logs")
        with subprocess.Popen(["bash", "-c", job.job_script()], stderr=subprocess.DEVNULL) as pilot:
            workers = until(lambda: list(controller.scheduler.workers))
            assert workers == [f"tls://{one.ip}:{one.port}" for one in listening(pilot.pid)]
            pilot.terminate()
    finally:
        controller.close()
    assert listening(os.getpid()) == before
    assert not (tmp_path / "state/tls").exists()
