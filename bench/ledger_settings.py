"""The portal's settings without a connection pool: measuring processes are forked and own one connection each."""

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES

DATABASES = {name: {**entry, "OPTIONS": {}, "CONN_HEALTH_CHECKS": False} for name, entry in DATABASES.items()}
