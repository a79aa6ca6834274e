"""The linkage table: only its keeper can read it, and it lies outside of the results."""

import json

import pyrage
import pytest
from dicom_samples import KEY, cine, written

from twinbeat.intake.deidentification import linkage
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.private import SecretRefused
from twinbeat.parameters import Deidentification

__all__ = ["cine"]


@pytest.fixture
def keeper() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def test_the_keeper_finds_the_hospital_number(cine, tmp_path, keeper):
    """One file of mode 600 per patient in a folder of mode 700; its bytes tell nothing without the secret key."""
    identity = written(cine, tmp_path / "raw")
    folder = tmp_path / "trust"
    parameters = Deidentification(linkage_folder=str(folder), linkage_recipient=str(keeper.to_public()))
    deidentify(tmp_path / "raw", tmp_path / "deid", KEY, parameters, "p01")
    (path,) = folder.iterdir()
    assert (path.name, path.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == ("p01.age", 0o600, 0o700)
    assert identity.number.encode() not in path.read_bytes()
    content = json.loads(pyrage.decrypt(path.read_bytes(), [keeper]))
    assert (content["patient"], content["number"]) == ("p01", identity.number)
    assert content["pseudonym"].startswith("TB")
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [pyrage.x25519.Identity.generate()])


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    linkage.check(Deidentification())
    linkage.write(Deidentification(), "p01", "TB", "4711")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_safe_is_refused(tmp_path, monkeypatch, keeper):
    monkeypatch.chdir(tmp_path)
    public = str(keeper.to_public())
    with pytest.raises(SecretRefused, match="lies within the results"):
        linkage.check(Deidentification(linkage_folder="results/demo/links", linkage_recipient=public))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    with pytest.raises(SecretRefused, match=r"others may enter it \(mode ..55\); expected 700"):
        linkage.check(Deidentification(linkage_folder="open", linkage_recipient=public))
    for none in (None, "age1nothing", public[:-1]):
        with pytest.raises(SecretRefused, match="is no public key of age"):
            linkage.check(Deidentification(linkage_folder="trust", linkage_recipient=none))
