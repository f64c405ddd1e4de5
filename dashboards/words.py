"""The district's picture in one sentence: who is behind and why, with the counts that carry it."""

from dashboards.selectors import Behind, Unit
from requests_board.workflow import RequestStatus


def share(value: float | None) -> str:
    """Write a share of 1 as 92.3%; nothing counted is a dash."""
    return "—" if value is None else f"{100 * value:.1f}%"


def sentence(found: Behind | None, whole: Unit) -> str:
    """Say who is behind and why; when nobody is, say that, with the figures."""
    on_time, overdue = whole.of("on_time"), whole.of("overdue")
    if found is None or found.unit is None:
        if on_time.among:
            return f"现在没有超期的。这段时间办结 {on_time.among} 件，{share(on_time.share)} 按时。"
        return "现在没有超期的，这段时间还没有办结的。"
    first = _standing(found)
    if not found.overdue:
        return first + "不过现在没有超期的。"
    return first + _reason(found, overdue.n)


def _standing(found: Behind) -> str:
    assert found.unit is not None  # noqa: S101  the caller has looked
    rate = found.unit.of("on_time")
    if found.gap:
        return (
            f"{found.unit.area}按时办结率 {share(rate.share)}（{rate.among} 件里 {rate.n} 件），"
            f"比平均低 {100 * found.gap:.0f} 个百分点；"
        )
    return f"各处按时办结率差不多，{found.unit.area}超期最多；"


def _reason(found: Behind, all_overdue: int) -> str:
    if found.overdue == 1:
        words = f"它现在 1 件超期，是“{found.kind}”"
    else:
        many = found.kind_count > 1
        most = f"最多的是“{found.kind}”{found.kind_count} 件" if many else f"各不相同，比如“{found.kind}”"
        words = f"它现在 {found.overdue} 件超期（一共 {all_overdue} 件），{most}"
    count = f"{found.step_count} 件" if found.overdue > 1 else ""
    return f"{words}；{count}停在“{RequestStatus(found.step).label}”这一步。"
