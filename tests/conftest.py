"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# PETSc's handler would end the session at a broken pipe, which Python leaves to whoever writes into it.
os.environ["PETSC_OPTIONS"] = f"{os.environ.get('PETSC_OPTIONS', '')} -no_signal_handler".strip()
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")  # torch reads it once: see segmentation/train.py

# How long an example takes says what else the machine does; that is for benchmarks.
settings.register_profile("twinbeat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("twinbeat")
