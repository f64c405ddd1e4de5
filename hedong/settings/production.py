"""A district's own installation, behind TLS."""

from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from hedong.settings import base, env, strength
from hedong.settings.base import *  # noqa: F403

strength.text("SECRET_KEY", base.SECRET_KEY)
strength.ring("FIELD_KEYS", base.FIELD_KEYS)
strength.key("BLIND_INDEX_KEY", base.BLIND_INDEX_KEY)
strength.key("LINK_KEY", base.LINK_KEY)
strength.password("DATABASE_URL", base.DATABASES["default"]["PASSWORD"], base.DATABASES["default"]["USER"])
strength.password("REDIS_URL", unquote(urlsplit(base.CELERY_BROKER_URL).password or ""))

# Printed codes and mails carry this address: a default would be wrong everywhere.
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL")
if not urlsplit(PUBLIC_BASE_URL).hostname or not PUBLIC_BASE_URL.startswith("https://"):
    raise ImproperlyConfigured(f"PUBLIC_BASE_URL must be an https address; it is {PUBLIC_BASE_URL!r}.")
if not env.text("ALLOWED_HOSTS").strip():
    raise ImproperlyConfigured("ALLOWED_HOSTS is empty: name the domain of this installation.")

SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
