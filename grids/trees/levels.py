"""Which kind may stand under which: the level tables of both trees. No database."""

from __future__ import annotations

from common.errors import Invalid

# A grid stands under an estate or straight under a community or village (DB6101/T 3185-2024), never
# straight under a
# street; buildings stand under an estate or a grid.
AREA_PARENTS: dict[str, tuple[str, ...]] = {
    "district": (),
    "street": ("district",),
    "town": ("district",),
    "community": ("street", "town"),
    "village": ("street", "town"),
    "estate": ("community", "village"),
    "grid": ("estate", "community", "village"),
    "micro_grid": ("grid",),
    "building": ("estate", "grid", "micro_grid"),
}

AREA_LABELS = {
    "district": "区",
    "street": "街道",
    "town": "镇",
    "community": "社区",
    "village": "村",
    "estate": "小区",
    "grid": "网格",
    "micro_grid": "微网格",
    "building": "楼栋",
}

PARTY_PARENTS: dict[str, tuple[str, ...]] = {
    "committee": ("", "committee"),
    "general_branch": ("committee",),
    "branch": ("committee", "general_branch"),
    "group": ("branch",),
}

PARTY_LABELS = {"committee": "党委", "general_branch": "党总支", "branch": "党支部", "group": "党小组"}

# The kinds that people point at with a sticker or a link, so they get a public code.
CODED_KINDS = frozenset({"community", "village", "estate", "building"})


def check_area_level(kind: str, parent_kind: str | None) -> None:
    """Raise Invalid unless a place of `kind` may stand under one of `parent_kind` (None: at the top)."""
    if kind not in AREA_PARENTS:
        raise Invalid(f"没有“{kind}”这一级区域。", field="kind")
    if parent_kind is None:
        if AREA_PARENTS[kind]:
            raise Invalid(f"{AREA_LABELS[kind]}要放在上级区域下面，请先选上级。", field="parent")
        return
    if parent_kind not in AREA_PARENTS[kind]:
        allowed = "、".join(AREA_LABELS[name] for name in AREA_PARENTS[kind])
        way = f"，只能放在{allowed}下面" if allowed else "，它是最上一级"
        raise Invalid(f"{AREA_LABELS[kind]}不能放在{AREA_LABELS[parent_kind]}下面{way}。", field="parent")


def check_party_level(level: str, parent_level: str | None) -> None:
    """Raise Invalid unless an organisation of `level` may stand under one of `parent_level` (None: at the
    top).
    """
    if level not in PARTY_PARENTS:
        raise Invalid(f"没有“{level}”这一层党组织。", field="level")
    if (parent_level or "") not in PARTY_PARENTS[level]:
        above = PARTY_LABELS[parent_level] if parent_level else "最上一级"
        raise Invalid(f"{PARTY_LABELS[level]}不能放在{above}下面，请换一个上级组织。", field="parent")
