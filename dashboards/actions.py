"""The only writer of the definitions of figures."""

import csv
from pathlib import Path

from django.db import transaction

from dashboards.models import MetricDefinition

DEFINITIONS = Path(__file__).parent / "data" / "metrics.csv"


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
