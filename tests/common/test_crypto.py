"""Sealed texts: only the right key, the right row and the untouched text open them."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from common import crypto

KEY_ONE = "k1:" + base64.b64encode(b"1" * 32).decode()
KEY_TWO = "k2:" + base64.b64encode(b"2" * 32).decode()
SUITES = (crypto.SM4_GCM, crypto.AES_GCM)


@pytest.fixture(params=SUITES)
def suite(request, settings):
    settings.FIELD_SUITE = request.param
    return request.param


def test_known_answers():
    assert crypto.self_test() == []
    assert crypto.check_crypto(None) == []


def test_a_wrong_known_answer_stops_the_start(monkeypatch):
    """Control: the self-test does notice a cipher that computes something else."""
    monkeypatch.setattr(crypto, "_SM3_ABC", "00" * 32)
    assert [error.id for error in crypto.check_crypto(None)] == ["common.E002"]


@given(plain=st.text(max_size=200), aad=st.text(min_size=1, max_size=50))
def test_what_is_sealed_opens_again(plain, aad):
    assert crypto.unseal(crypto.seal(plain, aad), aad) == plain


def test_shape(suite):
    version, used, key_id, iv, _sealed, tag = crypto.seal("19900001234", "t.c.1").split("|")
    assert (version, used, key_id) == ("v1", suite, "t1")
    assert len(base64.b64decode(iv)) == 12
    assert len(base64.b64decode(tag)) == 16


def test_same_text_is_never_sealed_alike(suite):
    assert len({crypto.seal("19900001234", "t.c.1") for _ in range(200)}) == 200


def test_another_place_does_not_open_it(suite):
    sealed = crypto.seal("19900001234", "t.c.1")
    for place in ("t.c.2", "t.d.1", "u.c.1", ""):
        with pytest.raises(crypto.Unopened):
            crypto.unseal(sealed, place)


def test_every_changed_byte_is_noticed(suite):
    parts = crypto.seal("19900001234", "t.c.1").split("|")
    for number in (3, 4, 5):
        raw = base64.b64decode(parts[number])
        for at in range(len(raw)):
            damaged = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            text = "|".join([*parts[:number], base64.b64encode(damaged).decode(), *parts[number + 1 :]])
            with pytest.raises(crypto.Unopened):
                crypto.unseal(text, "t.c.1")


def test_suites_do_not_open_each_other(settings):
    sealed = crypto.seal("19900001234", "t.c.1")
    with pytest.raises(crypto.Unopened):
        crypto.unseal(sealed.replace("sm4-gcm", "aes256-gcm"), "t.c.1")


@pytest.mark.parametrize(
    "text", ["", "x", "v1|sm4-gcm|t1|a|b", "v1|sm4-gcm|t1|é|b|c", "v2|sm4-gcm|t1|a|b|c", "19900001234"]
)
def test_what_is_not_sealed_is_refused(text):
    with pytest.raises(crypto.Unopened):
        crypto.unseal(text, "t.c.1")


def test_the_first_key_writes_and_all_read(settings):
    settings.FIELD_KEYS = KEY_ONE
    old = crypto.seal("19900001234", "t.c.1")
    settings.FIELD_KEYS = f"{KEY_TWO},{KEY_ONE}"
    assert crypto.unseal(old, "t.c.1") == "19900001234"
    assert crypto.seal("x", "t.c.1").startswith("v1|sm4-gcm|k2|")
    settings.FIELD_KEYS = KEY_TWO
    with pytest.raises(crypto.Unopened, match="k1"):
        crypto.unseal(old, "t.c.1")


@pytest.mark.parametrize(
    "keys", ["", "k1", "k1:###", "k1:c2hvcnQ=", f"{KEY_ONE},{KEY_ONE}", "a|b:" + base64.b64encode(b"1" * 32).decode()]
)
def test_bad_rings_are_refused(settings, keys):
    settings.FIELD_KEYS = keys
    with pytest.raises(ImproperlyConfigured):
        crypto.ring()
    assert [error.id for error in crypto.check_crypto(None)] == ["common.E001"]


def test_unknown_suite_is_refused(settings):
    settings.FIELD_SUITE = "rot13"
    assert [error.id for error in crypto.check_crypto(None)] == ["common.E001"]


@pytest.mark.parametrize(
    "written",
    ["19900001234", "199 0000 1234", "199-0000-1234", "+86 199 0000 1234", "008619900001234", "１９９００００１２３４"],
)
def test_one_number_however_written(written):
    assert crypto.normalise_phone(written) == "19900001234"
    assert crypto.blind_index(written) == crypto.blind_index("19900001234")
    assert crypto.blind_index_last4(written) == crypto.blind_index_last4("1234")
    assert crypto.looks_like_phone(written)


def test_indexes_need_their_key(settings):
    before = crypto.blind_index("19900001234")
    settings.BLIND_INDEX_KEY = base64.b64encode(b"another key, also 32 bytes long!!").decode()
    assert crypto.blind_index("19900001234") != before
    settings.BLIND_INDEX_KEY = "c2hvcnQ="
    with pytest.raises(ImproperlyConfigured):
        crypto.blind_index("19900001234")


def test_indexes_are_kept_apart():
    assert crypto.blind_index("1234") != crypto.blind_index_last4("1234")
    assert crypto.blind_index("") == crypto.blind_index_last4("123") == ""
    assert not crypto.looks_like_phone("w19900001234")
