"""What a person can hold in mind at once, and a sentence on everything that others may call."""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.architecture import source

FUNCTION, MODULE, TEST_MODULE, TEMPLATE, TASK = 40, 400, 500, 120, 5
DOORS_OF_THE_WORKER = {"job", "shared_task", "every", "daily"}


def long_functions(module: ast.AST) -> Iterator[str]:
    """Yield the functions with more lines than FUNCTION."""
    for function in source.functions(module):
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION:
            yield function.name


def long_tasks(module: ast.AST) -> Iterator[str]:
    """Yield the worker's doors that do more than parse, call one action and say so."""
    for function in source.functions(module):
        if DOORS_OF_THE_WORKER & {_name(decorator) for decorator in function.decorator_list}:
            body = function.body[1:] if ast.get_docstring(function) else function.body
            if body and (function.end_lineno or 0) - body[0].lineno + 1 > TASK:
                yield function.name


def _name(decorator: ast.expr) -> str:
    return source.called(decorator) if isinstance(decorator, ast.Call) else ast.unparse(decorator).rpartition(".")[2]


def unexplained(module: ast.Module) -> Iterator[str]:
    """Yield the module itself and its public classes and functions that have no docstring."""
    if module.body and not ast.get_docstring(module):
        yield "the module"
    yield from _unexplained(module.body)


def _unexplained(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("_") or node.name in {"Meta", "MPTTMeta"}:
            continue
        if not ast.get_docstring(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from _unexplained(node.body)


def _offenders(check, paths: Iterable[str]) -> dict[str, list[str]]:
    return {path: found for path in paths if (found := list(check(source.tree(path))))}


def _longer(paths: Iterable[str], most: int) -> dict[str, int]:
    return {path: lines for path in paths if (lines := len(source.text(path).splitlines())) > most}


def test_functions_are_short() -> None:
    assert _offenders(long_functions, source.modules()) == {}


def test_tasks_only_call() -> None:
    assert _offenders(long_tasks, source.modules()) == {}


def test_public_names_are_explained() -> None:
    assert _offenders(unexplained, source.modules()) == {}


def test_modules_are_short() -> None:
    assert _longer(source.modules(), MODULE) == {}
    assert _longer(source.modules("tests", "bench"), TEST_MODULE) == {}


def test_templates_are_short() -> None:
    templates = [path.relative_to(source.ROOT).as_posix() for path in (source.ROOT / "templates").rglob("*.*")]
    assert len(templates) > 20
    assert _longer(templates, TEMPLATE) == {}


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (long_functions, "def long():\n" + "    step()\n" * 40),
        (long_tasks, "@job('x')\ndef long(payload):\n    '''Do.'''\n" + "    step()\n" * 6),
        (long_tasks, "@celery.shared_task\ndef long():\n" + "    step()\n" * 6),
        (unexplained, "'''A module.'''\ndef long():\n    pass"),
        (unexplained, "'''A module.'''\nclass Row:\n    '''A row.'''\n    def long(self):\n        pass"),
    ],
)
def test_a_planted_offender_is_found(check, planted: str) -> None:
    assert list(check(ast.parse(planted))) == ["long"]


def test_a_planted_long_file_is_found() -> None:
    assert _longer(["pyproject.toml"], 3) == {"pyproject.toml": len(source.text("pyproject.toml").splitlines())}


@pytest.mark.parametrize(
    ("check", "harmless"),
    [
        (long_functions, "def short():\n" + "    step()\n" * 39),
        (long_tasks, "@job('x')\ndef short(payload):\n    '''Do.'''\n" + "    step()\n" * 5),
        (unexplained, "'''A module.'''\ndef _private():\n    pass"),
    ],
)
def test_what_keeps_the_size_passes(check, harmless: str) -> None:
    assert list(check(ast.parse(harmless))) == []
