"""Invent the partners of the five categories, whom the firms serve, who is paired with whom, and the teams."""

import random
from datetime import date, timedelta
from itertools import islice

from hedong.demo import names
from hedong.demo.copying import copy_in, copy_rows
from hedong.demo.scale import Scale
from hedong.demo.tables import generator, rows, words
from hedong.demo.world import Place, World
from partners.models import DepartmentProfile, Pairing, Partner, PropertyService
from volunteering.models import ServiceType, VolunteerTeam

NOTE = "演示数据，单位和人员均为虚构。"
# Departments that sit in the enlarged joint conference (联席会议扩大会): whoever serves livelihoods.
JOINT_GROUPS = ("government", "institution", "mass", "vertical")


def load_partners(world: World, scale: Scale, branches: dict[str, int]) -> int:
    """Write the partners with their profiles, service areas, pairings and teams; return how many partners."""
    rng = generator("partners")
    telephones = iter(range(400, 4000))
    made = _all(rng, world, scale, branches)
    for partner in made:
        partner.id = names.row_id(rng)
        partner.note = NOTE
        partner.contact_name = names.person(rng)
        partner.contact_phone = names.phone(next(telephones))
    copy_in(Partner, made)
    _profiles(made)
    _property_services(rng, world, [one for one in made if one.category == "property"])
    _pairings(rng, world, [one for one in made if one.category == "department"])
    _teams(rng, world, scale, made)
    return len(made)


def _at(place: Place, category: str, name: str, code: str, **more: object) -> Partner:
    return Partner(area_id=place.id, scope_path=place.path, category=category, name=name, code=code, **more)


def _all(rng: random.Random, world: World, scale: Scale, branches: dict[str, int]) -> list[Partner]:
    district = world.of("district")[0]
    communities = world.of("community")
    made = [
        _at(district, "property", name, f"W{number:03d}", party_organization_id=branches.get(f"W{number:03d}"))
        for number, name in enumerate(islice(names.firms(), scale.firms), 1)
    ]
    made += [
        _at(district, "department", row["name"], row["code"])
        for row in rows("departments")
        if scale.departments is None or row["code"] in scale.departments
    ]
    made += [
        _at(rng.choice(communities), "welfare", name, f"G{number:03d}")
        for number, name in enumerate(words()["welfare"][: scale.welfare], 1)
    ]
    made += [
        _at(rng.choice(communities), "resident", f"热心居民 {names.person(rng)}", f"J{number:03d}")
        for number in range(1, scale.residents + 1)
    ]
    standings = ("active",) * 8 + ("prospect", "suspended")
    made += [
        _at(rng.choice(communities), "business", name, f"S{number:03d}", status=standings[number % 10])
        for number, name in enumerate(words()["business"][: scale.business], 1)
    ]
    return made


def _profiles(made: list[Partner]) -> None:
    groups = {row["code"]: row["group"] for row in rows("departments")}
    departments = [one for one in made if one.category == "department"]
    copy_rows(
        DepartmentProfile,
        ("partner_id", "group", "joint_conference_member"),
        ((one.id, groups[one.code], groups[one.code] in JOINT_GROUPS) for one in departments),
    )


def _since(rng: random.Random, world: World) -> date:
    return world.now.date() - timedelta(days=rng.randint(200, 900))


def _property_services(rng: random.Random, world: World, firms: list[Partner]) -> None:
    """Let each firm serve some estates in a row; a tenth of the estates has no firm (失管小区)."""
    served = [estate for number, estate in enumerate(world.of("estate")) if number % 10 != 3]
    copy_rows(
        PropertyService,
        ("partner_id", "area_id", "valid_from"),
        (
            (
                firms[number * len(firms) // len(served)].id,
                estate.id,
                world.now.date() - timedelta(days=rng.randint(600, 2000)),
            )
            for number, estate in enumerate(served)
        ),
    )


def _pairings(rng: random.Random, world: World, departments: list[Partner]) -> None:
    """Pair every department with a community; the first community with the departments that serve people most."""
    communities = world.of("community")
    turn = list(range(len(communities)))
    rng.shuffle(turn)
    first = {"D029": 0, "D054": 0}
    pairs = [
        (one.id, communities[first.get(one.code, turn[number % len(turn)])].id, _since(rng, world))
        for number, one in enumerate(departments)
    ]
    copy_rows(Pairing, ("department_id", "community_id", "valid_from"), pairs)


def _teams(rng: random.Random, world: World, scale: Scale, made: list[Partner]) -> None:
    communities, kinds = world.of("community"), list(ServiceType.objects.order_by("code"))
    homes = {p.id: p for p in made if p.category in ("welfare", "property")}
    teams: list[VolunteerTeam] = []
    for number in range(scale.teams):
        community = communities[number % len(communities)]
        kind = kinds[(number * 7 + number // len(communities)) % len(kinds)]
        partner = rng.choice(list(homes.values())) if number % 3 == 0 else None
        teams.append(
            VolunteerTeam(
                id=names.row_id(rng), area_id=community.id, scope_path=community.path,
                partner_id=partner.id if partner else None,
                name=f"{community.name}{kind.name}志愿服务队", active=number % 9 != 8,
                founded_on=world.now.date() - timedelta(days=rng.randint(100, 1500)),
            )
        )  # fmt: skip
    copy_in(VolunteerTeam, teams)
    through = VolunteerTeam.service_types.through
    links = ((team.id, kinds[(n * 7 + n // len(communities)) % len(kinds)].pk) for n, team in enumerate(teams))
    copy_rows(through, ("volunteerteam_id", "servicetype_id"), links)
