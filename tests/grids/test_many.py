"""What a line such as “1–18号楼，每栋3单元” stands for."""

import pytest

from common.errors import Invalid
from grids.trees.many import read


def names(text, kind="building", most=300):
    return [name for name, _ in read(text, kind, most)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-3号楼", "1号楼 2号楼 3号楼"),
        ("1~3", "1号楼 2号楼 3号楼"),
        ("1至3幢", "1幢 2幢 3幢"),
        ("１－３号楼", "1号楼 2号楼 3号楼"),
        ("1号楼到3号楼", "1号楼 2号楼 3号楼"),
        ("单号1-5号楼", "1号楼 3号楼 5号楼"),
        ("1-6双号楼", "2号楼 4号楼 6号楼"),
        ("1-6号楼（双号）", "2号楼 4号楼 6号楼"),
        ("1,3,5", "1号楼 3号楼 5号楼"),
        ("1、3，5号楼", "1号楼 3号楼 5号楼"),
        ("1-2，5，7-8号楼", "1号楼 2号楼 5号楼 7号楼 8号楼"),
        ("A区1-2号楼", "A区1号楼 A区2号楼"),
        ("A1-A2号楼", "A1号楼 A2号楼"),
        ("2期1-2号楼", "2期1号楼 2期2号楼"),
        ("01-02号楼", "01号楼 02号楼"),
        ("和平里1-2号楼和5号楼", "和平里1号楼 和平里2号楼 和平里5号楼"),
        ("1-2号楼\n物业楼", "1号楼 2号楼 物业楼"),
    ],
)
def test_lines_stand_for_names(text, expected):
    assert names(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("1-2号楼，每栋3单元", 3),
        ("1-2号楼 每幢2个单元", 2),
        ("1-2号楼，各4单元", 4),
        ("1-2号楼(2单元)", 2),
        ("1-2号楼", None),
    ],
)
def test_units_are_read_and_taken_out_of_the_name(text, units):
    assert read(text, "building", 300) == [("1号楼", units), ("2号楼", units)]


def test_other_levels_have_no_usual_word():
    assert names("第1-2网格", "grid") == ["第1网格", "第2网格"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "请写上要添加哪些"),
        ("，、", "请写上要添加哪些"),
        ("18-1", "请把小的写在前面"),
        ("1-99999", "请分几次添加"),
        ("1-99999999999", "号码太大"),
        ("1-300\n1-300", "请分几次添加"),
        ("1-2-3", "看不懂从哪到哪"),
        ("1-2号楼，每栋0单元", "单元数要在"),
        ("楼" * 80, "名称最多"),
        ("1" * 600, "请分成几行"),
        ("---", "不像名称"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(text, word):
    with pytest.raises(Invalid) as refused:
        read(text, "building", 300)
    assert word in refused.value.message
    assert refused.value.field == "text"
