"""What a de-identified study still tells, and what it has lost: measured without any knowledge of who cleaned it."""

from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from .planter import Plant
from .study import Study

ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "iso8859_5", "iso8859_7", "iso2022_jp", "shift_jis")
NAMES = {"MR Image Storage", "Enhanced MR Image Storage", "CT Image Storage"}


def leaks(folder: Path, study: Study) -> list[Plant]:
    """The planted values that can still be found in the bytes or names of the files, whole or as a part of others."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = "\n".join(str(path.relative_to(folder)) for path in paths).encode()
    content = b"\n".join([names, *(path.read_bytes() for path in paths)]).lower()
    return [plant for plant in study.plants if any(_is_in(secret, content) for secret in plant.secrets)]


def _is_in(secret: str, content: bytes) -> bool:
    forms = set()
    for text in (secret, secret.lower(), secret.upper()):
        for encoding in ENCODINGS:
            try:
                forms.add(text.encode(encoding).lower())
            except UnicodeEncodeError:
                continue
    return any(form in content for form in forms)


def losses(folder: Path, study: Study) -> list[str]:
    """What must have stayed in the images and has not: attributes by keyword, pixels, references, whole images."""
    found = {int(image.InstanceNumber): image for image in _images(folder)}
    lost = [f"image {number}" for number in study.pixels.keys() - found.keys()]
    for number, image in found.items():
        lost += [f"{keyword} of image {number}" for keyword, value in study.kept.items() if image.get(keyword) != value]
        lost += [f"pixels of image {number}"] * (image.PixelData != study.pixels.get(number))
        lost += [f"reference of image {number}"] * (
            _reference(image) not in {other.SOPInstanceUID for other in found.values()}
        )
    return lost


def _images(folder: Path) -> list[Dataset]:
    """The images of a folder that were to be cleaned; what had to be refused and was not is no image here."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            continue
        if dataset.get("BurnedInAnnotation") != "YES" and "SCREEN SAVE" not in (dataset.get("ImageType") or []):
            found += [dataset] * (dataset.SOPClassUID.name in NAMES)
    return found


def _reference(image: Dataset) -> str:
    items = image.get("ReferencedImageSequence") or [Dataset()]
    return str(items[0].get("ReferencedSOPInstanceUID", ""))
