"""Invent the people with accounts: posts at places, memberships in partners, and one demo account per role."""

import random
import secrets
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password

from accounts.models import User
from grids.models import Post
from grids.roles import BY_CODE, ROLES
from hedong.demo import names
from hedong.demo.copying import copy_in, copy_rows
from hedong.demo.scale import Scale
from hedong.demo.tables import generator
from hedong.demo.world import Board, Place
from partners.models import Membership, Partner

# The demo liaison's department and the demo staff's firm: both have much to answer.
LIAISON_OF, STAFF_OF = "D029", "W001"
_SIGNS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


class Passwords:
    """Passwords for the demo accounts, hashed beside the loading, because a good hash is slow."""

    def __init__(self) -> None:
        self.plain = {role.code: self._invent() for role in ROLES}
        self._pool: ThreadPoolExecutor | None = None
        self._hashes: dict[str, Future[str]] = {}

    def start(self) -> None:
        """Begin to hash."""
        self._pool = pool = ThreadPoolExecutor(max_workers=1)
        self._hashes = {role: pool.submit(make_password, password) for role, password in self.plain.items()}

    @staticmethod
    def _invent() -> str:
        return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(4))

    def hashed(self, role: str) -> str:
        """Wait for the hash of a role's password."""
        return self._hashes[role].result()

    def close(self) -> None:
        """End the thread."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _Book:
    """The rows that are to be written."""

    users: list[User] = field(default_factory=list)
    posts: list[tuple[UUID, int, str, str]] = field(default_factory=list)
    memberships: list[tuple[UUID, UUID, str]] = field(default_factory=list)


def load_people(board: Board, scale: Scale, passwords: Passwords) -> int:
    """Write accounts, posts and memberships; return how many accounts. Only the demo accounts can sign in."""
    rng = generator("people")
    book = _Book()
    _demo(rng, board, book, passwords)
    _workers(rng, board, book)
    _leaders(rng, board, book, scale)
    _partner_people(rng, board, book)
    copy_in(User, book.users)
    today = board.now.date()
    copy_rows(
        Post,
        ("user_id", "area_id", "scope_path", "role", "valid_from"),
        ((*post, today - timedelta(days=700)) for post in book.posts),
    )
    copy_rows(
        Membership,
        ("user_id", "partner_id", "role", "valid_from"),
        ((*row, today - timedelta(days=700)) for row in book.memberships),
    )
    return len(book.users)


def demo_place(board: Board, role: str) -> Place | None:
    """Return where the demo account of a role holds its post; None for a role of partners."""
    kind = (BY_CODE[role].kinds or ("",))[0]
    if not kind:
        return None
    if kind == "grid":
        return next(grid for grid in board.world.of("grid") if grid.estate is not None)
    return board.world.of(kind)[0]


def _demo(rng: random.Random, board: Board, book: _Book, passwords: Passwords) -> None:
    for role in ROLES:
        user = _user(rng, book, role.code, f"{names.person(rng)}（演示）")
        user.password = passwords.hashed(role.code)
        place = demo_place(board, role.code)
        if place is not None:
            book.posts.append((user.id, place.id, place.path, role.code))
    partners = board.partners
    liaison, staff = (next(u for u in book.users if u.username == n) for n in ("department_liaison", "partner_staff"))
    book.memberships.append((liaison.id, partners[LIAISON_OF].id, "department_liaison"))
    book.memberships.append((staff.id, partners[STAFF_OF].id, "partner_staff"))


def _user(rng: random.Random, book: _Book, username: str, label: str) -> User:
    number = len(book.users)
    # Every telephone of an account is different: the block's upper part is kept for accounts.
    user = User(
        id=names.row_id(rng), username=username, display_name=label,
        password=UNUSABLE_PASSWORD_PREFIX + f"{rng.getrandbits(200):050x}"[:40],
        phone=names.phone(5000 + number) if number < 5000 else "",
    )  # fmt: skip
    book.users.append(user)
    return user


def _workers(rng: random.Random, board: Board, book: _Book) -> None:
    world = board.world
    plan = (
        ("district", "district_official", "qg", 3),
        ("street", "street_worker", "jd", 2),
        ("town", "street_worker", "jd", 2),
        ("community", "community_worker", "sq", 2),
        ("village", "community_worker", "cun", 1),
        ("grid", "grid_worker", "wg", 1),
    )
    for kind, role, prefix, amount in plan:
        for place in world.of(kind):
            for number in range(1, amount + 1):
                user = _user(rng, book, f"{prefix}-{place.code}-{number}", names.person(rng))
                book.posts.append((user.id, place.id, place.path, role))


def _leaders(rng: random.Random, board: Board, book: _Book, scale: Scale) -> None:
    """Give some buildings a leader; one leader looks after several, and not every building has one."""
    buildings = board.world.of("building")[1:]
    step = max(1, len(buildings) // scale.leaders)
    for number, building in enumerate(buildings[::step][: scale.leaders - 1]):
        user = _user(rng, book, f"lz-{building.code}", names.person(rng))
        for one in buildings[number * step : number * step + min(step, 3)]:
            if one.estate == building.estate:
                book.posts.append((user.id, one.id, one.path, "building_leader"))


def _partner_people(rng: random.Random, board: Board, book: _Book) -> None:
    roles = {"department": ("department_liaison", "lly"), "property": ("partner_staff", "wy")}
    for partner in sorted(board.partners.values(), key=_by_code):
        if partner.category in roles and partner.code not in (LIAISON_OF, STAFF_OF):
            role, prefix = roles[partner.category]
            user = _user(rng, book, f"{prefix}-{partner.code}", names.person(rng))
            book.memberships.append((user.id, partner.id, role))


def _by_code(partner: Partner) -> str:
    return partner.code
