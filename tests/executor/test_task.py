"""Who comes next: priority first, then the newest, so that a patient is seen through before the next one begins."""

import pytest
from executor_samples import task
from hypothesis import given
from hypothesis import strategies as st

from snakemake_executor_plugin_dask_jobqueue.request import Request
from snakemake_executor_plugin_dask_jobqueue.task import Waiting

KINDS = [Request(cores=cores) for cores in (1, 2, 3)]


def filled(said):
    """Tasks that wait, each with its kind and priority, in the order in which they came."""
    waiting, tasks = Waiting(), []
    for number, (kind, priority) in enumerate(said):
        tasks.append(task(str(number), request=KINDS[kind], priority=priority))
        waiting.add(tasks[-1])
    return waiting, tasks


def urgency(one):
    return (-one.priority, -int(one.name))


queues = st.lists(st.tuples(st.integers(0, 2), st.integers(-2, 2)), max_size=12)


@given(queues)
def test_the_most_urgent_comes_first_and_the_newest_of_them(said):
    waiting, tasks = filled(said)
    gone = []
    while len(waiting):
        request = waiting.requests()[0]
        first = waiting.first(request)
        assert waiting.pop(request) is first
        gone.append(first)
    assert gone == sorted(tasks, key=urgency)


@given(queues)
def test_all_that_waits_is_counted_by_what_it_asks(said):
    waiting, tasks = filled(said)
    assert len(waiting) == len(said)
    assert sorted(waiting, key=urgency) == sorted(tasks, key=urgency)
    assert set(waiting.requests()) == {one.request for one in tasks}
    assert [waiting.count(kind) for kind in KINDS] == [sum(one.request == kind for one in tasks) for kind in KINDS]


@given(queues, st.data())
def test_a_task_is_taken_from_wherever_it_stands(said, data):
    waiting, tasks = filled(said)
    for _ in range(len(tasks)):
        taken = tasks.pop(data.draw(st.integers(0, len(tasks) - 1)))
        waiting.remove(taken)
        assert sorted(waiting, key=urgency) == sorted(tasks, key=urgency)
        for request in waiting.requests():
            assert waiting.first(request) == min((one for one in tasks if one.request == request), key=urgency)


def test_nobody_waits_for_what_nobody_asks():
    waiting = Waiting()
    assert (waiting.requests(), waiting.count(Request()), len(waiting), list(waiting)) == ([], 0, 0, [])
    with pytest.raises(KeyError):
        waiting.pop(Request())
    with pytest.raises(KeyError):
        waiting.remove(task())
