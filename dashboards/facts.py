"""What is known about a place, as a registry: each fact's title, where it comes from and how it is read. No database.

Whoever is asked for it once more in somebody's form takes it from here instead of collecting it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from common.tables.sheet import likely
from dashboards.figures import FIGURES
from partners.workflow import Category

# Figures that speak of this moment, whatever the period.
NOW = frozenset({"open", "overdue", "needs_waiting"})
MOST_FACTS = 60


@dataclass(slots=True)
class Reading:
    """What was read about one place: counts and names by key, and figures as (how many, out of how many)."""

    area: Any
    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, tuple[int, int]] = field(default_factory=dict)


Value = int | str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact about a place.

    `part` says what must be read for it (place, counts, names, or the kind of row of a figure), `right` names the
    rights of which one must be held at the place. `mend` leads to where a missing value is put right: the right for it
    and the page; a value that is written down at places of the kinds `kept_at` is put right at the place itself.
    """

    code: str
    title: str
    unit: str
    source: str
    part: str
    read: Callable[[Reading], Value]
    right: tuple[str, ...] = ()
    mend: tuple[str, str] = ("", "")
    kept_at: tuple[str, ...] = ()
    note: Callable[[Reading], str] = lambda reading: ""

    @property
    def by_period(self) -> bool:
        """Tell whether the value is one of the period, not of this moment."""
        return self.part in KINDS and self.code not in NOW

    @property
    def is_number(self) -> bool:
        """Tell whether the value counts something."""
        return bool(self.unit)


PLACE, COUNTS, NAMES = "place", "counts", "names"
KINDS = frozenset(figure.kind for figure in FIGURES.values())
_TREE = ("manage_places", "grids:tree")
_LEVELS = ("district", "street", "town", "community", "village", "estate", "grid", "micro_grid", "building")
# Above these a place has the sum of what lies below it.
_HOMES = _LEVELS[3:]


def _own(code: str, title: str, unit: str = "") -> Fact:
    def read(reading: Reading) -> Value:
        value: Value = getattr(reading.area, code)
        return None if value in (None, "") else value

    return Fact(code, title, unit, "区域资料", PLACE, read, mend=_TREE, kept_at=_LEVELS)


def _count(code: str, title: str, unit: str, source: str, *right: str) -> Fact:
    return Fact(code, title, unit, source, COUNTS, lambda reading: reading.counts.get(code, 0), right)


def _homes(reading: Reading) -> Value:
    """Return the households as the district's page counts them: those of the communities, below them a place's own."""
    if reading.area.kind in _LEVELS[:5]:
        return reading.counts.get("homes") or None
    value: Value = reading.area.households
    return value


def _vacant(code: str, title: str, unit: str, every: str, filled: str) -> Fact:
    def read(reading: Reading) -> Value:
        return reading.counts.get(every, 0) - reading.counts.get(filled, 0)

    return Fact(code, title, unit, "岗位", COUNTS, read)


def _names(code: str, title: str, source: str, right: tuple[str, ...], mend: tuple[str, str]) -> Fact:
    def read(reading: Reading) -> Value:
        return "、".join(reading.names.get(code, [])) or None

    return Fact(code, title, "", source, NAMES, read, right, mend)


def _number(code: str, title: str, unit: str, source: str, right: str) -> Fact:
    def read(reading: Reading) -> Value:
        return reading.figures.get(code, (0, 0))[0]

    return Fact(code, title, unit, source, FIGURES[code].kind, read, (right,))


def _rate(code: str, title: str, source: str, right: str) -> Fact:
    def read(reading: Reading) -> Value:
        n, among = reading.figures.get(code, (0, 0))
        return f"{100 * n / among:.1f}%" if among else None

    def note(reading: Reading) -> str:
        n, among = reading.figures.get(code, (0, 0))
        return f"{among} 件里 {n} 件" if among else "这段时间没有可以算的"

    return Fact(code, title, "", source, FIGURES[code].kind, read, (right,), note=note)


_POSTS = ("appoint_locally", "manage_posts")
_APPOINT = ("appoint_locally", "admin:grids_post_add")
_PARTNER, _REQUEST, _NEED, _CAME = "view_partner", "view_request", "view_resource_request", "view_allocation"
ALL: tuple[Fact, ...] = (
    _own("name", "名称"),
    Fact("kind", "级别", "", "区域资料", PLACE, lambda reading: reading.area.get_kind_display()),
    Fact("where", "上级", "", "区域资料", PLACE, lambda reading: getattr(reading.area, "where", None)),
    _own("code", "代码"),
    _own("phone", "公开电话"),
    Fact(
        "households", "户数", "户", "区域资料；街道和全区是各社区登记的合计", COUNTS, _homes, mend=_TREE, kept_at=_HOMES
    ),
    Fact(
        "units", "单元数", "个", "区域资料，各楼栋登记的合计", COUNTS,
        lambda reading: reading.counts.get("units") or None, mend=_TREE, kept_at=("building",),
    ),
    _count("streets", "街道（镇）数", "个", "区域资料"),
    _count("communities", "社区（村）数", "个", "区域资料"),
    _count("estates", "小区数", "个", "区域资料"),
    _count("grids", "网格数", "个", "区域资料"),
    _count("buildings", "楼栋数", "栋", "区域资料"),
    _count("committee", "党委数", "个", "党组织"),
    _count("general_branch", "党总支数", "个", "党组织"),
    _count("branch", "党支部数", "个", "党组织"),
    _count("group", "党小组数", "个", "党组织"),
    _count("led", "有楼长的楼栋", "栋", "岗位"),
    _vacant("unled", "缺楼长的楼栋", "栋", "buildings", "led"),
    _count("staffed", "有网格员的网格", "个", "岗位"),
    _vacant("unstaffed", "缺网格员的网格", "个", "grids", "staffed"),
    _names("leaders", "楼长姓名", "岗位", _POSTS, _APPOINT),
    _names("workers", "网格员姓名", "岗位", _POSTS, _APPOINT),
    *(
        _count(f"partner_{code}", f"{label}合伙人", "家", "合伙人登记，地址在这里、合作中的", _PARTNER)
        for code, label in Category.choices
    ),
    _count("pairings", "结对部门数", "家", "部门社区结对", _PARTNER),
    _names("paired", "结对部门", "部门社区结对", (_PARTNER,), ("manage_partner", "admin:partners_pairing_add")),
    _names("firms", "物业企业", "物业服务小区", (_PARTNER,), ("manage_partner", "admin:partners_propertyservice_add")),
    _count("teams", "志愿服务队数", "支", "志愿服务队，在活动的", _PARTNER),
    _number("received", "收到诉求", "件", "诉求，这段时间提交的", _REQUEST),
    _number("resolved", "办结诉求", "件", "诉求，这段时间办结的", _REQUEST),
    _number("open", "正在办的诉求", "件", "诉求，现在还要有人动手的", _REQUEST),
    _number("overdue", "超期的诉求", "件", "正在办的诉求，这一步的期限已经过了的", _REQUEST),
    _number("reopened", "说没办好", "件", "诉求，这段时间居民说没办好的", _REQUEST),
    _rate("on_time", "按时办结率", "诉求，按时办结的 ÷ 这段时间办结的", _REQUEST),
    _rate("answered", "24小时受理率", "诉求，24 小时内受理的 ÷ 这段时间提交满 24 小时的", _REQUEST),
    _rate("satisfied", "满意率", "诉求，评满意或基本满意的 ÷ 作了评价的", _REQUEST),
    _number("needs_asked", "提出资源需求", "件", "资源需求，这段时间提出的", _NEED),
    _number("needs_met", "满足资源需求", "件", "资源需求，这段时间提出、已经送到的", _NEED),
    _number("needs_waiting", "还没落实的资源需求", "件", "资源需求，现在等着的", _NEED),
    _number("delivered", "送到的资源", "次", "资源调配，这段时间送到的", _CAME),
)  # fmt: skip
FACTS: dict[str, Fact] = {fact.title: fact for fact in ALL}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a form: the fact, None where there is none of this title any more, and the form's own heading."""

    title: str
    heading: str
    fact: Fact | None


def read_items(text: str) -> list[Item]:
    """Return the lines of a form (数据项 or 数据项｜表头), one fact each."""
    found = []
    for line in text.splitlines():
        title, _, heading = (part.strip() for part in line.replace("|", "｜").partition("｜"))
        if title:
            found.append(Item(title, heading or title, FACTS.get(title)))
    return found


def check_items(text: str) -> None:
    """Refuse lines that name no fact, a heading that comes twice, and a form that is empty or too long."""
    items = read_items(text)
    if not 0 < len(items) <= MOST_FACTS:
        raise ValidationError(f"请写 1 到 {MOST_FACTS} 行，每行一个数据项。")
    seen: set[str] = set()
    for item in items:
        if item.fact is None:
            near = likely(item.title, FACTS)
            hint = f"是不是“{near}”？" if near else f"可以写：{'、'.join(FACTS)}。"
            raise ValidationError(f"没有“{item.title}”这个数据项。{hint}")
        if item.heading in seen:
            raise ValidationError(f"表头“{item.heading}”出现了两次，请改一个。")
        seen.add(item.heading)
