"""The bench can say no: bars are missed, wrong answers are not timed, and turns are taken fairly."""

import json

import pytest

from bench import lists, measure
from bench.__main__ import main, verdict
from bench.measure import Figure


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("a", "ratio", at_least=0.5, values=[0.4, 0.6, 0.9]), True),
        (Figure("a", "ratio", at_least=0.7, values=[0.4, 0.6, 0.9]), False),
        (Figure("a", "bytes", at_most=10, values=[9, 10, 99]), True),
        (Figure("a", "bytes", at_most=9, values=[9, 10, 99]), False),
        (Figure("a", "ratio", at_least=0.5), False),
        (Figure("a", "ratio", values=[1.0]), False),
    ],
)
def test_the_median_is_held_against_the_bar(figure, holds):
    assert figure.holds is holds
    assert verdict([figure]) == (0 if holds else 1)


def test_nothing_measured_is_nothing_reached():
    assert verdict([]) == 1
    assert main(["nonsense"]) == 2


def test_limit_and_ours_take_turns():
    turns = []
    speeds = {"limit": 10.0, "ours": 5.0}

    def run(name):
        turns.append(name)
        return speeds[name]

    figure = measure.compare(Figure("a", "ratio", at_least=0.5), lambda: run("ours"), lambda: run("limit"))
    assert turns == ["limit", "ours"] * measure.ROUNDS
    assert figure.values == [0.5] * measure.ROUNDS
    assert json.loads(json.dumps(figure.as_dict()))["holds"] is True


def test_pages_that_show_other_rows_are_not_compared():
    raw = [{"number": "B1"}, {"number": "B2"}, {"number": "B3"}]
    lists._same_rows("B1 B2", raw, 2)
    for page in ("B1 B3", "B2 B1"):
        with pytest.raises(AssertionError):
            lists._same_rows(page, raw, 2)
    with pytest.raises(AssertionError):
        lists._same_rows("B1 B2 B3", raw, 4)


def test_an_error_page_is_not_timed():
    def broken(environ, start_response):
        start_response("500 Internal Server Error", [])
        return [b""]

    with pytest.raises(AssertionError):
        lists._body(broken, {"PATH_INFO": "/desk/"})
