"""What neighbours learn of a matter before anybody has said of what kind it is."""

from __future__ import annotations

import re

from django.test import Client

from clockwork.selectors import db_now
from requests_board import public_selectors as reads
from tests.public.conftest import Block
from tests.public.test_pages import S, send


def similar(client: Client, block: Block) -> str:
    """Return what the form of the building says of the neighbours' matters."""
    page = client.get(f"/b/{block.code}/").content.decode()
    found = re.search(r'<section class="card" id="similar">.*?</section>', page, re.DOTALL)
    return found.group() if found else ""


def test_a_sentence_without_a_choice_is_shown_by_its_guessed_kind(client: Client, block: Block) -> None:
    send(client, block, text="灯坏了")
    shown = similar(client, block)
    assert "<b>楼道照明</b>" in shown
    assert "今天有人反映过" in shown
    assert "灯坏了" not in re.sub(r'data-words="[^"]*"', "", shown)


def test_of_an_unknown_kind_only_the_day_is_told_and_it_can_be_joined(client: Client, block: Block) -> None:
    row = block.say(text="只有我知道的话", category="", place_detail="三单元", phone="19900001234")
    assert row.category is None
    shown = similar(client, block)
    assert "<b>有人反映过一件事</b>" in shown
    assert "今天</span>" in shown
    assert "有人反映过有人反映过" not in shown
    for private in ("只有我知道的话", "三单元", "1990000"):
        assert private not in shown
    answer = client.post("/echo/", {"place": block.building.pk, "matter": row.pk}, follow=True)
    assert "记下了" in answer.content.decode()
    assert row.echoes.count() == 1
    assert "今天，1 户也遇到" in similar(client, block)


def test_a_sensitive_matter_is_never_told_even_if_only_guessed(client: Client, block: Block) -> None:
    row = block.say(text="和邻居吵架了，想请人调解", category="")
    assert row.category is not None
    assert row.category.sensitive
    assert similar(client, block) == ""
    assert client.post("/echo/", {"place": block.building.pk, "matter": row.pk}).status_code == 404
    type(row).objects.update(category=None)
    assert "有人反映过一件事" in similar(client, block)


def test_what_was_done_is_told_of_known_kinds_only(client: Client, block: Block) -> None:
    row = block.solved(text="问一件事", category="")
    assert (row.status, row.category) == (S.RESOLVED, None)
    place = reads.place_by_id(str(block.building.pk))
    assert place is not None
    assert reads.recently_done(place, db_now()) == []
    row = block.solved(text="灯坏了", category="")
    assert [matter.pk for matter in reads.recently_done(place, db_now())] == [row.pk]
