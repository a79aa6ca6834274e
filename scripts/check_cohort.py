"""Leave the marker of a complete cohort, or fail and name the patients that are not done."""

import sys
from pathlib import Path

from twinbeat import report, store

if failed := report.failures(store.open(snakemake.input.cohort)):
    text = "\n".join(["not every patient is done:", *failed])
    Path(snakemake.log[0]).write_text(text + "\n")
    sys.exit(text)
Path(snakemake.output[0]).write_text("every patient is done\n")
