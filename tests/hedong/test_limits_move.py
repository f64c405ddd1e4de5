"""Limits of the public doors that a district has set survive the move of their table."""

from importlib import import_module
from types import SimpleNamespace

import pytest

from accounts.models import RateLimit

pytestmark = pytest.mark.django_db
MOVE = import_module("requests_board.migrations.0005_limits").move


def test_what_the_district_has_set_is_kept_and_nothing_is_overwritten() -> None:
    RateLimit.objects.create(code="echo", name="我也遇到了", amount=5, seconds=60)
    old = [
        SimpleNamespace(code="report", name="我要反映", amount=7, seconds=900),
        SimpleNamespace(code="echo", name="我也遇到了", amount=60, seconds=600),
    ]
    before = SimpleNamespace(objects=SimpleNamespace(all=lambda: old))
    apps = SimpleNamespace(get_model=lambda app, name: RateLimit if name == "RateLimit" else before)
    MOVE(apps, None)
    kept = dict(RateLimit.objects.filter(code__in=("report", "echo")).values_list("code", "amount"))
    assert kept == {"report": 7, "echo": 5}
