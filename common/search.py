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
    """Let the search box of a list use the index: for a ModelAdmin, before the class that it extends.

    A row is found by its own words and by those of the rows that `search_through` leads to: ("user", "area").
    """

    search_through: tuple[str, ...] = ()

    def get_search_results(self, request: Any, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """Keep the rows that hold every word; no row comes twice."""
        for word in words_of(search_term):
            queryset = queryset.filter(self._found_by(queryset.model, word))
        return queryset, False

    def _found_by(self, model: type[Model], word: str) -> Q:
        found = holds(model, word) if is_indexed(model) else Q(pk__in=[])
        for path in self.search_through:
            other: Any = model._meta.get_field(path).related_model
            found |= Q(**{f"{path}__in": other._base_manager.filter(holds(other, word))})
        return found
