"""The sandbox of an attempt: inputs are seen in it and products are not, and nothing of it until it is published."""

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePath

import pytest
from executor_samples import files, grow
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue import sandbox

NOTHING = {"inputs": [], "products": [], "updated": [], "frozen": {}}


def related(one: str, other: str) -> bool:
    """Whether two paths are the same or one lies in the other."""
    one, other = PurePath(one), PurePath(other)
    return one == other or one in other.parents or other in one.parents


def within(path: str, folders) -> bool:
    return any(PurePath(path).is_relative_to(folder) for folder in folders)


paths = st.lists(st.sampled_from(["a", "b", "c", "..d"]), min_size=1, max_size=3).map("/".join)


@st.composite
def studies(draw):
    """Files of a working directory, which of them or of their folders a job reads, and what it makes.

    Products may be there from before, as a file or as a folder, and may lie in a folder that is read; they never hold
    an input, nor one another, nor lie below a file: Snakemake allows none of these.
    """
    tree = {}
    for path in draw(st.lists(paths, max_size=8)):
        if not any(related(path, other) for other in tree):
            tree[path] = f"was {path}"
    entries = sorted({str(one) for path in tree for one in (PurePath(path), *PurePath(path).parents)} - {"."})
    inputs = draw(st.lists(st.sampled_from(entries), unique=True)) if entries else []
    products = {}
    for path in draw(st.lists(paths, min_size=1, max_size=4)):
        clear = not any(related(path, other) for other in products)
        below = not any(PurePath(other) in PurePath(path).parents for other in tree)
        if clear and below and not any(PurePath(one).is_relative_to(path) for one in inputs):
            products[path] = draw(st.sampled_from(["file", "folder", "nothing"]))
    assume(products)
    return tree, inputs, products


@contextmanager
def prepared(tree, inputs, products, **more):
    """A real directory and the sandbox of an attempt beside it."""
    with tempfile.TemporaryDirectory() as folder:
        real, work = grow(Path(folder) / "real", tree), Path(folder) / "attempt/work"
        sandbox.prepare(work, real, NOTHING | {"inputs": inputs, "products": list(products)} | more)
        yield real, work


def make(work: Path, products) -> dict[str, str]:
    """What a rule does: folders are made by Snakemake or by the rule itself."""
    made = {f"{path}/inner/x" if kind == "folder" else path: kind for path, kind in products.items()}
    made = {path: f"new {path}" for path, kind in made.items() if kind != "nothing"}
    grow(work, made)
    return made


def after(tree, products, made) -> dict[str, str]:
    """What is there once an attempt is published: what it made took the place of what was there, and nothing else."""
    gone = [path for path, kind in products.items() if kind != "nothing"]
    return {path: text for path, text in tree.items() if not within(path, gone)} | made


@settings(max_examples=100, deadline=None)
@given(studies())
@example(({"a/b/c": "was"}, ["a"], {"a/b/new": "file"}))  # a folder that is read, and made in, deeper
@example(({"a/b/c": "c", "a/b/d": "d"}, ["a/b/c", "a/b"], {"a/new": "file"}))  # one that is read, and in which one is
def test_inputs_are_read_and_products_are_not_seen(study):
    tree, inputs, products = study
    with prepared(*study) as (real, work):
        for path in inputs:
            below = {one: text for one, text in tree.items() if within(one, [path]) and not within(one, products)}
            seen = {one: text for one, text in files(work).items() if within(one, [path])}
            assert seen == below
        assert not any(os.path.lexists(work / path) for path in products)
        assert files(real) == tree


@settings(max_examples=60, deadline=None)
@given(studies())
def test_nothing_is_real_until_it_is_published_and_then_exactly_the_products_are(study):
    tree, _, products = study
    with prepared(*study) as (real, work):
        made = make(work, products)
        assert files(real) == tree
        for _ in range(2):  # twice is once
            sandbox.publish(work, real, products, work.parent / "aside")
            assert files(real) == after(tree, products, made)


@contextmanager
def interrupted(after: int):
    """The driver dies at its rename of that number."""
    rename, left = os.rename, [after]

    def dying(*paths):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        rename(*paths)

    os.rename = dying
    try:
        yield
    finally:
        os.rename = rename


@settings(max_examples=60, deadline=None)
@given(studies(), st.integers(0, 7))
def test_publishing_that_was_interrupted_anywhere_is_done_by_doing_it_again(study, number):
    """Four products are eight renames at most: each may have to put aside a folder that is there."""
    tree, _, products = study
    with prepared(*study) as (real, work):
        made, aside = make(work, products), work.parent / "aside"
        with interrupted(number):
            try:
                sandbox.publish(work, real, products, aside)
            except KeyboardInterrupt:
                assert files(real) != after(tree, products, made)
        sandbox.publish(work, real, products, aside)
        assert files(real) == after(tree, products, made)


@pytest.mark.parametrize(("was", "new"), [("a", "a/x"), ("a/x", "a"), ("a/x", "a/y"), ("a", "a")])
def test_a_product_may_change_between_file_and_folder(tmp_path, was, new):
    """As a rule does whose output becomes a ``directory()``, or is none any more."""
    real, work = grow(tmp_path / "real", {was: "was"}), tmp_path / "work"
    sandbox.prepare(work, real, NOTHING | {"products": ["a"]})
    grow(work, {new: "new"})
    sandbox.publish(work, real, ["a"], tmp_path / "aside")
    assert files(real) == {new: "new"}


def test_paths_outside_are_left_to_the_rule(tmp_path):
    assert sandbox.own(["/abs/a", "../b", "c/../../d", "e/../f", "./g//h/", "..i/j", "..."]) == [
        "f", "g/h", "..i/j", "...",
    ]  # fmt: skip


def test_what_nobody_declared_is_seen_beside_products(tmp_path):
    """Scripts and configuration at the top are; a neighbour in a folder that the rule makes something in is not."""
    tree = {"config.yaml": "c", "scripts/a.py": "s", "results/one/x": "x", "results/two/y": "y"}
    with prepared(tree, ["results/one/x"], ["results/one/z"]) as (_, work):
        assert files(work) == {"config.yaml": "c", "scripts/a.py": "s", "results/one/x": "x"}


def test_inputs_may_be_missing_or_reached_by_links(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/scan").write_text("scan")
    real = grow(tmp_path / "real", {"b": "b"})
    (real / "data").symlink_to(tmp_path / "raw")
    sandbox.prepare(tmp_path / "work", real, NOTHING | {"inputs": ["data/scan", "made/later"], "products": ["o/p"]})
    assert (tmp_path / "work/data/scan").read_text() == "scan"
    assert not (tmp_path / "work/made/later").exists()


def test_frozen_files_are_seen_as_they_were(tmp_path):
    """Also where they lie deeper, with all that lies beside them; an edit in mid-run is not seen."""
    real = grow(tmp_path / "real", {"config.yaml": "new", "studies/a.yaml": "new", "studies/b.yaml": "b"})
    copies = grow(tmp_path / "frozen", {"0": "old", "1": "old"})
    frozen = {"config.yaml": str(copies / "0"), "studies/a.yaml": str(copies / "1")}
    sandbox.prepare(tmp_path / "work", real, NOTHING | {"products": ["studies/out"], "frozen": frozen})
    assert files(tmp_path / "work") == {"config.yaml": "old", "studies/a.yaml": "old", "studies/b.yaml": "b"}


def test_an_updated_product_begins_with_what_is_there(tmp_path):
    """A copy, or an attempt that fails would have changed it; a file and a folder, and nothing where nothing is."""
    tree, updated = {"table": "old", "store/part": "old"}, ["table", "store", "new"]
    with prepared(tree, [], updated, updated=updated) as (real, work):
        assert files(work) == tree
        grow(work, {"table": "changed", "store/part": "changed"})
        assert files(real) == tree
        sandbox.publish(work, real, updated, work.parent / "aside")
        assert files(real) == dict.fromkeys(tree, "changed")


def test_of_snakemake_only_the_deployed_environments_are_seen(tmp_path):
    """Its locks, metadata and this plugin's state stay the driver's."""
    tree = {".snakemake/conda/env": "env", ".snakemake/locks/0": "lock", ".snakemake/metadata/m": "m"}
    with prepared(tree, [], ["a"]) as (_, work):
        assert files(work) == {".snakemake/conda/env": "env"}
        grow(work, {".snakemake/metadata/n": "n"})
        sandbox.publish(work, tmp_path / "other", ["a"], work.parent / "aside")
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("physical", [False, True])
def test_a_link_to_an_input_points_at_the_input(tmp_path, physical):
    """A rule that links the absolute path of its input, as it or the kernel (by ``getcwd``) knows it."""
    real = grow(tmp_path / "real", {"in": "in"})
    (tmp_path / "scratch").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "scratch")  # as some do with .snakemake
    work = tmp_path / "state/work"
    sandbox.prepare(work, real, NOTHING | {"inputs": ["in"], "products": ["absolute", "relative", "elsewhere"]})
    (work / "absolute").symlink_to((work.resolve() if physical else work) / "in")
    (work / "relative").symlink_to("in")
    (work / "elsewhere").symlink_to("/etc/hosts")
    sandbox.publish(work, real, ["absolute", "relative", "elsewhere"], tmp_path / "aside")
    links = {name: str((real / name).readlink()) for name in ("absolute", "relative", "elsewhere")}
    assert links == {"absolute": f"{real}/in", "relative": "in", "elsewhere": "/etc/hosts"}
    assert (real / "absolute").read_text() == "in"


def test_a_link_that_was_there_is_replaced_and_not_followed(tmp_path):
    real = grow(tmp_path / "real", {"other/x": "other"})
    (real / "a").symlink_to("other")
    work = grow(tmp_path / "work", {"a/x": "new"})
    sandbox.publish(work, real, ["a"], tmp_path / "aside")
    assert files(real) == {"other/x": "other", "a/x": "new"}
    assert not (real / "a").is_symlink()


@pytest.fixture
def elsewhere(tmp_path):
    """A directory on another file system."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        if Path(folder).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("one file system only")
        yield Path(folder)


def test_products_cross_file_systems(tmp_path, elsewhere):
    """A results folder on scratch: files, folders, a link, and each once more over what is there."""
    for round in ("first", "second"):
        work = grow(tmp_path / round, {"results/a": round, "results/b/part": round, "results/b/more": round})
        (work / "results/link").symlink_to("a")
        products = ["results/a", "results/b", "results/link"]
        for _ in range(2):
            sandbox.publish(work, elsewhere, products, tmp_path / "aside")
        assert files(elsewhere / "results") == dict.fromkeys(["a", "b/part", "b/more", "link"], round)
        assert (elsewhere / "results/link").readlink() == Path("a")


def test_a_copy_that_was_cut_short_is_made_again(tmp_path, elsewhere):
    work = grow(tmp_path / "work", {"a": "whole", "b/part": "whole"})
    grow(elsewhere, {".a.arriving": "wh", ".b.arriving/rest": "of an earlier one"})
    sandbox.publish(work, elsewhere, ["a", "b"], tmp_path / "aside")
    assert files(elsewhere) == {"a": "whole", "b/part": "whole"}


def test_an_error_of_the_disk_is_not_hidden(tmp_path, monkeypatch):
    work = grow(tmp_path / "work", {"a": "a"})

    rename, errors = os.rename, [OSError(errno.EIO, "Input/output error")]

    def failing(*paths):
        if errors:
            raise errors.pop()
        rename(*paths)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="Input/output error"):
        sandbox.publish(work, tmp_path / "real", ["a"], tmp_path / "aside")


def test_every_file_and_folder_of_a_product_is_synchronised(tmp_path, monkeypatch):
    work = grow(tmp_path / "work", {"a": "a", "b/c/d": "d", "undeclared": "u"})
    (work / "b/link").symlink_to(tmp_path / "nowhere")
    synced = set()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(str(Path(f"/proc/self/fd/{handle}").readlink())))
    sandbox.synchronise(work, ["a", "b", "missing", "/outside"])
    assert synced == {str(work / path) for path in ("a", "b", "b/c", "b/c/d")}
