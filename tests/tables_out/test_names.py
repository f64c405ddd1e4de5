"""Whatever people call their places and partners, what goes out of a registry comes back as the same rows."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.tables.safe import clean, harmless
from common.tables.sheet import sheet
from common.tables.text import plain
from grids.trees import NewArea, load_areas
from partners.models import Partner
from tests.access.world import undone

pytestmark = pytest.mark.django_db

SIGNS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
WORDS = st.one_of(
    st.text(SIGNS, min_size=1, max_size=20),
    st.text(st.sampled_from("=+-@＝'/、（编号1）#3号楼 　Ａ小区栋"), min_size=1, max_size=12),
).filter(lambda text: clean(text).strip() == text)  # fmt: skip
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def unchanged(code: str, user) -> list[str]:
    rows = [{key: plain(harmless(text)) for key, text in row.items()} for row in sheet(code).rows(user)]
    assert rows
    planned = sheet(code).plan(enumerate(rows, 2), user)
    return [f"{row.verb} {row.before} {row.values} {row.faults}" for row in planned if row.verb != "same"]


@FEW
@given(st.lists(WORDS, min_size=1, max_size=8))
def test_places_of_any_name(town, names: list[str]) -> None:
    with undone():
        batch = [NewArea(f"e{i}", town.community, "estate", name) for i, name in enumerate(names)]
        batch += [NewArea(f"b{i}", f"e{i}", "building", name) for i, name in enumerate(names)]
        load_areas(batch)
        assert unchanged("areas", town.street_worker) == []


@FEW
@given(st.lists(WORDS, min_size=1, max_size=8, unique=True))
def test_partners_of_any_name(town, names: list[str]) -> None:
    with undone():
        Partner.objects.bulk_create(
            Partner(area=town.community, category="welfare", name=name, code=f"G{i}", note=name, contact_name=name)
            for i, name in enumerate(names)
        )
        assert unchanged("partners", town.street_worker) == []
