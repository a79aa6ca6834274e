"""The pools file: what it accepts comes back, and what it does not is refused with the key's name."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue.settings import Fleet, Pool, PoolsError, Prices, clock, read_fleet

POOLS = {"cpu": {"cpus": "4", "memory": "8 GiB"}}
ALL = """
backend: local
interface: ib0
tls: yes
dashboard: 8787
idle: 0:01:30
attempts: 5
patience: 1-00:00:00
subject: heart
outcome: module:function
preload: [one, two.three]
freeze: [patients.tsv]
prices: {cpu_hour: 0.02, gpu_hour: 0.8, currency: CHF}
pools:
  gpu:
    cpus: 16
    memory: 64 GB
    nodes: 2
    gpus: 4
    gres: gpu:a100:4
    walltime: 4:00:00
    partition: gpu
    account: heart
    qos: long
    constraint: ib
    least: 1
    most: 3
    prologue: [module load dolfinx]
    options: [--exclusive]
"""


def write(folder: Path, said: object) -> Path:
    path = folder / "pools.yaml"
    path.write_text(said if isinstance(said, str) else yaml.safe_dump(said))
    return path


def fault(path: Path) -> str:
    with pytest.raises(PoolsError) as caught:
        read_fleet(path)
    return str(caught.value).replace(str(path), "pools.yaml")


def test_every_key_is_read(tmp_path):
    """64 GB are decimal; a walltime stays a time, which YAML would make 14400 of; yes is a truth value."""
    found = read_fleet(write(tmp_path, ALL))
    gpu = {
        "cpus": 16, "memory": 64 * 10**9, "nodes": 2, "gpus": 4, "gres": "gpu:a100:4", "walltime": timedelta(hours=4),
        "partition": "gpu", "account": "heart", "qos": "long", "constraint": "ib", "least": 1, "most": 3,
        "prologue": ("module load dolfinx",), "options": ("--exclusive",),
    }  # fmt: skip
    assert found.model_dump() == {
        "pools": {"gpu": gpu}, "backend": "local", "interface": "ib0", "tls": True, "dashboard": 8787,
        "idle": timedelta(seconds=90), "attempts": 5, "patience": timedelta(days=1), "subject": "heart",
        "outcome": "module:function", "preload": ("one", "two.three"), "freeze": (Path("patients.tsv"),),
        "prices": {"cpu_hour": 0.02, "gpu_hour": 0.8, "currency": "CHF"},
    }  # fmt: skip
    assert set(gpu) == set(Pool.model_fields)  # or a key is not in this test
    assert {*yaml.load(ALL, yaml.BaseLoader)} == set(Fleet.model_fields)  # noqa: S506
    assert {"cpu_hour", "gpu_hour", "currency"} == set(Prices.model_fields)


def test_what_is_not_said_is_small_and_closed(tmp_path):
    """One pilot of an hour, loopback only and encrypted: more has to be asked for."""
    found = read_fleet(write(tmp_path, {"pools": POOLS}))
    pool = found.pools["cpu"]
    assert (found.backend, found.interface, found.tls, found.dashboard) == ("slurm", "lo", True, None)
    assert (pool.nodes, pool.gpus, pool.walltime, pool.least, pool.most) == (1, 0, timedelta(hours=1), 0, 1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "pools.yaml: file: Input should be a valid dictionary or instance of Fleet, found None"),
        ("backend: local", "pools.yaml: pools: Field required"),
        ("pools: {}", "pools.yaml: pools: Dictionary should have at least 1 item"),
        ("pools: {a: {memory: 1 GB}}", "pools.yaml: pools.a.cpus: Field required"),
        ("pools: {a: {cpus: 0, memory: 1 GB}}", "pools.yaml: pools.a.cpus: Input should be greater than or equal to 1"),
        ("pools: {a: {cpus: 1, memory: much}}", "pools.yaml: pools.a.memory: could not parse value"),
        (
            "pools: {a: {cpus: 1, memory: 511MiB}}",
            "pools.yaml: pools.a: Value error, memory 511.0MiB is too little for a pilot, expected 512 MiB or more",
        ),
        (
            "pools: {a: {cpus: 1, memory: 1GB, walltime: '0:04:59'}}",
            "pools.yaml: pools.a: Value error, walltime 0:04:59 is too short for a pilot, expected 0:05:00 or more",
        ),
        (
            "pools: {a: {cpus: 1, memory: 1GB, least: 2}}",
            "pools.yaml: pools.a: Value error, least 2 is more than most 1",
        ),
        (
            "pools: {a: {cpus: 1, memory: 1GB, walltime: 90}}",
            "pools.yaml: pools.a.walltime: Value error, expected SLURM's H:MM:SS or D-HH:MM:SS, found '90'",
        ),
        (
            "pools: {a: {cpus: 1, memory: 1GB}}\ntls: no\ninterface: ib0",
            "pools.yaml: file: Value error, tls is off, but interface is ib0: without TLS nothing leaves lo",
        ),
        ("pools: {a: {cpus: 1, memory: 1GB}}\nbackend: pbs", "pools.yaml: backend: Input should be 'slurm' or 'local'"),
        ("pools: [", "pools.yaml: while parsing a flow node"),
        ("pools: {big mem: {cpus: 1, memory: 1GB}}", "pools.yaml: pools.big mem.[key]: String should match pattern"),
        ("pools: {-x: {cpus: 1, memory: 1GB}}", "pools.yaml: pools.-x.[key]: String should match pattern"),
    ],
)
def test_a_fault_names_the_key_and_what_was_expected(tmp_path, said, expected):
    assert fault(write(tmp_path, said)).startswith(expected)


def test_the_smallest_pilot_that_is_allowed(tmp_path):
    least = {"cpus": "1", "memory": "512 MiB", "walltime": "0:05:00", "least": "1", "most": "1"}
    assert read_fleet(write(tmp_path, {"pools": {"a": least}})).pools["a"].memory == 2**29


def test_loopback_may_be_in_the_clear(tmp_path):
    assert not read_fleet(write(tmp_path, {"pools": POOLS, "tls": "off"})).tls


def test_all_faults_are_told_at_once(tmp_path):
    said = fault(write(tmp_path, {"pools": {"a": {"cpus": "0", "colour": "red"}}, "idle": "soon"}))
    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "pools.a.cpus", "pools.a.memory", "pools.a.colour", "idle",
    ]  # fmt: skip


def test_a_file_that_cannot_be_read(tmp_path):
    assert "No such file or directory" in fault(tmp_path / "pools.yaml")
    (tmp_path / "pools.yaml").write_bytes(b"pools: \xff\xfe")
    assert fault(tmp_path / "pools.yaml").startswith("pools.yaml: 'utf-8' codec can't decode")


words = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)
places = {"file": Fleet, "pools.cpu": Pool, "prices": Prices}


@given(words, st.sampled_from(sorted(places)), st.one_of(words, st.integers(), st.lists(words)))
@example("Walltime", "pools.cpu", "1:00:00")
def test_any_unknown_key_is_named(tmp_path_factory, key, place, value):
    """Wherever it stands and whatever it holds: a slip of the pen never means a default."""
    said = {"pools": {"cpu": dict(POOLS["cpu"])}, "prices": {"currency": "EUR"}}
    at = {"file": said, "pools.cpu": said["pools"]["cpu"], "prices": said["prices"]}[place]
    if key in places[place].model_fields:
        return
    at[key] = value
    name = key if place == "file" else f"{place}.{key}"
    found = fault(write(tmp_path_factory.mktemp("pools"), said))
    assert found.startswith(f"pools.yaml: {name}: Extra inputs are not permitted, found ")


@given(st.integers(0, 9999), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_clock_is_read_as_slurm_writes_it(days, hours, minutes, seconds):
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert clock(f"{days}-{hours:02d}:{minutes:02d}:{seconds:02d}") == length
    assert clock(f"{24 * days + hours}:{minutes:02d}:{seconds:02d}") == length


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{0,30}-?[0-9]{1,30}(:[0-9]{1,2}){0,3}", fullmatch=True)))
@example("4:00")  # minutes to SLURM, hours to a reader
@example("1:60:00")
@example("9999999999-00:00:00")
@example("1:00:00\n")
def test_any_other_text_is_no_clock(text):
    """It is a duration of the form that SLURM writes, or is refused with that form; nothing else can come of it."""
    try:
        found = clock(text)
    except ValueError as error:
        assert str(error) == "expected SLURM's H:MM:SS or D-HH:MM:SS"
    else:
        days, _, rest = text.rpartition("-")
        hours, minutes, seconds = map(int, rest.split(":"))
        assert found.total_seconds() == ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
