"""Agreement of observers, against shapes whose overlap and distance have a formula."""

import json

import numpy as np
import pytest
from drawing_samples import ball, box, nifti
from heart_samples import store_of

from twinbeat import store
from twinbeat.intake.drawings import Volume
from twinbeat.segmentation import observers

FINE = np.eye(3)
SIZE = (60, 60, 60)


def apart(radius: float, distance: float) -> tuple[Volume, Volume]:
    """Two balls of the same radius whose centres are a distance apart."""
    return tuple(ball(box(SIZE, FINE), radius, (0, side * distance / 2, 0)) for side in (-1, 1))


def test_two_balls_side_by_side():
    """Two balls of radius r at a distance d share a lens of pi (4 r + d) (2 r - d)² / 12, and each has a point d away
    from the other one. On voxels of 1 mm, distances are right within a diagonal of them, 1.7 mm."""
    r, d = 20.0, 9.0
    one, other = apart(r, d)
    lens = np.pi * (4 * r + d) * (2 * r - d) ** 2 / 12
    assert observers.dice(one, other, 1) == pytest.approx(lens / (4 / 3 * np.pi * r**3), abs=0.005)
    largest, most = observers.hausdorff(one, other, 1)
    assert largest == pytest.approx(d, abs=1.0)
    assert observers.hausdorff(other, one, 1) == (largest, most)


def test_a_ball_within_a_ball():
    """Dice 2 r³ / (r³ + R³), and R - r from every point of either border, so also for 95 % of them."""
    r, R = 14.0, 19.0
    one, other = (ball(box(SIZE, FINE), radius) for radius in (r, R))
    assert observers.dice(one, other, 1) == pytest.approx(2 * r**3 / (r**3 + R**3), abs=0.01)
    assert observers.hausdorff(one, other, 1) == pytest.approx((R - r, R - r), abs=1.0)


def test_ninety_five_of_a_hundred():
    """Two plates of 1000 x 1 voxels that are the same but for a pin of 3 % of them at a distance: it counts for the
    maximum alone."""
    plate = np.zeros((8, 100, 10), np.uint8)
    plate[0] = 1
    pinned = plate.copy()
    pinned[7, :30, 0] = 1
    one, other = (Volume(labels, box((8, 100, 10), FINE).corners, FINE) for labels in (plate, pinned))
    assert observers.hausdorff(one, other, 1) == pytest.approx((7, 0))


def test_late_enhancement_is_compared_by_its_name():
    one = {"late enhancement": ball(box(SIZE, FINE), 10, label=4)}
    (row,) = observers.compare({"r1": one, "r2": one})
    assert (row.frame, row.label, row.dice) == ("late enhancement", "late enhancement", 1.0)


def test_grids_may_differ():
    """The same ball on a turned grid of other voxels is the same ball, within what voxels of 2 mm can tell."""
    turn, _ = np.linalg.qr(np.arange(9.0).reshape(3, 3) + np.eye(3))
    one, other = ball(box(SIZE, FINE), 18), ball(box((40, 44, 48), 1.6 * turn), 18)
    assert observers.dice(one, other, 1) > 0.95
    assert observers.hausdorff(one, other, 1)[0] < 2.5


def test_the_table_and_the_last_line(tmp_path, capsys):
    """Three observers give three pairs; a label that nobody drew has no row, one that one alone drew no distance."""
    one, other = apart(20, 6)
    files = [nifti(tmp_path / name, [volume]) for name, volume in (("a.nii", one), ("b.nii", other), ("c.nii", other))]
    nifti(tmp_path / "b.nii", [ball(other, 3, (25, 25, 25), 3)])
    observers.main([str(file.path) for file in files])
    *lines, last = capsys.readouterr().out.splitlines()
    rows = json.loads(last)
    assert len(lines) == 1 + len(rows) == 6
    assert {row["label"] for row in rows} == {"LV blood", "RV blood"}
    assert [row["hausdorff"] for row in rows if row["label"] == "RV blood"] == [None, None]
    assert [row["dice"] for row in rows if row["first"].endswith("b.nii")] == [1.0, 0.0]


def test_a_store_against_a_file(tmp_path, capsys):
    """Labels of a store and the same voxels as NIfTI agree wholly, frame by frame and by phase."""
    labels = store_of().assign(shift_removed=(("z", "in_plane"), np.zeros((6, 2))))  # which NIfTI has no place for
    store.publish(labels, tmp_path / "labels.zarr")
    frames = [observers.volume(labels, frame) for frame in range(labels.sizes["time"])]
    nifti(tmp_path / "r1.nii.gz", frames)
    nifti(tmp_path / "r1-es.nii.gz", [frames[int(labels.end_systole)]])
    for name, count in (("r1.nii.gz", 3 * len(frames)), ("r1-es.nii.gz", 3)):
        observers.main([str(tmp_path / "labels.zarr"), str(tmp_path / name)])
        rows = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert len(rows) == count
        assert [row["dice"] for row in rows] == pytest.approx([1.0] * count, abs=1e-6)  # NIfTI's numbers are short
        assert max(row["hausdorff"] for row in rows) < 1e-3


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["r1-ed.nii"], "expected two or more, got 1"),
        (["r1-ed.nii", "r1-es.nii"], "no frame in common"),
        (["r1-ed.nii", "nothing.zarr"], "no store is there"),
        (["r1-ed.nii", "empty-ed.nii"], "review-empty"),
    ],
)
def test_what_cannot_be_compared(tmp_path, names, words):
    for name in ("r1-ed.nii", "r1-es.nii"):
        nifti(tmp_path / name, [ball(box((5, 5, 5), FINE), 2)])
    nifti(tmp_path / "empty-ed.nii", [box((5, 5, 5), FINE)])
    with pytest.raises(SystemExit, match=words):
        observers.main([str(tmp_path / name) for name in names])
