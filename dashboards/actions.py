"""The only writer of the definitions of figures and of the forms of facts."""

import csv
from pathlib import Path
from typing import Any

from django.db import models, transaction

from audit.actions import keep
from dashboards.models import FactForm, MetricDefinition

DATA = Path(__file__).parent / "data"
DEFINITIONS = DATA / "metrics.csv"


@transaction.atomic
def load_definitions() -> int:
    """Add the definitions that are missing; those that a district has changed stay as they are."""
    with DEFINITIONS.open(encoding="utf8", newline="") as file:
        rows = [
            MetricDefinition(
                code=row["code"],
                name=row["name"],
                formula=row["formula"],
                source=row["source"],
                unit=row["unit"],
                target=row["target"] or None,
                least_rows=int(row["least_rows"]),
                sort_order=order,
            )
            for order, row in enumerate(csv.DictReader(file), start=1)
        ]
    MetricDefinition.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def load_forms() -> int:
    """Add the forms of facts that are missing; those that a district has changed stay as they are."""
    with (DATA / "fact_forms.csv").open(encoding="utf8", newline="") as file:
        rows = [FactForm(**row, sort_order=order) for order, row in enumerate(csv.DictReader(file), start=1)]
    FactForm.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def keep_setting(row: models.Model, *, actor: Any = None, seen: str | None = None) -> models.Model:
    """Add or change a form, or change the definition of a figure; a page that is no longer true is refused."""
    return keep(row, verb=f"{row._meta.model_name}.kept", actor=actor, seen=seen)
