"""Days and times as people type them into the forms of the admin."""

from datetime import date, time

import pytest
from django import forms


@pytest.mark.parametrize("typed", ["2026-12-01", "2026/12/1", "2026.12.1", "2026年12月1日"])
def test_a_day_is_read_as_it_is_written(typed):
    assert forms.DateField().clean(typed) == date(2026, 12, 1)


@pytest.mark.parametrize("typed", ["9:05", "09:05:00", "9：05", "9点05分"])
def test_a_time_is_read_as_it_is_written(typed):
    assert forms.TimeField().clean(typed) == time(9, 5)


def test_what_is_neither_is_told_how_to_write_it():
    for field, way in ((forms.DateField(), "2026-03-01"), (forms.TimeField(), "09:00")):
        with pytest.raises(forms.ValidationError, match=way):
            field.clean("下周二")
