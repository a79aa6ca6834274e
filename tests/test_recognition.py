"""Text in pixels, read by Tesseract."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from dicom_samples import cine, clean, stopped, written
from PIL import Image, ImageDraw, ImageFont

from twinbeat.intake.deidentification import recognition

__all__ = ["cine"]
needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not there")


def labelled(frame: np.ndarray, text: str) -> np.ndarray:
    """Text as a scanner burns it into a corner of an image: white letters, 12 pixels high."""
    picture = Image.fromarray(frame.astype(np.float32), mode="F")
    ImageDraw.Draw(picture).text((6, 6), text, fill=float(frame.max()), font=ImageFont.load_default(14))
    return np.asarray(picture)


@pytest.fixture(scope="module")
def heart() -> np.ndarray:
    """Noise with a bright ring, 192 x 192."""
    y, x = np.mgrid[-96:96, -96:96]
    radius = np.hypot(x, y)
    ring = np.where(radius < 25, 900.0, np.where(radius < 36, 300.0, 500.0)) * (radius < 90)
    return ring + np.random.default_rng(3).rayleigh(30, ring.shape)


@needs_tesseract
def test_a_name_in_the_corner_is_read(heart):
    assert recognition.has_text([heart, labelled(heart, "GRUENWALD INGEBORG 12.03.1961")])


@needs_tesseract
def test_a_heart_is_no_text(heart):
    assert not recognition.has_text([heart])


@needs_tesseract
def test_images_with_text_are_refused_where_a_study_wants_it(cine, tmp_path, heart):
    """Only with the option, by its code; without it such an image says nothing of itself."""
    written(cine, tmp_path / "raw")
    for path in sorted((tmp_path / "raw").iterdir())[1:]:
        path.unlink()
    (path,) = (tmp_path / "raw").iterdir()
    dataset = pydicom.dcmread(path)
    shown = np.uint16(labelled(heart, "WARD 7 KOWALCZYK"))
    dataset.Rows, dataset.Columns, dataset.PixelData = *shown.shape, shown.tobytes()
    dataset.save_as(path)
    assert len(list(clean(tmp_path / "raw").iterdir())) == 1
    assert stopped(lambda: clean(tmp_path / "raw", recognise_text=True)).code == "burned-in-text"


@needs_tesseract
def test_text_in_any_frame_is_read(cine, tmp_path, heart):
    """Of an image of two frames, the second one alone has a name in it."""
    written(cine, tmp_path / "raw", "enhanced")
    (path,) = (tmp_path / "raw").iterdir()
    dataset = pydicom.dcmread(path)
    shown = np.uint16([heart, labelled(heart, "WARD 7 KOWALCZYK")])
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = shown.shape
    dataset.PixelData = shown.tobytes()
    dataset.save_as(path)
    assert stopped(lambda: clean(tmp_path / "raw", recognise_text=True)).code == "burned-in-text"


def test_a_tesseract_that_fails_fails_the_job(monkeypatch, heart):
    def fail(*_, **__):
        return subprocess.CompletedProcess([], 1, b"", b"cannot")

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(OSError, match="tesseract ended with 1; expected 0"):
        recognition.has_text([heart])
