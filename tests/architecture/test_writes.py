"""Only actions write rows; doors, selectors and rules never do."""

import ast
import re
from fnmatch import fnmatch

import pytest

from tests.architecture import source

# The actions, and the few that write beside them.
WRITERS = {
    "*/actions.py": "the rule",
    "*/actions/*.py": "the rule",
    "*/*_actions.py": "an action's share of a file",
    "grids/trees/*.py": "the one writer of both trees, below the actions",
    "audit/jobs/*.py": "claims and marks jobs by conditional updates, below the actions",
    "accounts/brake.py": "counts a try at a password inside the authentication backend, by one upsert",
    "accounts/models.py": "Django's own commands make accounts through the manager",
    "common/rows.py": "inserts many rows for the writers; knows no model by name",
    "common/rotation.py": "seals columns anew for every app; knows no model by name",
    "hedong/basics/*.py": "adds the set-up tables that come with the product",
    "hedong/demo/*.py": "loads the demo district",
}
# Not of the database: how the product is started and set up.
ELSEWHERE = ("hedong/up/*.py", "hedong/settings/*.py")
ALWAYS = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"}
ALWAYS |= {f"a{name}" for name in ALWAYS}
# Dictionaries, digests and pictures have these too, but call them with a value in first place.
WITHOUT_VALUE = {"save", "asave", "update", "aupdate", "delete", "adelete"}
SQL = re.compile(r"\s*(INSERT\s+INTO|UPDATE\s+\S+\s.*SET|DELETE\s+FROM|TRUNCATE|COPY(?!\s*\())\b", re.DOTALL)


def writes(module: ast.AST) -> set[int]:
    """Return the lines of `module` that write rows."""
    lines = {call.lineno for call in source.calls(module) if _is_write(call)}
    return lines | {node.lineno for node in ast.walk(module) if SQL.match(_words(node))}


def _words(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=parts):
            return "".join(_words(part) or "x" for part in parts)
    return ""


def _is_write(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="insert_rows"):
            return True
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
            return False  # a model that fills its own columns on the way
        case ast.Attribute(value=ast.Attribute(attr="__dict__")):
            return False
        case ast.Attribute(attr="set", value=ast.Attribute()):
            return bool(call.args)  # the rows of a many-to-many relation
        case ast.Attribute(attr="save") if any(ast.unparse(word) == "commit=False" for word in call.keywords):
            return False  # a form that only fills its rows in
        case ast.Attribute(attr=name):
            return name in ALWAYS or (name in WITHOUT_VALUE and not call.args)
    return False


def _excused(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in (*WRITERS, *ELSEWHERE))


def test_only_the_writers_write() -> None:
    found = {path: lines for path in source.modules() if (lines := sorted(writes(source.tree(path))))}
    assert {path: lines for path, lines in found.items() if not _excused(path)} == {}
    idle = [pattern for pattern in WRITERS if not any(fnmatch(path, pattern) for path in found)]
    assert idle == [], "an exception that nothing needs any more"


@pytest.mark.parametrize(
    "bypass",
    [
        "ServiceRequest.objects.create(text='…')",
        "ServiceRequest.objects.filter(pk=pk).update(status='closed')",
        "rows = ServiceRequest.objects.all()\nrows.delete()",
        "request.status = 'closed'\nrequest.save(update_fields=['status'])",
        "form.save()",
        "form.save(commit=True)",
        "MailAddress.objects.update_or_create(user=user, defaults={})",
        "organization.covers.set(areas)",
        "insert_rows(events)",
        "await request.asave()",
        "cursor.execute('UPDATE audit_job SET state = %s', ['done'])",
        "cursor.execute(f'DELETE FROM {table}')",
    ],
)
def test_a_planted_bypass_is_found(bypass: str) -> None:
    assert writes(ast.parse(bypass))


@pytest.mark.parametrize(
    "harmless",
    [
        "known.update({'a': 1})",
        "user.__dict__.update(_reach=found)",
        "digest.update(b'abc')",
        "pixels.save(written, 'JPEG', quality=80)",
        "cache.delete('key')",
        "formset.save(commit=False)",
        "cursor.execute('SELECT 1')",
        "cursor.copy_expert('COPY (SELECT 1) TO STDOUT', file)",
    ],
)
def test_what_only_looks_like_a_write_is_left_alone(harmless: str) -> None:
    assert writes(ast.parse(harmless)) == set()
