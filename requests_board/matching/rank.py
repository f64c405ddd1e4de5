"""Match one need with the pool: hard rules first, then a weighted score whose every part can be told in words.

Pure: no database, no clock. Times are aware datetimes; `now` is handed in by the caller from the
database. Rules and default weights follow the district's practice of pairing departments with
communities (点对点 before 面对点) and are data (`DispatchPolicy`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

FACTORS = ("paired", "waiting", "share", "distance", "acceptance")


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked for; `scope_path` is the materialised path of the place."""

    type_ids: frozenset[int]
    quantity: int
    window_start: datetime
    window_end: datetime
    scope_path: str
    now: datetime
    zone: ZoneInfo
    refused_partners: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Slot:
    """A time window of an offer and what is left in it."""

    pk: int
    starts_at: datetime
    ends_at: datetime
    free: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A resource of the pool with its slots inside the need's window and what is known of its owner."""

    pk: str
    name: str
    partner_id: str
    partner_name: str
    type_id: int
    open: bool
    served_paths: tuple[str, ...]
    scope_path: str
    unit_label: str
    notice_days: int
    min_quantity: int
    max_quantity: int | None
    blackouts: tuple[tuple[date, date], ...] = ()
    slots: tuple[Slot, ...] = ()
    paired: bool = False
    received: int = 0
    share_days: int = 90
    asked: int = 0
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer that passes the hard rules, with its best slot, its score and the words for both."""

    offer: Offer
    slot: Slot
    score: float
    factors: dict[str, float] = field(default_factory=dict)
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An offer that does not pass, with the first rule that it fails."""

    offer: Offer
    rule: str
    sentence: str


def evaluate(need: Need, offers: Iterable[Offer], weights: dict[str, float]) -> tuple[list[Candidate], list[Refusal]]:
    """Return the candidates best first, and the offers that fall out with the reason."""
    candidates: list[Candidate] = []
    refusals: list[Refusal] = []
    for offer in offers:
        verdict = _judge(need, offer, weights)
        if isinstance(verdict, Candidate):
            candidates.append(verdict)
        else:
            refusals.append(verdict)
    candidates.sort(key=lambda c: (-c.score, c.slot.starts_at, c.offer.pk))
    return candidates, refusals


def compare(chosen: Candidate, other: Candidate, weights: dict[str, float]) -> str:
    """Say in one sentence why `chosen` stands before `other`: the factor that cost `other` most."""
    gaps = {name: weights[name] * (chosen.factors[name] - other.factors[name]) for name in FACTORS}
    name = max(gaps, key=lambda key: gaps[key])
    if gaps[name] <= 0:
        return f"两家条件相同，先约时间更早的{chosen.offer.name}。"
    return (
        f"综合 {other.score:.2f} 分，比选中的 {chosen.score:.2f} 分低，主要差在{_LABELS[name]}："
        f"{_PHRASES[name](_figures(other))}。"
    )


def tell(figures: dict[str, Any], score: float) -> str:
    """Say in one sentence why something was chosen: `figures` are what the factors were counted from."""
    words = "，".join(_PHRASES[name](figures) for name in FACTORS)
    return f"{words}；综合 {score:.2f} 分。"


def _figures(candidate: Candidate) -> dict[str, Any]:
    """Return the figures of a candidate that the phrases of the factors speak of."""
    offer = candidate.offer
    return {
        "paired": offer.paired,
        "received": offer.received,
        "days": offer.share_days,
        "asked": offer.asked,
        "confirmed": offer.confirmed,
        "starts": f"{candidate.slot.starts_at:%-m月%-d日}",
        "near": candidate.factors["distance"],
    }


def _judge(need: Need, offer: Offer, weights: dict[str, float]) -> Candidate | Refusal:
    for rule, check in _RULES:
        sentence = check(need, offer)
        if sentence:
            return Refusal(offer, rule, sentence)
    slots = [slot for slot in offer.slots if slot.free >= need.quantity and _slot_fits(need, offer, slot)]
    slot = min(slots, key=lambda s: (s.starts_at, s.pk))
    factors = _factors(need, offer, slot)
    score = round(sum(weights[name] * factors[name] for name in FACTORS), 4)
    candidate = Candidate(offer, slot, score, factors)
    return Candidate(offer, slot, score, factors, tell(_figures(candidate), score))


def _factors(need: Need, offer: Offer, slot: Slot) -> dict[str, float]:
    span = max((need.window_end - need.now).total_seconds(), 1.0)
    wait = min(max((slot.starts_at - need.now).total_seconds() / span, 0.0), 1.0)
    return {
        "paired": 1.0 if offer.paired else 0.0,
        "waiting": round(1.0 - wait, 4),
        "share": round(1.0 / (1.0 + offer.received), 4),
        "distance": _nearness(need.scope_path, offer.scope_path),
        "acceptance": round((offer.confirmed + 1) / (offer.asked + 2), 4),
    }


def _nearness(here: str, there: str) -> float:
    """Return the share of the need's path that the offer's place has in common with it (district first)."""
    ours, theirs = here.strip("/").split("/"), there.strip("/").split("/")
    common = 0
    for a, b in zip(ours, theirs, strict=False):
        if a != b:
            break
        common += 1
    return round(min(common / 3, 1.0), 4)


def _local_day(need: Need, moment: datetime) -> date:
    return moment.astimezone(need.zone).date()


def _in_notice(need: Need, offer: Offer, slot: Slot) -> bool:
    earliest = _local_day(need, need.now) + timedelta(days=offer.notice_days)
    return slot.starts_at > need.now and _local_day(need, slot.starts_at) >= earliest


def _dark(need: Need, offer: Offer, slot: Slot) -> bool:
    day = _local_day(need, slot.starts_at)
    return any(first <= day <= last for first, last in offer.blackouts)


def _slot_fits(need: Need, offer: Offer, slot: Slot) -> bool:
    inside = need.window_start <= slot.starts_at and slot.ends_at <= need.window_end
    return inside and _in_notice(need, offer, slot) and not _dark(need, offer, slot)


def _wrong_type(need: Need, offer: Offer) -> str:
    return "" if offer.type_id in need.type_ids else "不是要的这一类。"


def _closed(need: Need, offer: Offer) -> str:
    return "" if offer.open else "已暂停，或者提供方不在合作中。"


def _elsewhere(need: Need, offer: Offer) -> str:
    served = any(need.scope_path.startswith(path) for path in offer.served_paths)
    return "" if served else "不服务这个社区。"


def _refused(need: Need, offer: Offer) -> str:
    return "这一次已经问过，对方没有应下来。" if offer.partner_id in need.refused_partners else ""


def _amount(need: Need, offer: Offer) -> str:
    if need.quantity < offer.min_quantity:
        return f"一次至少要 {offer.min_quantity} {offer.unit_label}，这次只要 {need.quantity}。"
    if offer.max_quantity is not None and need.quantity > offer.max_quantity:
        return f"一次至多给 {offer.max_quantity} {offer.unit_label}，这次要 {need.quantity}。"
    return ""


def _no_slot(need: Need, offer: Offer) -> str:
    inside = [s for s in offer.slots if need.window_start <= s.starts_at and s.ends_at <= need.window_end]
    if not inside:
        return "要的这段时间里没有开放的时段。"
    noticed = [slot for slot in inside if _in_notice(need, offer, slot)]
    if not noticed:
        return f"要提前 {offer.notice_days} 天约，这段时间里来不及了。"
    lit = [slot for slot in noticed if not _dark(need, offer, slot)]
    if not lit:
        return "这段时间对方停用。"
    best = max(slot.free for slot in lit)
    if best < need.quantity:
        return f"这段时间里最多还剩 {best} {offer.unit_label}，要 {need.quantity}。"
    return ""


_RULES = (
    ("type", _wrong_type),
    ("open", _closed),
    ("area", _elsewhere),
    ("refused", _refused),
    ("quantity", _amount),
    ("slot", _no_slot),
)

_LABELS = {
    "paired": "结对",
    "waiting": "等的时间",
    "share": "本社区得的份额",
    "distance": "远近",
    "acceptance": "以往应约",
}


def _near_words(near: float) -> str:
    if near >= 1:
        return "就在本社区"
    return "在同一个街镇" if near >= 0.6 else "在区里别处"


_PHRASES = {
    "paired": lambda f: "是本社区的结对部门" if f["paired"] else "不是本社区的结对部门",
    "waiting": lambda f: f"最早 {f['starts']} 能来",
    "share": lambda f: f"近 {f['days']} 天给过本社区 {f['received']} 次",
    "distance": lambda f: _near_words(f["near"]),
    "acceptance": lambda f: f"以往问 {f['asked']} 次应 {f['confirmed']} 次" if f["asked"] else "以往还没有问过",
}
