"""The tables of states: nothing else is possible, everything is reachable, every case can end."""

import itertools

import pytest

from common.errors import StepNotAllowed
from requests_board import workflow
from requests_board.workflow import AllocationStatus, NeedStatus, RequestStatus

MACHINES = {
    "request": (RequestStatus, workflow.REQUEST_STEPS, RequestStatus.SUBMITTED, workflow.REQUEST_TERMINAL),
    "need": (NeedStatus, workflow.NEED_STEPS, NeedStatus.OPEN, workflow.NEED_TERMINAL),
    "allocation": (
        AllocationStatus,
        workflow.ALLOCATION_STEPS,
        AllocationStatus.PROPOSED,
        workflow.ALLOCATION_TERMINAL,
    ),
}
PAIRS = [
    (step, status) for states, steps, _, _ in MACHINES.values() for step, status in itertools.product(steps, states)
]


@pytest.mark.parametrize(("step", "status"), PAIRS)
def test_the_table_is_the_only_way(step, status):
    if status in step.sources:
        step.check(status)
    else:
        with pytest.raises(StepNotAllowed):
            step.check(status)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_is_reachable(name):
    states, steps, initial, _ = MACHINES[name]
    reached = {initial}
    for _ in states:
        reached |= {step.target for step in steps if reached & set(step.sources)}
    assert reached == set(states)


@pytest.mark.parametrize("name", MACHINES)
def test_every_case_can_end_and_ends_for_good(name):
    states, steps, _, terminal = MACHINES[name]
    ending = set(terminal)
    for _ in states:
        ending |= {source for step in steps if step.target in ending for source in step.sources}
    assert ending == set(states)
    assert not [step.verb for step in steps if set(step.sources) & set(terminal)]


def test_verbs_are_told_apart():
    verbs = [step.verb for _, steps, _, _ in MACHINES.values() for step in steps]
    assert len(verbs) == len(set(verbs))
