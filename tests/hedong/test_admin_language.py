"""No English word stands on any page of the web admin, for whoever comes in: headings for screen readers, hints of
buttons, errors and confirmations included.

What people or the program stored (user names, codes, numbers) is no word of the page.
"""

import ast
import gettext
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import django.contrib.admin
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import models
from django.urls import reverse

from tests.access.world import make_world, undone

pytestmark = pytest.mark.django_db

# Between them they see every page.
ROLES = ("system_admin", "security_admin", "auditor", "district_official", "street_worker", "grid_worker")
# Names that Chinese speakers write in Latin letters too.
NAMES = {"API", "Excel", "QR", "JSON", "UTC", "XLSX", "CSV", "ID", "OK"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "path"}
ROW = re.compile(r"(/admin/\w+/\w+/)[^/]+(/(change|history|delete)/)")
# Lists lead on to the rows, of which each person sees others.
ROW_PAGE = re.compile(r"^/admin/\w+/\w+/(\*/change/)?$")
SPOKEN = ("title", "alt", "aria-label", "placeholder", "label", "data-confirm")
LATIN = re.compile(r"[A-Za-z]{2,}")
MOST_PAGES = 400
# These many lists show what nothing found and a choice look like; the others have them from the same templates.
FEW_LISTS = 6
CATALOGUES = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES"


class Page(HTMLParser):
    """What a page says, to the eye and to a screen reader, where it leads and which forms it holds."""

    def __init__(self, html):
        super().__init__()
        self.words, self.links, self.actions, self.boxes = [], [], [], {}
        # The elements that the reader is in, each with whether nobody sees what stands there.
        self._open, self._select = [], ""
        self.feed(html)

    @property
    def _silent(self):
        return any(silent for _, silent in self._open)

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            silent = tag in {"script", "style"} or "hidden" in values.get("class", "").split()
            self._open.append((tag, silent))
        self.words += [values[name] for name in SPOKEN if values.get(name) and not self._silent]
        match tag:
            case "input":
                self.boxes.setdefault(values.get("name", ""), values.get("value", ""))
                if values.get("type") in {"submit", "button", "reset"}:
                    self.words.append(values.get("value", ""))
            case "a":
                self.links.append(values.get("href", ""))
            case "select":
                self._select = values.get("name", "")
            case "option" if self._select == "action" and values.get("value"):
                self.actions.append(values["value"])

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)


def stored():
    """Match every value with Latin letters in it that the database holds, the longest first; choices are not data."""
    found = set()
    for model in apps.get_models():
        if model._meta.app_label in {"contenttypes", "auth", "sessions"} or not model._meta.managed:
            continue
        columns = [
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.UUIDField) and not field.choices
        ]
        for row in model._base_manager.values_list(*columns) if columns else ():
            found |= {str(value) for value in row if value and LATIN.search(str(value))}
    return re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True))))


def english(words, data):
    """Yield the Latin words in what a page says."""
    for said in words:
        if LATIN.search(said):
            yield from (word for word in LATIN.findall(data.sub(" ", said)) if word not in NAMES)


def crawl(client, seen, start="/admin/") -> Iterator[tuple[str, Page]]:
    """Walk the pages, one row of each list; yield each with what it says, and what a wrong or asking form says.

    `seen` holds the kinds of pages that somebody has seen already. A row's page is looked at by everybody: who may
    change it reads another one than who only looks.
    """
    todo, mine, count = [start], set(), 0
    while todo and (count := count + 1) < MOST_PAGES:
        path = todo.pop(0)
        answer = client.get(path)
        if "html" not in answer.get("Content-Type", ""):
            continue
        page = Page(answer.content.decode())
        yield path, page
        yield from _forms(client, path, page, seen)
        for link in page.links:
            link = link.split("#")[0]
            # One row of a list, one page of each other kind.
            kind = ROW.sub(r"\1*\2", link.split("?")[0])
            known = mine if ROW_PAGE.search(kind) else seen
            if link.startswith("/admin/") and kind not in known | mine:
                seen.add(kind)
                mine.add(kind)
                todo.append(link)


def _forms(client, path, page, seen):
    if f"{path} forms" in seen:
        return
    seen.add(f"{path} forms")
    if path.endswith("/add/"):
        counts = {name: value for name, value in page.boxes.items() if name.endswith("_FORMS")}
        yield f"{path} sent empty", Page(client.post(path, {"_save": "1", **counts}).content.decode())
    if "_selected_action" in page.boxes and path.count("/") == 4:
        if len([one for one in seen if one.endswith(" forms")]) < FEW_LISTS:
            yield f"{path} nothing found", Page(client.get(path, {"q": "找不到这个"}).content.decode())
            yield f"{path} as a choice", Page(client.get(path, {IS_POPUP_VAR: "1"}).content.decode())
        for action in page.actions:
            for chosen in ({}, {"_selected_action": page.boxes["_selected_action"]}):
                with undone():
                    answer = client.post(path, {"action": action, "index": "0", **chosen}, follow=True)
                    if "html" in answer.get("Content-Type", ""):
                        yield f"{path} {action} {len(chosen)}", Page(answer.content.decode())


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One district for all of them: nothing is kept of what the walks do."""
    with django_db_blocker.unblock(), undone():
        yield make_world()


@pytest.fixture(scope="module")
def seen():
    """The kinds of pages that one of the roles has seen."""
    return set()


@pytest.mark.parametrize("role", ROLES)
def test_no_english_word_is_left(world, seen, role):
    data, found, pages = stored(), {}, 0
    with undone():
        for path, page in crawl(world.client(role), seen):
            pages += 1
            # A second look knows what the page itself has just stored.
            if set(english(page.words, data)) and (words := set(english(page.words, stored()))):
                found[path] = words
    assert pages > 5, "nobody looked"
    assert found == {}


def test_a_planted_word_is_found():
    """Control."""
    planted = Page('<p title="Lookup">查找 grid_worker</p><input type="submit" value="Go"><script>var x</script>')
    assert list(english(planted.words, re.compile("grid_worker"))) == ["Lookup", "Go"]


def _entries(path):
    """Read the pairs of a catalogue's source."""
    for block in path.read_text(encoding="utf8").split("\n\n")[1:]:
        said = dict(re.findall(r'^(msgid|msgstr(?:\[0\])?) (".*")$', block, re.MULTILINE))
        yield ast.literal_eval(said["msgid"]), ast.literal_eval(said.get("msgstr") or said["msgstr[0]"])


def _said(compiled, words):
    return compiled.gettext(words), compiled.ngettext(words, words, 1)


@pytest.mark.parametrize("name", ["django", "djangojs"])
def test_the_compiled_catalogue_says_what_its_source_says(name):
    with (CATALOGUES / f"{name}.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    entries = list(_entries(CATALOGUES / f"{name}.po"))
    assert len(entries) > 5
    assert [
        (said, compiled.gettext(said)) for said, ours in entries if said and ours not in _said(compiled, said)
    ] == []


def test_the_scripts_speak_chinese(client, world):
    """Every sentence in the scripts of the admin is in the catalogue that its pages load."""
    said = world.client("system_admin").get(reverse("admin:jsi18n")).content.decode()
    folder = Path(django.contrib.admin.__file__).parent / "static" / "admin" / "js"
    asked = set()
    for script in (*folder.glob("*.js"), *folder.glob("admin/*.js")):
        asked |= set(re.findall(r"""\bn?gettext\((['"])(.+?)\1""", script.read_text(encoding="utf8")))
    assert len(asked) > 20
    missing = [words for _, words in asked if json.dumps(words) not in said]
    assert missing == []
