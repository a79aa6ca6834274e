"""Awkward files from outside: each ends in a clean file or a coded refusal, within limits of memory and time."""

import json
import os
import resource
import traceback
from collections import Counter
from pathlib import Path

import pytest
from dicom_samples import KEY, SHARED, needs_shared

from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification
from twinbeat.verdicts import PatientStopped

SECONDS, BYTES = 60, 4 * 2**30
FILES = sorted(path for path in (SHARED / "dicom_edge").rglob("*") if path.is_file())
CODES = {"corrupt-file", "other-object", "structured-report", "secondary-capture", "not-dicom", "colour-image"}


def ended(path: Path, folder: Path) -> str:
    """How de-identification of one file ends in a process of its own: "clean", a code, or a traceback."""
    (folder / "raw").mkdir()
    (folder / "raw" / path.name).write_bytes(path.read_bytes())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        os.write(writing, json.dumps(_ending(folder)).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        said = json.loads(stream.read()) if status == 0 else f"ended with {status}"
    assert len(list((folder / "deid").iterdir())) == (said == "clean")
    return said


def _ending(folder: Path) -> str:
    try:
        deidentify(folder / "raw", folder / "deid", KEY, Deidentification())
    except PatientStopped as stop:
        return stop.code
    except BaseException:
        return traceback.format_exc()[-3000:]
    return "clean"


@pytest.fixture(scope="module")
def endings(tmp_path_factory) -> dict[Path, str]:
    return {path: ended(path, tmp_path_factory.mktemp("edge")) for path in FILES}


@needs_shared
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_ends_clean_or_refused(endings, path):
    assert endings[path] in CODES | {"clean"}


@needs_shared
def test_whole_images_among_them_come_out_clean(endings):
    """A cleaner that refuses everything would pass the test above. Of the 46 that are no other kind of object, thirteen
    cannot be used: empty ones, ones without a kind or without pixels, one that is cut short."""
    counts = Counter(endings.values())
    assert (counts["clean"], counts["corrupt-file"] + counts["not-dicom"]) == (33, 13)
