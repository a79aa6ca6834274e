"""Frames of MR and CT images with their geometry and time, from classic files and Enhanced multi-frame ones alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom import Dataset

from ...verdicts import Rejected
from .. import files


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: where it lies (LPS mm), when it was taken (ms after the R wave), and where its pixels are."""

    file: files.File
    index: int
    modality: str
    """MR or CT."""
    series: str
    """UID, and for Enhanced images, which hold several stacks, the name of the stack."""
    study: tuple[str, str]
    """Day and time, and UID: later ones sort last."""
    number: int
    """Of the series: later ones of a study have higher numbers."""
    position: np.ndarray
    """Centre of the first pixel, shape (3,)."""
    orientation: np.ndarray
    """Unit vectors along a row and along a column, shape (6,)."""
    spacing: tuple[float, float]
    """Distance between rows and between columns, mm."""
    shape: tuple[int, int]
    """Rows and columns."""
    trigger: float | None
    interval: float | None
    """RR interval, ms."""
    phase: float | None
    """Share of the RR interval at which it was taken, where a scanner gives that instead of a time."""
    order: float
    """Place in the sequence, where there is neither."""
    scale: tuple[float, float] = (1.0, 0.0)
    """Slope and intercept from stored values to signal."""

    @property
    def normal(self) -> np.ndarray:
        """Unit vector that makes a right-handed frame with the row and the column direction."""
        return np.cross(self.orientation[:3], self.orientation[3:])


def frames(found: list[files.File]) -> list[Frame]:
    """All frames with a geometry. Raises Rejected where a file is damaged or its geometry is no geometry."""
    return [frame for file in found for frame in _of_file(file)]


def _of_file(file: files.File) -> Iterator[Frame]:
    dataset = files.read(file, pixels=False)
    if dataset is None:
        return
    try:
        with files.quiet():
            yield from (_enhanced if "Enhanced" in dataset.SOPClassUID.name else _classic)(file, dataset)
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        reason = f"has no valid geometry or time ({type(error).__name__})"
        raise Rejected("invalid-header", f"{file} {reason}; expected position, orientation and spacing") from None


def _classic(file: files.File, dataset: Dataset) -> Iterator[Frame]:
    if "ImagePositionPatient" not in dataset or "ImageOrientationPatient" not in dataset:
        return
    yield _frame(
        file,
        0,
        dataset,
        position=dataset.ImagePositionPatient,
        orientation=dataset.ImageOrientationPatient,
        spacing=dataset.PixelSpacing,
        trigger=dataset.get("TriggerTime"),
        interval=dataset.get("NominalInterval") or _of_rate(dataset.get("HeartRate")),
        phase=dataset.get("NominalPercentageOfCardiacPhase"),
        order=dataset.get("InstanceNumber"),
        scale=(dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")),
    )


def _enhanced(file: files.File, dataset: Dataset) -> Iterator[Frame]:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    for index, own in enumerate(dataset.get("PerFrameFunctionalGroupsSequence") or []):
        groups = _Groups(own, shared)
        if position := groups.get("PlanePositionSequence", "ImagePositionPatient"):
            yield _frame(
                file,
                index,
                dataset,
                stack=str(groups.get("FrameContentSequence", "StackID") or ""),
                position=position,
                orientation=groups.get("PlaneOrientationSequence", "ImageOrientationPatient"),
                spacing=groups.get("PixelMeasuresSequence", "PixelSpacing"),
                trigger=groups.get("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
                interval=groups.get("CardiacSynchronizationSequence", "RRIntervalTimeNominal"),
                phase=groups.get("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
                order=groups.get("FrameContentSequence", "TemporalPositionIndex") or index,
                scale=tuple(
                    groups.get("PixelValueTransformationSequence", f"Rescale{k}") for k in ("Slope", "Intercept")
                ),
            )


@dataclass(frozen=True)
class _Groups:
    """Functional groups of one frame (PS3.3 C.7.6.16): its own before the shared ones."""

    own: Dataset
    shared: Dataset

    def get(self, sequence: str, keyword: str) -> Any:
        """A value of a functional group, or None."""
        for groups in (self.own, self.shared):
            for item in groups.get(sequence) or []:
                if keyword in item:
                    return item[keyword].value
        return None


def _frame(
    file: files.File,
    index: int,
    dataset: Dataset,
    *,
    stack: str = "",
    position: Any,
    orientation: Any,
    spacing: Any,
    trigger: Any,
    interval: Any,
    phase: Any,
    order: Any,
    scale: tuple[Any, Any],
) -> Frame:
    place, axes = np.array(position, float), np.array(orientation, float)
    size = (float(spacing[0]), float(spacing[1]))
    _check_geometry(place, axes, size)
    return Frame(
        file=file,
        index=index,
        modality="CT" if "CT" in dataset.SOPClassUID.name else "MR",
        series=f"{dataset.get('SeriesInstanceUID', '')} {stack}".strip(),
        study=(
            f"{dataset.get('StudyDate') or ''} {dataset.get('StudyTime') or ''}",
            str(dataset.get("StudyInstanceUID", "")),
        ),
        number=int(_number(dataset.get("SeriesNumber")) or 0),
        position=place,
        orientation=np.concatenate([axis / np.linalg.norm(axis) for axis in (axes[:3], axes[3:])]),
        spacing=size,
        shape=(int(dataset.Rows), int(dataset.Columns)),
        trigger=_number(trigger),
        interval=_number(interval) or None,
        phase=None if (share := _number(phase)) is None else share / 100,
        order=_number(order) or 0.0,
        scale=(_number(scale[0]) or 1.0, _number(scale[1]) or 0.0),
    )


def _check_geometry(position: np.ndarray, axes: np.ndarray, spacing: tuple[float, float]) -> None:
    finite = position.shape == (3,) and axes.shape == (6,) and np.isfinite([*position, *axes, *spacing]).all()
    if not finite or min(spacing) <= 0:
        raise ValueError
    if not np.allclose([axes[:3] @ axes[:3], axes[3:] @ axes[3:], axes[:3] @ axes[3:]], [1, 1, 0], atol=1e-2):
        raise ValueError


def _of_rate(rate: Any) -> float | None:
    """RR interval in ms of a heart rate in beats per minute."""
    return 60e3 / beats if (beats := _number(rate)) else None


def _number(value: Any) -> float | None:
    return None if value in (None, "") or not np.isfinite(float(value)) else float(value)
