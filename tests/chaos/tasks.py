"""The job of the harness: it takes a moment, and its effect is a row that shows whether it happened once."""

import random
import time
from typing import Any

from django.db import connection

from audit.registry import job

KIND = "chaos.effect"
TABLE = """
    CREATE TABLE chaos_effect (
        number int NOT NULL, attempt int NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())
"""


@job(KIND)
def effect(payload: dict[str, Any]) -> None:
    """Leave a row, with a pause on both sides in which a fault can strike."""
    time.sleep(random.uniform(0, 0.03))
    leave_a_row(payload["number"])
    time.sleep(random.uniform(0, 0.03))


def leave_a_row(number: int) -> None:
    """Write which job this is and which attempt at it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chaos_effect (number, attempt) SELECT %s, attempts FROM audit_job WHERE key = %s",
            [number, f"{KIND}:{number}"],
        )
