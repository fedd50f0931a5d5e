# ruff: noqa: F403, TID251 -- they are the portal's settings, changed
"""The portal's settings without a connection pool: measuring processes are forked and own one connection each."""

from portal.settings import *
from portal.settings import DATABASES

DATABASES = {name: {**entry, "OPTIONS": {}, "CONN_HEALTH_CHECKS": False} for name, entry in DATABASES.items()}
