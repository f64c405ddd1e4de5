"""Lay out the party tree over the places, and the property trade's own branch."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from grids.trees import NewParty, load_party_organizations
from hedong.demo.scale import Scale
from hedong.demo.tables import generator
from hedong.demo.world import Place, World


def load_party(world: World, scale: Scale) -> dict[str, int]:
    """Write the party organisations; return the keys of the firms' branches by the firm's code."""
    rng = generator("party")
    batch = [*_places(rng, world, scale), *_trade(rng, world, scale)]
    made = load_party_organizations(batch)
    return {str(key): row.pk for key, row in made.items() if isinstance(key, str) and key.startswith("W")}


def _founded(rng: random.Random, world: World) -> date:
    return world.now.date() - timedelta(days=rng.randint(400, 6000))


def _places(rng: random.Random, world: World, scale: Scale) -> Iterator[NewParty]:
    district = world.of("district")[0]
    yield NewParty("top", None, "committee", f"{district.name}委员会", district.id, established_on=_founded(rng, world))
    for street in (*world.of("street"), *world.of("town")):
        yield NewParty(
            street.id, "top", "committee", f"{street.name}党委", street.id, established_on=_founded(rng, world)
        )
    for community in world.of("community"):
        yield NewParty(
            community.id, community.street, "general_branch", f"{community.name}党总支", community.id,
            established_on=_founded(rng, world),
        )  # fmt: skip
    villages = world.of("village")
    # Some villages have no branch yet: what is still to be set up must be visible.
    for village in villages[: len(villages) * 97 // 100]:
        yield NewParty(
            village.id, village.street, "branch", f"{village.name}党支部", village.id,
            covers=(village.id, *(grid.id for grid in world.below(village, "grid"))),
            established_on=_founded(rng, world),
        )  # fmt: skip
    yield from _branches(rng, world, scale)


def _branches(rng: random.Random, world: World, scale: Scale) -> Iterator[NewParty]:
    """Yield one branch per estate over its grids, and the groups over its buildings, two or three each."""
    estates = world.of("estate")
    grids: dict[int | None, list[int]] = {}
    buildings: dict[int | None, list[Place]] = {}
    for grid in world.of("grid"):
        grids.setdefault(grid.estate, []).append(grid.id)
    for building in world.of("building"):
        buildings.setdefault(building.estate, []).append(building)
    for number, estate in enumerate(estates):
        yield NewParty(
            estate.id, estate.community, "branch", f"{estate.name}党支部", estate.id,
            covers=(estate.id, *grids.get(estate.id, ())), established_on=_founded(rng, world),
        )  # fmt: skip
        groups = scale.groups // len(estates) + (number < scale.groups % len(estates))
        yield from _groups(estate, buildings.get(estate.id, []), groups)


def _groups(estate: Place, buildings: list[Place], amount: int) -> Iterator[NewParty]:
    for number in range(amount):
        covered = buildings[number * len(buildings) // amount : (number + 1) * len(buildings) // amount]
        if covered:
            ids = tuple(building.id for building in covered)
            yield NewParty(
                (estate.id, number), estate.id, "group", f"{estate.name}第{number + 1}党小组", ids[0], covers=ids
            )


def _trade(rng: random.Random, world: World, scale: Scale) -> Iterator[NewParty]:
    district = world.of("district")[0]
    yield NewParty(
        "trade", "top", "general_branch", "物业行业党总支", district.id, kind="industry_general_branch",
        established_on=_founded(rng, world),
    )  # fmt: skip
    for number in range(1, scale.firms + 1):
        joint = number % 4 == 0
        yield NewParty(
            f"W{number:03d}", "trade", "branch", f"物业第{number}{'联合' if joint else ''}党支部", district.id,
            kind="joint_branch" if joint else "functional_branch", established_on=_founded(rng, world),
        )  # fmt: skip
