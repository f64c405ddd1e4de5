"""The suite's settings: throw-away servers, quick password hashes, keys that guard nothing."""

import os

for _name, _value in {
    "SECRET_KEY": "test-only-" + "0" * 50,
    "FIELD_KEYS": "t1:" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "BLIND_INDEX_KEY": "dGVzdC1vbmx5LWJsaW5kLWluZGV4LWtleS0wMDAwMDA=",
    "LINK_KEY": "dGVzdC1vbmx5LWxpbmsta2V5LTAwMDAwMDAwMDAwMDA=",
    # The suite starts its own servers and puts their addresses here, unless the environment names others.
    "DATABASE_URL": "postgres://test@throw-away.invalid/test",
    "REDIS_URL": "redis://throw-away.invalid/0",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
}.items():
    os.environ.setdefault(_name, _value)

from hedong.settings.base import *  # noqa: E402, F403

DEMO = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A file that is sent lets go of connections that have grown old; a test keeps everything in one transaction.
DATABASES["default"]["CONN_MAX_AGE"] = None  # noqa: F405
