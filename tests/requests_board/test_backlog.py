"""The backlog read at once says of every need and slot what a single dispatch says of them."""

import random
from datetime import timedelta

import numpy as np
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clockwork.selectors import db_now
from common.columns import KEY, WHOLE, as_hex, columns
from grids.models import Area
from partners.models import Pairing, ResourceBlackout, ResourceServedArea, ResourceSlot
from requests_board.backlog import reading
from requests_board.matching import Candidate, evaluate, problem
from requests_board.models import Allocation, ResourceRequest
from requests_board.selectors import _offers, _refused_partners, _type_ids, weights_of
from tests.pool import ask_time_has_come, make_resource

DAY = timedelta(days=1)


def scatter(pool, seed):
    """Make a pool of every kind of limit, and needs of every kind at every depth of the tree."""
    rng = random.Random(seed)
    town, types = pool.town, [pool.type, pool.other_type, pool.type.parent]
    places = [town.district, town.street, town.community, town.next_community, town.far_community, town.building]
    for number in range(14):
        resource = make_resource(
            town, rng.choice(pool.departments), rng.choice(types), area=rng.choice(places), capacity=rng.randint(1, 4),
            notice_days=rng.choice([0, 0, 1, 3]), min_quantity=rng.choice([1, 1, 2]),
            max_quantity=rng.choice([None, 2, 3]), status=rng.choice(["open", "open", "open", "paused"]),
            whole_district=rng.random() < 0.4,
        )  # fmt: skip
        for place in rng.sample(places, 2):
            ResourceServedArea.objects.create(resource=resource, area=place)
        if number % 3 == 0:
            day = (db_now() + DAY * rng.randint(1, 4)).date()
            ResourceBlackout.objects.create(resource=resource, first_day=day, last_day=day + DAY)
        ResourceSlot.objects.filter(resource=resource).order_by("?").first().delete()
        full = ResourceSlot.objects.filter(resource=resource).first()
        ResourceSlot.objects.filter(pk=full.pk).update(used=rng.randint(0, full.capacity))
    Pairing.objects.create(department=pool.departments[1], community=town.street, valid_from="2020-01-01")
    workers = {"community_worker": 2, "neighbour_worker": 3, "far_worker": 4, "street_worker": 1}
    needs = []
    for _ in range(16):
        who = rng.choice(list(workers))
        start = db_now() + DAY * rng.random() * 3 - DAY
        need = pool.ask(
            type=rng.choice(types), quantity=rng.randint(1, 3), window_start=start,
            window_end=start + DAY * rng.choice([1.5, 3, 8]), actor=town.person(who), area=places[workers[who]],
            urgency=rng.choice(["routine", "coordinated", "urgent"]),
        )  # fmt: skip
        ask_time_has_come(need)
        needs.append(need)
    refuse(pool, rng, needs)
    return needs


def refuse(pool, rng, needs):
    """Let some departments have let some needs go."""
    for need in needs[:6]:
        resource = rng.choice(pool.resources)
        Allocation(
            area=need.area, resource_request=need, resource=resource, slot=resource.slots.first(), quantity=1,
            partner=resource.partner, status=rng.choice(["declined", "expired"]), held_at=db_now(),
            answered_at=db_now(),
        ).save()  # fmt: skip


def singly(need, now):
    """Return the (slot, score) pairs that a single dispatch would take, slot by slot."""
    from zoneinfo import ZoneInfo

    from requests_board.matching import Need
    from requests_board.models import DispatchPolicy

    policy = DispatchPolicy.current()
    asked = Need(
        type_ids=_type_ids(need.type), quantity=need.quantity, window_start=need.window_start,
        window_end=need.window_end, scope_path=need.scope_path, now=now, zone=ZoneInfo(settings.TIME_ZONE),
        refused_partners=_refused_partners(need),
    )  # fmt: skip
    found = {}
    for offer in _offers(asked, need.area, policy, None, None):
        for slot in offer.slots:
            alone = type(offer)(**{name: getattr(offer, name) for name in offer.__slots__} | {"slots": (slot,)})
            candidates, _ = evaluate(asked, [alone], weights_of(policy))
            for candidate in candidates:
                assert isinstance(candidate, Candidate)
                found[slot.pk] = candidate
    return found


def at_once(found):
    """Return for each need the slots that the problem lets it have, with the worth of each."""
    pairs = {}
    for kind in problem.kinds(found.problem):
        for block in problem.blocks(found.problem, kind):
            for row, column in np.argwhere(block.worth > 0):
                need = as_hex(found.need_id)[block.needs[row]]
                pairs.setdefault(need, {})[int(found.slot_id[block.slots[column]])] = int(block.worth[row, column])
    return pairs


@pytest.mark.parametrize("seed", range(6))
def test_the_same_verdict_for_every_need_and_slot(pool, seed):
    needs = scatter(pool, seed)
    found = reading.read(pool.town.district)
    assert sorted(as_hex(found.need_id)) == sorted(need.pk.hex for need in needs)
    pairs, seen = at_once(found), 0
    for need in ResourceRequest.objects.select_related("area", "type"):
        alone = singly(need, found.now)
        assert set(pairs.get(need.pk.hex, ())) == set(alone), need.number
        seen += len(alone)
    assert seen > 30


def test_a_missing_hard_rule_would_be_noticed(pool, monkeypatch):
    monkeypatch.setattr(reading, "_bar", lambda needs, offers: problem.NOBODY)
    for seed in range(6):
        needs = scatter(pool, seed)
        found = reading.read(pool.town.district)
        pairs = at_once(found)
        if any(set(pairs.get(need.pk.hex, ())) != set(singly(need, found.now)) for need in needs):
            return
    pytest.fail("A department that refused was offered again and nobody noticed.")


def test_what_costs_less_at_once_scores_more_alone(pool):
    """Two offers of the same slot time stand in the same order either way: the factors are the same."""
    needs, checked = scatter(pool, 3), 0
    found = reading.read(pool.town.district)
    pairs = at_once(found)
    for need in needs:
        alone = list(singly(need, found.now).values())
        for one in alone:
            for other in alone:
                if one.slot.starts_at == other.slot.starts_at and one.score > other.score + 0.005:
                    worth = pairs[need.pk.hex]
                    assert worth[one.slot.pk] >= worth[other.slot.pk]
                    checked += 1
    assert checked > 5


def test_the_number_of_statements_does_not_grow(pool):
    def count():
        with CaptureQueriesContext(connection) as seen:
            reading.read(pool.town.district)
        return len(seen)

    few = count()
    scatter(pool, 1)
    assert count() <= few + 1  # the number of refusals is asked for only where there is a need


def test_needs_in_their_seconds_for_undoing_and_elsewhere_are_left_out(pool):
    pool.ask()
    assert len(reading.read(pool.town.district).need_id) == 0
    other = Area.objects.get(pk=pool.town.far_street.pk)
    ask_time_has_come(pool.ask())
    assert len(reading.read(pool.town.district).need_id) == 1
    assert len(reading.read(other).need_id) == 0


def test_an_empty_pool_is_no_fault(pool):
    ResourceSlot.objects.all().delete()
    ask_time_has_come(pool.ask())
    found = reading.read(pool.town.district)
    assert (len(found.need_id), len(found.slot_id)) == (1, 0)


@pytest.mark.django_db
def test_columns_refuse_what_they_cannot_hold():
    with pytest.raises(ValueError, match="empty somewhere"):
        columns("SELECT NULL::bigint", {}, n=WHOLE)
    with pytest.raises(ValueError, match="other columns"):
        columns("SELECT 1::bigint, 2::bigint", {}, n=WHOLE)
    with pytest.raises(ValueError, match="other columns"):
        columns("SELECT 1::smallint", {}, n=WHOLE)
    found = columns("SELECT id, n FROM (VALUES (gen_random_uuid(), -3::bigint)) AS rows(id, n)", {}, id=KEY, n=WHOLE)
    assert (found["n"].tolist(), len(as_hex(found["id"])[0])) == ([-3], 32)
    assert len(columns("SELECT 1::bigint WHERE false", {}, n=WHOLE)["n"]) == 0


