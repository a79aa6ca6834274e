"""Every way in which a job may end: published, stopped with a verdict, quarantined, failed."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from twinbeat import stage, store
from twinbeat.verdicts import NeedsReview, Quarantined, Rejected


class Named(list):
    """A list with names, as Snakemake gives inputs and params."""

    def __init__(self, **names):
        super().__init__(names.values())
        self.names = names

    def items(self):
        return self.names.items()


@pytest.fixture
def rule(tmp_path, monkeypatch):
    """What Snakemake hands to the script of ``build_mesh``; afterwards the log is let go."""
    monkeypatch.chdir(tmp_path)
    inputs = Named(labels="results/s/p/labels.zarr", code=["workflow/twinbeat/mesh.py"])
    yield SimpleNamespace(
        rule="build_mesh",
        input=inputs,
        output=["results/s/p/posterior.zarr"],
        params=Named(mesh={"size": "6 mm"}),
        log=[str(tmp_path / "build_mesh.log")],
    )
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logging.FileHandler):
            logging.getLogger().removeHandler(handler)
            handler.close()


@pytest.fixture
def labels(rule):
    dataset = xr.Dataset({"labels": (("time", "z", "y", "x"), np.ones((1, 1, 1, 1), "uint8"))})
    store.publish(dataset, rule.input.names["labels"])
    return dataset


RESULT = xr.Dataset({"stiffness": 1.5})


def log_of(rule) -> str:
    return Path(rule.log[0]).read_text()


def test_a_result_is_published_with_its_provenance(rule, labels):
    with stage.job(rule) as job:
        assert job.params.mesh == {"size": "6 mm"}
        assert store.open(job.input.labels)["labels"].item() == 1
        job.publish(RESULT)
    found = store.open(rule.output[0])
    assert found["stiffness"] == 1.5
    assert found.attrs["provenance"]["parameters"] == {"mesh": {"size": "6 mm"}}
    assert list(found.attrs["provenance"]["inputs"]) == ["s/p/labels.zarr"]


def test_a_rule_of_two_results_publishes_both(rule, labels):
    rule.output.append("results/s/p/second.zarr")
    with stage.job(rule) as job:
        job.publish(RESULT)
        job.publish(RESULT.assign_attrs(kind="posterior"), output=1)
    assert [float(store.open(path)["stiffness"]) for path in rule.output] == [1.5, 1.5]


@pytest.mark.parametrize("kind", [Rejected, Quarantined, NeedsReview])
def test_a_stopped_patient_leaves_its_verdict_in_every_output(rule, labels, kind):
    rule.output = ["results/s/p/image.zarr", "results/s/p/deid", "results/s/p/clinical.json"]
    Path(rule.output[1]).mkdir(parents=True)
    (Path(rule.output[1]) / "half.dcm").write_text("not fit to be kept")
    with stage.job(rule):
        raise kind("missing-slice", "slice 7 of 12 is missing")
    for path in rule.output[:2]:
        with pytest.raises(kind, match="slice 7 of 12") as raised:
            store.open(path)
        assert (raised.value.code, raised.value.stage) == ("missing-slice", "build_mesh")
    assert not (Path(rule.output[1]) / "half.dcm").exists()
    assert json.loads(Path(rule.output[2]).read_text())["verdict"]["kind"] == kind.kind
    assert f"{kind.kind} at build_mesh: missing-slice: slice 7 of 12 is missing" in log_of(rule)
    assert "Traceback" not in log_of(rule)


def test_a_verdict_met_in_an_input_goes_on_with_its_stage(rule):
    first = Rejected("missing-slice", "slice 7 is missing", "import_image")
    store.publish(store.verdict(first), rule.input.names["labels"])
    with stage.job(rule) as job:
        store.open(job.input.labels)
    with pytest.raises(Rejected) as raised:
        store.open(rule.output[0])
    assert (raised.value.code, raised.value.stage) == ("missing-slice", "import_image")


def test_an_internal_error_quarantines_and_is_in_the_log(rule, labels):
    with stage.job(rule):
        raise ZeroDivisionError("the details")
    with pytest.raises(Quarantined, match="ZeroDivisionError in build_mesh; its log has the details") as raised:
        store.open(rule.output[0])
    assert (raised.value.code, raised.value.stage) == ("internal-error", "build_mesh")
    assert "Traceback" in log_of(rule)
    assert "ZeroDivisionError: the details" in log_of(rule)


def test_a_result_that_is_not_finite_quarantines(rule, labels):
    with stage.job(rule) as job:
        job.publish(RESULT * np.nan)
    with pytest.raises(Quarantined, match="ValueError in build_mesh"):
        store.open(rule.output[0])
    assert "posterior.stiffness: 1 values are not finite" in log_of(rule)


def test_a_coded_reason_ends_a_job_about_no_single_patient(rule):
    """No verdict is left; the reason is in the log and is what the script says last."""
    with pytest.raises(SystemExit, match="build_mesh: few-patients: 4 patients"), stage.joint_job(rule):
        raise Rejected("few-patients", "4 patients have a mesh, at least 10 expected")
    assert "build_mesh: few-patients: 4 patients have a mesh, at least 10 expected" in log_of(rule)
    assert not Path(rule.output[0]).exists()


@pytest.mark.parametrize("fault", [OSError("disk"), MemoryError(), KeyboardInterrupt(), store.StoreError("bit flip")])
def test_a_fault_of_the_machine_fails_the_job(rule, labels, fault):
    with pytest.raises(type(fault)), stage.job(rule):
        raise fault
    with pytest.raises(store.StoreError, match="no store is there"):
        store.open(rule.output[0])
    assert type(fault).__name__ in log_of(rule)


MPI_SCRIPT = """
import sys, time
from mpi4py import MPI
import xarray as xr
from twinbeat import stage
from twinbeat.verdicts import Quarantined
comm = MPI.COMM_WORLD
stage.PATIENCE = 1.0
with stage.mpi_job(comm.rank) as job:
    way = job.params.way
    if way == "together":
        raise Quarantined("diverged", "residual 3 after 20 iterations")
    if way == "one" and comm.rank == 1:
        raise ZeroDivisionError
    if way == "disk" and comm.rank == 1:
        raise OSError("disk")
    job.publish(xr.Dataset({"stiffness": float(comm.allreduce(1))}))
"""


def run_on_two_ranks(folder, way: str) -> subprocess.CompletedProcess:
    request = {
        "rule": "simulate_beat",
        "input": {},
        "output": [str(folder / "posterior.zarr")],
        "params": {"way": way},
        "log": str(folder / "log"),
    }
    command = ["mpirun", "-n", "2", sys.executable, "-c", MPI_SCRIPT, json.dumps(request)]
    return subprocess.run(command, capture_output=True, timeout=60)


def test_two_ranks_publish_once(tmp_path):
    assert run_on_two_ranks(tmp_path, "well").returncode == 0
    assert store.open(tmp_path / "posterior.zarr")["stiffness"] == 2


def test_ranks_that_stop_together_leave_a_verdict(tmp_path):
    assert run_on_two_ranks(tmp_path, "together").returncode == 0
    with pytest.raises(Quarantined, match="residual 3"):
        store.open(tmp_path / "posterior.zarr")
    assert (tmp_path / "log").read_text().count("diverged") == 1


@pytest.mark.parametrize(("way", "trace"), [("one", "ZeroDivisionError"), ("disk", "OSError: disk")])
def test_an_error_of_one_rank_ends_the_job_and_hangs_none(tmp_path, way, trace):
    """The other rank waits in ``allreduce``: without the abort it would wait for ever."""
    assert run_on_two_ranks(tmp_path, way).returncode != 0
    assert not (tmp_path / "posterior.zarr").exists()
    assert trace in (tmp_path / "log").read_text()
