"""The document for people: complete, Chinese, without script or foreign host, usable on a phone."""

import json

import pytest

from api import viewer
from tests.api.docs_urls import DOCUMENT
from tests.journeys.test_staff_pages import AXE, SERIOUS, SIDEWAYS, SMALL, UNFOLD

DOCS = "/api/v1/docs/"
pytestmark = [pytest.mark.urls("tests.api.docs_urls"), pytest.mark.django_db]


def text(client, path=DOCS, **query):
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def test_every_call_of_the_document_is_listed_and_has_its_page(client):
    page = text(client)
    assert "示例接口" in page
    for call in viewer.calls(DOCUMENT):
        assert call.path in page
        assert f'href="{DOCS}{call.id}/"' in page
        assert call.path in text(client, f"{DOCS}{call.id}/")


def test_a_calls_page_tells_what_it_takes_and_answers(client):
    page = text(client, f"{DOCS}rows_list/")
    for words in ("问号后面，整数", "最大 100", "不写就是 50", "请求头，文字", "ETag", "404", "没有", "时间，可为空"):
        assert words in page
    page = text(client, f"{DOCS}rows_create/")
    for words in ("编号（UUID）", "必填", "open</code>（开着）、<code>closed", "灯坏了", "Idempotency-Key", "在哪里。"):
        assert words in page
    assert "&lt;b&gt;" in page
    assert "<b>话" not in page


def test_what_contains_itself_ends(client):
    found = list(viewer.entries(DOCUMENT, {"$ref": "#/components/schemas/Row"}))
    assert max(entry.depth for entry in found) == viewer.DEEP
    assert len(found) < 200


FINDS = [("新建", 1), ("ROWS 列表", 1), ("other", 1), ("/api/v1/", 3), ("没有的", 0)]


@pytest.mark.parametrize(("words", "found"), FINDS)
def test_it_is_searched(client, words, found):
    assert text(client, q=words).count(f'href="{DOCS}') == found


def test_a_call_that_is_not_there_is_missing(client):
    assert client.get(f"{DOCS}nothing/").status_code == 404


def test_the_document_is_read_where_machines_read_it(client, monkeypatch):
    changed = json.loads(json.dumps(DOCUMENT))
    changed["info"]["title"] = "改过的"
    monkeypatch.setattr("tests.api.docs_urls.DOCUMENT", changed)
    assert "改过的" in text(client)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [390, 1366])
def test_it_is_readable_by_everyone_and_keeps_the_policy(live_server, new_page, width):
    """The page `new_page` gives reports each violation of the policy and each foreign host at the end of the test."""
    page = new_page(width)
    for path in (DOCS, f"{DOCS}rows_list/", f"{DOCS}rows_create/"):
        answer = page.goto(live_server.url + path)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        page.evaluate(UNFOLD)
        assert page.evaluate(SIDEWAYS) <= 0
        assert page.evaluate(SMALL) == []
        page.evaluate(AXE)
        assert page.evaluate(SERIOUS) == []
