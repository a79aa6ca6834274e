"""A real Orthanc on this machine for tests: DICOMweb with users, DIMSE, and both with TLS from a CA of its own."""

import asyncio
import contextlib
import datetime as dt
import json
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dicom_samples import written

from twinbeat.intake import sources
from twinbeat.intake.sources import answers
from twinbeat.parameters import Dicomweb, Dimse, Retrieval

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
needs_orthanc = pytest.mark.skipif(
    not (shutil.which("Orthanc") and PLUGIN.exists()), reason="Orthanc is not installed (Debian: orthanc-dicomweb)"
)
WAYS = ("dicomweb", "dimse")
SALT = "0123456789abcdef0123456789abcdef"
USER, PASSWORD, TITLE, OWN_TITLE = "twinbeat", "of no worth elsewhere", "ARCHIVE", "TWINBEAT"

USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
MAY_SIGN = x509.KeyUsage(
    **dict.fromkeys((*USAGES, "crl_sign", "encipher_only", "decipher_only"), False), key_cert_sign=True
)


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@dataclass
class Certificates:
    """A CA of one day and certificates of it for this machine, in a folder."""

    folder: Path
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA of {self.folder.parent.name}")])
        made = self._signed(self.authority, self.key, x509.BasicConstraints(ca=True, path_length=None), MAY_SIGN)
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes(made)

    def issue(self, name: str) -> Path:
        """A certificate and its key in one PEM file; the two also lie beside it in .crt and .key."""
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
        certificate = self._signed(subject, key, x509.BasicConstraints(ca=False, path_length=None), alternative)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        parts = {".crt": certificate, ".key": secret, ".pem": secret + certificate}
        for suffix, content in parts.items():
            (self.folder / f"{name}{suffix}").write_bytes(content)
        return self.folder / f"{name}.pem"

    def _signed(self, subject: x509.Name, key: rsa.RSAPrivateKey, *extensions: x509.ExtensionType) -> bytes:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder(self.authority, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=not isinstance(extension, x509.SubjectAlternativeName))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


class Front:
    """Ends TLS before a server, and asks for a client's certificate, as a reverse proxy of a hospital does.

    Orthanc's own TLS is for DICOM only here: Debian's civetweb 1.16 crashes at the first HTTPS request.
    """

    def __init__(self, certificates: Certificates, port: int, behind: int) -> None:
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.ca))
        self.context.load_cert_chain(certificates.issue("front"))
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.behind, self.loop, ready = behind, asyncio.new_event_loop(), threading.Event()
        starting = asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self.context)
        self.loop.create_task(starting).add_done_callback(lambda task: ready.set())
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        ready.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        await asyncio.gather(self._pass(reader, inner_writer), self._pass(inner_reader, writer))

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.close()


class Orthanc:
    """One server with its storage in ``folder``; with TLS on the way to it where there are ``certificates``."""

    def __init__(self, folder: Path, certificates: Certificates | None = None) -> None:
        self.folder, self.certificates = folder, certificates
        self.http, self.https, self.dicom, self.delivery = free_ports(4)
        self.own = certificates and certificates.issue("us")
        (folder / "orthanc").mkdir(parents=True)
        (folder / "orthanc.json").write_text(json.dumps(self._configuration() | self._tls()))
        with (folder / "orthanc.log").open("wb") as log:
            self.process = subprocess.Popen(["Orthanc", folder / "orthanc.json"], stdout=log, stderr=log)
        self.session = requests.Session()
        self.session.auth = (USER, PASSWORD)
        self._wait()
        if certificates:
            Front(certificates, self.https, self.http)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def _own_tls(self) -> dict[str, str]:
        return {"ca_file": str(self.certificates.ca), "certificate_file": str(self.own)} if self.certificates else {}

    @property
    def dicomweb(self) -> Dicomweb:
        root = f"https://127.0.0.1:{self.https}" if self.certificates else self.url
        return Dicomweb(url=f"{root}/dicom-web", user=USER, **self._own_tls)

    @property
    def dimse(self) -> Dimse:
        return Dimse(host="127.0.0.1", port=self.dicom, title=TITLE, own_port=self.delivery, **self._own_tls)

    def fill(self, folder: Path) -> None:
        """Take all files of a folder."""
        for path in sorted(folder.iterdir()):
            self.session.post(f"{self.url}/instances", path.read_bytes(), timeout=60).raise_for_status()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def _configuration(self) -> dict:
        return {
            "StorageDirectory": str(self.folder / "orthanc"),
            "IndexDirectory": str(self.folder / "orthanc"),
            "Plugins": [str(PLUGIN)],
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomAet": TITLE,
            "DicomPort": self.dicom,
            "DicomCheckCalledAet": True,
            "DicomModalities": {
                "us": {
                    "AET": OWN_TITLE,
                    "Host": "127.0.0.1",
                    "Port": self.delivery,
                    "UseDicomTls": self.certificates is not None,
                }
            },
        }

    def _tls(self) -> dict:
        if not self.certificates:
            return {}
        pem = self.certificates.issue("archive")
        dicom = {"Certificate": str(pem.with_suffix(".crt")), "PrivateKey": str(pem.with_suffix(".key"))}
        return {
            "DicomTlsEnabled": True,
            "DicomTlsTrustedCertificates": str(self.certificates.ca),
            **{f"DicomTls{name}": value for name, value in dicom.items()},
        }

    def _wait(self) -> None:
        for _ in range(300):
            try:
                self.session.get(f"{self.url}/system", timeout=5).raise_for_status()
                return
            except requests.ConnectionError:
                assert self.process.poll() is None, (self.folder / "orthanc.log").read_text()
                time.sleep(0.1)
        self.kill()
        raise TimeoutError((self.folder / "orthanc.log").read_text())


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    """TMPDIR of the test: what a retrieval leaves there, it leaves anywhere."""
    folder = tmp_path / "private"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TWINBEAT_PACS_PASSWORD", PASSWORD)
    return folder


@contextlib.contextmanager
def running(folder: Path, certificates: Certificates | None = None):
    server = Orthanc(folder, certificates)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Without TLS, with all that the tests put in."""
    folder = tmp_path_factory.mktemp("archive")
    with running(folder) as server:
        yield server


@pytest.fixture
def patient(archive, cine, tmp_path):
    return filled(archive, cine, tmp_path)


def filled(server, cine, folder, style="series"):
    identity = written(cine, folder / style, style)
    server.fill(folder / style)
    return identity


def ask(folder: Path, **keys: str) -> Path:
    path = folder / "request.yaml"
    path.write_text("".join(f'{name}: "{value}"\n' for name, value in {"salt": SALT, **keys}.items()))
    path.chmod(0o600)
    return path


def known(server: Orthanc, **options) -> Retrieval:
    """The server under the names of both ways to it."""
    return Retrieval(dicomweb={"dicomweb": server.dicomweb}, dimse={"dimse": server.dimse}, timeout="5 s", **options)


def images(folder: Path) -> dict[str, pydicom.Dataset]:
    return {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, sorted(folder.glob("*.dcm")))}


def assert_same(found: dict[str, pydicom.Dataset], expected: dict[str, pydicom.Dataset]) -> None:
    """The same instances, each element for element and in the same transfer syntax."""
    assert set(found) == set(expected)
    for uid, dataset in found.items():
        assert dataset == expected[uid]
        assert dataset.file_meta.TransferSyntaxUID == expected[uid].file_meta.TransferSyntaxUID
        np.testing.assert_array_equal(dataset.pixel_array, expected[uid].pixel_array)


def fails(source: Path, parameters: Retrieval) -> str:
    """The message of a retrieval that fails the job; neither it nor its causes hold an identifier."""
    with pytest.raises(answers.RetrievalFailed) as caught, sources.opened(source, parameters):
        pass
    assert caught.value.__suppress_context__ and "MRN" not in str(caught.value)
    return str(caught.value)
