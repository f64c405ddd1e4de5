"""The table of roles: complete, consistent, and printed as the documentation shows it."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin

from grids import roles
from grids.models import Area

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_shows_the_table():
    assert (ROOT / "docs" / "roles.md").read_text(encoding="utf8") == roles.as_markdown()


def test_every_role_names_known_rights_and_every_right_has_a_role():
    given = {permission for role in roles.ROLES for permission in role.permissions}
    assert given == set(roles.PERMISSIONS)


def test_no_role_administers_both_the_system_and_its_rights():
    # Separate system, security and audit administrators (GB/T 22239-2019, level 3).
    for role in roles.ROLES:
        keeps = {"manage_settings", "manage_posts", "view_audit"} & set(role.permissions)
        assert len(keeps) <= 1, role


def test_only_roles_that_may_reveal_name_fields_to_unmask():
    for role in roles.ROLES:
        assert bool(role.reveals) == ("reveal_contact" in role.permissions), role


def test_every_right_can_be_granted_on_a_place():
    assert {code for code, _ in Area._meta.permissions} == set(roles.PERMISSIONS)


def opened_by_a_grant() -> set[str]:
    """Return the lists of the admin that lie nowhere and that a grant at one place would open."""
    lists: list[Any] = [one for one in admin.site._registry.values() if one.place == ""]
    return {str(one.opts) for one in lists if {*one.looks, *one.keeps} & set(roles.GRANTED)}


def test_a_grant_at_a_place_opens_no_list_that_lies_nowhere(monkeypatch):
    assert opened_by_a_grant() == set()
    monkeypatch.setitem(roles.GRANTED, "retry_jobs", "")
    assert opened_by_a_grant() == {"audit.job", "audit.heartbeat"}


def test_an_unknown_right_is_refused():
    assert "community_worker" in roles.having("handle_request")
    with pytest.raises(KeyError):
        roles.having("rule_the_world")
