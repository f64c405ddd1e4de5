"""Ranking is pure: each factor counts the right way round, and hard rules come before any score."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_board.matching import FACTORS, Candidate, Need, Offer, Slot, compare, evaluate

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
WEIGHTS = {"paired": 0.35, "waiting": 0.25, "share": 0.2, "distance": 0.1, "acceptance": 0.1}
HERE = "/1/2/3/"


def need(**changes):
    values = {
        "type_ids": frozenset({7}), "quantity": 1, "window_start": NOW, "window_end": NOW + timedelta(days=10),
        "scope_path": HERE, "now": NOW, "zone": ZoneInfo("Asia/Shanghai"), **changes,
    }  # fmt: skip
    return Need(**values)


def slot(day=2, free=1, pk=1):
    start = NOW + timedelta(days=day)
    return Slot(pk, start, start + timedelta(hours=2), free)


def offer(pk="a", **changes):
    values = {
        "name": f"资源{pk}", "partner_id": f"p{pk}", "partner_name": f"部门{pk}", "type_id": 7, "open": True,
        "served_paths": ("/",), "scope_path": "/1/9/", "unit_label": "场", "notice_days": 0, "min_quantity": 1,
        "max_quantity": None, "slots": (slot(),), **changes,
    }  # fmt: skip
    return Offer(pk=pk, **values)


BETTER = {
    "paired": {"paired": True},
    "waiting": {"slots": (slot(day=1),)},
    "share": {"received": 0},
    "distance": {"scope_path": "/1/2/3/"},
    "acceptance": {"asked": 10, "confirmed": 10},
}


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_alone_decides_the_right_way_round(factor):
    plain = offer("b", received=3, asked=10, confirmed=5)
    better = offer("z", **{"received": 3, "asked": 10, "confirmed": 5, **BETTER[factor]})
    candidates, _ = evaluate(need(), [plain, better], WEIGHTS)
    assert candidates[0].offer is better
    words = compare(candidates[0], candidates[1], WEIGHTS)
    label = {"paired": "结对", "waiting": "等的时间", "share": "份额", "distance": "远近", "acceptance": "以往应约"}
    assert label[factor] in words


RULES = {
    "type": {"type_id": 8},
    "open": {"open": False},
    "area": {"served_paths": ("/1/4/",)},
    "quantity": {"min_quantity": 2},
    "slot": {"slots": ()},
}


@pytest.mark.parametrize("rule", RULES)
def test_a_hard_rule_keeps_out_whatever_the_score(rule):
    perfect = {"paired": True, "scope_path": HERE, "asked": 9, "confirmed": 9, **RULES[rule]}
    candidates, refusals = evaluate(need(), [offer("a"), offer("b", **perfect)], WEIGHTS)
    assert [c.offer.pk for c in candidates] == ["a"]
    assert [(r.offer.pk, r.rule) for r in refusals] == [("b", rule)]
    assert refusals[0].sentence.endswith("。")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"notice_days": 9}, "提前 9 天"),
        ({"blackouts": (((NOW + timedelta(days=2)).date(), (NOW + timedelta(days=2)).date()),)}, "停用"),
        ({"slots": (slot(free=0),)}, "最多还剩 0 场，要 1"),
        ({"slots": (slot(day=11),)}, "没有开放的时段"),
        ({"max_quantity": 2}, "一次至多给 2 场，这次要 3"),
    ],
)
def test_the_reason_names_the_figures(changes, words):
    wanted = need(quantity=3) if "max_quantity" in changes else need()
    _, refusals = evaluate(wanted, [offer(**changes)], WEIGHTS)
    assert words in refusals[0].sentence


def test_who_refused_this_need_is_not_asked_again():
    _, refusals = evaluate(need(refused_partners=frozenset({"pa"})), [offer("a")], WEIGHTS)
    assert refusals[0].rule == "refused"


def test_days_are_counted_where_people_live():
    late_evening = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    next_morning = Slot(1, late_evening + timedelta(hours=2), late_evening + timedelta(hours=3), 1)
    wanted = need(now=late_evening, window_start=late_evening)
    candidates, _ = evaluate(wanted, [offer(notice_days=1, slots=(next_morning,))], WEIGHTS)
    assert len(candidates) == 1


offers = st.lists(
    st.builds(
        offer,
        pk=st.uuids().map(str),
        paired=st.booleans(),
        received=st.integers(0, 20),
        asked=st.integers(0, 30),
        confirmed=st.just(0),
        scope_path=st.sampled_from(["/1/", "/1/2/", "/1/2/3/", "/1/8/4/"]),
        slots=st.lists(st.builds(slot, day=st.integers(1, 12), free=st.integers(0, 3)), max_size=3).map(tuple),
    ),
    max_size=12,
)


@given(offers, st.integers(1, 3))
def test_nobody_is_lost_the_best_stands_first_and_order_does_not_depend_on_input(pool, quantity):
    wanted = need(quantity=quantity)
    candidates, refusals = evaluate(wanted, pool, WEIGHTS)
    assert {c.offer.pk for c in candidates} | {r.offer.pk for r in refusals} == {o.pk for o in pool}
    assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)
    assert all(0 <= c.score <= 1 and c.slot.free >= quantity for c in candidates)
    again, _ = evaluate(wanted, list(reversed(pool)), WEIGHTS)
    assert [c.offer.pk for c in again] == [c.offer.pk for c in candidates]
    assert all(isinstance(c, Candidate) and c.sentence for c in candidates)
