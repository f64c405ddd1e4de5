"""The API's document for people: one page with all calls, one page for each, made here from the very document.

It needs no script, no style of its own in the page and no other host, so the product's strict policy holds.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.views.decorators.http import require_safe

from common import access
from common.errors import NotFound

DOCUMENT = "/api/v1/openapi.json"
METHODS = ("get", "post", "put", "patch", "delete")
DEEP = 6
_TYPES = {"string": "文字", "integer": "整数", "number": "数", "boolean": "是或否", "array": "列表", "object": "一组"}
_FORMATS = {"date": "日期", "date-time": "时间", "uuid": "编号（UUID）", "binary": "文件", "uri": "网址"}
_PLACES = {"path": "地址里", "query": "问号后面", "header": "请求头", "cookie": "Cookie"}
# How the generator tells of a closed list: a line "* `code` - label" for each choice.
_LISTED = re.compile(r"^\s*\* `(.*)` - (.*)$", re.MULTILINE)
_LIMITS = {"maxLength": "最长", "minLength": "最短", "maximum": "最大", "minimum": "最小", "pattern": "样式"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a call's parameters, body or answer; `depth` tells inside how many others it stands."""

    name: str
    kind: str
    required: bool = False
    note: str = ""
    depth: int = 0
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that a call may get."""

    status: str
    note: str
    entries: list[Entry] = field(default_factory=list)
    headers: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of the document."""

    id: str
    method: str
    path: str
    title: str
    note: str
    group: str
    raw: dict[str, Any]

    def matches(self, words: str) -> bool:
        """Tell whether all words of a search occur in it."""
        text = f"{self.id} {self.method} {self.path} {self.title} {self.note} {self.group}".lower()
        return all(word in text for word in words.lower().split())


@access.public
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """List the calls by their groups, or those in which the words of a search occur."""
    document, words = _document(request), request.GET.get("q", "").strip()[:60]
    groups: dict[str, list[Call]] = {}
    for call in calls(document):
        if call.matches(words):
            groups.setdefault(call.group, []).append(call)
    context = {"info": document.get("info", {}), "groups": groups, "words": words, "address": DOCUMENT}
    return render(request, "api/docs.html", context)


@access.public
@require_safe
def one(request: HttpRequest, code: str) -> HttpResponse:
    """Show one call: what it takes, what it answers, and a line to try it with."""
    document = _document(request)
    call = next((call for call in calls(document) if call.id == code), None)
    if call is None:
        raise NotFound
    body = _media(_at(document, call.raw.get("requestBody", {})))
    context = {
        "call": call,
        "parameters": [_parameter(document, found) for found in call.raw.get("parameters", [])],
        "body": list(entries(document, body.get("schema", {}))),
        "example": _example(body),
        "answers": [_answer(document, status, found) for status, found in call.raw.get("responses", {}).items()],
        "base": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "api/docs_call.html", context)


def calls(document: dict[str, Any]) -> Iterator[Call]:
    """Yield every operation in the document's order."""
    for path, found in document.get("paths", {}).items():
        for method in METHODS:
            if method in found:
                raw = found[method]
                code = raw.get("operationId") or f"{method}_{path}"
                note, group = raw.get("description", ""), next(iter(raw.get("tags", [])), "其他")
                yield Call(code, method.upper(), path, raw.get("summary") or code, note, group, raw)


def entries(
    document: dict[str, Any], schema: dict[str, Any], depth: int = 0, name: str = "", required: bool = False
) -> Iterator[Entry]:
    """Yield what a schema consists of, the outer before the inner; what lies deeper than DEEP is left out."""
    schema = _merged(document, schema)
    if name:
        yield Entry(name, kind(document, schema), required, _note(schema), depth, _choices(document, schema))
        depth += 1
    inner = _merged(document, schema.get("items", {})) if schema.get("type") == "array" else schema
    for key, below in inner.get("properties", {}).items() if depth <= DEEP else ():
        yield from entries(document, below, depth, key, key in inner.get("required", []))


def kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """Say in words what kind of value a schema asks for."""
    schema = _merged(document, schema)
    several = schema.get("oneOf") or schema.get("anyOf")
    if several:
        return "，或者".join(dict.fromkeys(kind(document, one) for one in several))
    found = schema.get("type")
    names = [one for one in found if one != "null"] if isinstance(found, list) else [found or ""]
    words = _FORMATS.get(schema.get("format", "")) or "、".join(_TYPES.get(one, "任意") for one in names)
    if "array" in names:
        words = f"列表：{kind(document, schema.get('items', {}))}"
    return f"{words}，可为空" if schema.get("nullable") or (isinstance(found, list) and "null" in found) else words


def _parameter(document: dict[str, Any], raw: dict[str, Any]) -> Entry:
    raw = _at(document, raw)
    schema = _merged(document, raw.get("schema", {}))
    schema = {**schema, "description": raw.get("description") or schema.get("description", "")}
    words = f"{_PLACES.get(raw.get('in', ''), '')}，{kind(document, schema)}"
    return Entry(raw["name"], words, bool(raw.get("required")), _note(schema), 0, _choices(document, schema))


def _answer(document: dict[str, Any], status: str, raw: dict[str, Any]) -> Answer:
    raw = _at(document, raw)
    headers = [
        Entry(name, kind(document, found.get("schema", {})), note=found.get("description", ""))
        for name, found in ((name, _at(document, found)) for name, found in raw.get("headers", {}).items())
    ]
    found = entries(document, _media(raw).get("schema", {}))
    # What is always there and what is not matters to whoever sends; in an answer it would only be noise.
    return Answer(status, raw.get("description", ""), [replace(entry, required=False) for entry in found], headers)


def _media(raw: dict[str, Any]) -> dict[str, Any]:
    content = raw.get("content", {})
    found: dict[str, Any] = content.get("application/json") or next(iter(content.values()), {})
    return found


def _example(media: dict[str, Any]) -> str:
    example = media.get("example")
    if example is None:
        example = next((found.get("value") for found in media.get("examples", {}).values()), None)
    return "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)


def _at(document: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference inside the document."""
    for _ in range(DEEP):
        if "$ref" not in raw:
            break
        found: Any = document
        for name in raw["$ref"].removeprefix("#/").split("/"):
            found = found.get(name, {})
        raw = {**found, **{key: value for key, value in raw.items() if key != "$ref"}}
    return raw


def _merged(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references and lay the parts of `allOf` over each other."""
    schema = _at(document, schema)
    for part in schema.get("allOf", []):
        schema = {**_merged(document, part), **{key: value for key, value in schema.items() if key != "allOf"}}
    return schema


def _note(schema: dict[str, Any]) -> str:
    limits = "，".join(f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema)
    default = f"不写就是 {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
    words = _LISTED.sub("", schema.get("description", "")).strip()
    return " ".join(f"{word.rstrip('。')}。" for word in (words, limits, default) if word)


def _choices(document: dict[str, Any], schema: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    labels = dict(_LISTED.findall(schema.get("description", "")))
    inner = _merged(document, schema.get("items", {})) if schema.get("type") == "array" else schema
    several = [inner, *(_merged(document, one) for one in inner.get("oneOf", []) + inner.get("anyOf", []))]
    values = [str(value) for one in several for value in one.get("enum", []) if value not in (None, "")]
    return tuple((value, labels.get(value, "")) for value in values)


def _document(request: HttpRequest) -> dict[str, Any]:
    """Ask the door of the document itself, so that people read what machines read."""
    try:
        match = resolve(DOCUMENT)
    except Resolver404:
        raise NotFound from None
    return _read(match.func(request, *match.args, **match.kwargs).content)


@lru_cache(maxsize=2)
def _read(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content)
    return found
