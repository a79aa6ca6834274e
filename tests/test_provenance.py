"""Where a store says that it comes from."""

import shutil
import subprocess
from pathlib import Path

import pytest
from store_samples import SAMPLE, known, sample

from twinbeat import store
from twinbeat.store import provenance


@pytest.fixture(autouse=True, scope="module")
def sample_kind():
    with known():
        yield


def test_store_carries_units_code_parameters_and_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store.publish(sample(), "results/study/p1/labels.zarr")
    raw = Path("Smith^John/dicom")
    raw.mkdir(parents=True)
    (raw / "slice.dcm").write_text("raw")
    parameters = {"mesh": {"size": "6 mm", "key": "/home/smith/key", "more": ["/x", 2]}}
    made_from = ["results/study/p1/labels.zarr", raw]
    store.publish(sample(), "results/study/p1/a.zarr", inputs=made_from, parameters=parameters)
    found = store.open("results/study/p1/a.zarr")
    assert {name: found[name].attrs["units"] for name in SAMPLE} == {name: row.unit for name, row in SAMPLE.items()}
    assert found["time"].attrs["units"] == "ms"
    origin = found.attrs["provenance"]
    assert origin["kind"] == "sample"
    assert origin["code"]["version"] == "0.1.0"
    assert origin["parameters"] == {"mesh": {"size": "6 mm", "key": "withheld path", "more": ["withheld path", 2]}}
    assert origin["inputs"] == {"study/p1/labels.zarr": store.checksum(Path("results/study/p1/labels.zarr"))}
    assert origin["external"] == [store.checksum(raw)]
    assert "Smith" not in "".join(path.read_text(errors="replace") for path in Path("results").rglob("*.json"))


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, "-C", folder, *words], check=True, capture_output=True)


def test_code_version_under_git(tmp_path):
    """The commit while clean, marked once a file differs; nothing of a repository that does not hold the package."""
    package = tmp_path / "repository/package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    git(package.parent, "init")
    assert provenance.code(package) == {"version": "0.1.0", "commit": None, "modified": None}
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-m", "first")
    provenance.code.cache_clear()
    clean = provenance.code(package)
    assert len(clean["commit"]) == 40
    assert clean["modified"] is False
    (package / "new.py").touch()
    provenance.code.cache_clear()
    assert provenance.code(package) == {**clean, "modified": True}


def test_code_version_without_git(tmp_path, monkeypatch):
    assert provenance.code(tmp_path) == {"version": "0.1.0", "commit": None, "modified": None}
    monkeypatch.setenv("PATH", "")
    provenance.code.cache_clear()
    assert provenance.code(provenance.PACKAGE)["commit"] is None
    provenance.code.cache_clear()


def test_checksum_of_a_file_and_a_folder(tmp_path):
    """SHA-256 of "abc" is the first test vector of FIPS 180-2; the one of a folder does not depend on its place."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_text("abc")
    assert store.checksum(tmp_path / "a/file").startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert store.checksum(tmp_path / "a") == store.checksum(tmp_path / "b")
