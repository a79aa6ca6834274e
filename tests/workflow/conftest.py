"""A study of the real rules, with stand-ins for their scripts."""

import shutil
from pathlib import Path

import pytest
from dag import ROOT, STAND_IN, snakemake, table


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two patients that has run to its end."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("rules", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "scripts").mkdir()
    for script in (ROOT / "scripts").glob("*.py"):
        (folder / "scripts" / script.name).write_text(STAND_IN)
    (folder / "patients.tsv").write_text(table(1, 2))
    (folder / "studies").mkdir()
    (folder / "studies/base.yaml").write_text("surrogate:\n  patients: [phantom-01]\n")
    run = snakemake(folder, "--configfile", "studies/base.yaml")
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def study(finished: Path):
    """The finished study; whatever a test edits is put back."""
    kept = {path: path.read_bytes() for path in finished.rglob("*") if path.suffix in (".tsv", ".yaml", ".py", ".smk")}
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
