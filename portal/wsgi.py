"""The WSGI application that granian serves."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from portal.turns import TakingTurns

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = TakingTurns(get_wsgi_application())
# All pages are imported here, by one thread: the first requests come in several at once.
_ = get_resolver().url_patterns
gc.freeze()  # what stays is not looked through again: each full collection stopped every answer for a tenth of a second
