"""Every role and what it may do, as one table. No database, no web: docs/roles.md is printed from here."""

from __future__ import annotations

from dataclasses import dataclass

PERMISSIONS: dict[str, str] = {
    "view_request": "查看诉求",
    "handle_request": "办理诉求",
    "reveal_contact": "查看完整联系方式（留痕）",
    "view_resource_request": "查看资源需求",
    "request_resource": "提出资源需求",
    "evaluate_allocation": "评价资源服务",
    "settle_at_district": "区级协调资源",
    "view_allocation": "查看资源调配",
    "answer_allocation": "答复资源调配",
    "view_pool": "查看资源库",
    "manage_pool": "维护资源库",
    "view_dashboard": "查看统计",
    "view_partner": "查看合伙人",
    "manage_partner": "维护合伙人",
    "manage_places": "维护区域与党组织",
    "manage_posts": "维护岗位",
    "appoint_locally": "任免网格员、楼长",
    "manage_users": "维护账号",
    "view_audit": "查看操作记录",
    "retry_jobs": "重试后台任务",
    "manage_settings": "维护基础设置",
    "enter_admin": "进入后台",
}

# What stays with an office, and what only a partner's own people may do: nobody is granted it beside their role.
# Settings and jobs belong to no place, so a grant at one building would open all of them.
NOT_GRANTED = frozenset(
    {
        "manage_posts", "manage_users", "view_audit", "enter_admin", "answer_allocation", "manage_settings",
        "retry_jobs",
    }
)  # fmt: skip
GRANTED: dict[str, str] = {code: label for code, label in PERMISSIONS.items() if code not in NOT_GRANTED}


@dataclass(frozen=True, slots=True)
class Role:
    """One role: the kinds of area its posts stand on, what it may do there and below, which fields it may
    unmask.

    A role without kinds is held through a membership in a partner, not through a post.
    """

    code: str
    label: str
    kinds: tuple[str, ...]
    permissions: tuple[str, ...]
    reveals: tuple[str, ...] = ()


_GRID = ("view_request", "handle_request", "view_pool")
_COMMUNITY = (
    *_GRID,
    "reveal_contact",
    "view_resource_request",
    "request_resource",
    "evaluate_allocation",
    "view_allocation",
    "view_partner",
)
# What a street or a community keeps of its own: places below it, partners, grid workers and building leaders.
_KEEPER = (*_COMMUNITY, "enter_admin", "manage_places", "manage_partner", "appoint_locally")
_CONTACT = ("contact_name", "phone")

ROLES: tuple[Role, ...] = (
    Role(
        "system_admin",
        "系统管理员",
        ("district",),
        (
            "enter_admin",
            "manage_settings",
            "manage_places",
            "manage_pool",
            "view_pool",
            "manage_partner",
            "view_partner",
            "retry_jobs",
        ),
    ),
    Role("security_admin", "安全管理员", ("district",), ("enter_admin", "manage_posts", "manage_users")),
    Role("auditor", "审计员", ("district",), ("enter_admin", "view_audit")),
    Role(
        "district_official",
        "区级干部",
        ("district",),
        (
            "enter_admin",
            "view_request",
            "view_resource_request",
            "view_allocation",
            "view_partner",
            "manage_partner",
            "view_pool",
            "manage_pool",
            "view_dashboard",
            "settle_at_district",
        ),
    ),
    Role("street_worker", "街道（镇）工作人员", ("street", "town"), (*_KEEPER, "view_dashboard"), _CONTACT),
    Role("community_worker", "社区（村）工作者", ("community", "village"), _KEEPER, _CONTACT),
    Role("grid_worker", "网格员", ("grid", "micro_grid"), (*_GRID, "enter_admin")),
    Role("building_leader", "楼长", ("building",), ("view_request",)),
    Role("department_liaison", "部门联络员", (), ("answer_allocation", "view_allocation")),
    Role("partner_staff", "合伙人单位人员", (), ("answer_allocation", "view_allocation")),
)

# What streets and communities appoint themselves, within their reach (`appoint_locally`).
LOCAL: tuple[str, ...] = ("grid_worker", "building_leader")

BY_CODE: dict[str, Role] = {role.code: role for role in ROLES}
CHOICES: list[tuple[str, str]] = [(role.code, role.label) for role in ROLES]
POST_CHOICES: list[tuple[str, str]] = [(role.code, role.label) for role in ROLES if role.kinds]


def having(permission: str) -> tuple[str, ...]:
    """Return the codes of the roles that hold `permission`; refuse a permission that the table does not
    know.
    """
    if permission not in PERMISSIONS:
        raise KeyError(permission)
    return tuple(role.code for role in ROLES if permission in role.permissions)


def as_markdown() -> str:
    """Return the table as docs/roles.md shows it."""
    posted = [role for role in ROLES if role.kinds]
    lines = [
        "# Roles",
        "",
        "Printed by `manage.py show_roles`; a test compares this page with `grids/roles.py`. A right holds at the",
        "place of the post and below it. A resident is whoever holds a tracking link, and has no role.",
        "",
        "| role | code | held through | may unmask |",
        "|---|---|---|---|",
    ]
    for role in ROLES:
        through = "post on " + ", ".join(role.kinds) if role in posted else "membership in a partner"
        lines.append(f"| {role.label} | `{role.code}` | {through} | {', '.join(role.reveals) or '–'} |")
    lines += ["", "| right | code | " + " | ".join(role.label for role in ROLES) + " |"]
    lines.append("|---|---|" + "---|" * len(ROLES))
    for code, label in PERMISSIONS.items():
        marks = " | ".join("●" if code in role.permissions else "" for role in ROLES)
        lines.append(f"| {label} | `{code}` | {marks} |")
    return "\n".join(lines) + "\n"
