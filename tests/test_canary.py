"""Canaries in every personal column: no page, log, job, event or table shows one, but for the look that is noted.

The pages are those of the access matrix, so a new URL is crawled as soon as it has its line there.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.urls import reverse

from audit.actions import keep_answer
from audit.models import PersonalDataRead
from common.rotation import sealed_columns
from notifications.models import MailAddress
from requests_board.models import RequestEcho
from tests.access import matrix, pool_rows
from tests.access.expectations import LINKS, PAGES
from tests.access.world import ROLES, World, make_world, undone

pytestmark = pytest.mark.django_db
# The one place where a personal value may be seen in full, and by whom.
REVEAL = "requests_board:reveal"
# Tables that pages write into while they answer.
WRITTEN = ("audit_event", "audit_job", "audit_personaldataread", "notifications_notice", "axes_accessattempt")


class Canaries:
    """What was put where."""

    def __init__(self) -> None:
        self.placed: dict[str, tuple[str, Any]] = {}

    def place(self) -> None:
        """Put a value that occurs nowhere else into every personal column of every row."""
        for model, column in sealed_columns():
            for row in model._default_manager.all():
                number = len(self.placed)
                is_phone = "phone" in column.name
                value = f"1990707{number:04}" if is_phone else f"金丝雀{number:04}@canary.invalid"
                setattr(row, column.attname, value)
                row.save()
                self.placed[value] = (f"{model._meta.label}.{column.name}", row.pk)

    def seen_in(self, text: str) -> set[str]:
        """Return the canaries that `text` shows, also when a number is written in groups."""
        joined = re.sub(r"(?<=\d)[\s-](?=\d)", "", text)
        found = set(re.findall(r"1990707\d{4}", joined)) | set(re.findall(r"金丝雀\d{4}@canary\.invalid", text))
        found |= {value for value in self._escaped if value in joined}
        return {value for value in found if value in self.placed or value in self._escaped}

    @property
    def _escaped(self) -> set[str]:
        # JSON may write the name's letters as \uXXXX.
        return {value.encode("unicode_escape").decode() for value in self.placed if not value.isdigit()}

    def columns(self) -> set[str]:
        """Return the columns that hold a canary."""
        return {column for column, _ in self.placed.values()}


def body_of(response):
    """Return what was answered, a file's bytes included, as text."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode(errors="replace")


@pytest.fixture(scope="module")
def garden(django_db_setup: Any, django_db_blocker: Any) -> Iterator[tuple[World, Canaries]]:
    """The access matrix's world with a canary in every personal column."""
    with django_db_blocker.unblock(), undone():
        world = make_world()
        pool_rows.add(world)
        for row in (world.rows["request"]["building"], world.rows["request"]["community"]):
            RequestEcho.objects.create(request=row, sender_key=f"key{row.pk}", phone="19900000001")
        MailAddress.objects.create(user=world.users["community_worker"], address="old@canary.invalid")
        keep_answer(world.users["community_worker"].pk, "key-0001", "x", 200, {}, "old@canary.invalid")
        canaries = Canaries()
        canaries.place()
        yield world, canaries


def requests_of(world: World, name: str) -> Iterator[tuple[str, str, Any, str, Any]]:
    """Walk role, method, row, address and form of one page."""
    page = PAGES[name]
    for role in ROLES:
        targets = world.targets(role, page.row).values() if page.row else [None]
        for row in targets:
            for method, form in page.methods.items():
                if method == "HEAD":
                    continue
                filled = form(world) if callable(form) else form
                yield role, method, row, matrix.address_of(world, name, page, row), filled


def crawl(world: World, canaries: Canaries, names: Any) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return what was seen, by page and role: on the pages, and in the tables that they wrote into."""
    shown: dict[str, set[str]] = defaultdict(set)
    written: dict[str, set[str]] = defaultdict(set)
    for name in names:
        for role, method, row, address, form in requests_of(world, name):
            with undone():
                response = send(world, role, method, address, form)
                text = body_of(response) + str(response.headers) + str(response.cookies)
                seen = canaries.seen_in(text) - allowed(canaries, name, role, row)
                if seen:
                    shown[f"{role} {method} {address}"] |= seen
                if method != "GET" and response.status_code < 400:
                    written[f"{role} {method} {address}"] |= canaries.seen_in(rows_of(WRITTEN))
    return shown, {where: what for where, what in written.items() if what}


def send(world: World, role: str, method: str, address: str, form: Any) -> Any:
    """Send one request and leave its effects for whoever looks next."""
    client = world.client(role)
    return client.get(address) if method == "GET" else client.post(address, form or {})


def allowed(canaries: Canaries, name: str, role: str, row: Any) -> set[str]:
    """Return what this cell may show: the contact that was asked for, to those who may ask."""
    if name != REVEAL or role not in PAGES[REVEAL].passes:
        return set()
    return {value for value, (_, pk) in canaries.placed.items() if pk == row.pk}


def rows_of(tables: tuple[str, ...]) -> str:
    """Return everything that these tables hold as text."""
    with connection.cursor() as cursor:
        texts = []
        for table in tables:
            cursor.execute(
                f"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {connection.ops.quote_name(table)} t"
            )
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)


def test_every_personal_column_holds_a_canary(garden):
    _, canaries = garden
    every = {f"{model._meta.label}.{column.name}" for model, column in sealed_columns()}
    assert canaries.columns() == every
    assert len(every) >= 7


def test_pages_logs_jobs_and_events_show_none(garden, caplog):
    world, canaries = garden
    caplog.set_level(logging.DEBUG)
    shown, written = crawl(world, canaries, PAGES)
    assert dict(shown) == {}
    assert written == {}
    assert canaries.seen_in(caplog.text) == set()
    assert canaries.seen_in("".join(f"{letter.subject}{letter.body}" for letter in mail.outbox)) == set()


def test_signed_addresses_show_none(garden):
    world, canaries = garden
    for name, (kwargs_of, _signed, methods) in LINKS.items():
        address = reverse(name, kwargs=kwargs_of(world))
        for method, form in methods.items():
            with undone():
                response = send(world, "stranger", method, address, form)
                text = body_of(response) + str(response.headers) + rows_of(WRITTEN)
                assert canaries.seen_in(text) == set(), address


def admin_pages(world: World) -> Iterator[str]:
    """Walk the lists, forms, histories and searches of the admin."""
    yield reverse("admin:index")
    for model in admin.site._registry:
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{prefix}_changelist")
        yield reverse(f"{prefix}_changelist") + "?q=199"
        yield reverse(f"{prefix}_add")
        row = model._default_manager.first()
        if row is not None:
            yield reverse(f"{prefix}_change", args=[row.pk])
            yield reverse(f"{prefix}_history", args=[row.pk])


def test_the_admin_shows_none(garden):
    world, canaries = garden
    opened = 0
    for address in admin_pages(world):
        with undone():
            response = world.client("system_admin").get(address, follow=True)
            opened += response.status_code == 200
            assert canaries.seen_in(body_of(response)) == set(), address
    assert opened >= 20


def test_tables_and_sessions_hold_none(garden):
    _, canaries = garden
    tables = tuple(name for name in connection.introspection.table_names())
    assert canaries.seen_in(rows_of(tables)) == set()
    assert canaries.seen_in(" ".join(str(session.get_decoded()) for session in Session.objects.all())) == set()


# Controls ---------------------------------------------------------------------------------------------------------


def test_the_noted_look_does_show_it(garden):
    """Control: the allowed cell is not empty, and the crawl would call it a leak anywhere else."""
    world, canaries = garden
    row = world.rows["request"]["community"]
    with undone():
        response = send(
            world, "community_worker", "POST", reverse(REVEAL, kwargs={"number": row.number}), {"purpose": "回访"}
        )
        seen = canaries.seen_in(body_of(response))
        assert {canaries.placed[value] for value in seen} >= {("requests_board.ServiceRequest.phone", row.pk)}
        assert {canaries.placed[value][1] for value in seen} == {row.pk}
        assert PersonalDataRead.objects.count() == 1


def test_a_page_without_its_mask_is_found(garden, monkeypatch):
    world, canaries = garden
    monkeypatch.setattr("requests_board.views.desk.mask_phone", lambda value: value)
    shown, _ = crawl(world, canaries, ["requests_board:desk?open"])
    assert {where.split()[0] for where in shown} >= {"community_worker", "street_worker"}


def test_a_number_in_the_log_a_job_or_a_group_of_digits_is_found(garden, caplog):
    _, canaries = garden
    value = next(one for one in canaries.placed if one.isdigit())
    logging.getLogger("somebody").warning("called %s", value)
    assert canaries.seen_in(caplog.text) == {value}
    assert canaries.seen_in(f"{value[:3]} {value[3:7]}-{value[7:]}") == {value}
