"""The job queue's broker: django-q2's own, but for the connection it looks for work with."""

import os
import time
from typing import Any, Final

from django.db import OperationalError, connections
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

KEPT_SECONDS: Final = 300.0


class Broker(ORM):  # type: ignore[misc]  # django-q2 has no types
    """Looks for work twice a second over one connection, renewed every five minutes.

    The queue's processes are forks and keep no connection of their parent's; django-q2 therefore opens one for every
    look: 170,000 sessions a day, each of them two events in the log of the embedded server, which is a source itself.
    """

    _process = 0
    _until = 0.0
    _looking = False

    def dequeue(self) -> Any:
        """Return the next tasks, over the kept connection; over a new one where the server has ended it."""
        self._looking = True
        try:
            return super().dequeue()
        except OperationalError:
            connections[Conf.ORM].close()
            return super().dequeue()
        finally:
            self._looking = False

    def get_connection(self, list_key: str | None = None) -> Any:
        """Return the queue's rows; closes the connection first, unless this process opened it for looking lately."""
        if not self._looking:
            return super().get_connection(list_key)
        if self._process != os.getpid() or time.monotonic() > self._until:
            self._process, self._until = os.getpid(), time.monotonic() + KEPT_SECONDS
            return super().get_connection(list_key)
        return OrmQ.objects.using(Conf.ORM)
