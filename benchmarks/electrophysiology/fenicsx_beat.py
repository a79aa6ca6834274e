"""fenicsx-beat on the slab: python fenicsx_beat.py SLAB.npz TIME_STEP; the last line is JSON.

Linear tetrahedra of its own box mesh, consistent mass, Crank-Nicolson, conjugate gradients with Jacobi (quicker here
than its default, a direct solver), the generalised Rush-Larsen step that gotranx writes for numpy, first-order
splitting, as in its own Niederer demo.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import beat
import dolfinx
import gotranx
import numpy as np
import ufl
from mpi4py import MPI

slab, time_step = np.load(sys.argv[1]), float(sys.argv[2])
points = slab["points"]
lengths, size = points.max(axis=0), points[1, 0]
mesh = dolfinx.mesh.create_box(MPI.COMM_SELF, [np.zeros(3), lengths], [round(length / size) for length in lengths])
clock = dolfinx.fem.Constant(mesh, 0.0)
x = ufl.SpatialCoordinate(mesh)
corner = ufl.And(ufl.lt(x[0], 1.5), ufl.And(ufl.lt(x[1], 1.5), ufl.lt(x[2], 1.5)))
stimulus = ufl.conditional(ufl.And(corner, ufl.le(clock, 2.0)), 50.0 / 1.4, 0.0)
conductivity = ufl.as_tensor(np.diag([0.17 * 0.62 / 0.79, *[0.019 * 0.24 / 0.259] * 2]) / 1.4)
solver = {"ksp_type": "cg", "pc_type": "jacobi", "ksp_rtol": 1e-6, "ksp_initial_guess_nonzero": True}
pde = beat.MonodomainModel(clock, mesh, conductivity, I_s=stimulus, params={"petsc_options": solver})

ode = gotranx.load_ode(Path(sys.argv[3]), remove_singularities=False)
scheme = gotranx.schemes.Scheme.generalized_rush_larsen
cell: dict = {}
exec(gotranx.cli.gotran2py.get_code(ode, scheme=[scheme]), cell)  # noqa: S102
parameters = cell["init_parameter_values"](stim_amplitude=0.0)
states, voltage = cell["init_state_values"](), cell["state_index"]("V")
cells = beat.odesolver.DolfinODESolver(
    v_ode=dolfinx.fem.Function(pde.V), v_pde=pde.state, fun=cell[scheme.value], init_states=states,
    parameters=parameters, num_states=len(states), v_index=voltage,
)  # fmt: skip
medium = beat.MonodomainSplittingSolver(pde=pde, ode=cells)
p8 = int(np.argmin(np.linalg.norm(pde.V.tabulate_dof_coordinates() - lengths, axis=1)))

begin, steps, reached = time.process_time(), 0, 150.0
while steps * time_step < 150:
    before = pde.state.x.array[p8]
    medium.step((steps * time_step, (steps + 1) * time_step))
    steps += 1
    if (after := pde.state.x.array[p8]) > 0:
        reached = (steps - after / (after - before)) * time_step
        break
seconds = time.process_time() - begin
name = f"fenicsx-beat {version('fenicsx-beat')}"
print(json.dumps({"name": name, "loop_cpu_seconds": round(seconds, 3), "p8_ms": round(float(reached), 3)}))
