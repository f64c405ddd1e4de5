"""Seal and open personal values: authenticated encryption with a key ring, and keyed blind indexes."""

import base64
import binascii
import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

VERSION = "v1"
SM4_GCM, AES_GCM = "sm4-gcm", "aes256-gcm"
_CIPHERS: dict[str, tuple[Any, int]] = {SM4_GCM: (algorithms.SM4, 16), AES_GCM: (algorithms.AES, 32)}
_IV_BYTES, _TAG_BYTES, _KEY_BYTES = 12, 16, 32


class Unopened(Exception):
    """Tell that a sealed text could not be opened: wrong key, wrong row, damaged or not a sealed text."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The field keys: the first one writes, every one reads."""

    keys: dict[str, bytes]
    writing: str


@lru_cache(maxsize=8)
def _parse_ring(text: str) -> KeyRing:
    keys: dict[str, bytes] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, colon, encoded = part.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"FIELD_KEYS: the key {name!r} is not base64.") from error
        if not colon or not name or "|" in name or name in keys or len(key) < _KEY_BYTES:
            raise ImproperlyConfigured(
                "FIELD_KEYS: write id:base64, unique ids without '|', keys of at least 32 bytes."
            )
        keys[name] = key
    if not keys:
        raise ImproperlyConfigured("FIELD_KEYS is empty: personal columns cannot be written.")
    return KeyRing(keys, next(iter(keys)))


def ring() -> KeyRing:
    """Return the key ring of the settings; refuse keys that are short, doubled or not base64."""
    return _parse_ring(settings.FIELD_KEYS)


def writing_suite() -> str:
    """Return the cipher suite new values are sealed with; refuse an unknown one."""
    suite = getattr(settings, "FIELD_SUITE", SM4_GCM)
    if suite not in _CIPHERS:
        raise ImproperlyConfigured(f"FIELD_SUITE must be one of {', '.join(_CIPHERS)}.")
    return str(suite)


def writing_prefix() -> str:
    """Return how every text sealed today begins; what begins otherwise is due for rotation."""
    return f"{VERSION}|{writing_suite()}|{ring().writing}|"


@lru_cache(maxsize=64)
def _suite_key(suite: str, key: bytes) -> bytes:
    # One derived key per suite, so that no two algorithms ever share key bytes.
    info = f"hedong field {VERSION} {suite}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=_CIPHERS[suite][1], salt=None, info=info).derive(key)


def _encrypt(suite: str, key: bytes, iv: bytes, plain: bytes, aad: bytes) -> tuple[bytes, bytes]:
    worker = Cipher(_CIPHERS[suite][0](key), modes.GCM(iv)).encryptor()
    worker.authenticate_additional_data(aad)
    sealed = worker.update(plain) + worker.finalize()
    return sealed, worker.tag


def _decrypt(suite: str, key: bytes, iv: bytes, sealed: bytes, tag: bytes, aad: bytes) -> bytes:
    worker = Cipher(_CIPHERS[suite][0](key), modes.GCM(iv, tag)).decryptor()
    worker.authenticate_additional_data(aad)
    return worker.update(sealed) + worker.finalize()


def seal(plain: str, aad: str) -> str:
    """Seal `plain` for the one place that `aad` names, as `v1|suite|key id|iv|ciphertext|tag`."""
    suite, keys = writing_suite(), ring()
    iv = os.urandom(_IV_BYTES)
    key = _suite_key(suite, keys.keys[keys.writing])
    sealed, tag = _encrypt(suite, key, iv, plain.encode(), aad.encode())
    parts = (base64.b64encode(part).decode() for part in (iv, sealed, tag))
    return "|".join((VERSION, suite, keys.writing, *parts))


def unseal(text: str, aad: str) -> str:
    """Open a sealed text; raise Unopened when key, row, shape or content do not fit."""
    parts = text.split("|")
    if len(parts) != 6 or parts[0] != VERSION or parts[1] not in _CIPHERS:
        raise Unopened("not a sealed text")
    key = ring().keys.get(parts[2])
    if key is None:
        raise Unopened(f"the key ring has no key {parts[2]!r}")
    try:
        iv, sealed, tag = (base64.b64decode(part, validate=True) for part in parts[3:])
        if len(tag) != _TAG_BYTES or len(iv) != _IV_BYTES:
            raise Unopened("damaged")
        return _decrypt(parts[1], _suite_key(parts[1], key), iv, sealed, tag, aad.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unopened("damaged, moved from another row, or sealed with another key") from error


@lru_cache(maxsize=8)
def _index_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ImproperlyConfigured("BLIND_INDEX_KEY is not base64.") from error
    if len(key) < _KEY_BYTES:
        raise ImproperlyConfigured("BLIND_INDEX_KEY must be at least 32 bytes, as base64.")
    return key


def keyed_digest(purpose: str, value: str) -> str:
    """Return HMAC-SM3 of `value` under the index key, separated by purpose, as 64 hex digits."""
    worker = hmac.HMAC(_index_key(settings.BLIND_INDEX_KEY), hashes.SM3())
    worker.update(f"{purpose}|{value}".encode())
    return worker.finalize().hex()


_WIDE = str.maketrans("０１２３４５６７８９＋－（）　", "0123456789+-() ")


def normalise_phone(value: str) -> str:
    """Return the number as digits only: no spaces, no dashes, no full-width digits, no +86."""
    kept = "".join(sign for sign in value.translate(_WIDE) if sign.isdigit() or sign == "+")
    for prefix in ("+86", "0086"):
        kept = kept.removeprefix(prefix)
    kept = kept.replace("+", "")
    return kept[2:] if len(kept) == 13 and kept.startswith("861") else kept


def looks_like_phone(value: str) -> bool:
    """Tell whether somebody meant a phone number: nothing but digits and the signs people put between them."""
    return bool(value) and all(sign.isdigit() or sign in "+-() " for sign in value.translate(_WIDE))


def blind_index(value: str) -> str:
    """Return what finds `value` among sealed phone numbers, "" for an empty value."""
    number = normalise_phone(value)
    return keyed_digest("exact", number) if number else ""


def blind_index_last4(value: str) -> str:
    """Return what finds sealed numbers by their last four digits, "" for fewer than four."""
    number = normalise_phone(value)
    return keyed_digest("last4", number[-4:])[:32] if len(number) >= 4 else ""


# RFC 8998 appendix A.1; NIST GCM test case 14; GB/T 32905-2016 example 1.
_KNOWN_ANSWERS = (
    (
        SM4_GCM,
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec",
    ),
    (
        AES_GCM,
        "00" * 32,
        "00" * 12,
        "00" * 16,
        "",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ),
)
_SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def self_test() -> list[str]:
    """Run the known answers of every algorithm in use and return what failed."""
    failed = []
    for suite, *rest in _KNOWN_ANSWERS:
        key, iv, plain, aad, sealed, tag = (bytes.fromhex(word) for word in rest)
        if _encrypt(suite, key, iv, plain, aad) != (sealed, tag) or _decrypt(suite, key, iv, sealed, tag, aad) != plain:
            failed.append(suite)
    digest = hashes.Hash(hashes.SM3())
    digest.update(b"abc")
    if digest.finalize().hex() != _SM3_ABC:
        failed.append("sm3")
    return failed


def check_crypto(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start when an algorithm gives a wrong answer or the keys cannot be used."""
    try:
        failed = self_test()
        sealed = seal("自检", "check")
        if unseal(sealed, "check") != "自检" or not blind_index("19900000000"):
            failed.append("round trip")
    except (ImproperlyConfigured, Unopened) as error:
        return [Error(str(error), id="common.E001")]
    except Exception as error:  # a missing algorithm shows as whatever the library raises
        return [Error(f"The cipher self-test could not run: {error!r}", id="common.E002")]
    return [Error(f"The cipher self-test failed: {', '.join(failed)}", id="common.E002")] if failed else []
