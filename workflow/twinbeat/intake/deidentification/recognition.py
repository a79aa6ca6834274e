"""Text in pixels, as the separate program Tesseract reads it: an extra for studies whose scanners burn it in."""

import io
import subprocess
from collections.abc import Iterable

import numpy as np
from PIL import Image

PROGRAM = ("tesseract", "stdin", "stdout", "--psm", "11", "tsv")
LONGEST, LETTERS, CONFIDENCE = 120, 4, 60.0
ENLARGED = 3
"""Letters on screens are some 10 pixels high, Tesseract wants 30."""


def has_text(frames: Iterable[np.ndarray]) -> bool:
    """Whether a frame ``(row, column)`` has a word of four letters or digits that can be read with confidence.

    Raises OSError where Tesseract is not there or fails.
    """
    return any(_words(_picture(frame)) for frame in frames)


def _picture(frame: np.ndarray) -> bytes:
    low, high = np.percentile(frame, [1, 99.9])
    grey = np.uint8(255 * np.clip((frame - low) / max(high - low, 1e-6), 0, 1))
    stream = io.BytesIO()
    picture = Image.fromarray(255 - grey)  # dark letters on a light ground
    picture.resize((ENLARGED * picture.width, ENLARGED * picture.height), Image.Resampling.BICUBIC).save(stream, "PNG")
    return stream.getvalue()


def _words(picture: bytes) -> list[str]:
    """Words that were read; the picture goes through a pipe, never through a file."""
    ran = subprocess.run(PROGRAM, input=picture, capture_output=True, timeout=LONGEST, check=False)
    if ran.returncode:
        raise OSError(f"tesseract ended with {ran.returncode}; expected 0")
    rows = [line.split("\t") for line in ran.stdout.decode("utf-8", "replace").splitlines()[1:]]
    return [row[11] for row in rows if len(row) == 12 and _is_sure(row[11]) and float(row[10]) >= CONFIDENCE]


def _is_sure(word: str) -> bool:
    return len(word) >= LETTERS and word.isalnum()
