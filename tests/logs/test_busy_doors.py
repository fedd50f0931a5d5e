"""More deliveries at once than one process stores: each door says so at once, keeps nothing, and takes the next."""

from collections.abc import Callable
from contextlib import ExitStack

import pytest
from django.http import HttpResponse
from django.test import Client

from logs.actions import issue_source_token
from logs.doors.entry import PLACES, place
from logs.models import AccessEvent
from tenants.kinds import Actor
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.logs import test_elastic_door as elastic
from tests.logs import test_http_door as native
from tests.logs import test_journal_door as journal
from tests.logs import test_otlp_door as otlp
from tests.logs import test_splunk_door as splunk
from tests.logs.sources import failures, lines, source

pytestmark = pytest.mark.django_db


def test_each_door_turns_away_what_it_has_no_place_for(client: Client, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        bastion = source()
        token = issue_source_token(source=bastion, by=system)
    five = failures(5)
    address = f"{bpo.slug}/ingest/{bastion.key}"
    tries: dict[str, Callable[[], HttpResponse]] = {
        "native": lambda: native.post(client, token, lines(five[0]), address),
        "splunk": lambda: splunk.post(client, token, splunk.event(five[1])),
        "otlp": lambda: otlp.post(client, token, otlp.protobuf(five[2])),
        "journal": lambda: journal.send(client, token, journal.entry(1, five[3])),
        "elastic": lambda: elastic.send(client, token, elastic.pairs(five[4])),
    }
    with ExitStack() as taken:
        for _ in range(PLACES):
            taken.enter_context(place())
        refused = {name: send() for name, send in tries.items()}
    assert elastic.statuses(refused.pop("elastic")) == [429]
    assert {(answer.status_code, answer["Retry-After"]) for answer in refused.values()} == {(503, "5")}
    with tenant_scope(bpo):
        assert not AccessEvent.objects.exists()
    assert {send().status_code for send in tries.values()} <= {200, 202}
    with tenant_scope(bpo):
        assert AccessEvent.objects.count() == len(tries)
