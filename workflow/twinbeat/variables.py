"""The one table of stored variables: dimensions, unit and meaning of every array in every store.

Coordinates are mm. An image is (time, z, y, x): voxel centres lie at ``origin + z*directions[0] + y*directions[1] +
x*directions[2]`` in LPS patient coordinates, with z, y, x the coordinate values in mm. The heart frame of the mesh has
its origin in the middle of the base plane, the third axis along the long axis from apex to base, the first towards the
septum (RV); ``to_lps`` (4 x 4) maps it to LPS.
"""

from typing import NamedTuple


class Variable(NamedTuple):
    """Dimensions, unit and meaning of a stored array."""

    dims: tuple[str, ...]
    unit: str
    meaning: str


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


COORDINATES: dict[str, Variable] = {
    "time": Variable(("time",), "ms", "after the R wave"),
    "z": Variable(("z",), "mm", "along the slices"),
    "y": Variable(("y",), "mm", "along the columns of a slice"),
    "x": Variable(("x",), "mm", "along the rows of a slice"),
    "label": Variable(("label",), "1", "0 background, 1 LV blood, 2 LV myocardium, 3 RV blood"),
    "segment": Variable(("segment",), "1", "AHA segment, from 1"),
    "frame": Variable(("frame",), "ms", "time of a stored displacement"),
    "snapshot": Variable(("snapshot",), "ms", "time of a stored potential"),
    "parameter": Variable(("parameter",), "1", "name"),
    "parameter_": Variable(("parameter_",), "1", "name"),
    "patient": Variable(("patient",), "1", "pseudonym"),
    "quantity": Variable(("quantity",), "1", "name"),
    "member": Variable(("member",), "1", "index in the ensemble"),
}

_QUALITY = {
    "minimum_dihedral": Variable((), "degree", "smallest angle between two faces of an element"),
    "percentile_dihedral": Variable((), "degree", "first percentile of the elements' smallest dihedral angles"),
    "maximum_aspect": Variable((), "1", "largest aspect ratio of an element, 1 for the regular tetrahedron"),
    "slice_position": Variable(("slice",), "mm", "z of the slices that the walls were fitted to, from the base on"),
    "slice_shift": Variable(("slice", "component"), "mm", "LPS shift that a breath-hold gave to the slice, subtracted"),
}

_COORDINATES = {
    "depth": Variable(("point",), "1", "share of the wall's thickness, 0 endocardium to 1 epicardium"),
    "longitudinal": Variable(("point",), "1", "share of the arc along the wall, 0 apex to 1 base"),
    "circumferential": Variable(("point",), "rad", "about the long axis, from the septum to the anterior wall"),
    "ventricle": Variable(("point",), "1", "-1 left with the septum, 1 right, 0 blood"),
}

_FIBERS = {
    "fiber": Variable(("cell", "component"), "1", "unit fibre direction"),
    "sheet": Variable(("cell", "component"), "1", "unit sheet direction, across the wall"),
    "sheet_normal": Variable(("cell", "component"), "1", "unit sheet-normal direction"),
    "segment": Variable(("cell",), "1", "AHA segment, 1 to 17; 0 outside the left wall"),
}

_MESH = {
    "points": Variable(("point", "component"), "mm", "mesh nodes in the heart frame at end-diastole"),
    "cells": Variable(("cell", "corner"), "1", "tetrahedra"),
    "facets": Variable(("facet", "facet_corner"), "1", "triangles of the boundary, outward"),
    "facet_tags": Variable(("facet",), "1", "1 endocardium, 2 epicardium, 3 base, 4 right endocardium"),
    "cell_tags": Variable(("cell",), "1", "1 left wall with the septum, 2 right wall, 3 left and 4 right blood"),
    **_COORDINATES,
    "to_lps": Variable(("row", "column"), "mm", "homogeneous map from the heart frame to LPS"),
    "surface_centre": Variable(("component",), "mm", "centre of the star-shaped walls (twinbeat.mesh.surfaces)"),
    "surface_radii": Variable(("wall", "component"), "mm", "semi-axes of endocardium and epicardium"),
    "surface_modes": Variable(("wall", "mode"), "1", "real spherical harmonics of both walls"),
    "contour_rms": Variable(("wall",), "mm", "root mean square distance of the contours from endo- and epicardium"),
    "shape_score": Variable(("shape_mode",), "1", "of a virtual anatomy, in standard deviations of the shape model"),
    "nearest_training": Variable((), "mm", "root mean square distance of a virtual anatomy from any patient, at least"),
    "refit_rms": Variable((), "mm", "the same of a virtual anatomy's walls from the points that were drawn"),
    "attempts": Variable((), "1", "draws that a virtual anatomy took"),
    **_QUALITY,
}

_BIVENTRICLE = {
    "points": Variable(("point", "component"), "mm", "mesh nodes in the heart frame at end-diastole"),
    "cells": Variable(("cell", "corner"), "1", "tetrahedra"),
    "cell_tags": Variable(("cell",), "1", "1 LV wall with the septum, 2 RV wall, 3 LV blood, 4 RV blood"),
    "facets": Variable(("facet", "facet_corner"), "1", "triangles around the muscle, out of it, and lids of blood"),
    "facet_tags": Variable(
        ("facet",), "1", "1 LV endocardium, 2 epicardium, 3 base, 4 RV endocardium, 5 and 6 lids of LV and RV blood"
    ),
    "to_lps": Variable(("row", "column"), "mm", "homogeneous map from the heart frame to LPS"),
    "contour_rms": Variable(("surface",), "mm", "of the contours from LV endocardium, RV endocardium, LV epicardium"),
    "curvature": Variable(("surface",), "1/mm", "99th percentile across edges of LV and RV endocardium and epicardium"),
    "volume": Variable(("tissue",), "mL", "of LV wall, RV wall, LV blood, RV blood in the mesh, below the base"),
    "smooth_volume": Variable(("tissue",), "mL", "the same of the smooth surfaces that were meshed"),
    **_QUALITY,
}

VARIABLES: dict[str, dict[str, Variable]] = {
    "verdict": {},
    "record": {
        "sha256": Variable(("file", "byte"), "1", "checksums of the de-identified files in the order of their names"),
    },
    "image": {
        "image": Variable(("time", "z", "y", "x"), "1", "MR signal, or Hounsfield units of a CT"),
        "origin": Variable(("component",), "mm", "LPS position of the voxel at z = y = x = 0"),
        "directions": Variable(("axis", "component"), "1", "unit vectors of the z, y and x axes in LPS"),
        "cycle": Variable((), "ms", "RR interval"),
        "regridded": Variable(("z",), "1", "whether the slice came on another grid in its plane, and was interpolated"),
        "retimed": Variable(("z",), "1", "whether the slice came with other phases, and was interpolated"),
        "shift_removed": Variable(
            ("z", "in_plane"), "mm", "along y and x that a breath-hold gave the slice, taken out"
        ),
        "shift_found": Variable(("z", "in_plane"), "mm", "the same before the threshold; 0 where it was not judged"),
        "shift_judged": Variable(("z",), "1", "whether the shift could be told from the neighbours"),
    },
    "labels": {
        "labels": Variable(("time", "z", "y", "x"), "1", "0 background, 1 LV blood, 2 LV myocardium, 3 RV blood"),
        "probability": Variable(("label", "time", "z", "y", "x"), "1", "of each label"),
        "enhancement": Variable(("z", "y", "x"), "1", "whether the muscle enhances late: scar"),
        "confidence": Variable(("time",), "1", "mean highest probability over the heart"),
        "origin": Variable(("component",), "mm", "LPS position of the voxel at z = y = x = 0"),
        "directions": Variable(("axis", "component"), "1", "unit vectors of the z, y and x axes in LPS"),
        "volume_lv": Variable(("time",), "mL", "LV blood"),
        "volume_myocardium": Variable(("time",), "mL", "LV myocardium"),
        "volume_rv": Variable(("time",), "mL", "RV blood"),
        "end_diastole": Variable((), "1", "frame index"),
        "end_systole": Variable((), "1", "frame index"),
        "cycle": Variable((), "ms", "RR interval"),
        "shift_removed": Variable(("z", "in_plane"), "mm", "along y and x that import took out of the slice"),
        "predicted_dice": Variable(("label", "time"), "1", "to be expected of the automatic labels"),
        "reviewed": Variable(("time",), "1", "whether a reviewer drew in the frame"),
        "agreement": Variable(("label", "time"), "1", "Dice of the automatic labels with these"),
    },
    "mesh": _MESH,
    "biventricle": {**_BIVENTRICLE, **_COORDINATES, **_FIBERS},
    "anatomy": {**_MESH, **_FIBERS},
    "targets": {
        "volume": Variable(("time",), "mL", "LV cavity, consistent with the mesh at end-diastole"),
        "volume_sigma": Variable(("time",), "mL", "its standard deviation"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "pressure_sigma": Variable(("time",), "kPa", "its standard deviation"),
        "radius": Variable(
            ("segment", "time"), "mm", "mean endocardial distance from the long axis per AHA segment 1 to 16"
        ),
        "radius_sigma": Variable(("segment", "time"), "mm", "its standard deviation"),
        "end_diastole": Variable((), "1", "frame index"),
        "end_systole": Variable((), "1", "frame index"),
        "cycle": Variable((), "ms", "RR interval"),
    },
    "posterior": {
        "stiffness": Variable((), "kPa", "stiffness of the passive law (mechanics.law)"),
        "tension": Variable(("time",), "kPa", "active tension of each frame in healthy muscle"),
        "tissue": Variable(("cell",), "1", "0 healthy, 1 border zone of scar, 2 scar"),
        "contractile": Variable(("cell",), "1", "share of the tension that the cell develops (scar 0)"),
        "covariance": Variable(
            ("parameter", "parameter_"),
            "1",
            "of ln(stiffness) and of the free tensions in kPa (Laplace); a tension is named by its frame: tension 3",
        ),
        "known": Variable(("parameter",), "1", "share of the prior's variance that the data took away"),
        "information": Variable(("mode",), "1", "eigenvalues of the prior-preconditioned Hessian of the misfit"),
        "volume": Variable(("time",), "mL", "fitted"),
        "volume_fit_sigma": Variable(("time",), "mL", "standard deviation of the fitted volume, by the posterior"),
        "held_out": Variable(("time",), "1", "whether the frame was left out of the fit"),
        "radius": Variable(("segment", "time"), "mm", "fitted"),
        "pressure": Variable(("time",), "kPa", "applied"),
        "pressure_fit_sigma": Variable(
            ("time",), "kPa", "standard deviation of the applied pressure, by the posterior"
        ),
        "displacement": Variable(("time", "point", "component"), "mm", "fitted, from end-diastole"),
        "unloaded": Variable(("point", "component"), "mm", "displacement from end-diastole to the unloaded shape"),
        "misfit": Variable(("iteration",), "1", "half the sum of squared weighted residuals"),
        "forward_solves": Variable((), "1", "times that all frames were brought to equilibrium"),
    },
    "activation": {
        "activation": Variable(("point",), "ms", "activation time on the anatomy's nodes"),
        "fine_points": Variable(("fine_point", "component"), "mm", "nodes of the electrical mesh"),
        "fine_cells": Variable(("fine_cell", "corner"), "1", "tetrahedra of the electrical mesh"),
        "fine_activation": Variable(("fine_point",), "ms", "activation time"),
        "voltage": Variable(("snapshot", "fine_point"), "mV", "transmembrane potential"),
    },
    "beat": {
        "volume": Variable(("time",), "mL", "LV cavity in the last beat"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "aortic_pressure": Variable(("time",), "kPa", "systemic arteries"),
        "displacement": Variable(("frame", "point", "component"), "mm", "from end-diastole"),
        "fiber_strain": Variable(
            ("segment", "time"), "1", "mean Green-Lagrange strain along fibres, from end-diastole"
        ),
        "tension": Variable(("time",), "kPa", "mean active tension"),
        "steadiness": Variable((), "1", "largest relative change between the ends of the last two beats"),
    },
    "truth": {
        "stiffness": Variable((), "kPa", "planted stiffness of the passive law (mechanics.law)"),
        "peak_tension": Variable((), "kPa", "largest planted tension at any time"),
        "tension": Variable(("time",), "kPa", "mean planted tension of healthy muscle at the image's frames"),
        "volume": Variable(("time",), "mL", "LV cavity"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "ejection_fraction": Variable((), "%", "of the image's frames"),
        "scar": Variable(("segment",), "1", "share of the AHA segment's muscle that is scar"),
        "surface": Variable(("vertex", "component"), "mm", "endocardium and epicardium at end-diastole, heart frame"),
        "endo_triangles": Variable(("endo", "corner"), "1", "vertices of the endocardium"),
        "epi_triangles": Variable(("epi", "corner"), "1", "vertices of the epicardium"),
        "labels": Variable(("time", "z", "y", "x"), "1", "0 background, 1 LV blood, 2 LV myocardium, 3 RV blood"),
        "origin": Variable(("component",), "mm", "LPS position of the voxel at z = y = x = 0"),
        "directions": Variable(("axis", "component"), "1", "unit vectors of the z, y and x axes in LPS"),
        "to_lps": Variable(("row", "column"), "mm", "homogeneous map from the heart frame to LPS"),
        "cycle": Variable((), "ms", "RR interval"),
    },
    "assessment": {
        "end_diastolic_volume": Variable((), "mL", "LV cavity at end-diastole, from the image"),
        "end_systolic_volume": Variable((), "mL", "smallest LV cavity, from the image"),
        "stroke_volume": Variable((), "mL", "their difference"),
        "ejection_fraction": Variable((), "%", "stroke volume over end-diastolic volume, from the image"),
        "fitted_ejection_fraction": Variable((), "%", "of the calibrated heart at the frames of the image"),
        "beat_ejection_fraction": Variable((), "%", "of the heart beating in its circulation"),
        "beat_peak_pressure": Variable((), "mmHg", "largest LV pressure of the beat"),
        "stroke_work": Variable((), "J", "area of the pressure-volume loop of the beat"),
        "loop_volume": Variable(("time",), "mL", "LV cavity in the beat"),
        "loop_pressure": Variable(("time",), "mmHg", "LV cavity in the beat"),
        "peak_strain": Variable(("segment",), "1", "most negative fibre strain of the beat per AHA segment"),
        "contractility": Variable(("segment",), "kPa", "peak active tension that a segment develops"),
        "myocardial_mass": Variable((), "g", "of the meshed LV wall, at 1.05 g/mL"),
        "stiffness": Variable((), "kPa", "stiffness of the passive law (mechanics.law)"),
        "stiffness_sigma": Variable((), "kPa", "its standard deviation"),
        "peak_tension": Variable((), "kPa", "largest active tension of healthy muscle"),
        "peak_tension_sigma": Variable((), "kPa", "its standard deviation"),
        "volume_error": Variable((), "mL", "root mean square of fitted minus target volume"),
        "radius_error": Variable((), "mm", "root mean square of fitted minus target endocardial radius"),
        "residual": Variable((), "1", "root mean square of the residuals in standard deviations of the targets"),
        "prediction": Variable((), "1", "root mean square error of volumes left out, in standard deviations"),
        "activation_time": Variable((), "ms", "from the first to the last activated point"),
        "steadiness": Variable((), "1", "largest relative change between the ends of the last two beats"),
        "smallest_dihedral": Variable((), "degree", "smallest dihedral angle of the mesh"),
        "largest_aspect": Variable((), "1", "largest scaled ratio of longest edge to inscribed radius"),
        "surrogate_error": Variable((), "%", "largest relative error of a quantity on held-out members"),
        "surrogate_coverage": Variable((), "%", "mean share of held-out values in their 90 % intervals"),
        "stiffness_recovery": Variable((), "%", "stiffness against the planted truth"),
        "tension_recovery": Variable((), "%", "peak over the frames against the planted one, mean of healthy muscle"),
        "ejection_fraction_recovery": Variable((), "%", "fitted against planted ejection fraction, in points"),
        "dice_blood": Variable((), "1", "overlap of LV blood with the planted truth"),
        "dice_myocardium": Variable((), "1", "overlap of LV myocardium with the planted truth"),
        "dice_rv": Variable((), "1", "overlap of RV blood with the planted truth"),
    },
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
