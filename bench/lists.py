"""Lists of twenty-five and fifty rows through the whole product against a bare program that runs the same statement."""

import io
import json
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

import psycopg2

from bench.arena import Arena
from bench.measure import Figure, compare, rate

ROWS, SEED = 1000, 20260102
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def figures(arena: Arena) -> Iterator[Figure]:
    """Ask for the desk and for the API's list, as a community's worker who is signed in."""
    cookie = _seed()
    arena.settle()
    yield from _list(arena, "desk", "/desk/", "f=doing", 25, 0.15, cookie, 6)
    yield from _list(arena, "API", "/api/v1/requests/", "", 50, 0.11, cookie, 6)


def _list(
    arena: Arena, name: str, path: str, query: str, rows: int, bar: float, cookie: str, most: int
) -> Iterator[Figure]:
    from django.core.wsgi import get_wsgi_application
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    product, environ = get_wsgi_application(), _environ(path, query, cookie)
    _body(product, environ)
    with CaptureQueriesContext(connection) as caught:
        page = _body(product, environ)
        statements = [query["sql"] for query in caught]
    (statement,) = [sql for sql in statements if f"LIMIT {rows + 1}" in sql]
    if "json_build_object" in statement:
        # The bare program gets the plain columns and writes the JSON itself, as it does for the desk.
        statement = statement[statement.index("(SELECT ") + 1 : statement.rindex(") AS page")]
    bare = _bare(arena.dsn, statement)
    _same_rows(page, json.loads(_body(bare, environ)), rows)
    yield compare(
        Figure(f"list: {name}, {rows} rows / bare program with the same statement", "ratio", at_least=bar),
        lambda: rate(lambda: _body(product, environ)),
        lambda: rate(lambda: _body(bare, environ)),
    )
    if not statements:
        raise AssertionError(f"{path} was shown without asking the database")
    yield Figure(f"statements: {name}, who is signed in included", "statements", at_most=most, values=[len(statements)])


def _same_rows(page: str, raw: list[dict[str, Any]], rows: int) -> None:
    """Refuse to compare two programs that do not show the same rows."""
    # The interface calls its columns by their places: the id, the number, …
    numbers = [row["number"] if "number" in row else row["c1"] for row in raw[:rows]]
    missing = [number for number in numbers if number not in page]
    if len(numbers) != rows or missing or page.index(numbers[0]) > page.index(numbers[-1]):
        raise AssertionError(f"the page lacks {missing} of {len(numbers)} rows, or has them in another order")


def _bare(dsn: str, statement: str) -> Wsgi:
    """The least that can be done: one statement, its rows as JSON, no questions asked."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    cursor = connection.cursor()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        cursor.execute(statement)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(rows, default=str).encode()]

    return application


def _environ(path: str, query: str, cookie: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_COOKIE": f"sessionid={cookie}", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }  # fmt: skip


def _body(application: Wsgi, environ: dict[str, Any]) -> str:
    told: list[str] = []
    answer = application(dict(environ), lambda status, headers, error=None: told.append(status))
    content = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if told != ["200 OK"]:
        raise AssertionError(f"{environ['PATH_INFO']} answered {told}")
    return content.decode()


def _seed() -> str:
    """Make a community with requests and its worker; return the worker's session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from accounts.models import User
    from clockwork.selectors import db_now
    from grids.models import Post
    from grids.trees import NewArea, load_areas
    from partners.models import Partner
    from requests_board.models import RequestCategory, ServiceRequest

    made = load_areas([
        NewArea("d", None, "district", "名单区"), NewArea("s", "d", "street", "东街街道"),
        NewArea("c", "s", "community", "槐荫社区"), NewArea("e", "c", "estate", "槐荫小区"),
        *(NewArea(n, "e", "building", f"{n}号楼") for n in range(40)),
    ])  # fmt: skip
    kind = RequestCategory.objects.create(
        code="010101", l1="物业", l2="公共设施", name="路灯", limit_amount=5, limit_unit="working_day"
    )
    firm = Partner.objects.create(area=made["d"], category="property", name="测试物业", code="B2")
    draw, now = random.Random(SEED), db_now()
    ServiceRequest.objects.bulk_create(
        ServiceRequest(
            number=f"B{n:05}", area=made[draw.randrange(40)], text=f"楼道灯坏了，第{n}件", channel="qr", category=kind,
            status="in_progress", handler_partner=firm, due_at=now + timedelta(minutes=draw.randrange(90_000)),
        )
        for n in range(ROWS)
    )  # fmt: skip
    worker = User.objects.create_user("worker")
    Post.objects.create(user=worker, role="community_worker", area=made["c"])
    session = SessionStore()
    session[SESSION_KEY] = str(worker.pk)
    session[BACKEND_SESSION_KEY] = "accounts.backends.PhoneOrNameBackend"
    session[HASH_SESSION_KEY] = worker.get_session_auth_hash()
    session.save()
    return session.session_key
