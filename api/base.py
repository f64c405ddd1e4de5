"""The addresses of one resource: its list, one row, what can be done with it, and the lists that belong to it.

Reading asks the scope of the queryset, writing calls the same actions as the pages; nothing is decided here.
"""

import json
import re
from functools import partial
from hashlib import blake2s
from typing import Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpResponse
from django.http.request import RawPostDataException
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from rest_framework.exceptions import MethodNotAllowed, ParseError, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from api import fields, pages
from api.declare import RESOURCES, Known, Part, Resource, Single, Verb
from api.errors import Malformed, Stale
from api.parsers import Json
from api.schema import Operation, acting, belonging, listing, reading
from audit.idempotency import once
from common import access
from common.errors import DomainError, NotAllowed, NotFound

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class Address(APIView):
    """One address; `operations` describes its methods for the document."""

    resource: ClassVar[Resource]
    operations: ClassVar[dict[str, Operation]]
    parser_classes = [Json]
    http_method_names = ["get", "head", "post"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Keep the body as it came; refuse what is no form of ours, an unknown method, and parameters nobody reads."""
        try:
            # The key of a call is bound to these bytes, and the check of a session's form key reads them first.
            _ = request._request.body
        except RequestDataTooBig as error:
            raise ParseError("发来的内容太大了。") from error
        except RawPostDataException as error:
            # Whoever looked at it before us took it for the form of a page.
            raise UnsupportedMediaType(request.content_type) from error
        super().initial(request, *args, **kwargs)
        method = request.method or ""
        operation = self.operations.get("GET" if method == "HEAD" else method)
        if operation is None:
            raise MethodNotAllowed(method)
        if operation.query is None:
            self.filled(fields.Form, request.query_params)

    def asked(self, request: Request) -> dict[str, Any]:
        """Return what stands behind the question mark."""
        return self.filled(self.operations["GET"].query or fields.Paging, request.query_params)

    def filled(self, form: type[fields.Form], data: Any) -> dict[str, Any]:
        """Return what was sent as the form reads it; refuse the first entry that is not as documented."""
        # The framework would answer for null in its own words.
        filled = form(data=[] if data is None else _flat(data), context={"user": self.request.user})
        try:
            filled.is_valid(raise_exception=True)
        except ValidationError as error:
            raise _malformed(error.detail) from error
        return dict(filled.validated_data)

    def page(self, rows: Any, shape: Any, order: tuple[str, ...], asked: dict[str, Any]) -> HttpResponse:
        """Answer one page of `rows`."""
        found = pages.page(rows, shape, order, asked.get("cursor", ""), asked.get("limit", pages.USUAL))
        following = f'"{found.cursor}"' if found.cursor else "null"
        return _json(f'{{"results": [{", ".join(found.rows)}], "next": {following}}}')


class Collection(Address):
    """The list of a resource, and where a new one is made."""

    def get(self, request: Request) -> HttpResponse:
        """Answer a page of the rows within the person's reach."""
        resource = self.resource
        asked = self.asked(request)
        rows = resource.rows(request.user)
        for name, condition in resource.query.asks.items():
            if name in asked:
                rows = rows.filter(condition(asked[name]))
        return self.page(rows, resource.row, resource.order, asked)


class MakingCollection(Collection):
    """A list in which new rows are made."""

    verb: ClassVar[Verb]

    def post(self, request: Request) -> HttpResponseBase:
        """Make a row."""
        if not access.needs(*self.verb.who).allows(request.user):
            raise NotAllowed
        return once(request, partial(self._make, request))

    def _make(self, request: Request) -> HttpResponse:
        values = self.filled(self.verb.body, request.data)
        return made(self.resource, self.verb.perform(actor=request.user, **values))


class Item(Address):
    """One row."""

    def get(self, request: Request, id: Any) -> HttpResponse:
        """Answer the row, or that it is not there, or that nothing changed."""
        text = pages.one(self.resource.rows(request.user).filter(pk=id), self.resource.full)
        if text is None:
            raise NotFound
        return unless_known(request, shown(self.resource, text))


class Doing(Address):
    """What can be done with one row."""

    verb: ClassVar[Verb]

    def post(self, request: Request, id: Any) -> HttpResponseBase:
        """Do it."""
        return once(request, partial(self._do, request, id))

    def _do(self, request: Request, id: Any) -> HttpResponse:
        resource, verb = self.resource, self.verb
        with transaction.atomic():
            row = resource.rows(request.user).filter(pk=id).first()
            if row is None:
                raise NotFound
            values = self.filled(verb.body, request.data)
            if resource.versioned:
                row = _unchanged(resource, row, request.headers.get("If-Match", ""))
            done = verb.perform(row, actor=request.user, **values)
            if verb.makes:
                return made(RESOURCES[verb.makes], done)
            text = pages.one(resource.full.model._default_manager.filter(pk=row.pk), resource.full)
        return shown(resource, text or "{}")


class Belonging(Address):
    """A list that belongs to one row."""

    part: ClassVar[Part]

    def get(self, request: Request, id: Any) -> HttpResponse:
        """Answer a page of what belongs to the row."""
        asked = self.asked(request)
        row = self.resource.rows(request.user).filter(pk=id).first()
        if row is None:
            raise NotFound
        return self.page(self.part.rows(row), self.part.shape, self.part.order, asked)


class BelongingOne(Address):
    """One thing that belongs to one row."""

    part: ClassVar[Single]

    def get(self, request: Request, id: Any) -> HttpResponse:
        """Answer it."""
        row = self.resource.rows(request.user).filter(pk=id).first()
        if row is None:
            raise NotFound
        text = json.dumps(self.part.read(row), ensure_ascii=False)
        return unless_known(request, _tagged(_json(text), text))


def unless_known(request: Request, answer: HttpResponse) -> HttpResponse:
    """Say in place of the answer that nothing changed, where the asker has it already."""
    known = request.headers.get("If-None-Match", "")
    if known.strip() != "*" and answer["ETag"].strip('"') not in _TAG.findall(known):
        return answer
    unchanged = HttpResponse(status=304)
    unchanged["ETag"] = answer["ETag"]
    return unchanged


def shown(resource: Resource, text: str, status: int = 200) -> HttpResponse:
    """Answer one row with the mark of its state: the version, and a digest, since names beside it change without it."""
    version = re.search(r'"version" : (\d+)', text) if resource.versioned else None
    return _tagged(_json(text, status), text, f"{version[1]}-" if version else "")


def _tagged(answer: HttpResponse, text: str, version: str = "") -> HttpResponse:
    answer["ETag"] = f'"{version}{blake2s(text.encode(), digest_size=6).hexdigest()}"'
    return answer


def made(resource: Resource, done: Any) -> HttpResponse:
    """Answer a row that was made just now, or was there already, and where it is."""
    row, status = (done.row, 200) if isinstance(done, Known) else (done, 201)
    text = pages.one(resource.model._default_manager.filter(pk=row.pk), resource.full)
    answer = shown(resource, text or "{}", status)
    answer["Location"] = reverse(f"api:{_url(resource.name)}_item", kwargs={"id": row.pk})
    return answer


def addresses(resource: Resource) -> list[URLPattern]:
    """Return the addresses of a resource."""
    root, base = f"api/v1/{resource.name}/", _url(resource.name)
    single = f"{root}<{resource.key}:id>/"
    operations = {"GET": listing(resource)}
    if resource.create:
        operations["POST"] = acting(resource, resource.create)
        rights = (*resource.rights, *resource.create.who)
        first = _view(MakingCollection, resource, rights, operations, verb=resource.create)
    else:
        first = _view(Collection, resource, resource.rights, operations)
    found = [
        path(root, first, name=base),
        path(single, _view(Item, resource, resource.rights, {"GET": reading(resource)}), name=f"{base}_item"),
    ]
    for part in resource.parts:
        way = BelongingOne if isinstance(part, Single) else Belonging
        view = _view(way, resource, part.rights, {"GET": belonging(resource, part)}, part=part)
        found.append(path(f"{single}{part.name}/", view, name=f"{base}_{_url(part.name)}"))
    for verb in resource.verbs:
        view = _view(Doing, resource, verb.who, {"POST": acting(resource, verb)}, verb=verb)
        found.append(path(f"{single}{verb.name}/", view, name=f"{base}_{_url(verb.name)}"))
    return found


def _view(
    kind: type[Address], resource: Resource, rights: tuple[str, ...], operations: dict[str, Operation], **more: Any
) -> Any:
    rule = access.needs(*dict.fromkeys(rights)) if rights else access.signed_in
    words = {"resource": resource, "operations": operations, "access_rule": rule, **more}
    return type(kind.__name__, (kind,), {"__doc__": resource.title, **words}).as_view()  # type: ignore[attr-defined]


def _url(name: str) -> str:
    return name.replace("-", "_")


def _json(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(text, content_type="application/json", status=status)


def _flat(data: Any) -> Any:
    """Turn an address's parameters into an object; one that is given twice is refused like an unknown one."""
    if not hasattr(data, "lists"):
        return data
    for name, several in data.lists():
        if len(several) > 1:
            raise Malformed(f"{name[:60]} 写了 {len(several)} 次，只能写一次。", field=name[:60])
    return data.dict()


def _malformed(detail: Any) -> DomainError:
    """Name the first entry that was refused and say why."""
    name, words = next(iter(detail.items()))
    while isinstance(words, dict | list) and words:
        words = next(iter(words.values())) if isinstance(words, dict) else words[0]
    field = "" if name == "non_field_errors" else str(name)
    return Malformed(f"{field}：{words}" if field else str(words), field=field)


def _unchanged(resource: Resource, row: Any, expected: str) -> Any:
    """Lock the row and compare its version with the one the sender has seen; without one nothing is asked."""
    if not expected or expected.strip() == "*" or resource.lock is None:
        return row
    resource.lock(row)
    now = resource.model._default_manager.get(pk=row.pk)
    if str(now.version) not in [tag.partition("-")[0] for tag in _TAG.findall(expected)]:
        raise Stale
    return now
