"""What every installation shares. Secrets and addresses come from the environment; there are no defaults for them."""

from datetime import timedelta
from pathlib import Path

from hedong.settings import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(env.text("HEDONG_VAR", str(BASE_DIR / "var")))

SECRET_KEY = env.secret("SECRET_KEY")
# Encrypts personal columns: "id:base64key[,id:base64key…]"; the first one writes, all of them read.
FIELD_KEYS = env.secret("FIELD_KEYS")
# With which cipher new values are sealed; what another one sealed stays readable.
FIELD_SUITE = env.text("FIELD_SUITE", "sm4-gcm")
# Keys the blind indexes through which encrypted columns are found.
BLIND_INDEX_KEY = env.secret("BLIND_INDEX_KEY")
# Keys the residents' tracking links and the liaisons' answer links.
LINK_KEY = env.secret("LINK_KEY")
DEBUG = False
DEMO = False

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PUBLIC_BASE_URL = env.text("PUBLIC_BASE_URL", "http://127.0.0.1:8000")
# How many proxies of our own stand before gunicorn; 0 means that forwarded addresses are not believed.
PROXY_COUNT = env.integer("PROXY_COUNT", 0)

INSTALLED_APPS = [
    "hedong.apps.HedongConfig",
    "api",
    "dashboards",
    "notifications",
    "volunteering",
    "requests_board",
    "partners",
    "grids",
    "accounts",
    "clockwork",
    "audit",
    "common",
    "hedong.apps.HedongAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "mptt",
    "guardian",
    "axes",
]

MIDDLEWARE = [
    # First, so that it sees each answer as it leaves.
    "common.middleware.LightPublicPagesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.SessionLimitsMiddleware",
    "accounts.middleware.ApiTokenMiddleware",
    "common.middleware.DomainErrorMiddleware",
    "common.middleware.AccessMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "hedong.urls"
WSGI_APPLICATION = "hedong.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "accounts:home"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "grids.context.district",
                "notifications.context.inbox",
            ]
        },
    }
]

DATABASES = {"default": env.database(env.address("DATABASE_URL"))}
DATABASES["default"].update(CONN_MAX_AGE=600, CONN_HEALTH_CHECKS=True)
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
DATABASES["default"]["OPTIONS"].setdefault(
    "options", "-c lock_timeout=3s -c idle_in_transaction_session_timeout=30s -c statement_timeout=15s"
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "zh-hans"
LOCALE_PATHS = [BASE_DIR / "hedong" / "locale"]
FORMAT_MODULE_PATH = ["hedong.formats"]
TIME_ZONE = env.text("TIME_ZONE", "Asia/Shanghai")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PhoneOrNameBackend",
    "grids.backends.PlaceBackend",
]
# Of guardian come the tables of grants; the answer is ours, because theirs knows neither inheritance nor terms.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
# Residents need no account, so there is no row for "nobody".
ANONYMOUS_USER_NAME = None
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "display_name", "phone")},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.LongEnough", "OPTIONS": {"min_length": 10}},
    {"NAME": "accounts.passwords.Mixed"},
]

# Five wrong passwords lock one pair of account and address for a quarter of an hour: by address alone, three
# mistakes behind a shared proxy would lock everybody out; by account alone, a stranger could lock its owner out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "common.addresses.client_address"
AXES_USERNAME_CALLABLE = "accounts.selectors.axes_username"
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
# `next` may quote an address in which a phone number was searched for.
AXES_SENSITIVE_PARAMETERS = ["username", "next", "old_password", "new_password", "again", "csrfmiddlewaretoken"]
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE_SECONDS = env.integer("SESSION_IDLE_SECONDS", 30 * 60)
SESSION_ABSOLUTE_SECONDS = env.integer("SESSION_ABSOLUTE_SECONDS", 12 * 3600)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
# Counters share their computers: closing the browser signs out.
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "common.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["common.access.DenyAll"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["api.throttles.CallLimits"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "common.errors.api_exception_handler",
    "NUM_PROXIES": PROXY_COUNT,
    # OPTIONS would describe a door to whoever may not use all of it.
    "DEFAULT_METADATA_CLASS": None,
    # One way to ask for JSON is enough; an unknown parameter is refused by name.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "api.schema.Described",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "合伙人平台接口",
    "VERSION": "1.0.0",
    "DESCRIPTION": (
        "看得到什么、能做什么，和网页上完全一样。\n\n"
        "请安全管理员发一个令牌，每次调用都带请求头 Authorization: Bearer 令牌。\n"
        "列表用 limit 和 cursor 翻页。写的时候带上 Idempotency-Key，断了线可以原样再发一次。\n"
        "办不了的时候，回答里有 code（给程序看）、message（给人看）和 field（哪一项）。"
    ),
    "POSTPROCESSING_HOOKS": ["api.schema.say_refusals_once"],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "session": {
                "type": "apiKey", "in": "cookie", "name": "sessionid",
                "description": "网页登录后的会话。写的时候还要带 X-CSRFToken 和同源的 Referer。",
            },
            "bearer": {"type": "http", "scheme": "bearer", "description": "给系统对接用的令牌。"},
        }
    },
}  # fmt: skip

# The broker is only the bell: nothing that matters is kept in it.
CELERY_BROKER_URL = env.address("REDIS_URL")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 240
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# However long the broker is away, the worker waits for it, and is back within seconds after it.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_CONSUMER = "audit.jobs.ear:PatientConsumer"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Whoever finds no broker knows it at once; by itself kombu would hold the request for six seconds of retries.
    "max_retries": 0,
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "retry_on_timeout": False,
}
# A connection serves a hundred jobs instead of one; before each of them it is looked at (audit.tasks).
CELERY_DB_REUSE_MAX = 100
CELERY_TIMEZONE = TIME_ZONE
# Beat writes job rows, one per name and period; it needs no broker and leaves no file.
CELERY_BEAT_SCHEDULER = "clockwork.tasks:PeriodScheduler"
# How long a claimed job may be silent before it holds its row's lock, and when the sweeper rings again.
JOB_LEASE = timedelta(seconds=env.integer("JOB_LEASE_SECONDS", 15))
JOB_RING_AGAIN = timedelta(seconds=env.integer("JOB_RING_AGAIN_SECONDS", 5))

# Mail goes out only where a server is named; the inbox works without one.
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.integer("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
EMAIL_DOMAIN = env.text("EMAIL_DOMAIN", "localhost")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"noreply@{EMAIL_DOMAIN}")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"without_addresses": {"()": "common.logs.WithoutAddresses"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_addresses"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    # Two lines for each job would hide the ones that matter.
    "loggers": {name: {"level": "WARNING"} for name in ("celery.worker.strategy", "celery.app.trace")},
}
