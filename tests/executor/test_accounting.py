"""The table of attempts: every row is whole, any run adds to it, and a cost can be checked by hand."""

import csv
import errno
from dataclasses import asdict, fields

import pytest
from executor_samples import mode

from snakemake_executor_plugin_dask_jobqueue import ledger
from snakemake_executor_plugin_dask_jobqueue.accounting import Row, Table, as_text, cost
from snakemake_executor_plugin_dask_jobqueue.settings import Prices

ROW = Row(
    attempt="a-1", rule="mesh", wildcards=as_text({"patient": "p\t1", "b": "x"}), subject="p\t1", pool="cpu",
    pilot="cpu-1", slurm_job="17", hosts="n1,n2", cause="done", submitted=1.5, waited=0.25, wall=3600.0, cpu=1800.0,
    memory=2**30, cores=4, gpus=0, cost=0.08, currency="EUR",
)  # fmt: skip


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_rows_come_back_and_any_run_adds_to_them(tmp_path):
    """One header, however often the table is opened; tabs and quotes in values stay in them."""
    for _ in range(2):
        table = Table(tmp_path / "state/accounting.tsv")
        table.add(ROW)
        table.close()
    found = read(tmp_path / "state/accounting.tsv")
    assert found == [{name: str(value) for name, value in asdict(ROW).items()}] * 2
    assert list(found[0]) == [field.name for field in fields(Row)]
    assert mode(tmp_path / "state/accounting.tsv") == 0o600


def test_a_row_waits_for_room_on_the_disk(tmp_path, monkeypatch):
    table = Table(tmp_path / "accounting.tsv")
    write, refusals = ledger.os.write, [OSError(errno.ENOSPC, "full")]

    def full(file, line):
        if refusals:
            raise refusals.pop()
        return write(file, line)

    monkeypatch.setattr(ledger.os, "write", full)
    monkeypatch.setattr(ledger.time, "sleep", lambda seconds: None)
    table.add(ROW)
    table.close()
    assert not refusals
    assert len(read(tmp_path / "accounting.tsv")) == 1


@pytest.mark.parametrize(
    ("wall", "cores", "gpus", "expected"),
    [(3600, 1, 0, 0.02), (1800, 4, 0, 0.04), (900, 8, 2, 0.44), (0, 8, 2, 0)],  # 0.25 h of 8 * 0.02 + 2 * 0.80
)
def test_a_cost_is_what_was_held_for_how_long(wall, cores, gpus, expected):
    assert cost(Prices(cpu_hour=0.02, gpu_hour=0.80), wall, cores, gpus) == pytest.approx(expected)


def test_what_has_no_price_costs_nothing():
    assert cost(Prices(), 3600, 8, 2) == 0


def test_wildcards_are_the_same_text_in_any_order():
    assert as_text({"b": "1", "a": "é"}) == as_text({"a": "é", "b": "1"}) == '{"a": "\\u00e9", "b": "1"}'
