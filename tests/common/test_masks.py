"""Masks keep what tells people apart in a list, and no more."""

import pytest

from common.masks import mask_name, mask_phone, mask_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+86 138 1234 5678", "138****5678"),
        ("0539-8001234", "****34"),
        ("无法解密", "****"),
        ("12", "****"),
        ("", ""),
    ],
)
def test_phone(value, shown):
    assert mask_phone(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("张三", "张*"), ("张三丰", "张**"), ("欧阳娜娜", "欧阳**"), ("王", "*"), (" ", ""), ("", "")]
)
def test_name(value, shown):
    assert mask_name(value) == shown


def test_text():
    assert mask_text("东路3号") == "****"
    assert mask_text("") == ""
