"""Stored variables of cohorts: side by side, ensembles and surrogates, shape models."""

from .variable import Variable


def _reduced(field: str) -> dict[str, Variable]:
    """Decomposition and Gaussian processes of a field of the surrogate."""
    entry, rank, mode = (f"{field}_{what}" for what in ("entry", "rank", "mode"))
    return {
        f"{field}_modes": Variable((entry, rank), "1", "orthonormal modes of the scaled field"),
        f"{field}_values": Variable((rank,), "1", "singular values"),
        f"{field}_right": Variable((rank, "member"), "1", "coefficients of the members over the singular values"),
        f"{field}_theta": Variable((mode, "hyperparameter"), "1", "ln of the kernel's variance, length scales, noise"),
        f"{field}_stretch": Variable((mode,), "1", "of the standard deviation, from members left out"),
    }


COHORT: dict[str, dict[str, Variable]] = {
    "cohort": {
        "status": Variable(("patient",), "1", "0 done, 1 rejected, 2 quarantined, 3 needs review"),
        "group": Variable(("patient",), "1", "group of the table of patients"),
        "code": Variable(("patient",), "1", "reason of a verdict, else empty"),
        "stage": Variable(("patient",), "1", "rule that gave the verdict, else empty"),
        "message": Variable(("patient",), "1", "words of the verdict, else empty"),
        "value": Variable(("patient", "quantity"), "1", "scalar of the assessment in its own unit; 0 where not known"),
        "known": Variable(("patient", "quantity"), "1", "1 where the patient has the quantity"),
    },
    "ensemble": {
        "factor": Variable(("member", "parameter"), "1", "by which the calibrated heart is varied"),
        "lower": Variable(("parameter",), "1", "bound of the factor"),
        "upper": Variable(("parameter",), "1", "bound of the factor"),
    },
    "member": {
        "number": Variable((), "1", "in the ensemble; from 1000 held out of the training"),
        "factor": Variable(("parameter",), "1", "by which the calibrated heart is varied"),
        "volume": Variable(("time",), "mL", "LV cavity in the last beat"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "displacement": Variable(("frame", "point", "component"), "mm", "from end-diastole"),
        "ejection_fraction": Variable((), "%", "stroke volume over largest volume"),
        "peak_pressure": Variable((), "kPa", "largest LV pressure"),
    },
    "surrogate": {
        "factor": Variable(("member", "parameter"), "1", "of the members that trained it"),
        "digest": Variable(("member",), "1", "SHA-256 of a member's factors and results"),
        "lower": Variable(("parameter",), "1", "bound of the factor"),
        "upper": Variable(("parameter",), "1", "bound of the factor"),
        "failed": Variable((), "1", "members whose simulation gave no result"),
        "volume": Variable(("time",), "mL", "mean of the members"),
        "pressure": Variable(("time",), "kPa", "mean of the members"),
        "displacement": Variable(("frame", "point", "component"), "mm", "mean of the members"),
        "ejection_fraction": Variable((), "%", "mean of the members"),
        "peak_pressure": Variable((), "kPa", "mean of the members"),
        **_reduced("displacement"),
        **_reduced("loop"),
        **_reduced("figures"),
        "error": Variable(("quantity",), "1", "root mean square over held-out members, relative to the quantity's own"),
        "variation": Variable(("quantity",), "1", "the same of the distance from the mean: what the error compares to"),
        "coverage": Variable(("quantity",), "1", "share of held-out values in their 90 % intervals"),
        "held_out": Variable((), "1", "number of held-out members"),
    },
    "shape": {
        "mean": Variable(("wall", "node", "component"), "mm", "corresponding points of the mean heart, heart frame"),
        "modes": Variable(("shape_mode", "wall", "node", "component"), "mm", "displacement by one standard deviation"),
        "frame": Variable(("frame_entry",), "mm", "mean centre (3) and semi-axes (2 x 3) of the star-shaped walls"),
        "frame_modes": Variable(("shape_mode", "frame_entry"), "mm", "their change with one standard deviation"),
        "triangles": Variable(("triangle", "corner"), "1", "nodes of the triangles of each wall"),
        "variance": Variable(("rank",), "mm^2", "of the scores of all modes, mean square over the points"),
        "compactness": Variable(("count",), "1", "share of the variance in the first 0, 1, ... modes"),
        "generalisation": Variable(("count",), "mm", "distance of patients from what modes of the others make of them"),
        "generalisation_error": Variable(("count",), "mm", "its standard error"),
        "specificity": Variable(("count",), "mm", "distance of drawn shapes from the nearest patient"),
        "specificity_error": Variable(("count",), "mm", "its standard error"),
        "score": Variable(("patient", "shape_mode"), "1", "of the patients, in standard deviations"),
        "residual": Variable(("patient",), "mm", "distance of the patient from what the kept modes make of it"),
        "neighbour": Variable(("patient",), "mm", "distance of the patient from the nearest other one"),
    },
}
