"""Seats: what is given is there, what is given back is there again, and how many pilots are worth asking for."""

import itertools
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from executor_samples import pool
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue.pilot import GRACE
from snakemake_executor_plugin_dask_jobqueue.pilots import Pilot, share, wanted
from snakemake_executor_plugin_dask_jobqueue.request import RESERVED, Request, roomy

GIBI = 2**30
NODES = pool(cpus="8", memory="16 GiB", nodes="4", gpus="4")


def up(kind=NODES, *, gpus=(), ends=None, hosts=None):
    """A pilot whose worker has told where it is."""
    pilot = Pilot("cpu-1", "cpu", kind)
    names = hosts or [f"n{number}" for number in range(kind.nodes)]
    pilot.comes_up("tcp://1", {"hosts": names, "gpus": list(gpus), "ends": ends})
    return pilot


def free(pilot):
    return [(room.host, room.cores, room.memory, Counter(room.gpus)) for room in pilot.rooms]


def test_a_pilot_has_no_room_before_it_is_up():
    pilot = Pilot("cpu-1", "cpu", NODES)
    assert not pilot.can_seat(Request())
    assert pilot.job_id is None
    pilot.job = SimpleNamespace(job_id="17")
    assert pilot.job_id == "17"


def test_a_room_is_a_node_less_what_the_pilot_takes():
    pilot = up()
    assert free(pilot) == [(f"n{n}", 8, 16 * GIBI - RESERVED, Counter("0123")) for n in range(4)]
    assert pilot.address == "tcp://1"
    pilot.rooms[0].gpus.pop()
    assert len(pilot.rooms[1].gpus) == 4  # each node has its own


@pytest.mark.parametrize(
    ("told", "expected"),
    [([], "0123"), (["2", "5", "6", "7"], "2567"), (["0", "1"], "01"), (list("012345"), "0123")],
)
def test_gpus_are_those_of_the_allocation_up_to_what_the_pool_promises(told, expected):
    assert Counter(up(gpus=told).rooms[0].gpus) == Counter(expected)


@pytest.mark.parametrize(
    "request_",
    [
        Request(cores=8, memory=roomy(NODES), gpus=4),
        Request(nodes=4, cores=8, memory=roomy(NODES), gpus=4),
    ],
)
def test_an_empty_pilot_seats_the_largest_that_fits_and_then_nothing(request_):
    pilot = up()
    assert pilot.can_seat(request_)
    pilot.seat(request_)
    assert not pilot.can_seat(Request())


@pytest.mark.parametrize(
    "request_", [Request(cores=9), Request(memory=roomy(NODES) + 1), Request(gpus=5), Request(nodes=5)]
)
def test_what_does_not_fit_is_not_seated(request_):
    assert not up().can_seat(request_)


def test_jobs_of_one_node_sit_where_the_pilot_is():
    """It starts processes there; the other nodes wait for jobs of several."""
    pilot = up()
    first, second = pilot.seat(Request(cores=3, gpus=1)), pilot.seat(Request(cores=5, gpus=2))
    assert (first.nodes, first.hosts) == (second.nodes, second.hosts) == ((0,), ("n0",))
    assert not set(first.gpus) & set(second.gpus)
    assert not pilot.can_seat(Request())
    assert pilot.can_seat(Request(nodes=3))


def test_jobs_of_several_nodes_have_them_whole():
    """A core in use keeps a node from them, and one of theirs keeps it from others."""
    pilot = up()
    pilot.seat(Request(cores=1))
    seat = pilot.seat(Request(nodes=2, cores=1, gpus=1))
    assert (seat.nodes, seat.hosts) == ((1, 2), ("n1", "n2"))
    assert not pilot.can_seat(Request(nodes=2))
    assert [room.cores for room in pilot.rooms] == [7, 0, 0, 8]


def test_a_leaving_pilot_seats_nobody():
    pilot = up()
    pilot.leaving = True
    assert not pilot.can_seat(Request())


@pytest.mark.parametrize(("seconds", "late"), [(None, False), (100 - GRACE - 1, False), (100 - GRACE + 1, True)])
def test_a_job_is_not_begun_that_the_walltime_would_end(seconds, late, monkeypatch):
    """In 100 s the pilot is gone, and GRACE before that it ends what runs."""
    pilot = up(ends=1100.0)
    pilot.up = 900.0
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert pilot.is_late_for(Request(seconds=seconds)) == late
    assert pilot.can_seat(Request(seconds=seconds)) != late


def test_a_pilot_that_has_just_come_up_is_not_late_however_long_that_took(monkeypatch):
    """Otherwise a job that fills a whole walltime would have pilots come and go for ever."""
    pilot = up(ends=1100.0)
    pilot.up = 990.0
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert not pilot.is_late_for(Request(seconds=100))


def test_a_pilot_without_an_end_is_never_late():
    assert not up(ends=None).is_late_for(Request(seconds=10**9))


def test_giving_back_begins_the_idle_time(monkeypatch):
    pilot = up()
    seat = pilot.seat(Request())
    monkeypatch.setattr(time, "time", lambda: 5.0)
    pilot.leave(seat, Request())
    assert pilot.idle == 5.0


requests = st.builds(
    Request,
    nodes=st.integers(1, 4),
    cores=st.integers(1, 8),
    memory=st.integers(0, roomy(NODES)),
    gpus=st.integers(0, 4),
)
moves = st.lists(st.tuples(requests, st.integers(0, 5)), max_size=20)


@given(moves, st.permutations("0123"))
def test_no_more_is_taken_than_there_is_and_all_is_given_back(moves, names):
    """In any order of coming and going: no core, byte or GPU has two owners, on no node."""
    pilot = up(gpus=names)
    whole, seated = free(pilot), []
    for request, leaver in moves:
        if pilot.can_seat(request):
            seated.append((pilot.seat(request), request))
            assert len(set(seated[-1][0].gpus)) == request.gpus
        elif seated:
            pilot.leave(*seated.pop(leaver % len(seated)))
        for number, (_, cores, memory, gpus) in enumerate(free(pilot)):
            here = [(seat, one) for seat, one in seated if number in seat.nodes]
            assert cores == 8 - sum(8 if one.nodes > 1 else one.cores for _, one in here) >= 0
            assert memory == roomy(NODES) - sum(one.memory for _, one in here) >= 0
            taken = list(itertools.chain.from_iterable(seat.gpus for seat, _ in here))
            assert gpus + Counter(taken) == Counter("0123")
    while seated:
        pilot.leave(*seated.pop())
    assert free(pilot) == whole


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(cores=2), 0.25),
        (Request(memory=roomy(NODES) // 2), 0.5),
        (Request(cores=1, gpus=3), 0.75),
        (Request(nodes=2, cores=1), 0.5),  # two of four nodes, whole
    ],
)
def test_a_share_is_of_what_runs_out_first(request_, expected):
    assert share(request_, NODES) == expected


HALF = Request(cores=2)


@pytest.mark.parametrize(
    ("least", "most", "waiting", "alive", "coming", "expected"),
    [
        (0, 10, 0, 0, 0, 0),
        (0, 10, 1, 0, 0, 1),
        (0, 10, 4, 0, 0, 2),  # two halves to a pilot
        (0, 10, 5, 0, 0, 3),
        (0, 10, 5, 2, 2, 1),  # those coming will take four
        (0, 10, 5, 2, 0, 3),  # those that are up are full, or nobody would wait
        (0, 2, 9, 1, 1, 1),
        (0, 2, 9, 2, 2, 0),
        (2, 5, 0, 1, 0, 1),
        (2, 5, 1, 0, 0, 2),
        (2, 5, 0, 3, 0, 0),
        (0, 2, 9, 3, 0, 0),  # more than most are alive: of an earlier pools file
    ],
)
def test_pilots_are_asked_for_by_what_waits(least, most, waiting, alive, coming, expected):
    kind = pool(cpus="4", least=str(least), most=str(most))
    assert wanted(kind, [HALF] * waiting, alive, coming) == expected


def test_shares_that_fill_pilots_ask_for_no_further_one():
    """75 cores are 75 times a 75th; seven times as many are seven, though the sum of the floats is more."""
    assert sum([1 / 75] * 75 * 7) > 7
    assert wanted(pool(cpus="75", most="9"), [Request(cores=1)] * 75 * 7, 0, 0) == 7


@given(st.lists(st.sampled_from([HALF, Request(cores=1), Request(cores=4)])), st.integers(0, 9), st.integers(0, 9))
def test_never_more_than_most_and_never_less_than_least(waiting, up_, coming):
    alive = up_ + coming
    kind = pool(least="2", most="6")
    more = wanted(kind, waiting, alive, coming)
    assert more >= 0
    assert alive + more >= 2
    assert more == 0 or alive + more <= 6
