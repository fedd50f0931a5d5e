# ruff: noqa: E402, F403, TID251 -- they are the portal's settings, changed
"""The portal's settings, on a data directory of the tests' own."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("COUNTERSIGN_DATA", str(_ROOT / ".data" / "test"))
os.environ.setdefault("COUNTERSIGN_SECRET_KEY", "the-tests-have-a-key-of-their-own-that-opens-nothing-else")

from portal.settings import *
from portal.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
DATABASES = {
    name: {**entry, "OPTIONS": {}, "CONN_HEALTH_CHECKS": False, "CONN_MAX_AGE": 0} for name, entry in DATABASES.items()
}
# Tests that roll back sign what they have not committed; tests of the signer commit.
COUNTERSIGN_SIGNER_CONNECTION = "default"
COUNTERSIGN_VERIFIER_CONNECTION = "default"
