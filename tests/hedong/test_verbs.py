"""Every verb that the program records has a name that people read."""

import re

import pytest
from django.urls import reverse

from audit.actions import record
from audit.registry import verbs_like, words_for
from hedong.verbs import VERBS
from requests_board import workflow
from tests.architecture import source

RECORDED = re.compile(
    r'''\bverb ?= ?"([a-z_]+\.[a-z_]+)"|\b_?(?:LOADED|MOVED)\b.*"([a-z_]+\.[a-z_]+)"'''
    r'''|[(\[{ ]"((?!notifications)[a-z_]+\.[a-z_]*(?:ed|made|left))"'''
)
# Put together from the family and how a grant ends.
COMPOSED = {"grant.ended", "grant.expired", "exception.ended", "exception.expired"}


def unnamed(sources):
    """Return the verbs in these sources that the table does not know."""
    found = {"".join(groups) for source in sources for groups in RECORDED.findall(source)}
    assert len(found) > 40 or len(sources) == 1
    return found - set(VERBS)


def test_every_recorded_verb_is_called_something():
    assert unnamed([source.text(path) for path in source.modules()]) == set()
    assert COMPOSED - set(VERBS) == set()
    steps = (*workflow.REQUEST_STEPS, *workflow.NEED_STEPS, *workflow.ALLOCATION_STEPS)
    assert {step.verb for step in steps} - set(VERBS) == set()


def test_a_verb_without_a_name_is_noticed():
    """Control."""
    assert unnamed(['record(verb="partner.sung", target=row)']) == {"partner.sung"}
    assert unnamed(['steps = [("choir.joined", join)]']) == {"choir.joined"}


def test_a_verb_is_said_and_found_and_an_unknown_one_is_shown_as_it_is():
    assert words_for("area.retired") == "停用区域"
    assert "area.retired" in verbs_like("停用")
    assert words_for("partner.sung") == "partner.sung"


@pytest.mark.django_db
def test_the_trail_is_read_in_words(town, client):
    """Verbs, kinds of targets, states and rights; what nobody has named is shown as it is stored."""
    facts = {"rows": 1, "full": True}
    known = record(verb="area.retired", target=town.building, before="valid", after="retired", data=facts)
    unknown = record(verb="area.sung", target=None, before="la", after="view_request")
    client.force_login(town.auditor)
    address = reverse("admin:audit_event_changelist")
    page = client.get(address, {"q": "停用"}).content.decode()
    for words in ("停用区域", "区域", "在用", "已停用"):
        assert words in page
    assert "area.sung" not in page
    page = client.get(reverse("admin:audit_event_change", args=[known.pk])).content.decode()
    assert "行数 1，带完整联系方式 是" in page
    page = client.get(reverse("admin:audit_event_change", args=[unknown.pk])).content.decode()
    assert "area.sung" in page
    assert "view_request" not in page
