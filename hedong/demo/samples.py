"""The sample workbooks (docs/samples): the registries of the small demo district, as somebody would hand them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import islice
from typing import Any

from django.core.management import call_command

from accounts.models import User
from common.tables.sheet import sheets
from common.tables.writing import Paper
from grids.models import Area, Post
from hedong.demo import names
from requests_board.models import ServiceRequest

NOTE = "演示数据：人名、电话、地名都是编的。这份表可以直接导入到演示区，也可以照着它填自己的。"
KEEPER = "sample_keeper"
MOST = 300
_REQUESTS = 20
ROLES = {"district": ("system_admin", "security_admin", "district_official"), "street": ("street_worker",)}


def paper(title: str) -> Paper:
    """Return what stands above a sample's columns."""
    return Paper(f"{title}（演示数据）", (NOTE,), "演示数据")


def of_the_demo_district() -> dict[str, list[Mapping[str, Any]]]:
    """Load the small demo district into the caller's transaction and return the rows of each registry."""
    call_command("load_demo", "--scale", "small", "--history", "none", stdout=StringIO())
    keeper = keeper_of_everything()
    return {registry.code: _rows(registry, keeper) for registry in sheets()}


def keeper_of_everything() -> User:
    """Make an account that keeps every registry of the district."""
    keeper: User = User.objects.create_user(KEEPER, display_name="示例")
    for kind, roles in ROLES.items():
        areas = Area.objects.filter(kind=kind)
        Post.objects.bulk_create([Post(user=keeper, role=role, area=area) for area in areas for role in roles])
    return keeper


def _rows(registry: Any, keeper: User) -> list[Mapping[str, Any]]:
    """Return the rows with their telephone numbers, which are of the block that is kept free for demonstrations."""
    if registry.code == "requests":
        return [*islice(_requests(), _REQUESTS)]
    return [*islice((one.cells for one in registry.known(keeper) if KEEPER not in one.cells.values()), MOST)]


def _requests() -> Iterator[Mapping[str, Any]]:
    """Tell some of the district's requests as another system would."""
    rows = ServiceRequest.objects.filter(area__kind="building").order_by("area__lft", "text")
    for number, row in enumerate(rows.select_related("area"), 1):
        yield {
            "source": "12345", "external_id": f"YS{number:04}", "area": row.area.name, "text": row.text,
            "phone": names.phone(number), "severity": row.get_severity_display(),
        }  # fmt: skip
