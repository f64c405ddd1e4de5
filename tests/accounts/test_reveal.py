"""A personal value is shown only after the look at it has been written down."""

import pytest
from django.db import DatabaseError, transaction

from accounts import actions
from accounts.models import User
from audit import actions as audit_actions
from audit.models import PersonalDataRead
from common.errors import Invalid
from common.fields import UNREADABLE

PHONE = "19900001234"


@pytest.fixture
def subject():
    return User.objects.create_user("subject", phone=PHONE)


@pytest.fixture
def official():
    return User.objects.create_user("official", display_name="演示查看人")


@pytest.mark.django_db
def test_each_look_leaves_a_row(subject, official):
    for n in range(100):
        assert actions.reveal(subject, "phone", actor=official, purpose=f"回访 {n}") == PHONE
    assert PersonalDataRead.objects.count() == 100
    row = PersonalDataRead.objects.latest("id")
    assert (row.actor_id, row.actor_label, row.field, row.purpose) == (official.pk, "演示查看人", "phone", "回访 99")
    assert (row.subject_type, row.subject_id) == ("accounts.user", str(subject.pk))
    assert PHONE not in str(PersonalDataRead.objects.values())


@pytest.mark.django_db
@pytest.mark.parametrize("purpose", ["", "   "])
def test_a_look_without_a_purpose_is_refused(subject, official, purpose):
    with pytest.raises(Invalid):
        actions.reveal(subject, "phone", actor=official, purpose=purpose)
    assert not PersonalDataRead.objects.exists()


@pytest.mark.django_db
def test_when_the_row_cannot_be_written_nothing_is_shown(subject, official, monkeypatch):
    opened = []
    from common import crypto

    stored = User.objects.get(pk=subject.pk)
    monkeypatch.setattr(crypto, "unseal", lambda *args: opened.append(args))

    def broken(**kwargs):
        raise DatabaseError("the log is full")

    monkeypatch.setattr(audit_actions.PersonalDataRead.objects, "create", broken)
    with pytest.raises(DatabaseError):
        actions.reveal(stored, "phone", actor=official, purpose="回访")
    assert opened == []


@pytest.mark.django_db(transaction=True)
def test_a_look_cannot_be_rolled_back(subject, official):
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.reveal(subject, "phone", actor=official, purpose="回访")
    assert not PersonalDataRead.objects.exists()
    assert actions.reveal(subject, "phone", actor=official, purpose="回访") == PHONE
    assert PersonalDataRead.objects.count() == 1


@pytest.mark.django_db
def test_what_cannot_be_opened_is_said_so(subject, official, settings):
    stored = User.objects.get(pk=subject.pk)
    settings.FIELD_KEYS = "other:" + "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="
    assert actions.reveal(stored, "phone", actor=official, purpose="回访") == UNREADABLE
