"""Names in the logs that match nobody: which they are, and saying whose one is."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from identities.actions import claim_account
from identities.kinds import AccountKind
from identities.models import Account, Identity, System
from logs.actions import record_events
from logs.models import AccessEvent
from logs.queries.unmatched import unmatched_inbox, unmatched_names
from tenants.kinds import Actor, Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, source

pytestmark = pytest.mark.django_db
EVE = SSHD_OK.replace(b"alice", b"Eve")


@pytest.fixture
def bastion(bpo: Tenant, system: Actor) -> System:
    """A system in whose logs alice, Eve and a stranger were seen."""
    with tenant_scope(bpo):
        made = System.objects.create(name="Bastion", key="bastion", privileged_rule="none: test")
        record_events(source=source(system=made), body=lines(SSHD_OK, SSHD_BAD, EVE, EVE), door="test", by=system)
        record_events(source=source("Loose"), body=lines(SSHD_OK), door="test", by=system)
    return made


def names(*, refused: bool = False) -> list[str]:
    return sorted(unmatched_names(refused=refused).values_list("actor_key", flat=True))


def test_a_name_leaves_the_inbox_when_it_is_said_whose_it_is(bastion: System, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        assert (names(), names(refused=True)) == (["alice", "eve"], ["root"])
        person = Identity.objects.create(external_id="7", name="Eve")
        account = claim_account(system=bastion, name="Eve", owner=person, kind=AccountKind.HUMAN, by=system)
        assert (account.name, account.name_key, account.identity_id) == ("Eve", "eve", person.pk)
        claim_account(system=bastion, name="alice", owner=None, kind=AccountKind.SERVICE, by=system)
        assert names() == []
        assert AuditEntry.objects.filter(verb="account.claim").count() == 2
        record_events(source=source("Later", system=bastion), body=lines(EVE), door="test", by=system)
        assert AccessEvent.objects.latest("id").identity_id == person.pk


def test_an_account_without_an_owner_is_shown_and_keeps_its_reference(
    bastion: System, bpo: Tenant, system: Actor
) -> None:
    with tenant_scope(bpo):
        old = Account.objects.create(system=bastion, name="EVE", name_key="eve", salt=b"1" * 16, ref="r")
        shown = {line.use.actor_key: line for line in unmatched_inbox(refused=False, number=None).lines}
        assert (shown["eve"].ownerless, shown["alice"].ownerless) == (True, False)
        assert (shown["eve"].events, shown["eve"].denied) == (2, 0)
        person = Identity.objects.create(external_id="7", name="Eve")
        claimed = claim_account(system=bastion, name="Eve", owner=person, kind=AccountKind.HUMAN, by=system)
        assert (claimed.pk, claimed.ref, claimed.name) == (old.pk, "r", "EVE")
        other = Identity.objects.create(external_id="8", name="Other")
        with pytest.raises(Refused, match="belongs to Eve already"):
            claim_account(system=bastion, name="eve", owner=other, kind=AccountKind.HUMAN, by=system)


def test_an_account_of_one_person_needs_the_person(bastion: System, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo), pytest.raises(ValueError, match="needs that person"):
        claim_account(system=bastion, name="eve", owner=None, kind=AccountKind.HUMAN, by=system)


def test_names_of_sources_without_a_system_are_counted(bastion: System, bpo: Tenant) -> None:
    with tenant_scope(bpo):
        inbox = unmatched_inbox(refused=False, number=None)
        assert (inbox.without_system, len(inbox.lines)) == (1, 2)


def test_the_officer_says_whose_a_name_is(client: Client, carla: User, bastion: System, bpo: Tenant) -> None:
    client.force_login(carla)
    with tenant_scope(bpo):
        person = Identity.objects.create(external_id="E7", name="Eve Moss")
    text = client.get("/t/northwind/register/unmatched/").content.decode()
    assert f"?system={bastion.pk}&amp;name=eve" in text
    path = f"/t/northwind/register/unmatched/claim/?system={bastion.pk}&name=eve"
    assert client.post(path, {"kind": "human", "owner": ""}).status_code == 422
    assert client.post(path, {"kind": "human", "owner": "Eve Moss"}).status_code == 302
    assert client.get(path).status_code == 404
    with tenant_scope(bpo):
        account = Account.objects.get()
        assert (account.name, account.identity_id) == ("Eve", person.pk)


@pytest.mark.parametrize(
    "query", ["?name=eve", "?system=x&name=eve", "?system=1&name=%00", f"?system={'9' * 30}&name=eve"]
)
def test_a_name_that_is_not_there_is_not_found(client: Client, carla: User, bastion: System, query: str) -> None:
    client.force_login(carla)
    assert client.get(f"/t/northwind/register/unmatched/claim/{query}").status_code == 404


def test_who_may_only_read_the_register_says_nothing(
    client: Client, axel: User, remy: User, bastion: System, bpo: Tenant
) -> None:
    path = f"/t/northwind/register/unmatched/claim/?system={bastion.pk}&name=eve"
    for person in (axel, remy):
        client.force_login(person)
        assert client.post(path, {"kind": "service"}).status_code == 403
    with tenant_scope(bpo):
        assert not Account.objects.exists()


def test_another_tenant_has_an_inbox_of_its_own(bastion: System, acme: Tenant) -> None:
    with tenant_scope(acme):
        assert names() == []
        by = Actor.system("tests", acme.pk)
        with pytest.raises(System.DoesNotExist):
            claim_account(system=bastion, name="eve", owner=None, kind=AccountKind.SERVICE, by=by)


def test_the_inbox_asks_no_more_for_more_names(bastion: System, bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        with CaptureQueriesContext(connection) as few:
            unmatched_inbox(refused=False, number=None)
        more = [SSHD_OK.replace(b"alice", b"agent%d" % number) for number in range(60)]
        record_events(source=source("More", system=bastion), body=lines(*more), door="test", by=system)
        with CaptureQueriesContext(connection) as many:
            inbox = unmatched_inbox(refused=False, number="2")
        assert (len(few), len(inbox.lines)) == (len(many), 12)
