"""A thousand planted identifiers: none survives, and what must stay has stayed (the ten checks of MIDI-B 2024)."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pydicom
import pytest
from dicom_samples import KEY

from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.deidentification.profile import DEVICE_IDENTITY, OPTIONAL_SEQUENCES, TABLE, Action
from twinbeat.parameters import Deidentification
from twinbeat.phantom import torture
from twinbeat.phantom.torture import places
from twinbeat.phantom.torture.study import REFUSED, SHARED

REPRESENTATIONS = set(places.PRIVATE_KINDS)
OPTIONS = [
    {},
    {"clean_descriptors": False},
    {"retain_patient_characteristics": False},
    {"clean_graphics": True},
    {"safe_private": ("(0029,xx05) TWINBEAT OTHER",)},
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> torture.Study:
    return torture.make(tmp_path_factory.mktemp("torture") / "raw")


def cleaned(study: torture.Study, folder: Path, **options) -> list[pydicom.Dataset]:
    deidentify(study.folder, folder, KEY, Deidentification(**options))
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def originals(study: torture.Study) -> dict[int, pydicom.Dataset]:
    found = map(pydicom.dcmread, study.folder.rglob("*-[0-9].dcm"))
    return {int(dataset.InstanceNumber): dataset for dataset in found}


def test_the_study_is_a_torture(study):
    """All 33 value representations that hold values, four depths, and every planted value in the raw bytes."""
    kinds = Counter(plant.kind for plant in study.plants)
    assert len(study.plants) > 1000 and set(kinds) == REPRESENTATIONS and len(kinds) == 33
    assert torture.leaks(study.folder, study) == list(study.plants)
    assert torture.losses(study.folder, study) == []
    assert {depth for depth in (1, 2, 4) for plant in study.plants if f"at depth {depth}" in plant.where} == {1, 2, 4}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_nothing_survives(study, tmp_path, options):
    cleaned(study, tmp_path / "out", **options)
    assert torture.leaks(tmp_path / "out", study) == []


def test_what_must_stay_has_stayed(study, tmp_path):
    cleaned(study, tmp_path / "out")
    assert torture.losses(tmp_path / "out", study) == []


def test_kept_devices_are_all_that_is_kept(study, tmp_path):
    """With their option, serial numbers and stations stay, and nothing else of what was planted."""
    cleaned(study, tmp_path / "out", retain_device_identity=True)
    places = {plant.where.split()[-1] for plant in torture.leaks(tmp_path / "out", study)}
    assert places and places <= {pydicom.datadict.keyword_for_tag(tag) for tag in DEVICE_IDENTITY}


def test_what_cannot_be_cleaned_is_refused(study, tmp_path):
    """Each kind of refused object once, by its code; the certificate tells it and names nobody."""
    _, certificate = deidentify(study.folder, tmp_path / "out", KEY, Deidentification())
    certificate.write(tmp_path / "certificate" if (tmp_path / "certificate").mkdir() else tmp_path / "certificate.json")
    content = json.loads((tmp_path / "certificate.json").read_text())
    assert content["files"] == {"written": study.images, "refused": dict.fromkeys(sorted(REFUSED), 1)}
    assert content["final_scan"]["found"] == 0 and content["final_scan"]["values"] > 1000
    assert content["attributes"]["removed"] > 400 and "key_file" not in content["options"]
    (tmp_path / "certificate" / "it").write_text(json.dumps(content))
    assert torture.leaks(tmp_path / "certificate", study) == []


@pytest.fixture(scope="module")
def found(study, tmp_path_factory) -> list[pydicom.Dataset]:
    return cleaned(study, tmp_path_factory.mktemp("midi") / "out")


class TestMidiB:
    """The kinds of checks of the MIDI-B validation (Rutherford et al. 2024)."""

    def test_tag_retained(self, study, found):
        """What the table does not remove is still there, if only empty."""
        before = originals(study)
        for image in found:
            listed = {element.tag for element in before[image.InstanceNumber] if element.tag in TABLE}
            must = {tag for tag in listed - OPTIONAL_SEQUENCES if TABLE[tag] is not Action.REMOVE}
            assert must <= set(image.keys())

    def test_text_not_null(self, found):
        assert all(image.SeriesDescription and image.Manufacturer and image.PatientID for image in found)

    def test_text_retained(self, found):
        assert {image.ProtocolName for image in found} == {"cine_sax_8mm"}

    def test_text_removed(self, found):
        """Of "cine sax of Grünwäldin" the words of the vocabulary stay."""
        comments = {image.get("ImageComments", "") for image in found}
        assert comments == {"cine sax", ""}

    def test_date_shifted(self, found):
        """The day of the content was three days after that of the study, over a leap day."""
        for image in found:
            study, content = (date.fromisoformat(text) for text in (image.StudyDate, image.ContentDate))
            assert (content - study).days == 3 and 1 <= (date(2024, 2, 29) - study).days <= 3650

    def test_uid_changed(self, study, found):
        before = {str(e.value) for d in originals(study).values() for e in d.iterall() if e.VR == "UI" and e.VM == 1}
        after = {str(e.value) for d in found for e in d.iterall() if e.VR == "UI" and e.VM == 1}
        assert {uid for uid in before & after if not uid.startswith("1.2.840.10008.")} == set()

    def test_uid_consistent(self, found):
        """One study and one series as before, seven instances, and each refers to the first of them."""
        assert [
            len({image[keyword].value for image in found}) for keyword in ("StudyInstanceUID", "SeriesInstanceUID")
        ] == [1, 1]
        assert len({image.SOPInstanceUID for image in found}) == len(found)
        assert {image.ReferencedImageSequence[0].ReferencedSOPInstanceUID for image in found} == {
            next(image.SOPInstanceUID for image in found if image.InstanceNumber == 1)
        }

    def test_patid_consistent(self, found):
        (number,) = {image.PatientID for image in found}
        assert number.startswith("TB") and number not in {secret for _, _, secret in SHARED}

    def test_pixels_hidden(self, study, found):
        """An image that says that text is burned in does not come out."""
        assert len(found) == study.images and {image.BurnedInAnnotation for image in found} == {"NO"}

    def test_pixels_retained(self, study, found):
        assert {int(image.InstanceNumber): image.PixelData for image in found} == study.pixels
