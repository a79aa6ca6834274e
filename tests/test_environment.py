"""The environment: what the library relies on is there, in the versions of the design."""

from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_dolfinx_is_the_pinned_one():
    dolfinx = pytest.importorskip("dolfinx", reason="DOLFINx comes with the environment")
    assert dolfinx.__version__.startswith("0.9.")


def test_every_locked_package_is_installed_in_its_version():
    """The lock is what runs: no package of another version shadows it."""
    for line in (ROOT / "envs/requirements.lock").read_text().splitlines():
        requirement, _, marker = line.partition(";")
        if "==" not in requirement or requirement.startswith(" ") or "sys_platform" in marker or "platform_" in marker:
            continue
        name, _, wanted = requirement.strip(" \\").partition("==")
        assert version(name.split("[")[0]) == wanted


def test_every_package_has_a_reason():
    """Rule of the house: one line of reason per dependency."""
    for listing in ("debian.txt", "requirements.in"):
        lines = [line for line in (ROOT / "envs" / listing).read_text().splitlines() if not line.startswith("#")]
        assert all(" # " in line for line in lines), listing
