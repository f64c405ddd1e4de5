"""Posts as a table: who looks after what, from when to when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from django.db.models import Q

from accounts.models import User
from common.tables.cells import day_text
from common.tables.registry import NEW, Book, Known, Registry, Row
from common.tables.sheet import Cells, Column, Fault, Planned, Values
from grids import roles, selectors, table_actions
from grids.models import Post
from grids.permissions import within_reach
from grids.tables.areas import CHANGED
from grids.tables.places import Places


@dataclass(slots=True)
class PostBook(Book):
    """Accounts by user name and by name, places, and today."""

    places: Any = None
    by_username: dict[str, User] = field(default_factory=dict)
    by_name: dict[str, list[User]] = field(default_factory=lambda: defaultdict(list))
    today: Any = None


class Posts(Registry):
    """Every post; a post is its person, role and place, as long as it has not ended."""

    code, title = "posts", "岗位"
    keeps = looks = "manage_posts"
    label, page = "grids.post", "admin:grids_post_changelist"
    given: tuple[str, ...] = tuple(code for code, _ in roles.POST_CHOICES)
    columns: tuple[Column, ...] = (
        Column("name", "姓名", most=40, example="张三", hint="只用来核对", width=12, aliases=("人员",)),
        Column(
            "username",
            "账号",
            most=150,
            example="zhangsan",
            hint="没有重名的可以只填姓名",
            width=16,
            aliases=("用户名",),
        ),
        Column(
            "role", "角色", "choice", True, tuple(label for _, label in roles.POST_CHOICES), width=18, aliases=("岗位",)
        ),
        Column(
            "area",
            "地方",
            "reference",
            True,
            most=200,
            example="东街街道/槐荫社区",
            width=32,
            aliases=("所在区域", "区域"),
        ),
        Column(
            "valid_from", "任期开始", "date", example="2026-01-01", hint="留空就是今天", width=12, aliases=("开始日期",)
        ),
        Column("valid_to", "任期结束", "date", hint="长期的留空", width=12, aliases=("结束日期",)),
    )

    def columns_for(self, user: Any) -> tuple[Column, ...]:
        """Return the columns with the roles that may be given in this sheet."""
        return tuple(replace(c, choices=tuple(self._labels())) if c.key == "role" else c for c in self.columns)

    def _labels(self) -> dict[str, str]:
        return {roles.BY_CODE[code].label: code for code in self.given}

    def book(self, user: Any, rows: list[Cells] | None) -> PostBook:
        """Read the posts that have not ended, the accounts that the file names, and the places."""
        right = self.looks if rows is None else self.keeps
        book = PostBook(places=Places(user, right), labels={"role": dict(self._labels())}, today=selectors.today())
        named = Q(username__in={r.get("username", "") for r in rows or ()})
        for person in User.objects.filter(named | Q(display_name__in={r.get("name", "") for r in rows or ()} - {""})):
            book.by_username[person.username] = person
            book.by_name[person.display_name].append(person)
        standing = Post.objects.filter(within_reach(user, right), role__in=self.given).select_related("user")
        standing = standing.filter(Q(valid_to=None) | Q(valid_to__gte=book.today))
        for post in standing.order_by("area__tree_id", "area__lft", "role", "user__username", "pk"):
            if post.area_id in book.places.all:
                book.add(self._key(post.user.username, post.role, post.area_id), self._known(book, post))
        return book

    @staticmethod
    def _key(username: str, role: str, area: int) -> str:
        return f"{username}|{role}|{area}"

    @staticmethod
    def _known(book: PostBook, post: Post) -> Known:
        cells = {
            "name": post.user.display_name, "username": post.user.username, "role": post.get_role_display(),
            "area": book.places.words(post.area_id), "valid_from": day_text(post.valid_from),
            "valid_to": day_text(post.valid_to),
        }  # fmt: skip
        return Known(str(post.pk), cells)

    def meaning(self, row: Row, book: PostBook) -> tuple[str, Values]:
        """Find person and place; refuse a role that does not stand there, a wrong term and one's own post."""
        person = self._person(row, book)
        role = row.values.get("role")
        kinds = roles.BY_CODE[role].kinds if role else ()
        area = None
        if row.text["area"]:
            area = book.places.find(row.text["area"], "area", "地方", row.faults, book.guesses, kinds)
        key = self._key(person.username, role, area.id) if person and role and area else ""
        if not row.text.get("valid_from"):
            known = book.known.get(key, [])
            start = known[0].cells["valid_from"] if known else book.today.isoformat()
            row.text["valid_from"] = row.values["valid_from"] = start
        start, end = row.values.get("valid_from"), row.values.get("valid_to")
        if start and end and end < start:
            row.faults.say("valid_to", "任期结束不能早于开始。")
        data = {"user": str(person.pk) if person else "", "role": role, "area": area.id if area else None}
        data["closed"] = person is not None and not person.is_active
        return key, {**data, "valid_from": start, "valid_to": end}

    def _person(self, row: Row, book: PostBook) -> User | None:
        username, name = row.text.get("username", ""), row.text.get("name", "")
        if not username and not name:
            row.faults.say("username", "姓名和账号至少要填一个。")
            return None
        found = [book.by_username[username]] if username in book.by_username else []
        if not username:
            found = book.by_name.get(name, [])
        if len(found) != 1:
            what = f"账号“{username}”" if username else f"叫“{name}”的账号"
            way = f"有 {len(found)} 个，请填账号" if found else "找不到，请先由安全管理员开账号"
            row.faults.say("username", f"{what}{way}。")
            return None
        person = found[0]
        if name and person.display_name and name != person.display_name:
            row.faults.say("name", f"账号“{person.username}”不叫“{name}”", person.display_name)
        row.text["username"], row.text["name"] = person.username, person.display_name
        return person

    def plan(self, rows: Any, user: Any) -> Any:
        """Plan as any registry; nobody gives a post to themself, or to an account that is closed."""
        for planned in super().plan(rows, user):
            if planned.verb in (NEW, "changed") and planned.data["user"] == str(user.pk):
                fault = Fault("username", "不能给自己安排岗位，请由另一位管理员来办。")
                planned = replace(planned, verb="wrong", data={}, faults=(fault,))
            elif planned.verb == NEW and planned.data["closed"]:
                fault = Fault("username", f"账号“{planned.values['username']}”已经停用，请先启用，或者换一个人。")
                planned = replace(planned, verb="wrong", data={}, faults=(fault,))
            yield planned

    # Writing ----------------------------------------------------------------------------------------------------

    def enter(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Give the posts."""
        made = [
            Post(user_id=row.data["user"], role=row.data["role"], area_id=row.data["area"],
                 valid_from=date.fromisoformat(row.data["valid_from"]), valid_to=_day(row.data["valid_to"]))
            for row in planned
        ]  # fmt: skip
        table_actions.give_posts(made, actor=user)
        return {row.line: (str(post.pk), {"term": _term(post)}) for row, post in zip(planned, made, strict=True)}

    def lock(self, ids: list[str]) -> None:
        """Keep the posts as they are until the transaction ends."""
        list(Post.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))

    def change(self, planned: list[Planned], user: Any) -> dict[int, tuple[str, Values]]:
        """Change the terms."""
        standing = Post.objects.in_bulk([int(row.data["id"]) for row in planned])
        changed, done = [], {}
        for row in planned:
            post = standing[int(row.data["id"])]
            before = _term(post)
            post.valid_from, post.valid_to = date.fromisoformat(row.data["valid_from"]), _day(row.data["valid_to"])
            changed.append((post, "至".join(before), "至".join(_term(post))))
            done[row.line] = (str(post.pk), {"before": before, "after": _term(post)})
        table_actions.change_terms(changed, actor=user)
        return done

    def take_back(self, verb: str, written: list[tuple[str, Values]], user: Any) -> list[tuple[str, str]]:
        """End new posts, give changed ones their terms back; leave what was changed since."""
        self.lock([pk for pk, _ in written])
        standing = {str(post.pk): post for post in Post.objects.filter(pk__in=[pk for pk, _ in written])}
        key = "term" if verb == NEW else "after"
        same = [(pk, kept) for pk, kept in written if pk in standing and _term(standing[pk]) == kept[key]]
        if verb == NEW:
            table_actions.end_posts([standing[pk] for pk, _ in same], actor=user)
        else:
            changed = []
            for pk, kept in same:
                start, end = kept["before"]
                standing[pk].valid_from, standing[pk].valid_to = date.fromisoformat(start), _day(end)
                changed.append((standing[pk], "至".join(kept["after"]), "至".join(kept["before"])))
            table_actions.change_terms(changed, actor=user)
        left = {pk for pk, _ in same}
        return [(pk, CHANGED) for pk, _ in written if pk not in left]


class LocalPosts(Posts):
    """Grid workers and building leaders: what a street or a community fills by itself."""

    code, title = "local_posts", "网格员和楼长"
    keeps = looks = "appoint_locally"
    given = ("grid_worker", "building_leader")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _term(post: Post) -> list[str]:
    return [day_text(post.valid_from), day_text(post.valid_to)]
