"""Moves on the tree page: the preview, the undoing, access that follows, and many writers."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connection
from django.urls import reverse

from audit.models import Event
from common.errors import Conflict, Invalid, NotAllowed
from grids import trees
from grids.models import Area
from grids.trees import moves
from tests import factories, people

pytestmark = pytest.mark.django_db


def step(node, name):
    return reverse("grids:step", args=[node.pk, name])


def test_the_preview_says_who_gains_who_loses_and_what_goes_along(both_streets, page, request_in):
    town = both_streets
    request_in(town.building)
    done = request_in(town.building)
    type(done).objects.filter(pk=done.pk).update(status="closed")
    street_party = factories.party(town.committee, "committee", town.street, "东街街道党工委", covers=[town.community])
    body = page("street_worker", f"{step(town.community, 'move')}?to={town.far_street.pk}").content.decode()
    text = re.sub(r"<[^>]+>|\s+", "", body)
    assert "一共7处一起移过去" in text
    assert "居民诉求1、" in text or "居民诉求1。" in text
    assert "代码不变（1个）" in text
    assert "以后看不到的东街街道街道（镇）工作人员1人" in text
    assert "以后看得到的西河街道街道（镇）工作人员2人" in text
    assert f"{street_party.name}覆盖槐荫社区" in text
    assert not Event.objects.filter(verb="area.moved").exists(), "looking changes nothing"


def test_a_move_that_was_decided_on_an_old_picture_is_refused(both_streets, page):
    town = both_streets
    form = {"to": town.far_street.pk, "was": town.district.pk, "reason": "调整"}
    answer = page("street_worker", step(town.community, "move"), form)
    assert (answer.status_code, "刚刚被别人移动过" in answer.content.decode()) == (422, True)
    town.community.refresh_from_db()
    assert town.community.parent_id == town.street.pk


def test_a_new_parent_has_to_be_kept_and_fitting(town, page):
    foreign = f"{step(town.estate, 'move')}?to={town.far_community.pk}"
    assert page("street_worker", foreign).status_code == 404
    assert page("street_worker", f"{step(town.estate, 'move')}?to={town.grid.pk}").status_code == 422
    body = page("street_worker", step(town.estate, "move")).content.decode()
    assert "柳青社区" in body
    assert "河湾社区" not in body


def moved(town, **more):
    trees.move_area(town.community, to=town.far_street, reason="区划调整", **more)
    return Event.objects.filter(verb="area.moved").latest("pk").pk


def undo(town, event, **more):
    return trees.undo_move(trees.AREAS, event, node=town.community.pk, **more)


def test_undo_puts_everything_back_and_is_a_move_of_its_own(both_streets, page, request_in):
    town = both_streets
    request = request_in(town.building)
    before = dict(Area.objects.values_list("pk", "scope_path"))
    event = moved(town)
    body = page("street_worker", f"/tree/?open={town.community.pk}").content.decode()
    assert "撤回这次移动，回到东街街道" in body
    assert "区划调整" in body
    assert page("street_worker", step(town.community, "undo"), {"event": event}).status_code == 302
    assert dict(Area.objects.values_list("pk", "scope_path")) == before
    request.refresh_from_db()
    assert request.scope_path == before[town.building.pk]
    assert Event.objects.filter(verb="area.moved").latest("pk").data["undoes"] == event
    body = page("street_worker", f"/tree/?open={town.community.pk}").content.decode()
    assert "西河街道 → 东街街道" in body
    assert "撤回这次移动" not in body
    assert trees.check() == []


@pytest.mark.parametrize("what", ["renamed", "moved on", "undone", "parent ended", "parent moved"])
def test_undo_is_refused_when_the_place_has_changed_since(town, what):
    event = moved(town)
    if what == "renamed":
        trees.update_area(town.community, name="新名")
    elif what == "moved on":
        trees.move_area(town.community, to=trees.create_area(parent=town.district, kind="street", name="三街"))
    elif what == "undone":
        undo(town, event)
    elif what == "parent ended":
        trees.move_area(town.next_community, to=town.far_street)
        trees.retire_area(town.street)
    else:
        event = _moved_under_a_street_that_leaves(town)
    expected = Invalid if what == "parent ended" else Conflict
    before = Area.objects.get(pk=town.community.pk).parent_id
    with pytest.raises(expected):
        trees.undo_move(trees.AREAS, event, node=_target(event))
    assert Area.objects.get(pk=town.community.pk).parent_id == before


def _moved_under_a_street_that_leaves(town):
    """Move a building between grids, then its old grid to another estate."""
    trees.move_area(town.building, to=town.next_grid)
    event = Event.objects.filter(verb="area.moved").latest("pk").pk
    trees.move_area(town.grid, to=town.far_estate)
    return event


def _target(event):
    return int(Event.objects.get(pk=event).target_id)


def test_undo_takes_the_right_at_both_parents(both_streets):
    town = both_streets
    event = moved(town)
    with pytest.raises(NotAllowed):
        undo(town, event, actor=town.person("far_street_worker"))
    assert undo(town, event, actor=town.person("street_worker")).parent_id == town.street.pk


def test_access_follows_at_once_and_comes_back(both_streets, page, request_in):
    town = both_streets
    old_worker = factories.user("old_worker")
    factories.post(old_worker, "street_worker", town.street)
    town.old_worker = old_worker
    request = request_in(town.building)
    address = f"/desk/?open={request.number}"
    answers = lambda: (page("old_worker", address).status_code, page("far_street_worker", address).status_code)  # noqa: E731
    assert answers() == (200, 404)
    event = moved(town)
    assert answers() == (404, 200)
    undo(town, event)
    assert answers() == (200, 404)


# Many writers --------------------------------------------------------------------------------------------------------


def _at_once(count, work):
    """Run `work` in so many threads, each with its own connection, and return what each came to."""
    gate, results = threading.Barrier(count), []

    def one(number):
        gate.wait()
        try:
            results.append(work(number))
        except (Conflict, Invalid) as error:
            results.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_undo_the_same_move_one_does():
    town = people.make_town()
    event = moved(town)
    results = _at_once(8, lambda number: undo(town, event).parent_id)
    assert sorted(map(str, results)) == sorted(["Conflict"] * 7 + [str(town.street.pk)])
    assert Event.objects.filter(verb="area.moved").count() == 2
    assert trees.check() == []


@pytest.mark.django_db(transaction=True)
def test_eight_who_move_undo_and_add_leave_both_trees_whole(monkeypatch):
    town = people.make_town()
    targets = [town.street, town.far_street]

    def work(number):
        for turn in range(4):
            if number % 2:
                trees.move_area(town.community, to=targets[(number + turn) % 2])
                last = Event.objects.filter(verb="area.moved", target_id=str(town.community.pk)).latest("pk").pk
                undo(town, last)
            else:
                text = f"{number}{turn}0-{number}{turn}9号楼"
                trees.add_many(town.next_grid, kind="building", text=text)
        return "done"

    results = _at_once(8, work)
    assert set(results) <= {"done", "Conflict", "Invalid"}
    assert Area.objects.filter(parent=town.next_grid, kind="building").count() == 1 + 4 * 4 * 10
    assert trees.check() == []


@pytest.mark.django_db(transaction=True)
def test_without_the_look_at_what_happened_since_more_than_one_would_undo(monkeypatch):
    """Control: the guard that makes the two tests above hold."""
    town = people.make_town()
    event = moved(town)
    undo(town, event)
    trees.move_area(town.community, to=town.far_street)
    monkeypatch.setattr(moves, "last_change", lambda tree, node: event)
    assert undo(town, event).parent_id == town.street.pk
