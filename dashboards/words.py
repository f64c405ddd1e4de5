"""The district's picture in one sentence: who is behind and why, with counts that open to their rows."""

from dataclasses import dataclass, field
from typing import Any

from dashboards.selectors import Behind, Unit
from grids.models import Area
from requests_board.workflow import RequestStatus


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; one with a `code` is a figure and opens to its rows in `area`."""

    text: str
    code: str = ""
    area: Area | None = None
    more: dict[str, Any] = field(default_factory=dict)


def share(value: float | None) -> str:
    """Write a share of 1 as 92.3%; nothing counted is a dash."""
    return "—" if value is None else f"{100 * value:.1f}%"


def sentence(found: Behind | None, whole: Unit) -> list[Piece]:
    """Say who is behind and why; when nobody is, say that, with the figures."""
    if found is None:
        return _nobody(whole)
    why = _late(found) if found.resolved else _overdue(found, whole)
    return [*_standing(found), *why, *_elsewhere(found, whole)]


def backlog(weeks: list[int], area: Area) -> list[Piece]:
    """Say how many requests need hands now, and how many did when the line begins."""
    change, back = weeks[-1] - weeks[0], len(weeks) - 1
    turn = f"多了 {change} 件" if change > 0 else f"少了 {-change} 件" if change else "一样多"
    now = Piece(f"{weeks[-1]} 件", "backlog", area, {"back": 0})
    then = Piece(f"{weeks[0]} 件", "backlog", area, {"back": back})
    return [Piece("现在积着 "), now, Piece(f"，比 {back} 周前（"), then, Piece(f"）{turn}。")]


def _nobody(whole: Unit) -> list[Piece]:
    on_time, overdue = whole.of("on_time"), whole.of("overdue")
    # Rows that belong to the place itself and to none below it.
    start = (
        [Piece("现在 "), Piece(f"{overdue.n} 件超期", "overdue", whole.area), Piece("。")]
        if overdue.n
        else [Piece("现在没有超期的")]
    )
    if not on_time.among:
        return [*start, Piece("这段时间还没有办结的。" if overdue.n else "，这段时间还没有办结的。")]
    rate = Piece(f"办结 {on_time.among} 件，{share(on_time.share)} 按时", "on_time", whole.area)
    return [*start, Piece("这段时间" if overdue.n else "。这段时间"), rate, Piece("。")]


def _standing(found: Behind) -> list[Piece]:
    area, rate = found.unit.area, found.unit.of("on_time")
    if not found.gap:
        return [Piece(f"{'各处按时办结率差不多，' if found.compared else ''}{area}超期最多；")]
    figure = Piece(f"{share(rate.share)}（{rate.among} 件里 {rate.n} 件）", "on_time", area)
    return [Piece(f"{area}按时办结率 "), figure, Piece(f"，比平均低 {100 * found.gap:.0f} 个百分点；")]


def _overdue(found: Behind, whole: Unit) -> list[Piece]:
    area = found.unit.area
    count = Piece(f"{found.count} 件超期", "overdue", area)
    step = RequestStatus(found.step).label if found.step else ""
    if found.count <= 1:
        return [Piece("它现在 "), count, Piece(f"，是“{found.kind[1]}”；停在“{step}”这一步。")]
    everywhere = Piece(f"一共 {whole.of('overdue').n} 件", "overdue", whole.area)
    stuck = Piece(f"{found.step_count} 件", "overdue", area, {"step": found.step})
    kinds = _kinds(found, "overdue")
    return [
        Piece("它现在 "), count, Piece("（"), everywhere, Piece("），"), *kinds, Piece("；"),
        stuck, Piece(f"停在“{step}”这一步。"),
    ]  # fmt: skip


def _late(found: Behind) -> list[Piece]:
    count = Piece(f"{found.count} 件", "late", found.unit.area)
    kinds = [Piece(f"是“{found.kind[1]}”")] if found.count == 1 else [Piece("里，"), *_kinds(found, "late")]
    step = f"；时间多花在“{RequestStatus(found.step).label}”这一步。" if found.step_count > 0 else "。"
    return [Piece("没按时办结的 "), count, *kinds, Piece(step)]


def _kinds(found: Behind, code: str) -> list[Piece]:
    key, name = found.kind
    if found.kind_count <= 1:
        return [Piece(f"各不相同，比如“{name}”")]
    return [Piece(f"最多的是“{name}”"), Piece(f"{found.kind_count} 件", code, found.unit.area, {"kind": key})]


def _elsewhere(found: Behind, whole: Unit) -> list[Piece]:
    """Say where most is overdue when that is another place, or that nothing is, so that no tile says otherwise."""
    every = whole.of("overdue").n
    if found.most is not None:
        most = Piece(f"{found.most.of('overdue').n} 件", "overdue", found.most.area)
        total = Piece(f"一共 {every} 件", "overdue", whole.area)
        name = found.most.area
        if not found.resolved:
            return [Piece(f"超期最多的是{name}，"), most, Piece("。")]
        return [Piece(f"它现在没有超期的；超期最多的是{name}，"), most, Piece("（"), total, Piece("）。")]
    if not found.resolved:
        return []
    if not every:
        return [Piece("现在没有超期的。")]
    return [Piece("它现在没有超期的，全部 "), Piece(f"{every} 件超期", "overdue", whole.area), Piece("。")]
