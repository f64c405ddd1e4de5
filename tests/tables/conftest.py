"""What the tests of tables share: a registry of their own, and somebody who keeps it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from openpyxl import Workbook

from tests import factories
from tests.tables import small

TITLES = ("编码", "名称", "分组", "时长", "开始日期", "对外")


@pytest.fixture(autouse=True)
def _offered() -> Iterator[None]:
    small.offer()
    yield
    small.withdraw()


def book(*rows: Sequence[Any], titles: Sequence[Any] = TITLES) -> bytes:
    """Return a workbook with these rows under these headings."""
    made = Workbook()
    made.active.append(list(titles))
    for row in rows:
        made.active.append(list(row))
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def some(count: int, first: int = 1) -> list[tuple[Any, ...]]:
    """Return so many good rows."""
    return [(f"T{n:05}", f"服务{n}", "老人", n, "2026-03-01", "是") for n in range(first, first + count)]


@pytest.fixture
def clerk(town: Any) -> Any:
    """Somebody who keeps the places of a community, and so the registry of these tests."""
    return town.community_worker


@pytest.fixture
def clerk_at_desk(clerk: Any, client: Any) -> Any:
    """The clerk's browser."""
    client.force_login(clerk)
    return client


@pytest.fixture
def colleague(town: Any) -> Any:
    """Somebody else who keeps the same registry."""
    person = factories.user("colleague")
    factories.post(person, "community_worker", town.community)
    return person
