"""Nothing names a host outside, a place on somebody's machine, or work that was left undone."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture import source

FOLDERS = (*source.APPS, "templates", "static", "docs", "tests", "bench", "requirements", ".ci", ".")
ENDINGS = {".py", ".html", ".txt", ".css", ".js", ".svg", ".md", ".in", ".lock", ".toml", ".yml", ".yaml", ".csv"}
ENDINGS |= {".json", ".sh", ".conf", ".sql", ".webmanifest", ".example"}
NAMES = {"Makefile", "Dockerfile", "run", ".gitignore", ".dockerignore"}
SKIPPED = {"var", "results", "__pycache__"}

ADDRESS = re.compile(r"https?://(?P<host>[^\s/:\"'<>)\\|`]+)")
# The own machine and its network, names that are kept free for examples, and what is put in later.
HOSTS = re.compile(r"127\.0\.0\.1|192\.0\.2\.\d+|[\w-]+|(.+\.)?(invalid|example|test|example\.(org|com))|[{$…].*")
# Names of formats, which nobody opens.
FORMATS = ("www.w3.org", "ns.adobe.com", "schemas.openxmlformats.org")
NEVER = {
    "an outside host without a scheme": r"(?:src|href|action)=[\"']//\S+|url\([\"']?//\S+",
    "a place on a machine": r"/(?:root|home|Users)/\w\S*",
    "a note to somebody": r"\b(?:TODO|FIXME|XXX)\b|\b[Ii]ssues? #?\d+|\bISSUES?\b",
    "a document that is not here": r"\b(?:ARCHITECTURE|STYLE|TRUST|DOMAIN|DEPENDENCIES|UX)\.md",
}


def found(text: str) -> Iterator[tuple[str, str]]:
    """Yield what `text` must not say: which rule, and the words."""
    for hit in ADDRESS.finditer(text):
        if hit["host"] not in FORMATS and not HOSTS.fullmatch(hit["host"]):
            yield "an outside host", hit[0]
    for rule, pattern in NEVER.items():
        for hit in re.finditer(pattern, text):
            yield rule, hit[0]


def _files() -> Iterator[str]:
    for folder in FOLDERS:
        root = source.ROOT / folder
        for path in root.glob("*") if folder == "." else root.rglob("*"):
            inside = path.relative_to(source.ROOT)
            if path.is_file() and (path.suffix in ENDINGS or path.name in NAMES) and not SKIPPED & {*inside.parts}:
                yield inside.as_posix()


def test_no_file_says_what_it_must_not_say() -> None:
    files = set(_files())
    assert {"README.md", "requirements/dev.lock", "hedong/up/stack.py", "templates/base_staff.html"} <= files
    files.remove("tests/architecture/test_addresses.py")  # it has to say it, for the controls below
    assert {path: hits for path in files if (hits := list(found(source.text(path))))} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "https://pypi.org/simple",
        "http://10.0.0.8:8080/",
        "http://127.0.0.1.evil.com/",
        "https://cdn.example.com.cn/a.js",
        '<script src="//cdn.net/a.js">',
        "see /home/somebody/notes",
        "/root/hedong/var",
        "# TODO later",
        "fixes issue 12",
        "as STYLE.md says",
    ],
)
def test_a_planted_word_is_found(planted: str) -> None:
    assert len(list(found(planted))) == 1


@pytest.mark.parametrize(
    "harmless",
    [
        'xmlns="http://www.w3.org/2000/svg"',
        "http://127.0.0.1:8000/",
        "https://example.invalid/",
        "https://evil.example/",
        "proxy_pass http://web:8000;",
        'f"http://{HOST}:{self.port}"',
        'get("/home/")',
        "postgres://user:password@127.0.0.1:1/none",
    ],
)
def test_what_every_machine_knows_may_be_said(harmless: str) -> None:
    assert list(found(harmless)) == []
