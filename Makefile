# The front door. Every target makes the environment it needs (envs/run) by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
SHARED ?= ../shared
RUN := envs/run
DEMO := snakemake --configfile studies/demo.yaml
export TWINBEAT_SHARED := $(abspath $(SHARED))
export OMP_NUM_THREADS ?= 1

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s $$'\t'

demo: data/demo.key data/demo.tsv ## DICOM of the demo cohort to calibrated hearts and a report
	$(RUN) $(DEMO)
	@echo "The cohort report: $(CURDIR)/results/demo/cohort.html"

demo-slurm: data/demo.key data/demo.tsv ## The same on a real SLURM of two nodes on this machine
	SLURM_CPUS=1 SLURM_MEMORY=9000 $(RUN) envs/slurm $(DEMO) --profile profiles/slurm-here
	@echo "What it took: $(CURDIR)/results/demo/accounting.html"

test: lint ## All tests that a change must pass
	$(RUN) python -m pytest -m "not end_to_end and not slurm"
	$(RUN) timeout 1200 mpirun -n 2 python -m pytest -q -m mpi -p no:cacheprovider
	FAULTS=4 $(RUN) envs/slurm python -m pytest -m slurm
	$(RUN) python -m pytest -m end_to_end

lint: ## Style, format, and who may import what
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) snakefmt --check Snakefile rules
	$(RUN) lint-imports

verify: verify-cluster ## Published benchmarks, orders, planted truths of the demo (run that first): results/verification.html
	$(RUN) python benchmarks/deidentification.py
	$(RUN) python benchmarks/intake.py
	$(RUN) python -m twinbeat.evidence

verify-cluster: ## The long part of the executor's tests: all faults in three orders, the slurm plugin beside it, 6,000 jobs
	for round in 1 2 3; do $(RUN) envs/slurm python -m pytest -q -s -m slurm tests/test_faults.py; done
	$(RUN) python benchmarks/executor.py
	$(RUN) python benchmarks/executor_scale.py

shape-model: ## The statistical shape model of a cohort and its page; STUDY=studies/mine.yaml chooses the study
	$(RUN) snakemake $(if $(STUDY),--configfile $(STUDY)) shape_model

train-segmenter: ## Rebuild both segmentation networks (2 cores: under 3 hours; goes on where it was interrupted)
	$(RUN) python -m twinbeat.segmentation.train --dimensions 3
	$(RUN) python -m twinbeat.segmentation.train --dimensions 2

shell: ## A shell inside the environment
	$(RUN) bash

slurm: ## A shell beside a real SLURM of two nodes on this machine, which ends with it
	$(RUN) envs/slurm bash

clean: ## Remove all results and the phantoms (never your own data, nor the cache of the environment)
	rm -rf results logs benchmarks/results data/phantoms data/demo.tsv data/calibration.tsv data/demo.key .snakemake

data/demo.key:
	@mkdir -p data && (umask 077 && head -c 32 /dev/urandom | base64 > $@)

# The real study joins the phantoms where its folder is there.
data/demo.tsv: studies/demo.tsv FORCE
	@mkdir -p data && cp $< $@.new
	@if [ -d "$(SHARED)/data/cine_mr/dicom/SCD0000101" ]; then \
	    printf 'real-01\t%s\t\t\treal\n' "$(SHARED)/data/cine_mr/dicom/SCD0000101" >> $@.new; fi
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: help demo demo-slurm test lint verify verify-cluster shape-model train-segmenter shell slurm clean FORCE
