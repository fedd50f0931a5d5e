"""Countersign's settings: one file, read from the environment, checked at the start.

``COUNTERSIGN_DATA`` names the one directory that holds everything the installation keeps outside PostgreSQL.
"""

from pathlib import Path

from portal.environment import env_choice, env_flag, env_list, env_number, env_text
from portal.openidplace import openid_provider
from portal.packplace import pack_storage
from portal.roles import connection_settings
from portal.secrets import secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
COUNTERSIGN_DATA = Path(env_text("COUNTERSIGN_DATA", str(BASE_DIR / ".data"))).absolute()
COUNTERSIGN_ROLE = env_choice("COUNTERSIGN_ROLE", "app", frozenset({"app", "owner", "intake", "readonly"}))
COUNTERSIGN_INSTANCE = env_text("COUNTERSIGN_INSTANCE", "countersign")

DEBUG = env_flag("COUNTERSIGN_DEBUG", default=False)
SECRET_KEY = env_text("COUNTERSIGN_SECRET_KEY") or secret_key(COUNTERSIGN_DATA)
ALLOWED_HOSTS = env_list("COUNTERSIGN_HOSTS", "localhost,127.0.0.1,[::1]")
PORTAL_URL = env_text("COUNTERSIGN_URL", "http://localhost:8000").rstrip("/")
HTTPS = PORTAL_URL.startswith("https://")

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "evidence.apps.EvidenceConfig",
    "reviews.apps.ReviewsConfig",
    "alerts.apps.AlertsConfig",
    "logs.apps.LogsConfig",
    "identities.apps.IdentitiesConfig",
    "tenants.apps.TenantsConfig",
    "ledger.apps.LedgerConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "portal.apps.OwnStaticFiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "guardian",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "tenants.access.CallerMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.seen.SessionSeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
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
                "portal.context.page",
            ],
        },
    },
]
FORM_RENDERER = "portal.rendering.PortalForms"

_LOGIN = connection_settings(COUNTERSIGN_DATA, COUNTERSIGN_ROLE, env_text("COUNTERSIGN_DATABASE", "countersign"))
# For the web server's threads only: django-q forks its workers, and two processes on one connection mix their answers.
_POOL = {"pool": {"min_size": 1, "max_size": 12, "timeout": 20}} if env_flag("COUNTERSIGN_POOL", default=False) else {}
# Elsewhere one is kept for minutes: each new one is four lines in our own log. The job queue forks and would share it.
_KEEPS = not _POOL and env_flag("COUNTERSIGN_KEEP_CONNECTION", default=True)
_KEPT = {"CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 300 if _KEEPS else 0}
_DATABASE = {**_LOGIN, **_KEPT, "OPTIONS": {**_LOGIN["OPTIONS"], **_POOL}}
DATABASES = {
    "default": _DATABASE,
    # Progress of long work is seen while the work's own transaction runs: a connection of its own.
    "progress": {**_LOGIN, "CONN_HEALTH_CHECKS": True, "TEST": {"MIRROR": "default"}},
    "readonly": {**connection_settings(COUNTERSIGN_DATA, "readonly", _LOGIN["NAME"]), "TEST": {"MIRROR": "default"}},
    "retention": {**connection_settings(COUNTERSIGN_DATA, "retention", _LOGIN["NAME"]), "TEST": {"MIRROR": "default"}},
}
COUNTERSIGN_VERIFIER_CONNECTION = "readonly"  # a role that can change nothing
COUNTERSIGN_SIGNER_CONNECTION = "progress"  # never signs what its caller has appended and not yet committed
COUNTERSIGN_RESEND_DAYS = env_number("COUNTERSIGN_RESEND_DAYS", 35, least=3)  # the keys of records; docs/operating.md
COUNTERSIGN_OWN_LOG_DAYS = env_number("COUNTERSIGN_OWN_LOG_DAYS", 30, least=1)  # their delivered files; likewise
COUNTERSIGN_ANCHOR_FOLDER = env_text("COUNTERSIGN_ANCHOR_FOLDER")
COUNTERSIGN_ANCHOR_HOLDER = env_text("COUNTERSIGN_ANCHOR_HOLDER")
COUNTERSIGN_ANCHOR_MAIL = env_flag("COUNTERSIGN_ANCHOR_MAIL", default=False)
COUNTERSIGN_HOLDERS = env_text("COUNTERSIGN_HOLDERS")  # witnesses and time stamps, one a line; see docs/ledger.md
COUNTERSIGN_SEAL = {name: env_text(f"COUNTERSIGN_SEAL_{name}") for name in ("KEY", "PASSWORD", "TIME")}  # docs/packs.md
COUNTERSIGN_FRAMEWORKS = env_text("COUNTERSIGN_FRAMEWORKS")  # a folder of further frameworks; see docs/frameworks.md
COUNTERSIGN_ENCRYPTED_STORES = env_text("COUNTERSIGN_ENCRYPTED_STORES")  # database=LUKS; data=...; docs/operating.md
COUNTERSIGN_SIGNER = Path(env_text("COUNTERSIGN_SIGNER", str(COUNTERSIGN_DATA / "signer"))).absolute()
COUNTERSIGN_ERASURES = Path(env_text("COUNTERSIGN_ERASURES", str(COUNTERSIGN_DATA / "erasures"))).absolute()
COUNTERSIGN_TICKET_HOSTS = env_list("COUNTERSIGN_TICKET_HOSTS", "")  # hosts inside that tickets may go to; operating.md
COUNTERSIGN_SYSLOG_LISTEN = env_text("COUNTERSIGN_SYSLOG_LISTEN", "127.0.0.1:6514")  # all three: docs/doors.md
COUNTERSIGN_SYSLOG_PORTS = env_list("COUNTERSIGN_SYSLOG_PORTS", "")
COUNTERSIGN_SYSLOG_CERTIFICATE = env_text("COUNTERSIGN_SYSLOG_CERTIFICATE")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ANONYMOUS_USER_NAME = None
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:entrance"
COUNTERSIGN_OIDC = openid_provider()  # one identity provider; docs/operating.md
ACCOUNT_ADAPTER = "portal.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD, ACCOUNT_SESSION_REMEMBER = None, False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1  # one step of 30 s either way, for clocks and slow thumbs (RFC 6238 5.2)
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
USERSESSIONS_TRACK_ACTIVITY = True

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
SESSION_COOKIE_AGE = env_number("COUNTERSIGN_SESSION_SECONDS", 12 * 3600, least=300)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_USE_SESSIONS = True
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env_flag("COUNTERSIGN_PROXY", default=False) else None
_NOWHERE, _HERE = ["'none'"], ["'self'"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **dict.fromkeys(("default-src", "frame-ancestors", "base-uri"), _NOWHERE),
        **dict.fromkeys(("script-src", "style-src", "font-src", "connect-src", "manifest-src", "form-action"), _HERE),
        "img-src": [*_HERE, "data:"],
    }
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT, MEDIA_ROOT = COUNTERSIGN_DATA / "static", COUNTERSIGN_DATA / "media"
_STATIC = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "packs": pack_storage(COUNTERSIGN_DATA),
    "staticfiles": {"BACKEND": _STATIC if DEBUG else "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS, WHITENOISE_KEEP_ONLY_HASHED_FILES = DEBUG, True

EMAIL_BACKEND = env_text("COUNTERSIGN_EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = env_text("COUNTERSIGN_SMTP_HOST", "localhost")
EMAIL_PORT = env_number("COUNTERSIGN_SMTP_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env_text("COUNTERSIGN_SMTP_USER"), env_text("COUNTERSIGN_SMTP_PASSWORD")
EMAIL_USE_TLS = env_flag("COUNTERSIGN_SMTP_TLS", default=False)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env_text("COUNTERSIGN_MAIL_FROM", "countersign@localhost")

# Workers prefetch what they can hold: retry > timeout * (queue_limit / workers + 1), facts of django-q2 1.11.
Q_CLUSTER = {
    "name": "countersign",
    "orm": "default",
    "broker_class": "portal.queue.Broker",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 900,
    "retry": 2000,
    "max_attempts": 3,
    "poll": 0.5,
    "save_limit": 500,
    "catch_up": False,
    "log_level": "WARNING",
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.apiauth.BearerAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_SCHEMA_CLASS": "portal.api.schema.TenantSchema",
    "EXCEPTION_HANDLER": "portal.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Countersign API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "DESCRIPTION": "Reads of one tenant: who touched the data, who may, who checked it, and the evidence.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "portal.api.schema.add_problems"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "CampaignState": "reviews.states.CampaignState",
        "PackState": "evidence.states.PackState",
        "ControlState": "evidence.api.STATES",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "deeds": {
            "class": "tenants.deedlog.DeedFile",
            "filename": str(COUNTERSIGN_DATA / "portal-log" / "portal.ndjson"),
            "delay": True,
            "encoding": "utf-8",
        },
    },
    "loggers": {
        "countersign.deeds": {"handlers": ["deeds"], "level": "INFO", "propagate": False},
        # Four lines for every tick of the schedule, twice a minute, would hide what matters in the output of `run`.
        "django-q": {"level": "WARNING"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
}
