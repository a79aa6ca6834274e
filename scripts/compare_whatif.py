"""Compare a what-if run of one patient with the calibrated twin."""

from twinbeat import stage, store, whatif

with stage.job(snakemake) as job:
    twin = {name: store.open(getattr(job.input, name)) for name in ("activation", "beat")}
    changed = {name: store.open(getattr(job.input, f"changed_{name}")) for name in ("activation", "beat")}
    job.publish(whatif.compare(twin, changed))
