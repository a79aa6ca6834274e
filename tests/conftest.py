"""What holds for all tests."""

import os

# PETSc's handler would end the session at a broken pipe, which Python leaves to whoever writes into it.
os.environ["PETSC_OPTIONS"] = f"{os.environ.get('PETSC_OPTIONS', '')} -no_signal_handler".strip()
