"""The one table of stored variables: dimensions, unit and meaning of every array in every store.

Coordinates are mm. An image is (time, z, y, x): voxel centres lie at ``origin + z*directions[0] + y*directions[1] +
x*directions[2]`` in LPS patient coordinates, with z, y, x the coordinate values in mm. The heart frame of the mesh has
its origin in the middle of the base plane, the third axis along the long axis from apex to base, the first towards the
septum (RV); ``to_lps`` (4 x 4) maps it to LPS.
"""

from .anatomy import BIVENTRICLE, FIBERS, MESH, PLACES
from .cohort import COHORT
from .variable import Variable

__all__ = ["COORDINATES", "VARIABLES", "Variable"]

COORDINATES: dict[str, Variable] = {
    "time": Variable(("time",), "ms", "after the R wave"),
    "z": Variable(("z",), "mm", "along the slices"),
    "y": Variable(("y",), "mm", "along the columns of a slice"),
    "x": Variable(("x",), "mm", "along the rows of a slice"),
    "label": Variable(("label",), "1", "0 background, 1 LV blood, 2 LV myocardium, 3 RV blood"),
    "segment": Variable(("segment",), "1", "AHA segment, from 1"),
    "sector": Variable(("sector",), "1", "AHA segment, 1 to 17"),
    "frame": Variable(("frame",), "ms", "time of a stored displacement"),
    "snapshot": Variable(("snapshot",), "ms", "time of a stored potential"),
    "lead": Variable(("lead",), "1", "name"),
    "parameter": Variable(("parameter",), "1", "name"),
    "parameter_": Variable(("parameter_",), "1", "name"),
    "patient": Variable(("patient",), "1", "pseudonym"),
    "quantity": Variable(("quantity",), "1", "name"),
    "member": Variable(("member",), "1", "index in the ensemble"),
    "drug": Variable(("drug",), "1", "name"),
    "hour": Variable(("hour",), "h", "since the first day of the course"),
    "moment": Variable(("moment",), "h", "the same, of those at which the action potential was simulated"),
    "after_stimulus": Variable(("after_stimulus",), "ms", "since the stimulus of a paced cell"),
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
    "mesh": MESH,
    "biventricle": {**BIVENTRICLE, **PLACES, **FIBERS},
    "heart": {**BIVENTRICLE, **PLACES, **FIBERS},
    "anatomy": {**MESH, **FIBERS},
    "targets": {
        "volume": Variable(("time",), "mL", "LV cavity, consistent with the mesh at end-diastole"),
        "volume_sigma": Variable(("time",), "mL", "its standard deviation"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "pressure_sigma": Variable(("time",), "kPa", "its standard deviation"),
        "radius": Variable(
            ("segment", "time"), "mm", "mean endocardial distance from the long axis per AHA segment 1 to 16"
        ),
        "radius_sigma": Variable(("segment", "time"), "mm", "its standard deviation"),
        "epicardial_radius": Variable(("segment", "time"), "mm", "mean epicardial distance from the long axis"),
        "epicardial_radius_sigma": Variable(("segment", "time"), "mm", "its standard deviation"),
        "end_diastole": Variable((), "1", "frame index"),
        "end_systole": Variable((), "1", "frame index"),
        "cycle": Variable((), "ms", "RR interval"),
    },
    "posterior": {
        "stiffness": Variable((), "kPa", "stiffness of the passive law (mechanics.law)"),
        "tension": Variable(("time",), "kPa", "active tension of each frame in healthy muscle"),
        "tissue": Variable(("cell",), "1", "0 healthy, 1 border zone of scar, 2 scar"),
        "contractile": Variable(("cell",), "1", "share of the tension that the cell develops (scar 0)"),
        "contraction": Variable(
            ("sector",), "1", "fitted share of healthy muscle's tension that the AHA segment's muscle develops"
        ),
        "scar_stiffening": Variable((), "1", "stiffness of scar over that of healthy muscle, where it was fitted"),
        "pericardium": Variable((), "1", "factor on mechanics.pericardium, where it was fitted"),
        "probability_lost": Variable(("sector",), "1", "that the contraction is below a half, by the posterior"),
        "covariance": Variable(
            ("parameter", "parameter_"),
            "1",
            "of ln(stiffness), the free tensions in kPa contractions, and logarithms of scaled properties (Laplace); "
            "a tension is named by its frame, a contraction by its AHA segment: tension 3, contraction 3",
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
    "conduction": {
        "velocity_fiber": Variable((), "mm/ms", "conduction velocity along the fibres"),
        "velocity_transverse": Variable((), "mm/ms", "conduction velocity across the fibres"),
        "velocity_endocardium": Variable((), "mm/ms", "conduction velocity within the endocardial layer"),
        "covariance": Variable(
            ("parameter", "parameter_"), "1", "of the logarithms of those velocities that were fitted (Laplace)"
        ),
        "known": Variable(("parameter",), "1", "share of the prior's variance that the data took away"),
        "information": Variable(("mode",), "1", "eigenvalues of the prior-preconditioned Hessian of the misfit"),
        "measurements": Variable((), "1", "data fitted; 0: the velocities are those of the population"),
        "forward_solves": Variable((), "1", "solutions of the eikonal equation"),
        "qrs_measured": Variable((), "ms", "QRS duration of the clinical file"),
        "qrs_fitted": Variable((), "ms", "from the first to the last activation at these velocities"),
        "map_points": Variable(("site", "component"), "mm", "points of the mesh that those of the map lie at"),
        "map_time": Variable(("site",), "ms", "measured activation, on the clock of the model"),
        "map_fitted": Variable(("site",), "ms", "activation at these velocities"),
        "map_left_out": Variable((), "1", "points of the map that lie off the muscle"),
    },
    "activation": {
        "activation": Variable(("point",), "ms", "activation time on the anatomy's nodes; in scar, of muscle nearby"),
        "fine_points": Variable(("fine_point", "component"), "mm", "nodes of the electrical mesh"),
        "fine_cells": Variable(("fine_cell", "corner"), "1", "tetrahedra of the electrical mesh"),
        "fine_activation": Variable(("fine_point",), "ms", "activation time; in scar, of the nearest muscle"),
        "fine_tissue": Variable(("fine_cell",), "1", "0 healthy, 1 border zone of scar, 2 scar; where scar is heeded"),
        "voltage": Variable(("snapshot", "fine_point"), "mV", "transmembrane potential"),
        "repolarisation": Variable(("point",), "ms", "time of 90 % repolarisation on the anatomy's nodes"),
        "fine_repolarisation": Variable(("fine_point",), "ms", "time of 90 % repolarisation"),
        "ecg": Variable(("lead", "time"), "mV", "electrocardiogram over the time since the first stimulus"),
        "qrs_onset": Variable((), "ms", "when the QRS complex begins, after the first stimulus"),
        "qrs_duration": Variable((), "ms", "length of the QRS complex in all leads"),
        "qt_interval": Variable((), "ms", "from the QRS complex to the end of the T wave, in all leads"),
    },
    "beat": {
        "volume": Variable(("time",), "mL", "LV cavity in the last beat"),
        "pressure": Variable(("time",), "kPa", "LV cavity"),
        "aortic_pressure": Variable(("time",), "kPa", "systemic arteries"),
        "right_volume": Variable(("time",), "mL", "RV cavity, where beat.ventricles is both"),
        "right_pressure": Variable(("time",), "kPa", "RV cavity"),
        "right_arterial_pressure": Variable(("time",), "kPa", "pulmonary arteries"),
        "displacement": Variable(("frame", "point", "component"), "mm", "from end-diastole"),
        "fiber_strain": Variable(
            ("segment", "time"), "1", "mean Green-Lagrange strain along fibres, from end-diastole"
        ),
        "tension": Variable(("time",), "kPa", "mean active tension"),
        "steadiness": Variable((), "1", "largest relative change between the ends of the last two beats"),
        "state": Variable(
            ("quantity",),
            "1",
            "of the circulation at the R wave (Regazzoni 2022): volumes V mL, pressures p mmHg, flows Q mL/s",
        ),
    },
    "changes": {
        "baseline": Variable(("quantity",), "1", "of the calibrated twin, in the unit that the quantity's name has"),
        "changed": Variable(("quantity",), "1", "of the twin with what was changed"),
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
        "right_end_diastolic_volume": Variable(
            (), "mL", "largest RV cavity of the beat, where beat.ventricles is both"
        ),
        "right_ejection_fraction": Variable((), "%", "of the right ventricle in the beat"),
        "right_peak_pressure": Variable((), "mmHg", "largest RV pressure of the beat"),
        "stroke_difference": Variable((), "mL", "stroke volume of the beat, left less right: 0 in a closed loop"),
        "loop_volume": Variable(("time",), "mL", "LV cavity in the beat"),
        "loop_pressure": Variable(("time",), "mmHg", "LV cavity in the beat"),
        "peak_strain": Variable(("segment",), "1", "most negative fibre strain of the beat per AHA segment"),
        "contractility": Variable(("segment",), "kPa", "peak active tension that a segment develops"),
        "probability_lost": Variable(
            ("segment",), "1", "that the segment develops less than half of healthy muscle's tension, by its motion"
        ),
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
        "qrs_duration": Variable((), "ms", "of the simulated electrocardiogram"),
        "qt_interval": Variable((), "ms", "of the simulated electrocardiogram"),
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
    "drug": {
        "concentration": Variable(("drug", "hour"), "nmol/L", "free, in plasma"),
        "duration": Variable(("moment",), "ms", "action potential at 90 %; the cycle where it does not repolarise"),
        "charge": Variable(("moment",), "nC/uF", "qNet: of INaL, ICaL, IKr, IKs, IK1 and Ito over a beat"),
        "repolarised": Variable(("moment",), "1", "whether the cell rests before and after the beat"),
        "voltage": Variable(("moment", "after_stimulus"), "mV", "transmembrane potential of a paced endocardial cell"),
        "baseline_duration": Variable((), "ms", "action potential at 90 % without drugs"),
        "baseline_charge": Variable((), "nC/uF", "qNet without drugs"),
        "baseline_voltage": Variable(("after_stimulus",), "mV", "without drugs"),
        "cycle": Variable((), "ms", "RR interval at which the cell is paced"),
    },
    **COHORT,
}
