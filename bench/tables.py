"""Tables in: 20,000 rows through the import engine against openpyxl's reading and a bare COPY of the same rows."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

from bench.arena import Arena
from bench.measure import Figure, compare

ROWS = 20_000
TITLES = ("编码", "名称", "分组")


def figures(arena: Arena) -> Iterator[Figure]:
    """Prove that all rows arrive and come back out, then measure rows per second both ways."""
    from tests.tables import small

    small.offer()
    data, keeper = _book(), _keeper()
    _import(data, keeper)
    if _count() != ROWS:
        raise AssertionError(f"{_count()} of {ROWS} rows arrived")
    figure = Figure(f"import of {ROWS} rows by openpyxl and COPY", "ratio", at_least=0.15)
    yield compare(figure, lambda: _rate(lambda: _import(data, keeper)), lambda: _rate(lambda: _bare(data)))


def _rate(act: Any) -> float:
    """Return rows per second of one import into an empty registry."""
    _empty()
    began = time.perf_counter()
    act()
    return ROWS / (time.perf_counter() - began)


def _import(data: bytes, keeper: Any) -> None:
    """Read, plan and write through the engine, as the page does with the background's part in this process."""
    from audit.imports import actions
    from audit.jobs.run import run as do
    from audit.models import ImportRun, Job
    from tests.tables import small

    run = actions.begin(actor=keeper, sheet=small.SHEET, file_name="a.xlsx", data=data)
    do(Job.objects.get(key=run.job_key).pk)
    run = ImportRun.objects.get(pk=run.pk)
    actions.write(run, actor=keeper)
    do(Job.objects.get(key=ImportRun.objects.get(pk=run.pk).job_key).pk)


def _bare(data: bytes) -> None:
    """Read with openpyxl and copy the rows: no fault found, nothing shown, no way back."""
    from django.db import connection, transaction
    from openpyxl import load_workbook

    lines = io.StringIO()
    for row in load_workbook(io.BytesIO(data), read_only=True).active.iter_rows(min_row=2, values_only=True):
        lines.write("\t".join(map(str, row)) + "\n")
    lines.seek(0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.copy_expert('COPY volunteering_servicetype (code, name, "group") FROM STDIN', lines)


def _book() -> bytes:
    from openpyxl import Workbook

    made = Workbook(write_only=True)
    sheet = made.create_sheet()
    sheet.append(TITLES)
    for n in range(ROWS):
        sheet.append((f"T{n:05}", f"服务{n}", "老人"))
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def _keeper() -> Any:
    from tests import factories

    district = factories.area(None, "district", "表区")
    person = factories.user("table_keeper")
    factories.post(person, "system_admin", district)
    return person


def _empty() -> None:
    from volunteering.models import ServiceType

    ServiceType.objects.filter(code__startswith="T").delete()


def _count() -> int:
    from volunteering.models import ServiceType

    return ServiceType.objects.filter(code__startswith="T").count()
