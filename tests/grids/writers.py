"""One of several writer processes: random creations, moves, renames and posts, until the time is over.

Run as `python -m tests.grids.writers SECONDS SEED [--no-lock]`; prints what it did as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import DatabaseError, connection  # noqa: E402

from accounts.models import User  # noqa: E402
from common.errors import DomainError  # noqa: E402
from grids import placed, trees  # noqa: E402
from grids.models import Area, PartyOrganization, Post  # noqa: E402
from grids.trees import levels, numbers, paths  # noqa: E402


def _some(dice: random.Random, model: Any, **where: Any) -> Any:
    keys = list(model.objects.filter(valid_to=None, **where).values_list("pk", flat=True))
    return model.objects.get(pk=dice.choice(keys))


def create(dice: random.Random) -> None:
    """Add a place under a random one."""
    kind = dice.choice(["estate", "grid", "building", "building", "building"])
    parent = _some(dice, Area, kind__in=levels.AREA_PARENTS[kind])
    trees.create_area(parent=parent, kind=kind, name=f"{kind}{dice.randrange(10**6)}")


def move(dice: random.Random) -> None:
    """Put a random place under another one."""
    kind = dice.choice(["community", "estate", "grid", "building", "building"])
    node = _some(dice, Area, kind=kind)
    trees.move_area(node, to=_some(dice, Area, kind__in=levels.AREA_PARENTS[kind]))


def rename(dice: random.Random) -> None:
    """Rename a random place."""
    trees.update_area(_some(dice, Area, kind="building"), name=f"{dice.randrange(10**6)}号楼")


def appoint(dice: random.Random) -> None:
    """Write a row that belongs to a place, while others move the place."""
    user = User.objects.create_user(f"w{dice.randrange(10**12)}")
    Post.objects.create(user=user, role="building_leader", area=_some(dice, Area, kind="building"))


def organise(dice: random.Random) -> None:
    """Add a party organisation or put one under another."""
    if dice.random() < 0.5:
        parent = _some(dice, PartyOrganization, level__in=("committee", "general_branch"))
        area = _some(dice, Area, kind="grid")
        trees.create_party_organization(parent=parent, level="branch", name="支部", area=area)
    else:
        node = _some(dice, PartyOrganization, level="branch")
        trees.move_party_organization(
            node, to=_some(dice, PartyOrganization, level__in=("committee", "general_branch"))
        )


STEPS: tuple[Callable[[random.Random], None], ...] = (create, create, move, move, rename, appoint, organise)


def main(seconds: float, seed: int, locks: bool) -> Counter[str]:
    """Write until the time is over and return how often each thing happened."""
    if not locks:
        numbers.take_lock = paths.take_lock = lambda number: None
        placed.hold_paths = lambda: None
    dice, done, end = random.Random(seed), Counter[str](), time.monotonic() + seconds
    while time.monotonic() < end:
        step = dice.choice(STEPS)
        try:
            step(dice)
            done[step.__name__] += 1
        except DomainError as error:
            done[f"refused {error.code}"] += 1
        except DatabaseError as error:
            done[f"error {getattr(error.__cause__, 'pgcode', '')}"] += 1
            connection.close()
    return done


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]), int(sys.argv[2]), "--no-lock" not in sys.argv)))
