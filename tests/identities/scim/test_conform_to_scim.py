"""scim2-tester, a peer's own suite of checks, runs against the service through the whole WSGI application."""

from collections.abc import Iterator
from wsgiref.types import WSGIApplication

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from tests.identities.scim.conftest import Directory

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Iterator[WSGIApplication]:
    """The portal's WSGI application, which keeps the test's connection: else its transaction ended with a request."""
    around = (request_started, request_finished)
    for signal in around:
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in around:
        signal.connect(close_old_connections)


def test_it_passes_the_checks_of_scim2_tester(directory: Directory, application: WSGIApplication) -> None:
    from scim2_tester import Status, check_server  # noqa: PLC0415 -- each process that collects waits 1.5 s for it

    from tests.identities.scim.tidy import Tidy  # noqa: PLC0415 -- as before

    client = Tidy(
        application,
        base_url=f"http://localhost/api/v1/t/{directory.slug}/scim/v2",
        headers={"Authorization": f"Bearer {directory.token}"},
    )
    results = check_server(client)
    wrong = [f"{one.status.name} {one.title}: {one.reason}" for one in results if one.status != Status.SUCCESS]
    assert wrong == []
    assert len(results) > 60
