"""A working directory for one attempt, in which nothing that it makes can be seen until the driver publishes it.

Whatever a rule declares as input is linked into it, and so is every entry of the real working directory in which the
rule makes nothing. What the rule makes (outputs, logs, benchmark) is the attempt's own, until it is renamed into place:
by the driver alone, which alone holds the lock of the study. So no attempt shares a path with another one, and one that
is thought dead and is not cannot publish.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # what a full disk, or a used-up share of it, is told by
DEPLOYED = ("conda", "conda-archive", "singularity")  # environments of Snakemake, made once for all


def own(paths: Iterable[str]) -> list[str]:
    """Those that lie in the working directory, in their shortest form; others are written in place, as without us."""
    short = (os.path.normpath(path) for path in paths if not PurePath(path).is_absolute())
    return [path for path in short if PurePath(path).parts[:1] != ("..",)]


def prepare(work: Path, real: Path, paths: Mapping[str, Any]) -> None:
    """Make the directory ``work`` of an attempt.

    Parameters
    ----------
    real
        The working directory of the workflow.
    paths
        ``inputs`` and ``products``, relative to it; ``updated``, those products of which the attempt begins with
        a copy; ``frozen``, files to be seen as they were, by path, and where the copy lies.
    """
    frozen = paths["frozen"]
    made = {*own(paths["products"]), *frozen}
    folders = {str(folder) for path in made for folder in PurePath(path).parents}
    for folder in folders:
        (work / folder).mkdir(parents=True, exist_ok=True)
    hidden = made | folders | {".snakemake"}
    around = {"."} | {str(folder) for path in frozen for folder in PurePath(path).parents}
    seen = [entry for folder in around for entry in _entries(real, folder)]
    for path in sorted(own(paths["inputs"]), key=len):
        opened = [folder for folder in folders if PurePath(folder).is_relative_to(path) and (real / folder).is_dir()]
        seen += [entry for folder in opened for entry in _entries(real, folder)] or [path]
    for path in seen:
        if path not in hidden:
            _link(work, real, path)
    for path, copy in frozen.items():
        (work / path).symlink_to(copy)
    for path in own(paths["updated"]):
        _copy(real / path, work / path)
    _link_deployed(work, real)


def _entries(real: Path, folder: str) -> list[str]:
    return [str(entry.relative_to(real)) for entry in (real / folder).iterdir()]


def _link(work: Path, real: Path, path: str) -> None:
    if os.path.lexists(work / path) or any((work / folder).is_symlink() for folder in PurePath(path).parents):
        return
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).symlink_to(real / path)


def _link_deployed(work: Path, real: Path) -> None:
    (work / ".snakemake").mkdir(parents=True, exist_ok=True)
    for name in DEPLOYED:
        if (real / ".snakemake" / name).exists():
            (work / ".snakemake" / name).symlink_to(real / ".snakemake" / name)


def publish(work: Path, real: Path, products: Iterable[str], aside: Path) -> None:
    """Rename what an attempt made into place, and what was there before into ``aside``.

    Doing it again after a crash half-way does the rest.
    """
    for path in own(products):
        made, final = work / path, real / path
        if not os.path.lexists(made):
            continue
        final.parent.mkdir(parents=True, exist_ok=True)
        _point_home(made, work, real)
        if _is_folder(final) or (_is_folder(made) and os.path.lexists(final)):
            aside.mkdir(parents=True, exist_ok=True)
            shutil.move(final, Path(tempfile.mkdtemp(dir=aside)) / final.name)
        _move(made, final)
        _flush(final.parent)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _point_home(made: Path, work: Path, real: Path) -> None:
    """A link that a rule made to the absolute path of an input would point into the attempt."""
    for home in (work, work.resolve()):
        if made.is_symlink() and (target := made.readlink()).is_relative_to(home):
            made.unlink()
            made.symlink_to(real / target.relative_to(home))


def _move(made: Path, final: Path) -> None:
    try:
        made.rename(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = final.with_name(f".{final.name}.arriving")
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)
        if _is_folder(made):
            shutil.copytree(made, beside, symlinks=True)
        else:
            shutil.copy2(made, beside, follow_symlinks=False)
        synchronise(beside.parent, [beside.name])
        beside.rename(final)


def _copy(source: Path, target: Path) -> None:
    if source.exists():
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, target)


def synchronise(work: Path, products: Iterable[str]) -> None:
    """Have everything that an attempt made on the disk, not only on its way there."""
    for path in own(products):
        for file in [work / path, *(work / path).rglob("*")]:
            if file.exists() and not file.is_symlink():
                _flush(file)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
