"""The OpenAPI document: each address describes its own methods, and this module says it in the words of OpenAPI."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from api.declare import RESOURCES, Part, Resource, Single, Verb
from api.examples import ERRORS, example_of
from api.fields import Form, Paging
from api.shapes import Shape
from grids.roles import PERMISSIONS

_READ, _WRITE = (400, 401, 403, 404, 405, 406, 422, 429), (400, 401, 403, 404, 405, 406, 409, 415, 422, 429)
_ONCE = (
    "自己起的一个不重复的号（8–64 个字母、数字或 _ . : -，例如一个 UUID）。断了线就用同一个号、同样的内容再发一次："
    "只办一次，回答和第一次一样。"
)
_SEEN = '看到的那一版的 ETag（只写版本号也行，如 "3"）；已经有新版本就回 412。可不带。'
_TAGGED = "这一条现在的标记。写的时候放进 If-Match，读的时候放进 If-None-Match。"


class Error(serializers.Serializer):
    """Every refusal."""

    code = serializers.CharField(help_text="给程序看的代码，不会改。")
    message = serializers.CharField(help_text="给人看的一句话，里面有下一步怎么办。")
    field = serializers.CharField(help_text="哪一项没有填对；和某一项无关时是空的。", allow_blank=True)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address, as the document tells it."""

    code: str
    title: str
    note: str
    tag: str
    answer: type[serializers.Serializer]
    status: int = 200
    query: type[Form] | None = None
    body: type[Form] | None = None
    refusals: tuple[int, ...] = _READ
    conditional: bool = False
    versioned: bool = False
    tagged: bool = False
    finds: bool = False
    media: str = ""


def listing(resource: Resource) -> Operation:
    """Describe a list."""
    note = f"{resource.note}\n\n{_who(resource.rights)}按键翻页：把 next 原样放进 cursor，直到 next 是 null。"
    form = type(f"{resource.row.__name__}Query", (Paging, resource.query.form), {"from_address": True})
    return Operation(_code(resource.name, "list"), f"{resource.title}：列表", note, resource.title, _page(resource.row),
                     query=form)  # fmt: skip


def reading(resource: Resource) -> Operation:
    """Describe one row."""
    note = f"{resource.note}\n\n{_who(resource.rights)}看不到的和不存在的，回答一样。"
    return Operation(_code(resource.name, "get"), f"{resource.title}：一条", note, resource.title, resource.full,
                     conditional=True, tagged=True)  # fmt: skip


def belonging(resource: Resource, part: Part | Single) -> Operation:
    """Describe a list, or a single thing, that belongs to one row."""
    note, code = f"{part.note}\n\n{_who(part.rights)}".strip(), _code(resource.name, part.name)
    single = isinstance(part, Single)
    answer, query = (part.shape, None) if isinstance(part, Single) else (_page(part.shape), Paging)
    return Operation(code, f"{resource.title}：{part.title}", note, resource.title, answer, query=query,
                     conditional=single, tagged=single)  # fmt: skip


def acting(resource: Resource, verb: Verb) -> Operation:
    """Describe what can be done."""
    made = RESOURCES[verb.makes] if verb.makes else resource
    new = verb is resource.create or bool(verb.makes)
    states = dict(resource.model._meta.get_field("status").choices) if verb.sources else {}
    only = f"只在这些状态能办：{'、'.join(f'{states[s]}（{s}）' for s in verb.sources)}。" if verb.sources else ""
    note = "\n\n".join(part for part in (verb.note, _who(verb.who), only) if part)
    versioned = resource.versioned and verb is not resource.create
    return Operation(
        _code(resource.name, verb.name), f"{resource.title}：{verb.title}", note, resource.title, made.full,
        status=201 if new else 200, body=verb.body, versioned=versioned, tagged=True, finds=verb.finds,
        refusals=tuple(sorted({*_WRITE, *((412,) if versioned else ())})),
    )  # fmt: skip


def _code(name: str, what: str) -> str:
    return f"{name}_{what}".replace("-", "_")


def _who(rights: Iterable[str]) -> str:
    names = "、".join(f"{PERMISSIONS[right]}（{right}）" for right in rights)
    return f"要有其中一项权限：{names}。" if names else "登录了就能用。"


@cache
def _page(shape: type[Shape]) -> type[serializers.Serializer]:
    following = serializers.CharField(allow_null=True, help_text="下一页的 cursor；没有下一页时是 null。")
    words = {"results": shape(many=True), "next": following, "__doc__": "一页。"}
    return type(f"{shape.__name__}Page", (serializers.Serializer,), words)


class Described(AutoSchema):
    """Take everything from the address's own description."""

    @property
    def told(self) -> Operation:
        """Return the description of this method."""
        return self.view.operations[self.method]  # type: ignore[attr-defined]

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def is_excluded(self) -> bool:
        """Leave out what does not describe itself."""
        return self.method not in getattr(self.view, "operations", {})

    def get_operation_id(self) -> str:
        """Return the stable name."""
        return self.told.code

    def get_summary(self) -> str:
        """Return the line of a table of contents."""
        return self.told.title

    def get_description(self) -> str:  # type: ignore[override]
        """Return who may, when, and what else there is to know."""
        return self.told.note

    def get_tags(self) -> list[str]:
        """Group by resource."""
        return [self.told.tag]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Let in a session of the website, or a token."""
        return [{"session": []}, {"bearer": []}]

    def get_request_serializer(self) -> Any:
        """Return the body's form; an empty one is no body."""
        form = self.told.body
        return form if form and form().fields else None

    def get_response_serializers(self) -> Any:
        """Return the answer and every refusal, each with an example."""
        told = self.told
        value, status = example_of(told.answer()), str(told.status)
        words = "办成了。" if told.body else "找到了。"
        answers: dict[Any, OpenApiResponse] = {status: OpenApiResponse(told.answer, words, [_shown(value, status)])}
        if told.finds:
            answers["200"] = OpenApiResponse(told.answer, "以前已经登记过，这是现在的样子。", [_shown(value, 200)])
        if told.media:
            answers = {("200", told.media): OpenApiResponse(OpenApiTypes.BINARY, words)}
        if told.conditional:
            answers["304"] = OpenApiResponse(None, "和 If-None-Match 里的一样，没有变过。")
        for code in told.refusals:
            answers[str(code)] = OpenApiResponse(Error, ERRORS[code][0], _examples(code))
        return answers

    def get_examples(self) -> list[Any]:
        """Return an example of the body."""
        form = self.told.body
        return [OpenApiExample("例", value=dict(form.example), request_only=True)] if form and form.example else []

    def get_override_parameters(self) -> list[Any]:
        """Return what stands behind the question mark, and the headers of question and answer."""
        told = self.told
        found: list[Any] = [told.query] if told.query else []
        if told.body:
            found.append(_header("Idempotency-Key", _ONCE, {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{8,64}$"}))
        if told.versioned:
            found.append(_header("If-Match", _SEEN))
        if told.conditional:
            found.append(_header("If-None-Match", "上次读到的 ETag；没有变过就回 304，不再发内容。"))
        if told.tagged:
            found.append(_answered("ETag", _TAGGED, [told.status, 304, *([200] if told.finds else [])]))
        if told.status == 201:
            found.append(_answered("Location", "这一条在哪里。", [201, *([200] if told.finds else [])]))
        if told.body:
            found.append(_answered("Idempotent-Replayed", "true：照第一次的样子回答，没有再办一次。", [told.status]))
            found.append(_answered("Retry-After", "同一个号的上一次还在办时，过多少秒再试。", [409]))
        found.append(_answered("WWW-Authenticate", "令牌怎么带；带了不能用的令牌时写明 invalid_token。", [401]))
        return [*found, _answered("Retry-After", "过多少秒再试。", [429])]

    def _map_serializer(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        if isinstance(serializer, Form):
            schema["additionalProperties"] = False
        return schema


def _header(name: str, words: str, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=words, required=False)


def _answered(name: str, words: str, statuses: list[int]) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=words, response=statuses)


def _shown(value: Any, status: Any) -> OpenApiExample:
    return OpenApiExample("例", value=value, response_only=True, status_codes=[str(status)])


def _examples(status: int) -> list[OpenApiExample]:
    return [
        OpenApiExample(code, value={"code": code, "message": words, "field": field}, response_only=True,
                       status_codes=[str(status)])
        for code, words, field in ERRORS[status][1]
    ]  # fmt: skip



def say_refusals_once(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Let every operation point at one description of each refusal; the document would be four times as long."""
    shared = result["components"].setdefault("responses", {})
    for path in result["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            for status in [status for status in answers if int(status) >= 300]:
                name = f"Status{status}"
                if shared.setdefault(name, answers[status]) == answers[status]:
                    answers[status] = {"$ref": f"#/components/responses/{name}"}
    return result


@lru_cache(maxsize=1)
def document() -> bytes:
    """Return the whole document as JSON; it depends on nothing but the code."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()
