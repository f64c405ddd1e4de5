"""Show personal values with the middle hidden; every mask fits in a list and gives nobody away."""

from common.crypto import normalise_phone

HIDDEN = "****"


def mask_phone(value: str) -> str:
    """Return 138****5678 for a mobile number; keep only the last two digits of anything else."""
    if not value:
        return ""
    number = normalise_phone(value)
    if len(number) == 11 and number.startswith("1"):
        return f"{number[:3]}{HIDDEN}{number[-4:]}"
    return f"{HIDDEN}{number[-2:]}" if len(number) >= 7 else HIDDEN


def mask_name(value: str) -> str:
    """Return the family name with the given name hidden (张*、欧阳*); hide everything of a one-sign name."""
    name = value.strip()
    if not name:
        return ""
    if len(name) == 1:
        return "*"
    keep = 2 if len(name) >= 4 and name[:2] in COMPOUND else 1
    return name[:keep] + "*" * min(len(name) - keep, 2)


def mask_text(value: str) -> str:
    """Hide the whole value but show that there is one."""
    return HIDDEN if value else ""


COMPOUND = frozenset(
    {"欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "夏侯", "司徒", "端木"}
)
