"""The empty workbook that people fill in."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from openpyxl import load_workbook

from common.tables.sheet import Column
from common.tables.template import CHOICES, NOTES, template
from tests.tables import small

pytestmark = pytest.mark.django_db


def test_it_has_headings_drop_downs_examples_and_notes(clerk_at_desk):
    answer = clerk_at_desk.get(reverse("audit:import_template", args=[small.CODE]))
    assert "filename*=utf-8''" in answer["Content-Disposition"]
    made = load_workbook(io.BytesIO(answer.content))
    sheet = made[made.sheetnames[0]]
    assert [cell.value for cell in sheet[1]][:4] == ["编码*", "名称*", "分组*", "时长"]
    assert sheet["A2"].value == "示例：T001"
    assert sheet.freeze_panes == "A2"
    rules = {str(rule.sqref).split(":")[0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert rules == {"C2": f"'{CHOICES}'!$C$1:$C$3", "F2": f"'{CHOICES}'!$F$1:$F$2"}
    assert made[CHOICES].sheet_state == "hidden"
    assert [made[CHOICES].cell(line, 3).value for line in (1, 2, 3)] == list(small.GROUPS)
    noted = [[cell.value for cell in row] for row in made[NOTES].iter_rows(min_row=6)]
    assert noted[0] == ["编码", "必须", "文字", "不重复的编码", "T001"]
    assert len(noted) == len(small.SHEET.columns)


def test_choices_that_look_like_formulas_stay_text_and_odd_titles_pass():
    made = load_workbook(
        io.BytesIO(template("资源/时段[1]：2026?", (Column("a", "甲", "choice", choices=("=1+1", "@x")),)))
    )
    assert made[CHOICES]["A1"].data_type == "s"
    assert made.sheetnames[1:] == [NOTES, CHOICES]
