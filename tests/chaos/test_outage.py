"""The real product without its broker, and without its worker: nobody is refused, nothing is lost, the door tells."""

from collections.abc import Iterator

import pytest

from tests.chaos import outage
from tests.chaos.arena import Arena

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def town() -> Iterator[outage.District]:
    """Web, worker, beat and sweeper with the product's own settings, on servers that nobody else uses."""
    with Arena() as arena, outage.district(arena) as made:
        outage.until_green(made)
        yield made


def test_five_hundred_ask_while_the_broker_is_away(town):
    """Each leaves a job; the engine does them as soon as the broker is back.

    The bar is for the dispatches. With all that follows them it took 21 s on a free machine and 25 s beside another
    process of the suite on two cores: too near to the same bar to tell a fault from a busy machine.
    """
    found = outage.without_broker(town, posts=500)
    assert (found.accepted, found.saved, found.jobs) == (500, 500, 500), str(found)
    assert found.dispatched_after <= 30, str(found)


@pytest.mark.parametrize("silence", [outage.stopped_worker, outage.killed_worker])
def test_a_silent_worker_is_told_of_and_green_comes_by_itself(town, silence):
    """Only the database's clock counts, so the test moves the last signs of life instead of waiting for them to age."""
    found = silence(town, age=True)
    assert found.red <= 20
    assert found.green <= 60, str(found)
