"""Passwords: what is refused, and who may set them."""

import pytest
from django.test import Client

from accounts import actions, passwords
from accounts.models import User
from audit.models import Event
from common.errors import Invalid
from tests.factories import PASSWORD

DOOR, NEW = "/password/", "Neu-2026-gut!"
pytestmark = pytest.mark.django_db


@pytest.fixture
def worker():
    return User.objects.create_user("worker", PASSWORD, display_name="演示工作人员", phone="19900001234")


@pytest.fixture
def client(worker):
    client = Client()
    client.force_login(worker, backend="accounts.backends.PhoneOrNameBackend")
    return client


def post(client, old=PASSWORD, new=NEW, again=None):
    return client.post(DOOR, {"old_password": old, "new_password": new, "again": new if again is None else again})


@pytest.mark.parametrize(
    "weak",
    [
        "Ab1!",
        "12345678901",
        "onlyletters",
        "password123",
        "19900001234a",
        "worker-2026",
        "lowercase2026",
        "Password123",
    ],
)
def test_weak_passwords_are_refused_in_chinese(client, worker, weak):
    response = post(client, new=weak)
    assert response.status_code == 422
    assert any("密码" in error for error in response.context["form"].errors["new_password"])
    assert User.objects.get(pk=worker.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    "good", [NEW, "Chengguan2026", "一句很长很长的话当密码用也可以的呀呀", "correct horse battery"]
)
def test_good_passwords_are_taken(client, worker, good):
    assert post(client, new=good).status_code == 302
    changed = User.objects.get(pk=worker.pk)
    assert changed.check_password(good)
    assert changed.password_changed_at
    assert Event.objects.get(verb="account.password_changed").actor_id == worker.pk


def test_both_entries_must_be_equal(client):
    assert "两遍填的不一样" in post(client, again="Anders-2026!").content.decode()


def test_the_old_one_is_asked_for(client, worker):
    assert "现在的密码不对" in post(client, old="Falsch-2026!").content.decode()
    assert User.objects.get(pk=worker.pk).check_password(PASSWORD)


def test_the_old_one_cannot_be_guessed_here(client):
    answers = [post(client, old=f"Falsch-2026-{n}").status_code for n in range(8)]
    assert 429 in answers
    assert post(client).status_code == 429, "not even the right one is looked at while it waits"


def test_the_present_one_is_no_new_one(client):
    assert "不能和现在的一样" in post(client, new=PASSWORD).content.decode()


def test_no_password_stays_in_the_page(client):
    assert NEW not in post(client, again="Anders-2026!").content.decode()


def test_temporary_passwords_fit_the_rules_and_differ():
    made = {passwords.temporary() for _ in range(200)}
    assert len(made) == 200
    from django.contrib.auth.password_validation import validate_password

    for password in made:
        validate_password(password)


def test_an_account_is_made_with_a_name_and_a_number():
    made = actions.create_user(username=" new ", display_name="新来的", phone="199 0000 4321", password=NEW)
    assert (made.username, made.phone, made.must_change_password) == ("new", "19900004321", True)
    assert Event.objects.get(verb="account.created").target_id == str(made.pk)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"username": "worker"}, "username"),
        ({"username": "WORKER"}, "username"),
        ({"username": "19900001234"}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "new", "phone": "199-0000-1234"}, "phone"),
        ({"username": "new", "phone": "0539-1234567"}, "phone"),
        ({"username": "new", "phone": "19900001234x"}, "phone"),
        ({"username": "new", "password": "short"}, "new_password"),
    ],
)
def test_accounts_never_meet(worker, given, field):
    with pytest.raises(Invalid) as refusal:
        actions.create_user(**{"display_name": "", "password": NEW, **given})
    assert refusal.value.field == field
    assert User.objects.count() == 1


def test_a_number_that_is_somebodys_name_is_refused(worker):
    actions.create_user(username="19900009999", password=NEW)
    with pytest.raises(Invalid):
        actions.change_profile(worker, display_name="x", phone="19900009999")


def test_a_profile_keeps_its_number_unless_a_new_one_is_given(worker):
    actions.change_profile(worker, display_name="改名", phone=None)
    assert User.objects.get(pk=worker.pk).phone == "19900001234"
    actions.change_profile(worker, display_name="改名", phone="19900005555")
    assert User.objects.by_name_or_phone("19900005555") == worker


def test_an_account_without_a_password_signs_nobody_in():
    made = actions.create_user(username="quiet")
    assert not made.has_usable_password()
    assert not made.must_change_password
