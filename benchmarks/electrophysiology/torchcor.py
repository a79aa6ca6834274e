"""TorchCor on the slab: python torchcor.py SLAB.npz TIME_STEP [MODEL [cuda]]; the last line is JSON.

Consistent mass, Crank-Nicolson, conjugate gradients to 1e-5, ten Tusscher-Panfilov 2006 epi with tables, as in its own
examples; files in its format (openCARP's), micrometres. What it imports to plot and to read signals is left out.
"""

import json
import sys
import time
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path
from unittest.mock import MagicMock

sys.path.pop(0)  # this file has the name of the package
UNUSED = {"matplotlib", "pandas", "pygmsh", "pyvista", "seaborn", "wfdb", "sklearn", "meshio", "mpl_toolkits"}


class Finder:
    """Finds an empty shell for what is not used."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, Finder, is_package=True) if name.split(".")[0] in UNUSED else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> MagicMock:
        return MagicMock(__path__=[], __spec__=spec)

    @staticmethod
    def exec_module(module: MagicMock) -> None:
        pass


sys.meta_path.insert(0, Finder)
import numpy as np
import torch
from torchcor.ionic import TenTusscherPanfilov
from torchcor.simulator import Monodomain

slab, time_step = np.load(sys.argv[1]), float(sys.argv[2])
points, cells, stimulated = (slab[name] for name in ("points", "cells", "stimulated"))
folder = Path("torchcor")
folder.mkdir()
np.savetxt(folder / "slab.pts", points * 1000, header=str(len(points)), comments="", fmt="%.4f")
with (folder / "slab.elem").open("w") as file:
    file.write(f"{len(cells)}\n" + "".join(f"Tt {' '.join(map(str, cell))} 1\n" for cell in cells))
np.savetxt(folder / "slab.lon", np.tile([1.0, 0, 0], (len(cells), 1)), header="1", comments="", fmt="%.1f")
np.savetxt(folder / "corner.vtx", stimulated, header=f"{len(stimulated)}\nextra", comments="", fmt="%d")

torch.set_num_threads(1)
here = torch.device(*sys.argv[4:5] or ["cpu"])
cell = TenTusscherPanfilov(time_step, None, "EPI", here, torch.float64)
medium = Monodomain([cell], 150.0, time_step, device=here, dtype=torch.float64)
medium.load_mesh(str(folder), unit_conversion=1000)
medium.add_stimulus(str(folder / "corner.vtx"), start=0.0, duration=2.0, intensity=50.0 / 1.4)
medium.add_conductivity([1], il=0.17, it=0.019, el=0.62, et=0.24)
medium.assemble()
for _ in range(2):  # the first time compiles
    voltage = cell.initialize(len(points)).clone()
    medium.cg.initialize(x=voltage, linear_guess=True)
    medium.step(voltage, 0.0, 1e-5, 1e-5, 100)
voltage = cell.initialize(len(points)).clone()
medium.cg.initialize(x=voltage, linear_guess=True)

begin, clock, steps, corner = time.process_time(), time.perf_counter(), 0, int(slab["p8"])
while (before := float(voltage[corner])) <= 0 and steps * time_step < 150:
    steps += 1
    voltage, *_ = medium.step(voltage, steps * time_step, 1e-5, 1e-5, 100)
    after = float(voltage[corner])
    if after > 0:
        p8 = (steps - after / (after - before)) * time_step
        break
figures = {"loop_cpu_seconds": time.process_time() - begin, "loop_seconds": time.perf_counter() - clock, "p8_ms": p8}
rounded = {name: round(value, 3) for name, value in figures.items()}
print(json.dumps({"name": f"TorchCor {version('torchcor')}"} | rounded))
