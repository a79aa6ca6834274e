"""What a job asks in the names of the SLURM executor, the pool it goes to, what a retry has, and who it is."""

import os
import random
from types import SimpleNamespace

import pytest
from executor_samples import MEBI, fleet, pool
from hypothesis import example, given
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue.request import (
    MARGIN,
    RESERVED,
    Request,
    Unplaceable,
    arguments,
    identity,
    pools_for,
    request_of,
    roomy,
    usable,
    with_old_inputs,
    with_resources,
)

SITE = fleet(
    pools={
        "cpu": {"cpus": "8", "memory": "16 GiB", "walltime": "1:00:00", "partition": "standard"},
        "long": {"cpus": "8", "memory": "32 GiB", "walltime": "10:00:00", "partition": "long"},
        "mpi": {"cpus": "32", "memory": "64 GiB", "nodes": "4", "walltime": "4:00:00", "partition": "parallel"},
        "gpu": {"cpus": "8", "memory": "64 GiB", "gpus": "4", "walltime": "4:00:00", "partition": "gpu"},
    }
)
BARE = fleet()


@pytest.mark.parametrize(
    ("resources", "threads", "expected"),
    [
        ({}, 3, Request(cores=3)),
        ({"mem_mb": 500, "runtime": 30}, 1, Request(memory=500 * MEBI, seconds=1800)),
        ({"mem_mb_per_cpu": 100}, 4, Request(cores=4, memory=400 * MEBI)),
        ({"mem_mb": 0, "mem_mb_per_cpu": 100}, 1, Request(memory=100 * MEBI)),
        ({"cpus_per_task": 2}, 8, Request(cores=2)),
        ({"tasks": 4, "cpus_per_task": 2}, 1, Request(tasks=4, cores=8)),
        ({"tasks": 5, "nodes": 2}, 1, Request(nodes=2, tasks=5, cores=3)),  # the fuller node has three ranks
        ({"gpu": 2}, 1, Request(gpus=2)),
        ({"gres": "gpu:3"}, 1, Request(gpus=3)),
        ({"gres": "gpu:a100:2"}, 1, Request(gpus=2)),
        ({"gres": "gpu:2080ti:2"}, 1, Request(gpus=2)),
        ({"gres": "gpu:3g.20gb:1"}, 1, Request(gpus=1)),  # a slice of one, as SLURM names it
        ({"gres": "tmpfs:10"}, 1, Request()),
        ({"gpu": 3, "nodes": 2}, 1, Request(nodes=2, gpus=2)),
        (
            {"slurm_partition": "gpu", "slurm_account": "", "qos": "long", "constraint": "ib"},
            1,
            Request(matched=(("partition", "gpu"), ("qos", "long"), ("constraint", "ib"))),
        ),
    ],
)
def test_resources_have_the_meaning_that_the_slurm_executor_gives_them(resources, threads, expected):
    assert request_of(resources, threads, SITE) == expected


def test_a_gpu_is_dropped_where_no_pool_has_one():
    """The rule then runs on the CPU, as its own code decides."""
    assert request_of({"gpu": 2, "gres": "gpu:2"}, 1, BARE) == Request()


@pytest.mark.parametrize(
    ("request_", "pools"),
    [
        (Request(), ["cpu", "long"]),
        (Request(seconds=3600 - MARGIN), ["cpu", "long"]),
        (Request(seconds=3600 - MARGIN + 1), ["long"]),
        (Request(memory=16 * 2**30 - RESERVED), ["cpu", "long"]),
        (Request(memory=16 * 2**30 - RESERVED + 1), ["long"]),
        (Request(cores=9), ["mpi"]),
        (Request(nodes=4, cores=32), ["mpi"]),
        (Request(gpus=1), ["gpu"]),
        (Request(memory=40 * 2**30), ["mpi"]),  # a GPU is dearer than the nodes beside
        (Request(matched=(("partition", "gpu"),)), ["gpu"]),
    ],
)
def test_a_job_goes_where_it_takes_the_least_from_others(request_, pools):
    assert pools_for(request_, SITE) == pools


@pytest.mark.parametrize(
    "request_",
    [
        Request(cores=33),
        Request(nodes=5),
        Request(gpus=5),
        Request(gpus=1, nodes=2),
        Request(memory=64 * 2**30),
        Request(seconds=36000),
        Request(matched=(("partition", "other"),)),
        Request(matched=(("account", "heart"),)),
    ],
)
def test_a_job_that_no_pool_can_hold_is_told_so(request_):
    with pytest.raises(Unplaceable, match=r"no pool can hold Request\(.*; there are \{'cpu': Pool\("):
        pools_for(request_, SITE)


requests = st.builds(
    Request,
    nodes=st.integers(1, 4),
    tasks=st.integers(1, 64),
    cores=st.integers(1, 32),
    memory=st.integers(0, 80).map(lambda gibi: gibi * 2**30),
    gpus=st.integers(0, 4),
    seconds=st.one_of(st.none(), st.integers(1, 11 * 3600)),
)


@given(requests, st.sampled_from(["memory", "time"]))
@example(Request(nodes=2, seconds=3 * 3600), "time")  # the longest walltime is of a pool that does not hold it
@example(Request(gpus=1, seconds=200 * 60), "time")
def test_a_retry_has_more_of_what_was_missing_and_still_fits(request_, cause):
    """No less than before, at most twice, nothing else changed; and never more than a pool has that held it before."""
    grown = request_.grown(cause, SITE)
    name = {"memory": "memory", "time": "seconds"}[cause]
    before, after = getattr(request_, name) or 0, getattr(grown, name) or 0
    assert before <= after <= 2 * before
    assert grown == Request(**vars(request_) | {name: getattr(grown, name)})
    fitting = [one for one in SITE.pools.values() if request_.fits(one)]
    assert any(grown.fits(one) for one in SITE.pools.values()) == bool(fitting)
    if fitting and after < 2 * before:
        assert after == max({"memory": roomy, "time": usable}[cause](one) for one in SITE.pools.values()
                            if Request(**vars(request_) | {name: 0}).fits(one))  # fmt: skip


@pytest.mark.parametrize("cause", ["error", "lost", "killed", "disk"])
def test_more_of_something_cures_no_other_cause(cause):
    assert Request(memory=MEBI, seconds=60).grown(cause, SITE) == Request(memory=MEBI, seconds=60)


def test_what_has_no_limit_cannot_grow():
    """An adopted attempt may have ended at a limit that the job has no more."""
    assert Request().grown("time", SITE) == Request()
    assert Request().grown("memory", SITE) == Request()


def test_pilot_and_margin_are_taken_off():
    assert usable(pool(walltime="1:00:00")) == 3600 - MARGIN
    assert roomy(pool(memory="8 GiB")) == 2**33 - 2**28


def job(folder, **keys):
    """A job of Snakemake, as far as its identity goes."""
    rule = {"name": "mesh", "script": None, "notebook": None, "basedir": folder} | keys.pop("rule", {})
    about = {"input": [f"{folder}/in.txt"], "output": ["out.txt"], "params": {"size": 1.5}, "shellcmd": "make {output}",
             "is_group": lambda: False}  # fmt: skip
    return SimpleNamespace(rule=SimpleNamespace(**rule), **about | keys)


@pytest.fixture
def study(tmp_path):
    (tmp_path / "in.txt").write_text("input")
    (tmp_path / "code.py").write_text("print(1)")
    (tmp_path / "folder").mkdir()
    return tmp_path


def test_equal_jobs_have_one_name(study):
    """What a job may use is not in it: an attempt is adopted though its limits were edited."""
    name = identity(job(study))
    assert name == identity(job(study, resources={"mem_mb": 5}, threads=8))
    assert len(name) == 24
    assert set(name) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "keys",
    [
        {"rule": {"name": "other"}},
        {"output": ["other.txt"]},
        {"input": []},
        {"params": {"size": 1.6}},
        {"shellcmd": "make -j {output}"},
        {"rule": {"script": "code.py"}},
        {"rule": {"notebook": "code.py"}},
    ],
)
def test_another_job_has_another_name(study, keys):
    assert identity(job(study, **keys)) != identity(job(study))


def renewed(path):
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        ({}, lambda study: renewed(study / "in.txt")),
        ({}, lambda study: (study / "in.txt").write_text("longer input")),
        ({}, lambda study: (study / "in.txt").unlink()),
        ({"rule": {"script": "code.py"}}, lambda study: (study / "code.py").write_text("print(2)")),
        ({"rule": {"notebook": "code.py"}}, lambda study: (study / "code.py").unlink()),
    ],
)
def test_an_edit_gives_another_name(study, keys, change):
    before = identity(job(study, **keys))
    change(study)
    assert identity(job(study, **keys)) != before


def test_a_directory_is_as_old_as_its_marker_says(study):
    """Other jobs may write beside in it; Snakemake goes by the marker, and so does the name."""
    marker = study / "folder/.snakemake_timestamp"
    marker.touch()
    before = identity(job(study, input=[f"{study}/folder"]))
    (study / "folder/more").touch()
    assert identity(job(study, input=[f"{study}/folder"])) == before
    renewed(marker)
    assert identity(job(study, input=[f"{study}/folder"])) != before


def test_the_order_within_a_group_is_nothing(study):
    jobs = [job(study, output=[f"{number}.txt"]) for number in range(5)]
    group = SimpleNamespace(is_group=lambda: True, jobs=jobs)
    shuffled = SimpleNamespace(is_group=lambda: True, jobs=random.Random(1).sample(jobs, 5))
    assert identity(group) == identity(shuffled) != identity(SimpleNamespace(is_group=lambda: True, jobs=jobs[:4]))


def test_the_words_after_snakemake_are_its_arguments():
    assert arguments("python -m snakemake --target-jobs 'a:b=c d' --cores 1") == [
        "--target-jobs", "a:b=c d", "--cores", "1",
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["module load a && python -m snakemake -j1", "python -c snakemake", ""])
def test_a_command_before_snakemake_is_refused(command):
    with pytest.raises(ValueError, match="a precommand belongs into the prologue of a pool") as caught:
        arguments(command)
    assert f"found: {command};" in str(caught.value)


def test_all_inputs_of_a_job_are_old_to_its_attempt():
    from snakemake.cli import get_argument_parser
    from snakemake.iocontainers import InputFiles

    mixed, named, bare = InputFiles(["a", "b"]), InputFiles(fromdict={"image": "c", "table": "d"}), InputFiles([])
    inputs = {"mixed": mixed, "named": named, "bare": bare, "3": mixed}
    rules = [SimpleNamespace(name=name, input=found) for name, found in inputs.items()]
    said = get_argument_parser().parse_args(with_old_inputs(["--cores", "1"], rules))
    assert said.consider_ancient == {"mixed": {0, 1}, "named": {0, 1, "image", "table"}}
    assert with_old_inputs(["--cores", "1"], rules[2:]) == ["--cores", "1"]


def told(words):
    """What Snakemake itself reads of ``--set-resources``, by rule."""
    from snakemake.cli import get_argument_parser

    said = get_argument_parser().parse_args(words)
    return {rule: {name: one.raw for name, one in found.items()} for rule, found in said.set_resources.items()}


@pytest.mark.parametrize(
    "before",
    [
        ["--cores", "1"],
        ["--set-resources", "b:mem_mb=5", "--cores", "1"],
        ["--set-resources", "a:mem_mb=5", "a:runtime=1", "--cores", "1"],  # as a profile of the site may say
        ["--cores", "1", "--set-resources", "base64//YTptZW1fbWI9NQ=="],  # a:mem_mb=5, as Snakemake tells its jobs
    ],
)
def test_a_retry_is_told_what_it_has_now(before):
    words = with_resources(before, ["a"], Request(memory=300 * MEBI, seconds=7200))
    assert told(words)["a"] == {"mem_mb": 300, "runtime": 120}
    assert told(words).get("b") == ({"mem_mb": 5} if "b:mem_mb=5" in before else None)


def test_a_retry_without_limits_is_told_nothing():
    assert with_resources(["--cores", "1"], ["a"], Request()) == ["--cores", "1"]


def test_every_rule_of_a_group_is_told():
    assert with_resources([], ["a", "b"], Request(memory=MEBI)) == ["--set-resources", "a:mem_mb=1", "b:mem_mb=1"]
