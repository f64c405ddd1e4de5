"""The tables that every district starts from: categories, resource types, reasons, limits, dispatch weights."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import models, transaction

from accounts.models import RateLimit, TokenPolicy
from partners.models import ResourceType
from requests_board.models import (
    DeclineReason,
    DispatchPolicy,
    NotAcceptedReason,
    RequestCategory,
)
from volunteering.models import ServiceType

DATA = Path(__file__).parent / "data"


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def _add(model: type[models.Model], rows: list[Any]) -> int:
    """Add the rows whose key is unknown; what a district has changed stays as it is."""
    before = model._default_manager.count()
    model._default_manager.bulk_create(rows, ignore_conflicts=True)
    return model._default_manager.count() - before


def load_categories() -> int:
    """Add the request categories that are missing (codes 2-2-2 as in GB/T 39666)."""
    rows = []
    for row in _rows("request_categories"):
        numbers = {"quick": int(row["quick"]) if row["quick"] else None, "limit_amount": int(row["limit_amount"])}
        rows.append(RequestCategory(**{**row, **numbers, "sensitive": row["sensitive"] == "1"}))
    return _add(RequestCategory, rows)


@transaction.atomic
def load_resource_types() -> int:
    """Add the resource types that are missing, fields of work before the types within them."""
    rows = _rows("resource_types")
    made = _add(ResourceType, [ResourceType(code=row["code"], name=row["name"]) for row in rows if not row["parent"]])
    fields = dict(ResourceType.objects.filter(parent=None).values_list("code", "pk"))
    below = [row for row in rows if row["parent"]]
    return made + _add(
        ResourceType,
        [ResourceType(code=row["code"], name=row["name"], parent_id=fields[row["parent"]]) for row in below],
    )


def load_reasons() -> int:
    """Add the missing reasons for saying no, to a community and to a resident."""
    declines = [DeclineReason(**{**row, "sort_order": int(row["sort_order"])}) for row in _rows("decline_reasons")]
    refusals = [
        NotAcceptedReason(**{**row, "sort_order": int(row["sort_order"])}) for row in _rows("not_accepted_reasons")
    ]
    return _add(DeclineReason, declines) + _add(NotAcceptedReason, refusals)


def load_limits() -> int:
    """Add the missing limits: of the public doors, of signing in, of the API."""
    numbers = ("amount", "seconds")
    rows = [{**row, **{name: int(row[name]) for name in numbers}} for row in _rows("rate_limits")]
    return _add(RateLimit, [RateLimit(**row) for row in rows])


def load_service_types() -> int:
    """Add the missing kinds of voluntary service."""
    return _add(ServiceType, [ServiceType(**row) for row in _rows("service_types")])


@transaction.atomic
def load_dispatch_policy() -> int:
    """Store the first version of the dispatch weights where there is none."""
    if DispatchPolicy.objects.exists():
        return 0
    DispatchPolicy.objects.create()
    return 1


@transaction.atomic
def load_token_policy() -> int:
    """Store what is usual for tokens where nothing is stored."""
    return int(TokenPolicy.objects.get_or_create(pk=1)[1])


CATALOGUES: tuple[tuple[str, Callable[[], int]], ...] = (
    ("request categories", load_categories),
    ("resource types", load_resource_types),
    ("reasons", load_reasons),
    ("limits", load_limits),
    ("kinds of voluntary service", load_service_types),
    ("dispatch weights", load_dispatch_policy),
    ("rules for tokens", load_token_policy),
)
