"""Foreign keys point down the same list of layers as imports do; import-linter does not see them."""

from collections.abc import Iterable, Iterator

from django.apps import apps
from django.db import models
from django.test.utils import isolate_apps

from requests_board.models import ServiceRequest
from tests.architecture.source import LAYERS

HEIGHT = {app: len(LAYERS) - number for number, line in enumerate(LAYERS) for app in line}


def upward(rows: Iterable[type[models.Model]]) -> Iterator[str]:
    """Yield each relation that points to an app above, or to another one on the same line."""
    for model in rows:
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            if field.related_model and not _allowed(model._meta.app_label, field.related_model._meta.app_label):
                yield f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"


def _allowed(here: str, there: str) -> bool:
    if here not in HEIGHT or there not in HEIGHT:
        return True  # Django's own tables know nobody's order
    return here == there or HEIGHT[there] < HEIGHT[here]


def test_relations_point_downwards() -> None:
    assert list(upward(apps.get_models(include_auto_created=True))) == []


def test_every_app_of_ours_has_its_place_in_the_list() -> None:
    ours = {model._meta.app_label for model in apps.get_models() if "site-packages" not in _file(model)}
    assert ours <= set(HEIGHT)


def _file(model: type[models.Model]) -> str:
    return apps.get_app_config(model._meta.app_label).path


@isolate_apps("grids")
def test_a_planted_upward_edge_is_found() -> None:
    class Sign(models.Model):
        request = models.ForeignKey(ServiceRequest, models.CASCADE, related_name="+")
        first = models.OneToOneField(ServiceRequest, models.CASCADE, related_name="+")
        others = models.ManyToManyField(ServiceRequest, related_name="+")

        class Meta:
            app_label = "grids"

    found = [edge.split(" ")[0] for edge in upward([Sign])]
    assert found == ["grids.Sign.request", "grids.Sign.first", "grids.Sign.others"]
