"""Stored variables of meshes."""

from .variable import Variable

QUALITY = {
    "minimum_dihedral": Variable((), "degree", "smallest angle between two faces of an element"),
    "percentile_dihedral": Variable((), "degree", "first percentile of the elements' smallest dihedral angles"),
    "maximum_aspect": Variable((), "1", "largest aspect ratio of an element, 1 for the regular tetrahedron"),
    "slice_position": Variable(("slice",), "mm", "z of the slices that the walls were fitted to, from the base on"),
    "slice_shift": Variable(("slice", "component"), "mm", "LPS shift that a breath-hold gave to the slice, subtracted"),
}

PLACES = {
    "depth": Variable(("point",), "1", "share of the wall's thickness, 0 endocardium to 1 epicardium"),
    "longitudinal": Variable(("point",), "1", "share of the arc along the wall, 0 apex to 1 base"),
    "circumferential": Variable(("point",), "rad", "about the long axis, from the septum to the anterior wall"),
    "ventricle": Variable(("point",), "1", "-1 left with the septum, 1 right, 0 blood"),
}

FIBERS = {
    "fiber": Variable(("cell", "component"), "1", "unit fibre direction"),
    "sheet": Variable(("cell", "component"), "1", "unit sheet direction, across the wall"),
    "sheet_normal": Variable(("cell", "component"), "1", "unit sheet-normal direction"),
    "segment": Variable(("cell",), "1", "AHA segment, 1 to 17; 0 outside the left wall"),
}

MESH = {
    "points": Variable(("point", "component"), "mm", "mesh nodes in the heart frame at end-diastole"),
    "cells": Variable(("cell", "corner"), "1", "tetrahedra"),
    "facets": Variable(("facet", "facet_corner"), "1", "triangles of the boundary, outward"),
    "facet_tags": Variable(("facet",), "1", "1 endocardium, 2 epicardium, 3 base, 4 right endocardium"),
    "cell_tags": Variable(("cell",), "1", "1 left wall with the septum, 2 right wall, 3 left and 4 right blood"),
    **PLACES,
    "to_lps": Variable(("row", "column"), "mm", "homogeneous map from the heart frame to LPS"),
    "surface_centre": Variable(("component",), "mm", "centre of the star-shaped walls (twinbeat.mesh.surfaces)"),
    "surface_radii": Variable(("wall", "component"), "mm", "semi-axes of endocardium and epicardium"),
    "surface_modes": Variable(("wall", "mode"), "1", "real spherical harmonics of both walls"),
    "contour_rms": Variable(("wall",), "mm", "root mean square distance of the contours from endo- and epicardium"),
    "shape_score": Variable(("shape_mode",), "1", "of a virtual anatomy, in standard deviations of the shape model"),
    "nearest_training": Variable((), "mm", "root mean square distance of a virtual anatomy from any patient, at least"),
    "refit_rms": Variable((), "mm", "the same of a virtual anatomy's walls from the points that were drawn"),
    "attempts": Variable((), "1", "draws that a virtual anatomy took"),
    **QUALITY,
}

BIVENTRICLE = {
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
    **QUALITY,
}
