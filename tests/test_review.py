"""What reviewers drew replaces automatic labels where it lies in space; other frames follow, and gates step back."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import xarray as xr
from dicom_samples import clean, content, edit, small_cine, written
from drawing_samples import ball, box, nifti
from label_samples import certain, disc, ring
from scipy.ndimage import binary_erosion
from test_exchange import labels as exported

from twinbeat import exchange
from twinbeat.intake import drawings
from twinbeat.intake.drawings import Review, Volume
from twinbeat.parameters import Imaging, Segmentation
from twinbeat.segmentation import decide, follow, rated
from twinbeat.segmentation.review import volume
from twinbeat.verdicts import NeedsReview, PatientStopped, Rejected

FRAMES, SLICES, PIXEL = 8, 6, 1.5
CYCLE = 800.0
UP = np.array([0.48, -0.6, 0.64])
ROW = np.cross([0, 0, 1.0], UP) / np.linalg.norm(np.cross([0, 0, 1.0], UP))
SHIFTS = np.array([[0, 0], [0, 0], [4.5, -3], [0, 0], [0, 0], [0, 0.0]])
BLOOD, MYOCARDIUM, RV = 1, 2, 3
LOOSE = Segmentation(volume_bounds=("0.01 mL", "500 mL"), ejection_bounds=(1, 99))
"""For hearts of a few voxels."""


def beating(squeeze: float = 0.4) -> np.ndarray:
    """Labels (time, z, y, x) of a pool of 10 pixels at end-diastole that shrinks in its wall, and of an RV."""
    phase = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAMES) / FRAMES)
    frames = []
    for t in phase:
        inner = 10 * (1 - squeeze * t)
        left = ring(inner, np.sqrt(inner**2 + 156))
        right = disc(13 * (1 - squeeze * t), (32, 54)) & (left == 0)
        frames.append(np.broadcast_to(np.where(right, RV, left), (SLICES, 64, 64)))
    return np.stack(frames).astype(np.uint8)


def store_of(labels: np.ndarray | None = None, confidence: float = 0.95) -> xr.Dataset:
    """A labels store of automatic labels on an oblique grid, one slice of which a breath-hold had moved."""
    labels = beating() if labels is None else labels
    pools, muscle, right = ((labels == label).sum((1, 2, 3)) * 0.018 for label in (1, 2, 3))
    space = ("time", "z", "y", "x")
    found = xr.Dataset(
        {
            "labels": (space, labels),
            "probability": (("label", *space), certain(labels).astype(np.float16)),
            "confidence": ("time", np.full(FRAMES, confidence)),
            "volume_lv": ("time", pools),
            "volume_myocardium": ("time", muscle),
            "volume_rv": ("time", right),
            "end_diastole": 0,
            "end_systole": FRAMES // 2,
            "origin": ("component", np.array([-30.0, 40, 12])),
            "directions": (("axis", "component"), np.array([UP, np.cross(UP, ROW), ROW])),
            "cycle": CYCLE,
            "shift_removed": (("z", "in_plane"), SHIFTS),
        },
        coords={
            "label": np.arange(4),
            "time": CYCLE * np.arange(FRAMES) / FRAMES,
            "z": 8.0 * np.arange(SLICES),
            "y": 20 + PIXEL * np.arange(64),
            "x": 30 + PIXEL * np.arange(64),
        },
        attrs={"kind": "labels"},
    )
    return rated(found)


def drawn(automatic: xr.Dataset, frame: int, labels: np.ndarray) -> Volume:
    """Labels (z, y, x) where a viewer shows the slices of the scanner."""
    ours = volume(automatic, frame)
    return Volume(labels.astype(np.uint8), ours.corners, ours.steps)


def thicker(frame: np.ndarray) -> np.ndarray:
    """The same heart with two pixels more of blood all around."""
    grown = np.pad(frame == BLOOD, 2)
    size = frame.shape[-1]
    around = [grown[2:-2, 2 + j : 2 + j + size, 2 + i : 2 + i + size] for j in (-2, 0, 2) for i in (-2, 0, 2)]
    return np.where(np.any(around, 0), BLOOD, frame)


def review(*parts: dict, who: tuple[str, ...] = ("r1",)) -> Review:
    return Review(who, parts)


def stopped(call, *arguments) -> PatientStopped:
    with pytest.raises(PatientStopped) as caught:
        call(*arguments)
    return caught.value


# Decisions


def test_labels_that_pass_go_on_as_they_are():
    automatic = store_of()
    found = decide(automatic, None, Segmentation())
    xr.testing.assert_identical(found.drop_vars("reviewed"), automatic.drop_attrs())
    assert found.predicted_dice.values == pytest.approx(1)
    assert not found.reviewed.any()


def test_low_confidence_needs_review_and_a_reviewer_ends_it():
    """With one frame put in as it was, all labels stay what they were: the reviewer has seen them."""
    automatic = store_of(confidence=0.5)
    verdict = stopped(decide, automatic, None, Segmentation())
    assert (type(verdict), verdict.code) == (NeedsReview, "low-confidence")
    same = drawn(automatic, 0, automatic.labels.values[0])
    found = decide(automatic, review({"end-diastole": same}), Segmentation())
    np.testing.assert_array_equal(found.labels, automatic.labels)
    assert found.attrs["reviewers"] == ["r1"]
    assert np.flatnonzero(found.reviewed) == [0]
    assert found.agreement.values == pytest.approx(1)


def test_what_no_heart_can_be_stays_rejected_whoever_drew_it():
    automatic = store_of()
    whole = {frame: drawn(automatic, frame, automatic.labels.values[0]) for frame in range(FRAMES)}
    verdict = stopped(decide, automatic, review(whole), Segmentation())
    assert (type(verdict), verdict.code) == (Rejected, "implausible-ejection")


# Corrections


def test_a_correction_is_where_the_viewer_showed_it():
    """Drawn on the scanner's own grid, of other pixels, in the moved slice too: the labels are those of the drawing, of
    which nearest voxels lose nothing where grids agree."""
    automatic = store_of()
    wanted = thicker(automatic.labels.values[0])
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, wanted)}), Segmentation())
    np.testing.assert_array_equal(found.labels.values[0], wanted)
    assert found.volume_lv[0] == pytest.approx((wanted == BLOOD).sum() * 0.018)
    sure = found.probability.values[:, 0].astype(float)
    assert sure.sum(0) == pytest.approx(1, abs=3e-3)
    for label in (0, BLOOD, RV):  # far from borders: 5 x 5 pixels have 0.95² = 0.91 of the weight of a blur of one
        inside = binary_erosion(wanted == label, np.ones((1, 5, 5)))
        assert inside.any() and sure[label][inside].min() > 0.9
    assert sure[BLOOD, :, 32, 32] == pytest.approx(1, abs=1e-3)
    size = (automatic.labels.values[0] == BLOOD).sum(), (wanted == BLOOD).sum()
    assert found.agreement.sel(label=BLOOD)[0] == pytest.approx(2 * size[0] / sum(size))


def test_frames_between_follow_and_the_others_keep_their_labels():
    """A pool drawn 3 mm larger at end-diastole, on labels that do not move: the change of the distance goes linearly to
    none at end-systole, four frames later, so half of it, one pixel of 1.5 mm, is left after two frames."""
    still = np.broadcast_to(np.broadcast_to(ring(10, 18), (SLICES, 64, 64)), (FRAMES, SLICES, 64, 64)).copy()
    still[4] = ring(9, 17.5)
    automatic = store_of(still)
    larger = np.broadcast_to(ring(12, 18), (SLICES, 64, 64))
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, larger)}), LOOSE)
    pools = [int((frame[0] == BLOOD).sum()) for frame in found.labels.values]
    exact = [int(disc(10 + 2 * max(1 - t / 4, t / 4 - 1)).sum()) for t in range(FRAMES)]
    assert pools[0] == exact[0]
    assert pools[4] == int(disc(9).sum())
    assert pools[2] == pytest.approx(exact[2], rel=0.06)
    assert pools[2] == pools[6]
    assert pools[0] > pools[1] >= pools[2] >= pools[3] > pools[4]


def test_a_border_moves_by_its_share_of_the_distance():
    """Discs of radius 10 and 14 mm in pixels of 1 mm: a quarter of the way is a disc of 11 mm."""
    frames = np.stack([disc(10)[None].astype(np.uint8)] * 8)
    found = follow.followed(
        frames, {0: frames[0], 4: disc(14)[None].astype(np.uint8)}, 100.0 * np.arange(8), 800.0, 1.0
    )
    for t, radius in {1: 11, 2: 12, 3: 13, 5: 13, 7: 11}.items():
        assert (found[t] == BLOOD).sum() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_a_slice_that_was_added_or_taken_away_follows_too():
    """Erased at end-diastole, the basal slice is gone there and in the frames beside it, and what is left of it grows
    until end-systole, which stays as it was."""
    automatic = store_of()
    less = automatic.labels.values[0].copy()
    less[0] = 0
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, less)}), LOOSE)
    assert not found.labels.values[[0, 1, 7], 0].any()
    np.testing.assert_array_equal(found.labels.values[4], automatic.labels.values[4])
    assert 0 < (found.labels.values[3, 0] > 0).sum() < (automatic.labels.values[3, 0] > 0).sum()
    more = review({"end-diastole": drawn(automatic, 0, automatic.labels.values[0])})
    back = decide(automatic.assign(labels=found.labels), more, LOOSE)
    assert back.labels.values[0, 0].any() and back.labels.values[1, 0].any()


@pytest.mark.parametrize(
    ("frame", "decided", "expected"),
    [(1, [0, 4], (0, 4, 0.25)), (6, [0, 4], (4, 0, 0.5)), (0, [2, 6], (6, 2, 0.5)), (3, [2], (2, 2, 0.125))],
)
def test_frames_lie_between_others_on_a_closed_cycle(frame, decided, expected):
    assert follow.between(frame, decided, 100.0 * np.arange(8), 800.0) == pytest.approx(expected)


def test_a_file_speaks_of_its_own_box_only():
    """Three slices in a box: the others keep their labels; in the three, what is empty has no heart."""
    automatic = store_of()
    ours = drawn(automatic, 0, np.where(automatic.labels.values[0] == RV, 0, automatic.labels.values[0]))
    boxed = Volume(ours.labels[2:5], ours.corners[2:5], ours.steps)
    found = decide(automatic, review({"end-diastole": boxed}), Segmentation()).labels.values[0]
    assert not (found[2:5] == RV).any()
    np.testing.assert_array_equal(found[[0, 1, 5]], automatic.labels.values[0, [0, 1, 5]])


def test_end_diastole_and_end_systole_move_only_if_all_frames_were_drawn():
    automatic = store_of()
    rolled = np.roll(automatic.labels.values, 1, axis=0)
    every = {frame: drawn(automatic, frame, rolled[frame]) for frame in range(FRAMES)}
    found = decide(automatic, review(every), Segmentation())
    assert (int(found.end_diastole), int(found.end_systole)) == (1, 5)
    found = decide(automatic, review({5: drawn(automatic, 5, rolled[5])}), Segmentation())
    assert (int(found.end_diastole), int(found.end_systole)) == (0, 4)


def test_a_reviewers_own_end_diastole_takes_the_place_of_ours():
    """Drawn 60 ms later in a cycle of 800 ms, it is the end-diastole from then on, and our own follows it: of 460 ms
    from end-systole around to it, 400 lead to ours. At 90 ms it is just another frame."""
    times = CYCLE * np.arange(FRAMES) / FRAMES
    times[1] = 60
    automatic = store_of().assign_coords(time=times)
    automatic.labels.values[1] = automatic.labels.values[0]
    wanted = thicker(automatic.labels.values[0])
    found = decide(automatic, review({1: drawn(automatic, 1, wanted)}), LOOSE)
    assert (int(found.end_diastole), int(found.end_systole)) == (1, 4)
    pools = [(found.labels.values[frame] == BLOOD).sum() for frame in (0, 1)]
    assert (automatic.labels.values[0] == BLOOD).sum() < pools[0] <= pools[1] == (wanted == BLOOD).sum()
    late = automatic.assign_coords(time=np.where(np.arange(FRAMES) == 1, 90, times))
    found = decide(late, review({1: drawn(late, 1, wanted)}), LOOSE)
    assert int(found.end_diastole) == 0
    np.testing.assert_array_equal(found.labels.values[0], late.labels.values[0])


def test_drawings_that_do_not_fit():
    automatic = store_of()
    ours = drawn(automatic, 0, automatic.labels.values[0])
    both = review({"end-diastole": ours}, {0: ours}, who=("r1", "r2"))
    assert stopped(decide, automatic, both, Segmentation()).code == "review-twice"
    elsewhere = Volume(ours.labels, ours.corners + np.array([0, 60, 0]), ours.steps)
    verdict = stopped(decide, automatic, review({"end-diastole": elsewhere}), Segmentation())
    assert (verdict.code, "lies within the grid" in verdict.message) == ("review-outside", True)
    thin = ours.steps * np.array([[0.1], [1], [1]])
    between = Volume(ours.labels[:1], ours.corners[:1] + 0.5 * ours.steps[0], thin)
    assert stopped(decide, automatic, review({"end-diastole": between}), Segmentation()).code == "review-outside"


# Files


def test_a_nifti_file_of_another_grid(tmp_path):
    """Drawn on isotropic voxels along the patient's axes: a ball comes in with its volume. Slices 8 mm apart through a
    ball of 24 mm err by less than (h / 2r)² = 3 %, voxels of 1 mm and pixels of 1.5 mm by less than as much again."""
    automatic = store_of()
    middle = volume(automatic, 0).points()[2:4, 30:34, 30:34].mean((0, 1, 2))
    heart = ball(box((80, 80, 80), np.eye(3), middle), 24, middle)
    file = nifti(tmp_path / "r4-ed.nii.gz", [heart])
    found = decide(automatic, drawings.of_patient([str(file.path)], "p", tmp_path, FRAMES), Segmentation())
    assert float(found.volume_lv[0]) == pytest.approx(4 / 3 * np.pi * 2.4**3, rel=0.06)
    assert found.attrs["reviewers"] == ["r4"]


@pytest.fixture(scope="module")
def draft(tmp_path_factory) -> tuple[Path, xr.Dataset]:
    """A folder with the raw and the de-identified images of a patient, and automatic labels with their draft."""
    folder, found = tmp_path_factory.mktemp("hospital"), exported(small_cine())
    written(small_cine(), folder / "raw")
    clean(folder / "raw")
    space = found.labels.dims
    volumes = {f"volume_{name}": ("time", np.full(8, 99.0)) for name in ("lv", "myocardium", "rv")}
    opinion = {
        "probability": (("label", *space), certain(found.labels.values)),
        "confidence": ("time", np.full(8, 0.3)),
    }
    automatic = rated(found.assign(volumes | opinion | {"cycle": 812.0}))
    exchange.write_segmentation(folder / "deid", folder / "draft", automatic, Imaging())
    return folder, automatic


@pytest.fixture
def hospital(draft, tmp_path) -> tuple[Path, xr.Dataset]:
    """A copy of them in which the draft is the review of r1."""
    folder, automatic = draft
    shutil.copytree(folder / "deid", tmp_path / "deid")
    shutil.copy(folder / "draft/segmentation.dcm", tmp_path / "r1.dcm")
    return tmp_path, automatic


def of_folder(folder: Path) -> Review:
    return drawings.of_patient([str(folder / "r1.dcm")], "p", folder / "deid", 8)


def test_a_draft_that_goes_back_unedited_changes_nothing(hospital):
    """Through DICOM and back, with the slice that a breath-hold moved, and the first slice that shows no heart."""
    folder, automatic = hospital
    found = decide(automatic, of_folder(folder), LOOSE)
    np.testing.assert_array_equal(found.labels, automatic.labels)
    assert np.flatnonzero(found.reviewed).tolist() == [1, 4]


def test_a_draft_is_edited_and_comes_back(hospital):
    """A pixel that the reviewer adds to the blood of a slice at end-diastole, and a slice erased at end-systole; who
    signed the file is nowhere in what comes in."""
    folder, automatic = hospital

    def paint(seg: pydicom.Dataset) -> None:
        seg.ContentCreatorName = "Mueller^Hans"
        pixels = seg.pixel_array
        for mask, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
            number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            z = groups.FrameContentSequence[0].DimensionIndexValues[1]
            if (number, z) == (1, 2):
                mask[0, 0] = 1
            if number > 3 and z == 4:
                mask[:] = 0
        seg.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()

    seg = pydicom.dcmread(folder / "r1.dcm")
    paint(seg)
    seg.save_as(folder / "r1.dcm")
    found = decide(automatic, of_folder(folder), LOOSE)
    changed = np.argwhere(found.labels.values[[1, 4]] != automatic.labels.values[[1, 4]])
    assert len(changed) > 1
    added = changed[changed[:, 0] == 0]
    assert len(added) == 1 and added[0, 2:].tolist() == [0, 0]
    assert found.labels.values[1, added[0, 1], 0, 0] == BLOOD
    (erased,) = set(changed[changed[:, 0] == 1][:, 1])
    assert not found.labels.values[4, erased].any()
    assert "Mueller" not in str(found) + str(found.attrs)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PatientID": "Mueller"}, "review-other-patient"),
        ({"StudyInstanceUID": "1.2.3"}, "review-other-space"),
        ({"FrameOfReferenceUID": "1.2.3"}, "review-other-space"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "review-unreadable"),
        ({"SegmentSequence": []}, "review-unknown-label"),
        ({"PerFrameFunctionalGroupsSequence": []}, "review-unreadable"),
    ],
)
def test_a_segmentation_of_something_else(hospital, change, code):
    folder, _ = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    for name, value in change.items():
        setattr(seg, name, value)
    seg.save_as(folder / "r1.dcm")
    verdict = stopped(of_folder, folder)
    assert (type(verdict), verdict.code) == (NeedsReview, code)
    assert "Mueller" not in str(verdict)


def test_a_segmentation_with_slices_of_two_orientations(hospital):
    folder, _ = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    turned = pydicom.Dataset()
    turned.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    seg.PerFrameFunctionalGroupsSequence[0].PlaneOrientationSequence = [turned]
    seg.save_as(folder / "r1.dcm")
    assert stopped(of_folder, folder).code == "review-no-position"


def test_a_segmentation_whose_slices_are_not_quite_where_they_were(hospital):
    """A viewer that rounds positions moves slices by less than what separates two; a slice has some thickness."""
    folder, automatic = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    for number, groups in enumerate(seg.PerFrameFunctionalGroupsSequence):
        place = groups.PlanePositionSequence[0]
        place.ImagePositionPatient = [round(x + 0.02 * (-1) ** number, 2) for x in place.ImagePositionPatient]
    seg.save_as(folder / "r1.dcm")
    np.testing.assert_array_equal(decide(automatic, of_folder(folder), LOOSE).labels, automatic.labels)
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SliceThickness = measures.SpacingBetweenSlices = 0
    seg.save_as(folder / "r1.dcm")
    assert stopped(of_folder, folder).code == "review-unreadable"


def test_a_reviewed_phase_leaves_as_semiautomatic(hospital):
    folder, automatic = hospital
    found = decide(automatic, of_folder(folder), LOOSE)
    exchange.write_segmentation(folder / "deid", folder / "out", found, Imaging())
    seg = pydicom.dcmread(folder / "out/segmentation.dcm")
    assert {segment.SegmentAlgorithmType for segment in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert b"r1" not in content(folder / "out").replace(b"r1.", b"")


def test_images_in_several_spaces_have_a_segmentation_in_one_of_its_own(tmp_path):
    """As the real study: a frame of reference for each slice."""
    written(small_cine(), tmp_path / "raw", "slices")
    edit(tmp_path / "raw", lambda one: setattr(one, "FrameOfReferenceUID", one.SeriesInstanceUID))
    clean(tmp_path / "raw")
    exchange.write_segmentation(tmp_path / "deid", tmp_path / "draft", exported(small_cine()), Imaging())
    (tmp_path / "draft/segmentation.dcm").rename(tmp_path / "r1.dcm")
    assert set(of_folder(tmp_path).parts[0]) == {"end-diastole", "end-systole"}
