"""The walk through a dataset: options, ages, times, codes; and no planted value at any place survives."""

import io

import pydicom
import pytest
from dicom_samples import KEY
from hypothesis import given
from hypothesis import strategies as st
from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import dictionary_VR
from pydicom.uid import ExplicitVRLittleEndian

from twinbeat.intake.deidentification.cleaner import Cleaner
from twinbeat.intake.deidentification.profile import CODED_TEXT, DEVICE_TEXT, Profile
from twinbeat.intake.deidentification.pseudonyms import Pseudonyms
from twinbeat.intake.deidentification.text import Vocabulary
from twinbeat.parameters import Deidentification

KINDS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UR", "UT", "UN", "OB", "OW")
TAGS = sorted(
    tag
    for tag, (kind, *_) in pydicom.datadict.DicomDictionary.items()
    if kind in KINDS and tag >> 16 > 0x0008 and tag not in DEVICE_TEXT | CODED_TEXT and tag >> 16 not in (0x28, 0x7FE0)
)
WORD = "zadabaku"


def cleaner(**options) -> Cleaner:
    parameters = Deidentification(**options)
    person = Pseudonyms(KEY, "MRN1", 3650)
    return Cleaner(Profile(parameters), Vocabulary(parameters.vocabulary), person, lambda _: False)


def cleaned(dataset: Dataset, **options) -> Dataset:
    cleaner(**options).clean(dataset)
    return dataset


def item(**attributes) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def raw(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=False, little_endian=True)
    return stream.getvalue().lower()


def planted(kind: str) -> object:
    if kind == "UI":
        return "1.3.12.2.1107.5.2.19.4711"
    return {"PN": "Zadabaku^A", "CS": "ZADABAKU", "UR": "https://zadabaku.example"}.get(
        kind, WORD.encode() if kind in ("UN", "OB", "OW") else f"cine {WORD}" if kind == "LO" else WORD
    )


trees = st.recursive(
    st.fixed_dictionaries({"tags": st.lists(st.sampled_from(TAGS), max_size=6)}),
    lambda inner: st.fixed_dictionaries(
        {"tags": st.lists(st.sampled_from(TAGS), max_size=4), "items": st.lists(inner, max_size=3)}
    ),
    max_leaves=8,
)


def grown(tree: dict) -> Dataset:
    made = Dataset()
    for tag in tree["tags"]:
        made[tag] = DataElement(tag, dictionary_VR(tag), planted(dictionary_VR(tag)))
    block = made.private_block(0x0029, WORD, create=True)
    block.add_new(1, "LO", WORD)
    made.AnatomicRegionSequence = Sequence([grown(inner) for inner in tree.get("items", [])])
    return made


@given(trees, st.booleans(), st.booleans())
def test_no_text_survives_anywhere(tree, descriptors, characteristics):
    """Any attributes of the dictionary, at any depth, with a name as value: it is in the bytes, and then it is not."""
    dataset = grown(tree)
    assert WORD.encode() in raw(dataset)
    options = {"clean_descriptors": descriptors, "retain_patient_characteristics": characteristics}
    kept = {"EthnicGroup"} if characteristics else set()
    for element in [e for e in dataset.iterall() if e.keyword in kept]:
        element.value = ""
    left = raw(cleaned(dataset, **options))
    assert WORD.encode() not in left and b"4711" not in left


@given(trees)
def test_cleaning_twice_removes_nothing_more(tree):
    once = cleaned(grown(tree))
    keys = [element.tag for element in once.iterall()]
    assert [element.tag for element in cleaned(once).iterall()] == keys


@pytest.mark.parametrize(
    ("age", "told"), [("064Y", "064Y"), ("089Y", "089Y"), ("097Y", "090Y"), ("011M", "011M"), ("old", "")]
)
def test_nobody_is_older_than_ninety(age, told):
    assert (cleaned(item(PatientAge=age)).PatientAge or "") == told


def test_characteristics_go_without_their_option():
    dataset = item(PatientAge="064Y", PatientSex="F", PatientSize=1.66, PatientWeight=71.5, SmokingStatus="NO")
    assert len(cleaned(dataset)) == 5
    left = cleaned(dataset, retain_patient_characteristics=False)
    assert [element.keyword for element in left] == ["PatientSex"] and not left.PatientSex


def test_times_of_day_stay_and_days_move():
    """A DT keeps its time of day and loses the offset from UTC; what is no time goes."""
    found = cleaned(item(AcquisitionDateTime="20240229101112.5+0100", StudyTime="101112", ContentTime="10:11:12"))
    assert found.AcquisitionDateTime[8:] == "101112.5" and found.AcquisitionDateTime[:8] < "20240229"
    assert (found.StudyTime, found.ContentTime) == ("101112", "10:11:12")
    assert not cleaned(item(StudyTime="Smith")).StudyTime
    assert "PatientBirthTime" not in cleaned(item(PatientBirthTime="101112"))


def test_codes_of_published_schemes_stay():
    """(SCT, 80891009, Heart) stays; a code of the house, or a name for a code or a version, goes with its item."""
    heart = item(
        CodeValue="80891009", CodingSchemeDesignator="SCT", CodingSchemeVersion="20240101", CodeMeaning="Heart"
    )
    unit = item(CodeValue="mm[Hg]", CodingSchemeDesignator="UCUM", CodeMeaning="Schmidt")
    house = item(CodeValue="4711", CodingSchemeDesignator="99KLINIK", CodeMeaning="Heart")
    name = item(CodeValue="Schmidt", CodingSchemeDesignator="DCM", CodeMeaning="Heart")
    version = item(CodeValue="113100", CodingSchemeDesignator="DCM", CodingSchemeVersion="Schmidt")
    found = cleaned(item(AnatomicRegionSequence=[heart, unit, house, name, version])).AnatomicRegionSequence
    assert [(code.CodeValue, code.CodeMeaning) for code in found] == [("80891009", "Heart"), ("mm[Hg]", "")]


def test_a_sequence_without_items_is_none():
    """Of an optional sequence (type 3) no item left means no sequence; one that must be there (type 2) is empty."""
    house = item(CodeValue="4711", CodingSchemeDesignator="99KLINIK", CodeMeaning="Heart")
    dataset = item(DerivationCodeSequence=[house], AcquisitionContextSequence=[house], ReferencedStudySequence=[house])
    left = cleaned(dataset)
    assert [element.keyword for element in left] == ["AcquisitionContextSequence"]
    assert len(left.AcquisitionContextSequence) == 0


def test_graphics_stay_with_their_option_only():
    text = item(UnformattedTextValue="LV volume, Mrs Smith", AnchorPoint=[1.0, 2.0])
    drawn = item(GraphicData=[1.0, 2.0, 3.0, 4.0], GraphicType="POLYLINE")
    layer = item(TextObjectSequence=[text], GraphicObjectSequence=[drawn])
    dataset = item(GraphicAnnotationSequence=[layer])
    kept = cleaned(dataset, clean_graphics=True).GraphicAnnotationSequence[0]
    assert kept.TextObjectSequence[0].UnformattedTextValue == "LV volume"
    assert list(kept.GraphicObjectSequence[0].GraphicData) == [1, 2, 3, 4]
    assert "GraphicAnnotationSequence" not in cleaned(dataset)


def test_a_safe_private_number_stays_and_a_text_does_not():
    """PS3.15 E.3.10 with the b value of Siemens: the number and its creator stay, all else of the block goes."""
    dataset = Dataset()
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "750")
    block.add_new(0x0D, "LO", "Smith")
    block.add_new(0x0E, "FD", 1.5)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, dataset, implicit_vr=False, little_endian=True)
    stream.seek(0)
    read = pydicom.dcmread(stream, force=True)
    read.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    safe = ("(0019,xx0C) SIEMENS MR HEADER", "(0019,xx0D) SIEMENS MR HEADER")
    left = cleaned(read, safe_private=safe)
    assert [int(element.tag) for element in left] == [0x00190010, 0x0019100C]
    assert not cleaned(read)


def test_bulk_data_that_is_no_picture_goes():
    """Grey images need no colour profile and no second kind of pixels; a table of grey levels tells what they mean."""
    lut = item(LUTDescriptor=[2, 0, 16], LUTData=bytes(4))
    left = cleaned(item(FloatPixelData=b"Zadabaku", ICCProfile=b"Zadabaku", VOILUTSequence=[lut]))
    assert len(left) == 1 and left.VOILUTSequence[0].LUTData == bytes(4)


def test_a_uid_that_only_looks_like_one_of_the_standard_is_replaced():
    """The root of DICOM makes no UID known: somebody may have put a number behind it."""
    image, space = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.48291734.19310312"
    found = cleaned(item(SOPClassUID=image, FrameOfReferenceUID=space))
    assert found.SOPClassUID == image and found.FrameOfReferenceUID.startswith("2.25.")


def test_device_text_in_foreign_letters_goes():
    """A name of two letters in Chinese, without a space around it, is no word that could be found."""
    found = cleaned(item(SpecificCharacterSet="GB18030", Manufacturer="王小东医院", ManufacturerModelName="uMR 780"))
    assert not found.Manufacturer and found.ManufacturerModelName == "uMR 780"


def test_an_unknown_character_set_goes_and_empty_values_stay():
    assert not cleaned(item(SpecificCharacterSet="SMITH")).SpecificCharacterSet
    assert cleaned(item(SpecificCharacterSet=["", "ISO 2022 IR 87"])).SpecificCharacterSet == ["", "ISO 2022 IR 87"]


def test_a_number_that_is_none_goes():
    """pydicom hands out a DS of "Smith" as it is."""
    dataset = Dataset()
    dataset[0x00180050] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00180050), "DS", 5, b"Smith", 0, False, True
    )
    assert not cleaned(dataset).SliceThickness
    assert cleaned(item(EchoTime="1.25", FlipAngle="5e1")).FlipAngle == 50


def test_a_value_that_cannot_be_parsed_goes():
    """Three bytes are no 16-bit number."""
    tag = pydicom.tag.Tag(0x00280010)
    dataset = Dataset()
    dataset[tag] = pydicom.dataelem.RawDataElement(tag, "US", 3, b"abc", 0, False, True)
    assert len(cleaned(dataset)) == 0
