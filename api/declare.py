"""A resource of the interface as data: its rows, its entries, its filters, and what can be done with one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework.serializers import Serializer

from api.fields import Form
from api.shapes import Shape
from common.workflow import Step

Rows = Callable[[Any], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be done: one POST, one action.

    `perform` gets the row (none for what makes a new one), the actor and the form's values. `steps` are the arrows of
    the state machine that it takes; who may and from which states is read from them.
    """

    name: str
    title: str
    perform: Callable[..., Any]
    steps: tuple[Step, ...] = ()
    body: type[Form] = Form
    rights: tuple[str, ...] = ()
    note: str = ""
    makes: str = ""
    # Whether it may answer with a row that was there before, wrapped in `Known`.
    finds: bool = False

    @property
    def who(self) -> tuple[str, ...]:
        """Return the rights of which one is needed."""
        found = [part.partition(":")[2] for step in self.steps for part in step.permission.split("|")]
        return self.rights or tuple(dict.fromkeys(right for right in found if right))

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the states from which it is possible; none where it does not depend on the state."""
        return tuple(str(source) for step in self.steps[:1] for source in step.sources)


@dataclass(frozen=True, slots=True)
class Known:
    """A row that was there already, in place of a new one."""

    row: Any


@dataclass(frozen=True, slots=True)
class Part:
    """A list that belongs to one row, such as its trail."""

    name: str
    title: str
    rows: Callable[[Any], QuerySet[Any]]
    shape: type[Shape]
    order: tuple[str, ...]
    rights: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Single:
    """One thing that belongs to one row, such as the reasons behind it; `read` makes it out of the row."""

    name: str
    title: str
    read: Callable[[Any], dict[str, Any]]
    shape: type[Serializer]
    rights: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What may stand behind the question mark: a form, and what each of its entries asks of the rows."""

    form: type[Form] = Form
    asks: Mapping[str, Callable[[Any], Q]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of rows. `rights`: any of them opens the door, none lets in whoever is signed in."""

    name: str
    title: str
    note: str
    rows: Rows
    row: type[Shape]
    full: type[Shape]
    rights: tuple[str, ...]
    order: tuple[str, ...] = ("-created_at", "-id")
    key: str = "uuid"
    query: Query = field(default_factory=Query)
    create: Verb | None = None
    verbs: tuple[Verb, ...] = ()
    parts: tuple[Part | Single, ...] = ()
    # Locks what must be locked before a row of this kind, for a write that names a version.
    lock: Callable[[Any], Any] | None = None

    @property
    def model(self) -> Any:
        """Return the table."""
        return self.full.model

    @property
    def versioned(self) -> bool:
        """Tell whether its rows count their changes."""
        return "version" in self.full.paths


RESOURCES: dict[str, Resource] = {}


def register(resource: Resource) -> Resource:
    """Offer a resource under its name."""
    RESOURCES[resource.name] = resource
    return resource
