"""Find rows by two or more characters of their words, through an index however many rows there are.

A model lists what it is found by as one index: `GinIndex(Bigrams("name", "code"), name="…_words")`. The index sorts
out by pairs of characters, the words themselves are compared afterwards, so nothing is found that does not hold them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.lookups import DataContains
from django.db.models import F, Func, Model, Q, QuerySet, TextField, Value

# What somebody types into a box; longer words are copied texts, of which the beginning will do.
LONGEST, MOST_WORDS = 40, 4


class Bigrams(Func):
    """The pairs of neighbouring characters in columns of text, in capitals; a word shorter than two has none."""

    function = "common_bigrams"
    output_field = ArrayField(TextField())

    @property
    def columns(self) -> list[str]:
        """Name the columns."""
        return [cast(Any, part).name for part in self.get_source_expressions() if isinstance(part, F)]


def words_of(text: str) -> list[str]:
    """Cut what was typed into words; what a database cannot hold is left out."""
    return text.replace("\x00", " ")[:LONGEST].split()[:MOST_WORDS]


@cache
def _index_of(model: type[Model]) -> Bigrams:
    for index in model._meta.indexes:
        for expression in index.expressions:
            if isinstance(expression, Bigrams):
                return expression
    raise TypeError(f"{model.__name__} has no index of Bigrams.")


def is_indexed(model: type[Model]) -> bool:
    """Tell whether the rows of `model` can be found by their words."""
    return any(isinstance(expression, Bigrams) for index in model._meta.indexes for expression in index.expressions)


def holds(model: type[Model], word: str) -> Q:
    """Return the condition that one of the indexed columns holds `word`, in whatever case."""
    index = _index_of(model)
    said = Q()
    for column in index.columns:
        said |= Q(**{f"{column}__icontains": word})
    if len(word) < 2:
        return said
    return Q(DataContains(index, Bigrams(Value(word)))) & said


def holds_all(model: type[Model], text: str) -> Q:
    """Return the condition that a row holds every word of `text`; all rows do where it has none."""
    found = Q()
    for word in words_of(text):
        found &= holds(model, word)
    return found


class SearchMixin:
    """Let the search box of a list use the indexes of words: for a ModelAdmin, before the class that it extends.

    `search_fields` says what a row is found by, as ever: what lies in the index of words of a model, of the list's own
    or of one that a look-up leads to, is found through the whole of that index. A list without any index searches as
    lists of the admin do.
    """

    model: type[Model]

    def found_also(self, request: Any, text: str) -> Q:
        """Return what else finds a row, such as the number of a phone that nobody can read; empty for nothing."""
        return Q()

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Keep the rows that hold every word; no row comes twice."""
        paths, plain = self._ways(request)
        words = words_of(search_term)
        if not words:
            return queryset, False
        if not paths:
            found, twice = super().get_search_results(request, queryset, search_term)  # type: ignore[misc]
            also = self.found_also(request, search_term)
            return (found | queryset.filter(also) if also else found), twice
        every = Q()
        for word in words:
            every &= self._found_by(word, paths, plain)
        also = self.found_also(request, search_term)
        return queryset.filter(every | also if also else every), False

    def _ways(self, request: Any) -> tuple[dict[str, type[Model]], list[str]]:
        """Sort what the list is searched by: paths to models with an index of words, and columns without one."""
        paths: dict[str, type[Model]] = {}
        plain = []
        for field in self.get_search_fields(request):  # type: ignore[attr-defined]
            name = field.lstrip("=^@")
            path, _, column = name.rpartition("__")
            model = _at(self.model, path)
            if is_indexed(model) and column in _index_of(model).columns:
                paths[path] = model
            else:
                plain.append(name)
        return paths, plain

    def _found_by(self, word: str, paths: dict[str, type[Model]], plain: list[str]) -> Q:
        found = Q()
        for path, model in paths.items():
            said = holds(model, word)
            found |= Q(**{f"{path}__in": model._base_manager.filter(said)}) if path else said
        for name in plain:
            found |= Q(**{f"{name}__icontains": word})
        return found


def _at(model: type[Model], path: str) -> type[Model]:
    for step in path.split("__") if path else ():
        model = cast(Any, model._meta.get_field(step).related_model)
    return model
