"""Studies whose scripts only make the promised files, and what Snakemake would run in them."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAND_IN = """
import json, sys
from pathlib import Path

given = globals().get("snakemake")
outputs = list(given.output) if given else json.loads(sys.argv[1])["output"]
for output in map(Path, outputs):
    if output.suffix in (".zarr", ""):
        output.mkdir(parents=True, exist_ok=True)
        output /= "content"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("made")
"""
ANATOMY = {"build_mesh", "assign_fibers"}
FRONT = {"deidentify", "import_image", "segment_heart", "review_labels"}
REPORTS = {"assess_twin", "report_patient", "export_fhir", "export_dicom", "summarise_cohort", "check_cohort"}
SURROGATE = {"sample_ensemble", "simulate_member", "refresh_surrogate"}


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command, environment = (
        ["snakemake", "--cores", "2", *options],
        os.environ | {"TWINBEAT_KEY": "of no worth elsewhere"},
    )
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
    )


def planned(folder: Path, *options: str) -> tuple[set[str], set[str]]:
    """The rules that would run, and the patients in whose jobs' messages."""
    dry = snakemake(folder, "--dry-run", *options)
    assert dry.returncode == 0, dry.stdout + dry.stderr
    said = dry.stdout + dry.stderr
    rules = set(re.findall(r"^(\w+) +\d+$", said.split("Job stats:")[-1], re.M)) if "Job stats:" in said else set()
    assert rules or "Nothing to be done" in said
    return rules - {"all", "total"}, set(re.findall(r"^(?:Job|localrule job) \d+: .*?(phantom-\d+)", said, re.M))


def table(*numbers: int) -> str:
    names = [f"phantom-{number:02d}" for number in numbers]
    rows = [f"{name}\tdata/phantoms/{name}/dicom\tdata/phantoms/{name}/clinical.json\t\tphantom\n" for name in names]
    return "patient\tdicom\tclinical\ttruth\tgroup\n" + "".join(rows)


def edited(folder: Path, text: str) -> tuple[set[str], set[str]]:
    """What would run after the study's own file says ``text`` besides."""
    (folder / "studies/edit.yaml").write_text("surrogate:\n  patients: [phantom-01]\n" + text)
    return planned(folder, "--configfile", "studies/edit.yaml")
