"""The files of a workflow as they were, and as they are dated: configurations are frozen, times to come put back."""

import os
import time
from pathlib import Path
from types import SimpleNamespace

from executor_samples import ahead, denied, grow, mode

from snakemake_executor_plugin_dask_jobqueue.front import AHEAD, _freeze, _put_back


def test_what_is_frozen_stays_as_it_was(study, tmp_path):
    """Files of one name do not meet, one of two names is copied once, and one elsewhere is for command lines only."""
    grow(tmp_path, {"study/studies/config.yaml": "inner", "elsewhere.yaml": "outer"})
    said = SimpleNamespace(configfiles=["config.yaml", study / "config.yaml", tmp_path / "elsewhere.yaml"])
    inside, copies = _freeze(said, [Path("studies/config.yaml")], Path("state"))
    grow(study, {"config.yaml": "dose: 2", "studies/config.yaml": "edited"})
    assert {path: Path(copy).read_text() for path, copy in inside.items()} == {
        "config.yaml": "dose: 1", "studies/config.yaml": "inner",
    }  # fmt: skip
    paths = [study / "config.yaml", study / "studies/config.yaml", tmp_path / "elsewhere.yaml"]
    assert copies.keys() == set(map(str, paths))
    (folder,) = {Path(copy).parent for copy in copies.values()}
    assert folder.is_absolute()
    assert (mode(folder), len(list(folder.iterdir()))) == (0o700, 3)
    assert folder not in {Path(copy).parent for copy in _freeze(said, [], Path("state"))[1].values()}


def age(path):
    return time.time() - path.stat().st_mtime


def test_an_input_from_the_future_is_put_back(study):
    """And so is the marker of a directory, by whose time Snakemake goes, and what a link points at."""
    grow(study, {"folder/.snakemake_timestamp": "", "raw.txt": "raw", "fine.txt": "fine"})
    (study / "link").symlink_to("raw.txt")
    for name in ("in.txt", "folder/.snakemake_timestamp", "raw.txt"):
        ahead(study / name, 3600)
    ahead(study / "fine.txt", -3600)
    assert _put_back(["in.txt", "folder", "link", "fine.txt", "missing.txt"]) is None
    assert all(-1 < age(study / name) < 60 for name in ("in.txt", "folder/.snakemake_timestamp", "raw.txt"))
    assert age(study / "fine.txt") > 3500


def test_clocks_that_differ_a_little_are_no_future(study, monkeypatch):
    ahead(study / "in.txt", AHEAD / 2)
    monkeypatch.setattr(os, "utime", denied)
    assert _put_back(["in.txt"]) is None
