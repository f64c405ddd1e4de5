"""The form of an account in the admin: other words for a new one than for one that is there."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_nothing_to_leave_as_it_is_in_a_new_account(town, client):
    client.force_login(town.security_admin)
    form = client.get(reverse("admin:accounts_user_add")).context["adminform"].form
    assert "不改" not in form["new_phone"].help_text + form["temporary_password"].help_text
    form = client.get(reverse("admin:accounts_user_change", args=[town.outsider.pk])).context["adminform"].form
    assert form["new_phone"].label == "换一个手机号"
    assert all("不改就留空" in form[name].help_text for name in ("new_phone", "temporary_password"))


def test_the_totals_of_a_yes_and_no_say_of_what(town, client):
    client.force_login(town.security_admin)
    town.outsider.is_active = False
    town.outsider.save()
    totals = dict(client.get(reverse("admin:accounts_user_changelist")).context_data["totals"])
    assert totals["其余"] == 1
    assert "有效的" in totals
