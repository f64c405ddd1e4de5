"""What is called by name exists under that name, and every app has the same file set."""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module

import pytest
from celery import Celery

from audit import registry
from common.workflow import Step
from hedong.celery import app as celery
from tests.architecture import source

# Kinds that an action looks up in a table of its own; the table's entries are checked below.
LOOKED_UP = {("clockwork/periodic.py", "period.kind"), ("requests_board/actions/timers.py", "kind")}
LOOKED_UP |= {("audit/imports/actions.py", "kind"), ("audit/imports/actions.py", "_JOB_OF[run.state]")}
# Tasks whose messages must outlive a move of the code.
SHORT_NAMES = {"audit.run_job": "the one task of the product; messages on the way keep their name"}

EVERYWHERE = "apps actions admin api forms handlers matching models permissions roles selectors serializers tables"
EVERYWHERE += " tasks urls views workflow management migrations templatetags __init__"
# One page's share of a file that would be too long for the whole app.
SHARE = re.compile(r"[a-z]+_(actions|forms|selectors|urls|views)")
# Django asks for these names, or a room has a mechanism of its own.
OWN = {
    "accounts": "backends brake middleware passwords tokens",
    "api": "base declare errors examples feeds fields pages parsers photos resources schema shapes throttles viewer",
    "audit": "idempotency imports jobs registry",
    "clockwork": "periodic data",
    "dashboards": "charts facts figures words data",
    "grids": "backends context placed trees",
    "notifications": "context words",
    "requests_board": "advice asking backlog links timeline words",
}
WITHOUT_FILE_SET = {"common", "hedong"}  # no domain below, everything above
NEVER = {"services", "utils", "helpers", "managers", "signals"}


# Jobs --------------------------------------------------------------------------------------------------------


def job_kinds(path: str, module: ast.AST, names: dict[str, object]) -> Iterator[str]:
    """Yield every kind that `module` hands to `enqueue`, looked up among the module's own names."""
    for call in source.calls(module, "enqueue"):
        words = ast.unparse(call.args[0])
        if (path, words) not in LOOKED_UP:
            yield eval(words, names)


def _unregistered(kinds: Iterable[str]) -> list[str]:
    return [kind for kind in kinds if not _registered(kind)]


def _registered(kind: str) -> bool:
    try:
        return bool(registry.function_for(kind))
    except registry.UnknownName:
        return False


def _names(path: str) -> dict[str, object]:
    return vars(import_module(path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")))


def test_every_job_that_is_written_can_be_done() -> None:
    callers = [path for path in source.modules() if list(source.calls(source.tree(path), "enqueue"))]
    assert len(callers) > 5
    for path in callers:
        assert _unregistered(job_kinds(path, source.tree(path), _names(path))) == [], path


def test_the_kinds_that_are_looked_up_can_be_done() -> None:
    from audit.imports import actions as imports
    from clockwork.periodic import PERIODS
    from requests_board.actions import timers

    kinds = [period.kind for period in PERIODS.values()]
    kinds += [value for module in (timers, imports) for name, value in vars(module).items() if name.endswith("_JOB")]
    assert len(kinds) > 5
    assert _unregistered(kinds) == []


def test_a_planted_job_that_nobody_does_is_found() -> None:
    planted = ast.parse("enqueue(SOMETHING, 'key')\nenqueue('no.body', 'key')")
    assert _unregistered(job_kinds("x.py", planted, {"SOMETHING": "no.one"})) == ["no.one", "no.body"]


# Events ------------------------------------------------------------------------------------------------------


def recorded_verbs(module: ast.AST, names: dict[str, object]) -> Iterator[object]:
    """Yield the verbs that `module` records: words handed to `record` and `trace`, and the steps of its tables."""
    for call in source.calls(module, "record", "trace"):
        for part in (*call.args, *(word.value for word in call.keywords)):
            yield part.value if isinstance(part, ast.Constant) else None
    yield from (value.verb for value in names.values() if isinstance(value, Step))


def _recorded() -> set[object]:
    return {verb for path in source.modules() for verb in recorded_verbs(source.tree(path), _step_names(path))}


def _step_names(path: str) -> dict[str, object]:
    return _names(path) if path.endswith("workflow.py") else {}


def test_every_verb_that_somebody_listens_to_is_recorded() -> None:
    listened = registry.known_verbs()
    assert len(listened) > 5
    assert listened - _recorded() == set()


def test_a_planted_verb_that_nobody_records_is_missed() -> None:
    planted = ast.parse("record(verb='request.seen', target=row)\ntrace(row, 'request.heard', actor=actor)")
    assert {"request.seen", "request.heard"} <= set(recorded_verbs(planted, {}))
    assert "request.seen" not in _recorded()


# Tasks -------------------------------------------------------------------------------------------------------


def misnamed(app: Celery) -> list[str]:
    """Return the tasks of ours whose name is not the path of their function."""
    ours = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
    return [name for name, task in ours.items() if name != f"{task.run.__module__}.{task.run.__name__}"]


def test_tasks_are_called_by_their_path() -> None:
    celery.loader.import_default_modules()
    assert sorted(misnamed(celery)) == sorted(SHORT_NAMES)


def test_a_planted_task_with_another_name_is_found() -> None:
    planted = Celery("planted", set_as_current=False)
    planted.task(name="work.do", shared=False)(misnamed)
    assert "work.do" in misnamed(planted)


# Files -------------------------------------------------------------------------------------------------------


def strangers(app: str, names: set[str]) -> set[str]:
    """Return the modules of an app that the file set does not know."""
    known = {*EVERYWHERE.split(), *OWN.get(app, "").split()}
    return {name for name in names if name not in known and not SHARE.fullmatch(name)}


def _modules(app: str) -> set[str]:
    inside = (source.ROOT / app).iterdir()
    return {path.stem for path in inside if path.suffix == ".py" or path.is_dir()} - {"__pycache__"}


@pytest.mark.parametrize("app", [app for app in source.APPS if app not in WITHOUT_FILE_SET])
def test_every_app_has_the_same_file_set(app: str) -> None:
    assert strangers(app, _modules(app)) == set()
    assert set(OWN.get(app, "").split()) <= _modules(app), "an exception that nothing needs any more"


def test_a_planted_module_is_found() -> None:
    assert strangers("partners", {"models", "desk_forms", "services", "misc"}) == {"services", "misc"}


def test_no_module_anywhere_is_a_drawer_for_everything() -> None:
    found = {path for path in source.modules() if NEVER & {*path.removesuffix(".py").split("/")}}
    assert found == set()
