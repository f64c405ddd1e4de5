"""Real workers, sweepers and servers are killed while jobs are done: none is lost, none takes effect twice.

`make chaos` runs the same on a larger scale.
"""

from collections.abc import Iterator

import pytest

from tests.chaos import faults
from tests.chaos.arena import Arena
from tests.chaos.play import Scene, bury_the_dead, play

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """Servers that nobody else uses: they are killed."""
    with Arena() as made:
        yield made


@pytest.mark.parametrize("seed", [1, 2])
def test_four_hundred_jobs_and_twelve_faults(arena, seed):
    outcome = play(arena, Scene(seed, jobs=400, faults=12))
    assert (outcome.lost, outcome.double, outcome.not_done) == (0, 0, 0), f"{outcome}\n{outcome.struck}"
    assert {each.partition(":")[0] for each in outcome.struck} == set(faults.KINDS)
    assert outcome.repeated > 0, "no fault met a job that was being done"


def test_without_the_guard_jobs_take_effect_twice(arena):
    """The control for the count of doubles."""
    assert play(arena, Scene(1, jobs=60, faults=6, guard=False)).double > 0


def test_without_the_sweeper_jobs_are_lost(arena):
    """The control for the count of losses."""
    assert play(arena, Scene(1, jobs=60, faults=5, sweepers=0, patience=2)).lost > 0


def test_death_at_every_planted_point_ends_in_one_effect(arena):
    outcome = bury_the_dead(arena, runs=10)
    assert len(outcome.struck) == outcome.scene.jobs, "some process did not die where it was to"
    assert (outcome.lost, outcome.double, outcome.not_done) == (0, 0, 0), str(outcome)


def test_the_seed_alone_says_what_strikes():
    assert faults.plan(7, 14) == faults.plan(7, 14) != faults.plan(8, 14)
    assert {faults.plan(7, 12).count(kind) for kind in faults.KINDS} == {2}
