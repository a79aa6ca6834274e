"""The executor plugin on one machine: what a dead driver, a second one, an edit or a bad clock do to a study."""

import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from small_study import HUNGRY, LOCAL, Study, kill, until

HELD = """
rule all:
    input: expand("results/{name}.txt", name=["a", "b"])
rule hold:
    output: "results/{name}.txt"
    resources: mem_mb=100, runtime=2
    shell: "echo begun >> {tmp}/begun-{wildcards.name}; until [ -e {tmp}/go ]; do sleep 0.1; done; echo made > {output}"
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "study", LOCAL)


@pytest.fixture
def held(tmp_path: Path) -> Study:
    """Two jobs that end when a file is there, and not before; they leave a trace outside of their sandboxes."""
    return Study(tmp_path / "study", LOCAL, HELD.replace("{tmp}", str(tmp_path)))


def test_a_study_runs_to_its_end_and_a_second_run_has_nothing_to_do(study):
    ran = study.run()
    assert ran.returncode == 0, ran.stderr
    assert {path: one["value"] for path, one in study.results().items()} == {
        f"{patient}/{step}.json": value
        for patient in ("one", "two", "bad")
        for step, value in (("first", 1), ("second", 2), ("third", 3))
    }
    assert all((study.folder / f"logs/one/{step}.log").exists() for step in ("first", "second", "third"))
    assert [row["cause"] for row in study.accounts()] == ["done"] * 9
    assert "Nothing to be done" in study.run().stderr
    study.assert_nothing_is_left()


def test_the_pages_of_the_scheduler_are_on_loopback_only(held, tmp_path):
    """Dask's page of the tasks is there while jobs run, where it was asked for, and the driver listens nowhere else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (held.folder / "profile/pools.yaml").write_text(LOCAL.replace("{backend", f"{{dashboard: {port}, backend", 1))
    driver = held.start()
    until(lambda: len(list(tmp_path.glob("begun-*"))) == 2, "the begin of both jobs")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=10) as page:
        assert b"Dask" in page.read()
    listening = [found.laddr for found in psutil.Process(driver.pid).net_connections("tcp") if found.status == "LISTEN"]
    assert port in [address.port for address in listening]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    (tmp_path / "go").touch()
    assert driver.wait(60) == 0
    held.assert_nothing_is_left()


def test_jobs_of_a_dead_driver_are_adopted_and_not_run_again(held, tmp_path):
    driver = held.start()
    until(lambda: len(list(tmp_path.glob("begun-*"))) == 2, "the begin of both jobs")
    kill(driver)
    assert not list(held.folder.glob("results/*.txt"))
    second = held.start()
    until(
        lambda: "Execute 2 jobs" in (held.folder / "driver.log").read_text().partition("Execute 2 jobs")[2], "a restart"
    )
    (tmp_path / "go").touch()
    assert second.wait(60) == 0, (held.folder / "driver.log").read_text()
    assert [(tmp_path / f"begun-{name}").read_text() for name in "ab"] == ["begun\n"] * 2
    assert [row["cause"] for row in held.accounts()] == ["done"] * 2
    held.assert_nothing_is_left()


def test_jobs_that_end_while_there_is_no_driver_are_published_by_the_next(held, tmp_path):
    driver = held.start()
    until(lambda: len(list(tmp_path.glob("begun-*"))) == 2, "the begin of both jobs")
    kill(driver)
    (tmp_path / "go").touch()
    held.assert_nothing_is_left()  # the pilot has seen its jobs through, and is gone
    assert not list(held.folder.glob("results/*.txt"))
    assert held.run().returncode == 0
    assert [(held.folder / f"results/{name}.txt").read_text() for name in "ab"] == ["made\n"] * 2
    assert [(tmp_path / f"begun-{name}").read_text() for name in "ab"] == ["begun\n"] * 2


def test_what_a_dead_driver_left_is_not_adopted_by_another_workflow(held, tmp_path):
    driver = held.start()
    until(lambda: len(list(tmp_path.glob("begun-*"))) == 2, "the begin of both jobs")
    kill(driver)
    text = (held.folder / "Snakefile").read_text()
    (held.folder / "Snakefile").write_text(text.replace("echo made", "echo otherwise"))
    (tmp_path / "go").touch()
    assert held.run().returncode == 0
    assert [(held.folder / f"results/{name}.txt").read_text() for name in "ab"] == ["otherwise\n"] * 2
    held.assert_nothing_is_left()


def test_a_second_driver_refuses_and_says_who_holds_the_study(held, tmp_path):
    driver = held.start()
    until(lambda: list(tmp_path.glob("begun-*")), "the begin of a job")
    second = held.run()
    assert second.returncode == 1
    assert f"this study is held by {os.environ.get('USER', 'root')}" in second.stderr
    assert f"process {driver.pid}" in second.stderr
    (tmp_path / "go").touch()
    assert driver.wait(60) == 0


def test_an_interrupt_ends_all_that_was_started(held, tmp_path):
    driver = held.start()
    until(lambda: list(tmp_path.glob("begun-*")), "the begin of a job")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 1
    held.assert_nothing_is_left()
    assert not list(held.folder.glob("results/*.txt"))
    (tmp_path / "go").touch()
    assert held.run().returncode == 0


def test_an_edit_of_the_configuration_in_mid_run_is_seen_by_the_next_run_only(study):
    study.environment["STEP_SECONDS"] = "1"
    driver = study.start()
    until(lambda: list(study.folder.glob("results/*/first.json")), "a first result")
    study.configure(patients="one two bad", dose=10)
    assert driver.wait(60) == 0
    assert {one["dose"] for one in study.results().values()} == {1}
    assert study.run().returncode == 0
    assert {path: one["value"] for path, one in study.results().items() if "third" in path} == {
        f"{patient}/third.json": 30 for patient in ("one", "two", "bad")
    }


FAULTY = """
rule all:
    input: "broken.txt", "hungry.txt", "fine.txt"
rule broken:
    output: "broken.txt"
    log: "broken.log"
    resources: mem_mb=100, runtime=2
    shell: "echo begun >> {tmp}/broken; echo what went wrong > {log}; exit 3"
rule hungry:
    output: "hungry.txt"
    resources: mem_mb=150, runtime=2
    shell: "echo begun >> {tmp}/hungry; python hungry.py {resources.mem_mb} > {output}"
rule fine:
    output: "fine.txt"
    resources: mem_mb=100, runtime=2
    shell: "echo begun >> {tmp}/fine; [ -e {tmp}/killed ] || { touch {tmp}/killed; kill -9 0; }; echo made > {output}"
"""


def test_a_retry_knows_the_cause(tmp_path):
    text = (
        FAULTY.replace("{tmp}", str(tmp_path)).replace("{ touch", "{{ touch").replace("kill -9 0; }", "kill -9 0; }}")
    )
    study = Study(tmp_path / "study", LOCAL, text)
    (study.folder / "hungry.py").write_text(HUNGRY)
    ran = study.run()
    assert ran.returncode == 1
    causes = {(row["rule"], row["cause"]) for row in study.accounts()}
    assert causes == {
        ("broken", "error"),
        ("hungry", "memory"),
        ("hungry", "done"),
        ("fine", "killed"),
        ("fine", "done"),
    }
    times = {name: (tmp_path / name).read_text().count("begun") for name in ("broken", "hungry", "fine")}
    assert times == {"broken": 1, "hungry": 2, "fine": 2}  # an error of the code would be the same again
    assert (study.folder / "hungry.txt").read_text() == "250000000 300\n"  # twice the memory, and it is told so
    assert (study.folder / "broken.log").read_text() == "what went wrong\n"
    assert "cause: error, after 1 attempt(s)" in ran.stderr


def test_an_input_from_the_future_does_not_cost_its_job(tmp_path):
    text = """
rule all:
    input: "raw.txt"
    output: "made.txt"
    resources: mem_mb=100
    shell: "cat {input} > {output}"
"""
    study = Study(tmp_path / "study", LOCAL, text)
    (study.folder / "raw.txt").write_text("raw\n")
    ahead = time.time() + 7200
    os.utime(study.folder / "raw.txt", (ahead, ahead))
    ran = study.run()
    assert ran.returncode == 0, ran.stderr
    assert (study.folder / "made.txt").read_text() == "raw\n"
    assert "Nothing to be done" in study.run().stderr


def test_what_an_input_was_made_from_is_not_the_business_of_its_job(study):
    """Of three jobs of one rule the second is wanted, once the raw file has got a new time: as new as any will be."""
    study.configure("one", dose=1)
    assert study.run("results/one/first.json").returncode == 0
    made = study.results()["one/first.json"]
    ahead = time.time() + 7200
    os.utime(study.folder / "raw/one.json", (ahead, ahead))
    ran = study.run()
    assert ran.returncode == 0, ran.stderr
    results = study.results()
    assert results["one/first.json"] == made
    assert results["one/second.json"]["from"] == [made["nonce"]]
    assert [row["cause"] for row in study.accounts()] == ["done"] * 3


def test_a_job_that_no_pool_can_hold_is_refused_with_what_it_asks(tmp_path):
    text = 'rule all:\n    output: "made.txt"\n    resources: mem_mb=10**6\n    shell: "touch {output}"\n'
    ran = Study(tmp_path / "study", LOCAL, text).run()
    assert ran.returncode == 1
    assert "no pool can hold" in ran.stderr
    assert "1000000 MB" in ran.stderr or str(10**6 * 2**20) in ran.stderr


def test_a_pools_file_with_an_unknown_key_is_refused_by_name(tmp_path):
    study = Study(tmp_path / "study", "{backend: local, pools: {cpu: {cpus: 1, memory: 1 GB, colour: red}}}")
    ran = study.run()
    assert ran.returncode == 1
    assert "pools.cpu.colour" in ran.stderr
