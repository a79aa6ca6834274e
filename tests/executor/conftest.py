"""What tests of several modules begin with, where they ask for it."""

import tempfile

import pytest
from executor_samples import POOLS, grow, python

from snakemake_executor_plugin_dask_jobqueue import attempt


@pytest.fixture
def program(monkeypatch):
    """Attempts are at Python programs."""
    monkeypatch.setattr(attempt, "_snakemake", python)


@pytest.fixture
def scratch(monkeypatch, tmp_path):
    """Where temporary files go."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)
    return tmp_path / "scratch"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A working directory, which the process is in."""
    monkeypatch.chdir(grow(tmp_path / "study", {"pools.yaml": POOLS, "config.yaml": "dose: 1", "in.txt": "input"}))
    return tmp_path / "study"
