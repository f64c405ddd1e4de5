"""The product's own files, as the checks of this folder read them."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_LISTED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["tool"]["importlinter"]["contracts"]
LAYERS = [
    [app.strip() for app in line.replace(":", "|").split("|")]
    for contract in _LISTED
    if contract["id"] == "apps"
    for line in contract["layers"]
]
APPS = [app for line in LAYERS for app in line]


def modules(*folders: str, migrations: bool = False) -> Iterator[str]:
    """Name the Python files below `folders`, relative to the root; without any, those of the whole product."""
    for folder in folders or APPS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if migrations or "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


@cache
def text(path: str) -> str:
    """Read a file."""
    return (ROOT / path).read_text(encoding="utf8")


@cache
def tree(path: str) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(text(path))


def called(call: ast.Call) -> str:
    """Return the last word of what is called: `create` of `Event.objects.create(...)`."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def calls(module: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of one of `names`; of everything without names."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and (not names or called(node) in names):
            yield node


def functions(module: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
