"""Sealed columns in a real database: bound to their row, found by index, never compared or shown openly."""

import base64
import logging
import threading
import uuid

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, connections, models, transaction

from accounts.models import User
from common import crypto
from common.fields import UNREADABLE, EncryptedTextField, Sealed

PHONE = "19900001234"
NEW_KEY = "n1:" + base64.b64encode(b"n" * 32).decode()


def stored(user):
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM accounts_user WHERE id = %s", [user.pk])
        return cursor.fetchone()[0]


def store(user, text):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET phone = %s WHERE id = %s", [text, user.pk])


@pytest.fixture
def user(db):
    return User.objects.create_user("sealed", phone=PHONE)


def test_round_trip(user):
    assert stored(user).startswith("v1|sm4-gcm|t1|")
    assert PHONE not in stored(user)
    assert User.objects.get(pk=user.pk).phone == PHONE


def test_found_by_blind_index(user):
    assert User.objects.get(phone_index=crypto.blind_index("199 0000 1234")) == user
    assert User.objects.by_name_or_phone("+86 199-0000-1234") == user
    assert User.objects.by_name_or_phone("w19900001234") is None


def test_plain_text_never_reaches_a_query(user):
    with pytest.raises(FieldError):
        User.objects.filter(phone=PHONE).exists()
    with pytest.raises(FieldError):
        User.objects.filter(phone__startswith="199").exists()
    with pytest.raises(FieldError), transaction.atomic():
        User.objects.update(phone=PHONE)
    assert User.objects.filter(phone="").count() == 0
    user.phone = "19900009999"
    with pytest.raises(FieldError), transaction.atomic():
        User.objects.bulk_update([user], ["phone"])
    assert User.objects.update(phone="") == 1


def test_a_text_moved_to_another_row_does_not_open(user, caplog):
    thief = User.objects.create_user("thief", phone="19900005678")
    store(thief, stored(user))
    assert User.objects.get(pk=thief.pk).phone == UNREADABLE
    assert "cannot open phone" in caplog.text
    assert PHONE not in caplog.text


def test_the_row_is_what_binds_it(user):
    """Control: the very same text does open in the row it was sealed for."""
    thief = User.objects.create_user("thief")
    store(thief, crypto.seal(PHONE, f"accounts_user.phone.{thief.pk}"))
    assert User.objects.get(pk=thief.pk).phone == PHONE


def test_an_unreadable_value_survives_a_save(user):
    damaged = stored(user)[:-6] + "AAAA=="
    store(user, damaged)
    row = User.objects.get(pk=user.pk)
    row.display_name = row.phone
    row.save()
    assert (stored(user), row.display_name) == (damaged, UNREADABLE)
    row.refresh_from_db()
    row.save()
    assert stored(user) == damaged
    assert User.objects.get(phone_index=crypto.blind_index(PHONE)) == user


def test_the_placeholder_is_no_value(user):
    user.phone = str(UNREADABLE)
    with pytest.raises(ValidationError):
        user.full_clean()
    with pytest.raises(ValueError, match="placeholder"):
        user.save()


def test_saving_something_else_keeps_the_text(user):
    before = stored(user)
    row = User.objects.get(pk=user.pk)
    row.display_name = "新名字"
    row.save()
    assert stored(user) == before


def test_a_new_value_is_sealed_anew_and_the_index_follows(user):
    row = User.objects.get(pk=user.pk)
    row.phone = "19900005678"
    row.save()
    assert User.objects.get(phone_index=crypto.blind_index("19900005678")).phone == "19900005678"
    row.phone = ""
    row.save()
    row = User.objects.get(pk=user.pk)
    assert (row.phone, row.phone_index, stored(row)) == ("", None, "")


def test_index_and_source_are_saved_together(user):
    user.phone = "19900005678"
    with pytest.raises(ValueError, match="together"):
        user.save(update_fields=["phone"])
    user.save(update_fields=["phone", "phone_index"])
    assert User.objects.by_name_or_phone("19900005678") == user


def test_a_copied_row_does_not_take_the_text_along(user):
    row = User.objects.get(pk=user.pk)
    row.pk, row.username, row._state.adding = uuid.uuid4(), "copy", True
    with pytest.raises(crypto.Unopened):
        row.save()


def test_bulk_create_seals_each_row(db):
    rows = User.objects.bulk_create(User(username=f"bulk{n}", phone=f"1990000{n:04}") for n in range(20))
    assert [User.objects.get(pk=row.pk).phone for row in rows] == [f"1990000{n:04}" for n in range(20)]
    assert User.objects.exclude(phone_index=None).count() == 20


def test_lists_do_not_open_what_they_do_not_show(user, monkeypatch):
    opened = []
    real = crypto.unseal
    monkeypatch.setattr(crypto, "unseal", lambda text, aad: opened.append(aad) or real(text, aad))
    rows = list(User.objects.all())
    assert opened == []
    assert [rows[0].phone, rows[0].phone] == [PHONE, PHONE]
    assert len(opened) == 1


def test_values_and_dumps_hold_no_plain_text(user):
    value = User.objects.values_list("phone", flat=True).get()
    assert isinstance(value, Sealed)
    assert PHONE not in f"{value} {value!r} {value.text}"
    assert PHONE not in serializers.serialize("json", User.objects.all())
    assert PHONE not in repr(User.objects.get().__dict__)


def test_deferred_and_partial_reads(user):
    assert User.objects.only("username").get(pk=user.pk).phone == PHONE
    assert User.objects.defer("phone").get(pk=user.pk).phone == PHONE


def test_numbers_from_the_sequence_are_refused_as_keys():
    class Numbered(models.Model):
        secret = EncryptedTextField(blank=True)

        class Meta:
            app_label = "common"

    from django.apps import apps

    del apps.all_models["common"]["numbered"]
    assert "common.E003" in [error.id for error in Numbered._meta.get_field("secret").check()]


def test_too_long_is_refused(user):
    user.phone = "1" * 21
    with pytest.raises(ValidationError):
        user.full_clean()


def test_the_tables_hold_no_number(user):
    User.objects.filter(pk=user.pk).update(display_name="19900007777")
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM accounts_user t")
        text = cursor.fetchone()[0]
    assert "19900007777" in text, "control: an open column does show"
    assert PHONE not in text
    assert PHONE[-4:] not in text.replace(stored(user), "").replace(str(user.phone_index), "")


def test_rotation(user, settings, capsys):
    others = [User.objects.create_user(f"r{n}", phone=f"1990001{n:04}") for n in range(25)]
    empty = User.objects.create_user("empty")
    settings.FIELD_KEYS = f"{NEW_KEY},{settings.FIELD_KEYS}"
    settings.FIELD_SUITE = crypto.AES_GCM
    call_command("rotate_field_keys", "--batch=10", verbosity=0)
    assert "accounts_user.phone: 26 rows sealed anew" in capsys.readouterr().out
    settings.FIELD_KEYS = NEW_KEY
    assert stored(user).startswith("v1|aes256-gcm|n1|")
    assert User.objects.get(pk=user.pk).phone == PHONE
    assert [User.objects.get(pk=row.pk).phone for row in others] == [f"1990001{n:04}" for n in range(25)]
    assert stored(empty) == ""
    call_command("rotate_field_keys")
    assert "accounts_user.phone: 0 rows sealed anew" in capsys.readouterr().out


def test_rotation_leaves_what_it_cannot_open(user, settings):
    broken = User.objects.create_user("broken", phone=PHONE[:-1] + "9")
    damaged = stored(broken)[:-6] + "AAAA=="
    store(broken, damaged)
    settings.FIELD_KEYS = f"{NEW_KEY},{settings.FIELD_KEYS}"
    with pytest.raises(CommandError, match="1 texts"):
        call_command("rotate_field_keys")
    assert stored(broken) == damaged
    assert stored(user).startswith("v1|sm4-gcm|n1|")


@pytest.mark.django_db(transaction=True)
def test_reads_and_writes_go_on_during_rotation(settings, caplog):
    rows = User.objects.bulk_create(User(username=f"m{n}", phone=f"1990002{n:04}") for n in range(300))
    settings.FIELD_KEYS = f"{NEW_KEY},{settings.FIELD_KEYS}"
    stop, seen = threading.Event(), []

    def read():
        while not stop.is_set():
            seen.extend(row.phone for row in User.objects.order_by("?")[:50])
        connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with caplog.at_level(logging.ERROR):
            call_command("rotate_field_keys", "--batch=20")
            changed = User.objects.get(pk=rows[7].pk)
            changed.phone = "19900030000"
            changed.save()
    finally:
        stop.set()
        reader.join()
    assert len(seen) >= 50
    assert UNREADABLE not in seen
    assert User.objects.get(pk=rows[7].pk).phone == "19900030000"
