"""What reviewers drew comes in where it lies in space, on any grid; what does not fit is refused with a reason."""

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from drawing_samples import TO_RAS, affine, ball, box, nifti
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbeat.intake.drawings import Volume, of_patient, read
from twinbeat.intake.files import File
from twinbeat.verdicts import NeedsReview

SHORT_AXIS = np.array([[0, 0, 8.0], [0, 1.5, 0], [1.5, 0, 0]])


def refused(call, *arguments) -> NeedsReview:
    with pytest.raises(NeedsReview) as caught:
        call(*arguments)
    return caught.value


@st.composite
def grids(draw) -> np.ndarray:
    """Steps of a turned grid with voxels of 1 to 3 mm, right- or left-handed."""
    numbers = np.array(draw(st.lists(st.floats(-1, 1), min_size=9, max_size=9)))
    turn, _ = np.linalg.qr(numbers.reshape(3, 3) + 2 * np.eye(3))
    return np.array(draw(st.lists(st.floats(1, 3), min_size=3, max_size=3)))[:, None] * turn


@settings(max_examples=20)
@given(grids(), grids(), st.floats(8, 12))
def test_a_ball_keeps_its_volume_on_any_grid(source, target, radius):
    """What the second grid's voxels stand for differs from the ball only within half a diagonal of a voxel of each grid
    from its border, so that the volume differs by no more than that shell."""
    fits = [box((2 * np.ceil(16 / np.linalg.norm(steps, axis=1)) + 3).astype(int), steps) for steps in (source, target)]
    drawn = ball(fits[0], radius)
    found, inside = drawn.sample(fits[1].points())
    slack = sum(np.linalg.norm(steps) / 2 for steps in (source, target))
    assert inside[np.linalg.norm(fits[1].points(), axis=-1) < radius].all()
    low, high = (4 / 3 * np.pi * (radius + side * slack) ** 3 for side in (-1, 1))
    assert low <= (found == 1).sum() * fits[1].voxel <= high


@settings(max_examples=10)
@given(grids(), st.tuples(*3 * [st.floats(-100, 100)]), st.tuples(*3 * [st.integers(2, 6)]))
def test_nifti_comes_back_as_it_was_written(tmp_path_factory, steps, centre, size):
    """On its own grid a volume samples to itself, and outside of it to nothing; float32 keeps mm to 1e-4."""
    drawn = box(size, steps, np.array(centre))
    drawn = Volume(np.random.default_rng(0).integers(1, 4, size).astype(np.uint8), drawn.corners, drawn.steps)
    (found,) = read(nifti(tmp_path_factory.mktemp("drawn") / "r1-ed.nii.gz", [drawn])).values()
    np.testing.assert_allclose(found.points(), drawn.points(), atol=1e-3)
    np.testing.assert_array_equal(found.sample(drawn.points())[0], drawn.labels)
    labels, inside = found.sample(drawn.points() + 20 * steps[0])
    assert not labels.any() and not inside.any()


def test_patient_coordinates_are_left_and_back():
    """NIfTI's first axis leads to the right and its second to the front; a voxel at RAS (10, 20, 30) is at LPS
    (-10, -20, 30)."""
    one = box((1, 1, 1), np.eye(3), np.array([-10.0, -20, 30]))
    assert (affine(one)[:3, 3] == [10, 20, 30]).all()
    assert (TO_RAS @ affine(one))[:3, 3] == pytest.approx([-10, -20, 30])


def test_all_frames_or_the_one_that_its_name_tells(tmp_path):
    empty = box((3, 8, 8), SHORT_AXIS)
    heart = ball(empty, 5)
    assert list(read(nifti(tmp_path / "r1-ed.nii.gz", [heart]))) == ["end-diastole"]
    assert list(read(nifti(tmp_path / "r1_ES.nii", [heart]))) == ["end-systole"]
    assert list(read(nifti(tmp_path / "r1.nii", [heart, empty, heart]), 3)) == [0, 2]
    assert list(read(nifti(tmp_path / "a.nii", [heart]), single="it")) == ["it"]
    assert list(read(nifti(tmp_path / "r1-es.nii", [heart], np.float32))) == ["end-systole"]


def test_late_enhancement_is_any_mark(tmp_path):
    """Of 1 or of its own label; another label is refused."""
    heart = ball(box((3, 8, 8), SHORT_AXIS), 5)
    for label in (1, 4):
        (found,) = read(nifti(tmp_path / "r1-lge.nii", [ball(heart, 5, label=label)])).items()
        assert (found[0], np.unique(found[1].labels).tolist()) == ("late enhancement", [0, 4])
    unknown = refused(read, nifti(tmp_path / "r1-lge.nii", [ball(heart, 2, label=2)]))
    assert (unknown.code, "expected 0 and 1 (late enhancement)" in str(unknown)) == ("review-unknown-label", True)


def test_what_no_file_of_labels_may_be(tmp_path):
    heart = ball(box((3, 8, 8), SHORT_AXIS), 5)
    assert refused(read, nifti(tmp_path / "r1.nii.gz", [heart])).code == "review-phase"
    wrong = refused(read, nifti(tmp_path / "r1.nii.gz", [heart] * 4), 5)
    assert (wrong.code, "has 4 frames; expected 1, or the image's 5" in wrong.message) == ("review-frames", True)
    strange = ball(heart, 2, label=7)
    unknown = refused(read, nifti(tmp_path / "r1-ed.nii", [strange]))
    assert (unknown.code, "labels such as 7; expected 0 and 1 (LV blood)" in unknown.message) == (
        "review-unknown-label",
        True,
    )
    assert refused(read, nifti(tmp_path / "r1-ed.nii", [box((3, 8, 8), SHORT_AXIS)])).code == "review-empty"
    halves = Volume(heart.labels * 0.5, heart.corners, heart.steps)
    assert refused(read, nifti(tmp_path / "r1-ed.nii", [halves], np.float32)).code == "review-unknown-label"


@settings(max_examples=25)
@given(st.binary(max_size=800), st.sampled_from(["r1-ed.nii", "r1-ed.nii.gz", "r1.dcm"]))
def test_bytes_that_are_no_labels_are_refused(tmp_path_factory, content, name):
    path = tmp_path_factory.mktemp("noise") / name
    path.write_bytes(content)
    assert refused(read, File(path, 2, 3)).code == "review-unreadable"


def test_a_damaged_file_and_one_without_a_place(tmp_path):
    heart = ball(box((3, 8, 8), SHORT_AXIS), 5)
    file = nifti(tmp_path / "r1-ed.nii.gz", [heart])
    file.path.write_bytes(file.path.read_bytes()[:-40])
    assert refused(read, file).code == "review-unreadable"
    lost = nibabel.Nifti1Image(heart.labels.T, None)
    lost.set_sform(None, 0)
    lost.set_qform(None, 0)
    nibabel.save(lost, tmp_path / "r2-ed.nii")
    assert refused(read, File(tmp_path / "r2-ed.nii", 1, 1)).code == "review-no-position"
    metres = nibabel.Nifti1Image(heart.labels.T, affine(heart))
    metres.header.set_xyzt_units("meter")
    nibabel.save(metres, tmp_path / "r3-ed.nii")
    found = refused(read, File(tmp_path / "r3-ed.nii", 1, 1))
    assert (found.code, found.message.endswith("counts in meter; expected mm")) == ("review-no-position", True)
    flat = nibabel.Nifti1Image(heart.labels.T[..., 0], affine(heart))
    nibabel.save(flat, tmp_path / "r4-ed.nii")
    assert refused(read, File(tmp_path / "r4-ed.nii", 1, 1)).code == "review-unreadable"


def test_colours_are_no_labels(tmp_path):
    colours = np.zeros((4, 4, 3), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colours, np.eye(4)), tmp_path / "r1-ed.nii")
    assert refused(read, File(tmp_path / "r1-ed.nii", 1, 1)).code == "review-unreadable"


def test_a_fault_of_the_machine_is_nobodys_drawing(tmp_path):
    """And its name, which may be a person's, is not told."""
    (tmp_path / "Mueller.nii").mkdir()
    with pytest.raises(OSError, match=r"cannot read file 1 of 1") as failed:
        read(File(tmp_path / "Mueller.nii", 1, 1))
    assert "Mueller" not in str(failed.value)


def folder(tmp_path: Path, *names: str, note: str | None = None) -> list[str]:
    """Files with a ball in each, under these names."""
    for name in names:
        nifti(tmp_path / "drawn.nii", [ball(box((3, 8, 8), SHORT_AXIS), 5)])
        shutil.copy(tmp_path / "drawn.nii", tmp_path / name)
    if note is not None:
        (tmp_path / "review.toml").write_text(note)
    return [str(tmp_path / name) for name in (*names, *(["review.toml"] if note is not None else []))]


def test_the_pseudonym_comes_from_the_name_or_the_note(tmp_path):
    assert of_patient([], "p", tmp_path, 8) is None
    two = of_patient(folder(tmp_path, "r2-ed.nii", "r1-es.nii"), "p", tmp_path, 8)
    assert (two.reviewers, [list(part) for part in two.parts]) == (("r1", "r2"), [["end-systole"], ["end-diastole"]])
    noted = folder(tmp_path, "contours-ed.nii", note='reviewer = "obs7"\npatient = "p"\n')
    assert of_patient(noted, "p", tmp_path, 8).reviewers == ("obs7",)


@pytest.mark.parametrize(
    ("names", "note", "code"),
    [
        (["Mueller_Hans-ed.nii"], None, "review-reviewer"),
        (["r1-ed.nii"], 'reviewer = "Hans Mueller"', "review-reviewer"),
        (["r1-ed.nii"], "reviewer: r1", "review-reviewer"),
        (["r1-ed.nii"], 'hospital = "St. Elsewhere"', "review-reviewer"),
        (["r1-ed.nii"], 'patient = "Mueller"', "review-other-patient"),
        (["r1-ed.nrrd"], None, "review-unreadable"),
        ([], 'reviewer = "r1"', "review-empty"),
    ],
)
def test_what_no_folder_of_reviews_may_have(tmp_path, names, note, code):
    """And no message says a name that was found."""
    stopped = refused(of_patient, folder(tmp_path, *names, note=note), "p", tmp_path, 8)
    assert stopped.code == code
    assert not any(word in str(stopped) for word in ("Mueller", "Hans", "Elsewhere"))
