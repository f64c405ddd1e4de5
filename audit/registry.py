"""Which function does which kind of job, and which handlers listen to which verb."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from audit.models import Event

JobFunction = Callable[[dict[str, Any]], object]
Handler = Callable[["Event"], object]
J = TypeVar("J", bound=JobFunction)
H = TypeVar("H", bound=Handler)

_jobs: dict[str, JobFunction] = {}
_handlers: dict[str, Handler] = {}
_by_verb: dict[str, list[str]] = defaultdict(list)
_words: dict[str, str] = {}
_facts: dict[str, str] = {}


class UnknownName(LookupError):
    """Nothing is registered under this name in this release."""


def job(kind: str) -> Callable[[J], J]:
    """Register the decorated function for jobs of `kind`; refuse a second function for the same kind."""

    def register(function: J) -> J:
        if _jobs.get(kind, function) is not function:
            raise ValueError(f"Two functions for the job kind {kind!r}.")
        _jobs[kind] = function
        return function

    return register


def subscribe(*verbs: str) -> Callable[[H], H]:
    """Deliver each event with one of `verbs` to the decorated function, at least once, in a worker.

    The function only writes rows: its effect and the mark "delivered" are one transaction.
    """

    def register(function: H) -> H:
        name = handler_name(function)
        if _handlers.get(name, function) is not function:
            raise ValueError(f"Two handlers named {name!r}.")
        _handlers[name] = function
        for verb in verbs:
            if name not in _by_verb[verb]:
                _by_verb[verb].append(name)
        return function

    return register


def handler_name(function: Handler) -> str:
    """Return the name under which deliveries to `function` are kept, `app.function`."""
    return f"{function.__module__.partition('.')[0]}.{function.__name__}"


def function_for(kind: str) -> JobFunction:
    """Return the function for `kind`, or raise UnknownName."""
    try:
        return _jobs[kind]
    except KeyError:
        raise UnknownName(f"No function is registered for the job kind {kind!r}.") from None


def handler(name: str) -> Handler:
    """Return the handler called `name`, or raise UnknownName."""
    try:
        return _handlers[name]
    except KeyError:
        raise UnknownName(f"No handler is registered as {name!r}.") from None


def handlers_of(verb: str) -> tuple[str, ...]:
    """Return the names of the handlers that listen to `verb`."""
    return tuple(_by_verb.get(verb, ()))


def known_verbs() -> frozenset[str]:
    """Return every verb somebody listens to."""
    return frozenset(verb for verb, names in _by_verb.items() if names)


def name_verbs(words: Mapping[str, str], facts: Mapping[str, str]) -> None:
    """Say what verbs are called on pages, and those of the data beside events that people read."""
    _words.update(words)
    _facts.update(facts)


def words_for(verb: str) -> str:
    """Return what `verb` is called; the verb itself when nobody has said."""
    return _words.get(verb, verb)


def verbs_like(text: str) -> list[str]:
    """Return the verbs that are called something with `text` in it."""
    return [verb for verb, words in _words.items() if text in words]


def facts_of(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return what people read of the data beside an event, by its name."""
    return [(name, data[key]) for key, name in _facts.items() if key in data]
