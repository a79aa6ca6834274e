"""The plans that gpu.py runs, and what the CPU finds for some of them: envs/run python gpu_plans.py FOLDER

A coarse slab with each of three models, and a heart on an irregular mesh, with what the CPU finds to the end of their
beats; the models' cells for the block; an ensemble; the slab at 0.1 mm. Needs no GPU, takes minutes, and about 30 MB.
"""

import sys
from pathlib import Path

import numpy as np

from twinbeat import device, fibers, ionic
from twinbeat.electrophysiology import accelerated, niederer, substrate
from twinbeat.electrophysiology.assembly import Discretisation, box, tetrahedra
from twinbeat.electrophysiology.ensemble import Members
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.mosaic import Patch, composed
from twinbeat.electrophysiology.propagation import Stimulus, propagate
from twinbeat.electrophysiology.sites import stimulus
from twinbeat.electrophysiology.velocity import Directions
from twinbeat.mesh import synthetic
from twinbeat.parameters import Electrophysiology, Fibers

MODELS = {
    "ttp06": ("tentusscher_panfilov_2006_epi", 0.05),
    "torord": ("torord_dyncl_endo", 0.02),
    "bueno": ("bueno_orovio_2008_epi", 0.05),
}
DURATION = 600.0
MEMBERS = 16
FINE = 0.1  # mm


def main(folder: Path, coarse: float = 0.5, fine: float = FINE) -> None:
    """All files."""
    folder.mkdir(parents=True, exist_ok=True)
    tissue, source = slab(coarse)
    everywhere = np.arange(len(tissue.mass))
    for name, (model, step) in MODELS.items():
        cell = ionic.load(model)
        write(folder, name, tissue, [Patch(cell, cell.unpaced(), everywhere)], step, source)
    heart(folder)
    ensemble(folder, tissue, source)
    finest(folder, fine)


def slab(size: float) -> tuple[Discretisation, Stimulus]:
    """Niederer's slab with conductivities that conduct at any size, stimulated at its corner."""
    points, cells = box(niederer.LENGTHS, size)
    along, across = niederer.match_continuum(size, 0.05)
    tissue = tetrahedra(points, cells, np.broadcast_to(np.diag([along, across, across]), (len(cells), 3, 3)))
    return tissue, Stimulus(np.where((points < 1.5 + 1e-9).all(axis=1), 0.0, np.inf))


def write(folder: Path, name: str, tissue: Discretisation, patches: list[Patch], step: float, source: Stimulus) -> None:
    """A plan, and the beat that the CPU finds for it."""
    device.write(accelerated.plan(tissue, patches, step, source), folder / f"{name}.npz")
    wave = propagate(Monodomain(tissue, *composed(patches), step, source), DURATION, 25.0, repolarised=True)
    print(f"{name}: {len(tissue.mass)} nodes, CPU until {wave.repolarisation.max():.1f} ms", flush=True)
    found = {key: getattr(wave, key) for key in ("activation", "repolarisation", "voltage")}
    np.savez_compressed(folder / f"{name}.cpu.npz", duration=DURATION, **found)


def heart(folder: Path) -> None:
    """A small left ventricle of two layers of cells."""
    parameters = Electrophysiology(size="1.2 mm", layers=[[0.5, "tentusscher_panfilov_2006_endo"]])
    ellipsoid = synthetic.ellipsoid(4.0, 2, short=(10.0, 16.0), long=(24.0, 30.0), base=6.0)
    found = substrate.build(fibers.assign(ellipsoid, Fibers()), parameters, Fibers())
    values = substrate.along(found.muscle, found.kind, [Directions(0.3, 0.15, 0.15, 0.8)])
    patches = substrate.patches(found.muscle, found.kind, parameters)
    write(
        folder, "heart", substrate.discretise(found.muscle, values), patches, 0.05, stimulus(found.muscle, parameters)
    )


def ensemble(folder: Path, tissue: Discretisation, source: Stimulus) -> None:
    """Ten Tusscher and Panfilov's cells with MEMBERS pairs of two conductances, 50 to 100 % of their own."""
    model = ionic.load()
    shares = np.linspace(0.5, 1.0, MEMBERS)
    varied = {"g_Kr": shares * model.parameters["g_Kr"], "g_CaL": shares[::-1] * model.parameters["g_CaL"]}
    members = Members(model.name, varied, len(tissue.mass))
    patch = Patch(members.model, members.values(), np.arange(len(tissue.mass)))
    device.write(accelerated.plan(tissue, [patch], 0.05, source, members.variation), folder / "ensemble.npz")


def finest(folder: Path, size: float) -> None:
    """The slab with the benchmark's conductivities matched to the continuum, and its mesh for TorchCor."""
    tissue, source = slab(size)
    cell = ionic.load()
    patch = Patch(cell, cell.unpaced(), np.arange(len(tissue.mass)))
    device.write(accelerated.plan(tissue, [patch], 0.05, source), folder / "slab.npz")
    points, cells = box(niederer.LENGTHS, size)
    stimulated, p8 = np.flatnonzero(np.isfinite(source.start)), niederer.nearest(points, "P8")
    mesh = {"points": points.astype(np.float32), "cells": cells.astype(np.int32), "stimulated": stimulated, "p8": p8}
    np.savez_compressed(folder / "slab.mesh.npz", **mesh)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
