"""A registry for the tests of the engine: kinds of voluntary service, with everything that a sheet promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from common.tables import sheet as sheets
from common.tables.sheet import Cells, Column, Fault, Planned, Values, Wrong, likely
from volunteering.models import ServiceType

CODE = "test_services"
GROUPS = ("老人", "儿童", "环境")


class ServiceSheet:
    """Kinds of service: found again by their code, unique by name; the group is a closed list."""

    code = CODE
    title = "服务类型（测试）"
    keeps = "manage_places"
    looks = "manage_places"
    columns = (
        Column("code", "编码", required=True, most=12, example="T001", hint="不重复的编码"),
        Column("name", "名称", required=True, most=40, example="陪伴老人", aliases=("服务名称",)),
        Column("group", "分组", kind="choice", choices=GROUPS, required=True),
        Column("hours", "时长", kind="number"),
        Column("since", "开始日期", kind="date"),
        Column("open", "对外", kind="yes_no"),
    )

    def columns_for(self, user: Any) -> tuple[Column, ...]:
        """Return the same columns for everybody."""
        return self.columns

    def rows(self, user: Any, **filters: Any) -> Iterator[Mapping[str, Any]]:
        """Yield all rows."""
        yield from ServiceType.objects.order_by("code").values("code", "name", "group")

    def plan(self, rows: Iterable[tuple[int, Cells]], user: Any) -> Iterator[Planned]:
        """Compare with what is there, in one statement."""
        there = {row["code"]: row for row in ServiceType.objects.values("code", "name", "group")}
        names = {row["name"]: code for code, row in there.items()}
        seen: dict[str, int] = {}
        for line, cells in rows:
            code = cells["code"]
            values = {key: cells[key] for key in ("code", "name", "group")}
            faults = []
            if code in seen:
                faults.append(Fault("code", f"编码“{code}”和第 {seen[code]} 行重复"))
            if code.startswith("X"):
                near = likely(code[1:], there) or code.replace("X", "T", 1)
                faults.append(Fault("code", f"编码“{code}”找不到", near))
            if names.get(values["name"], code) != code:
                faults.append(Fault("name", f"名称“{values['name']}”已经有了"))
            seen.setdefault(code, line)
            before = dict(there.get(code, {}))
            verb = "wrong" if faults else "new" if not before else "same" if before == values else "changed"
            yield Planned(line, verb, code, before, values, dict(values), tuple(faults))

    def write(self, planned: list[Planned], user: Any) -> list[tuple[Planned, str, Values]]:
        """Write in two statements; a name that says so is refused at the last moment."""
        if any(each.values["name"] == "临时不行" for each in planned):
            raise Wrong(Fault("name", "名称“临时不行”刚刚被别人用了"))
        rows = [ServiceType(**each.data) for each in planned]
        ServiceType.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["code"], update_fields=["name", "group"], batch_size=2000
        )
        self.in_the_middle()
        return [(each, each.key, {"before": each.before, "after": each.values}) for each in planned]

    def in_the_middle(self) -> None:
        """Stand where tests let something happen while rows are written."""

    def undo(self, written: list[tuple[str, str, Values]], user: Any) -> list[tuple[str, str]]:
        """Take back what is still as it was written."""
        there = {row["code"]: row for row in ServiceType.objects.values("code", "name", "group")}
        refused = []
        for verb, code, kept in written:
            if there.get(code) != kept["after"]:
                refused.append((code, f"“{code}”导入以后又改过"))
            elif verb == "new":
                ServiceType.objects.filter(code=code).delete()
            else:
                ServiceType.objects.filter(code=code).update(**{k: v for k, v in kept["before"].items() if k != "code"})
        return refused


SHEET = ServiceSheet()


def offer() -> None:
    """Offer the registry in this process."""
    sheets.register(SHEET)


def withdraw() -> None:
    """Take it back, so that no other test meets it."""
    sheets._sheets.pop(CODE, None)
