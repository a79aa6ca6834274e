"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# PETSc's handler would end the session at a broken pipe, which Python leaves to whoever writes into it.
os.environ["PETSC_OPTIONS"] = f"{os.environ.get('PETSC_OPTIONS', '')} -no_signal_handler".strip()

# How long an example takes says what else the machine does; that is for benchmarks.
settings.register_profile("twinbeat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("twinbeat")
