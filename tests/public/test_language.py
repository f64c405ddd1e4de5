"""The words: full-width punctuation, plain speech, and nothing inline in any template."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TEMPLATES = sorted(Path("templates").rglob("*.html"))
SCRIPTS = sorted(Path("static/js").glob("*.js"))
APPS = (
    "common",
    "accounts",
    "grids",
    "partners",
    "requests_board",
    "volunteering",
    "notifications",
    "dashboards",
    "api",
)
MODULES = sorted(path for app in APPS for path in Path(app).rglob("*.py") if "migrations" not in path.parts)
CJK = r"[\u3400-\u9fff“”「」（）]"
HALF = re.compile(rf"{CJK}\s?[,;:?!]|[,;:?!]\s?{CJK}|{CJK}\(|\){CJK}")
# The language of offices; see what to write instead in the guide to words.
BANNED = (
    "提交成功", "操作成功", "暂无数据", "必填项", "格式错误", "校验失败", "网络异常", "请稍后重试", "会话已过期",
    "无权限访问", "验证码错误", "受理范围", "非法", "参数错误",
)  # fmt: skip
COMMENT = re.compile(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<!--.*?-->", re.S)
INLINE = re.compile(
    r"<style\b|\sstyle\s*=|\son[a-z]+\s*=|<script(?![^>]*\ssrc=)|javascript:|\bhx-on|//cdn|https?://(?!www\.w3\.org)"
)


def said(path: Path) -> Iterator[str]:
    """Yield what people can read of a file: a template's text, a module's strings without its docstrings."""
    text = path.read_text(encoding="utf8")
    if path.suffix == ".html":
        yield re.sub(r"{%.*?%}|{{.*?}}", "", COMMENT.sub("", text))
        return
    if path.suffix == ".js":
        yield re.sub(r"^\s*//.*$", "", text, flags=re.M)
        return
    tree = ast.parse(text)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    # What a pattern matches is what people typed, not what they read.
    patterns = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents | patterns:
            yield node.value


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *MODULES], ids=str)
def test_chinese_has_chinese_punctuation(path: Path) -> None:
    wrong = [hit.group() for text in said(path) for hit in HALF.finditer(text)]
    assert wrong == []


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *MODULES], ids=str)
def test_nobody_is_spoken_to_like_an_office(path: Path) -> None:
    assert [word for text in said(path) for word in BANNED if word in text] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_templates_hold_nothing_inline_and_nothing_from_elsewhere(path: Path) -> None:
    assert [hit.group() for hit in INLINE.finditer(COMMENT.sub("", path.read_text(encoding="utf8")))] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_templates_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf8").splitlines()) <= 120


@pytest.mark.parametrize("wrong", ["编号:1124", "您好,请看", "灯坏了?", "楼道(二层)", "好;坏"])
def test_the_lint_sees_half_width_signs(wrong: str) -> None:
    """Control."""
    assert HALF.search(wrong)


@pytest.mark.parametrize(
    "wrong", ['<p style="a">', "<script>", '<a onclick="x">', "<style>", '<img src="https://x.example/a">']
)
def test_the_lint_sees_inline_code(wrong: str) -> None:
    """Control."""
    assert INLINE.search(wrong)
