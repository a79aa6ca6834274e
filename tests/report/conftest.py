"""The stores and the page of a fabricated twin."""

import contextlib
import shutil
from pathlib import Path

import fabricated
import pytest
from report_pages import CLINICAL

from twinbeat import assessment, report, store


@pytest.fixture(scope="session")
def stores():
    twin = fabricated.twin()
    stages = {name: dataset for name, dataset in twin.items() if name != "image"}
    surrogate = fabricated.surrogate(twin["posterior"])
    return {
        **twin,
        "surrogate": surrogate,
        "drug": fabricated.drug(),
        "assessment": assessment.assess(**stages, truth=fabricated.truth(twin["labels"])),
    }


@pytest.fixture(scope="session")
def published(stores, tmp_path_factory):
    """A folder with the stores of p-01, each made from the two before it."""
    folder = tmp_path_factory.mktemp("study")
    with contextlib.chdir(folder):
        paths: list[str] = []
        for name, dataset in stores.items():
            path = f"results/study/p-01/{name}.zarr"
            store.publish(dataset, path, inputs=paths[-2:], parameters={"mesh": {"size": "10 mm"}})
            paths.append(path)
        Path(CLINICAL).write_text(fabricated.clinical().model_dump_json())
    return folder


@pytest.fixture
def paths(stores, published, tmp_path, monkeypatch):
    """A copy of them to be changed, in the current folder."""
    shutil.copytree(published, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return {name: f"results/study/p-01/{name}.zarr" for name in stores}


@pytest.fixture(scope="session")
def text(published, stores):
    """The page of the finished twin."""
    with contextlib.chdir(published):
        gathered = report.gather({name: f"results/study/p-01/{name}.zarr" for name in stores}, CLINICAL)
        return report.patient_page("p-01", "study", gathered)
