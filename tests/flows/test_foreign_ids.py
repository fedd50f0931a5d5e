"""Ids of another tenant in what people send (OWASP ASVS 5.0 8.2.2): among own parameters, in the query, in forms.

`test_every_url.py` puts foreign ids into the addresses alone. Here every other part of the request is the caller's own
and right, so that the foreign id is the one thing that stops the deed; the same request with an own id does it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django import forms
from django.db import connection
from django.urls import get_resolver, resolve
from django.utils import timezone

from evidence.models import EvidencePack
from identities.actions import upsert_identities
from identities.models import Entitlement, System
from identities.personfield import PersonField
from logs.models import Grade, LogSource
from reviews.actions import create_campaign, open_campaign
from reviews.models import CampaignPlan, ReviewItem
from tenants.kinds import Role
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests import make
from tests.flows.foreign import MARK, Objects, furnish, undone
from tests.flows.test_every_url import FREE_TEXT, HOME, PAGES, client_of, faults_of

pytestmark = pytest.mark.django_db

OWN: Final = "homely"
KINDS: Final = {
    **dict.fromkeys(
        ("owner", "named", "fallback", "new", "reviewer", "identity", "absent", "deputy", "second"), "identity"
    ),
    **dict.fromkeys(("system", "systems"), "system"),
    **dict.fromkeys(("item", "items"), "item"),
    "source": "source",
    "one": "right",
    "other": "other right",
    "to_0": "receiver",
    "person": "person",
    "campaign": "campaign",
    "population": "campaign",
    "before": "alert",
}
"""What the id (of a person: the address) in a field or query parameter of this name belongs to."""


@dataclass(frozen=True)
class Side:
    """A furnished tenant: what stands in its addresses, and the ids that its people send in forms."""

    tenant: Tenant
    objects: Objects
    ids: Mapping[str, int | str]

    def rows(self) -> list[tuple[str, str]]:
        """Return every row of every table of the tenant, as table and text; the audit trail apart."""
        with tenant_scope(self.tenant), connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attname = "
                "'tenant_id' WHERE relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'tenants_auditentry'"
            )
            each = "SELECT '{0}', t::text FROM {0} t WHERE tenant_id = {1}"
            cursor.execute(" UNION ALL ".join(each.format(name, self.tenant.pk) for (name,) in cursor.fetchall()))
            return sorted(cursor.fetchall())


def side(tenant: Tenant, officer: User, mark: str) -> Side:
    by = make.actor(officer, tenant)
    objects = dict(furnish(tenant, officer, by, mark))
    auditor = make.user(f"{mark}-auditor")
    make.member(auditor, tenant, Role.AUDITOR, days=9)
    deputy = make.user(f"{mark}-deputy")
    make.member(deputy, tenant, Role.REVIEWER)
    with tenant_scope(tenant):
        upsert_identities(body=f"external_id,name,email\nE3,{mark} deputy,{deputy.email}\n".encode(), by=by)
        campaign = create_campaign(plan=CampaignPlan.objects.earliest("id"), occurrence_at=timezone.now(), by=by)
        campaign = open_campaign(campaign=campaign, by=by)
        right, other = Entitlement.objects.order_by("pk").values_list("pk", flat=True)
        ids: dict[str, int | str] = {
            "right": right,
            "other right": other,
            "identity": deputy.email,
            "system": System.objects.get().pk,
            "source": LogSource.objects.get().pk,
            "item": ReviewItem.objects.filter(campaign=campaign, privileged=False)[0].pk,
            "campaign": campaign.pk,
            "pack": EvidencePack.objects.get().pk,
            "person": auditor.pk,
            "receiver": str(tenant.uuid),
        }
    return Side(tenant, objects, {**ids, "alert": int(str(objects["alerts", "alert_id"])) + 1})


@pytest.fixture
def home(bpo: Tenant, carla: User) -> Side:
    return side(bpo, carla, OWN)


@pytest.fixture
def foreign(strangers: Tenant, stella: User) -> Side:
    return side(strangers, stella, MARK)


def people(home: Side) -> list[User]:
    manager = User.objects.get(email=f"{OWN}-manager@example.org")
    return [User.objects.get(email="carla@example.org"), manager]


def test_one_foreign_id_among_own_ones_opens_nothing(home: Side, foreign: Side) -> None:
    faults, walked = [], 0
    for person in people(home):
        client = client_of(person)
        for one in (page for page in PAGES if len(page.parameters) > 1):
            for name in one.parameters:
                key = (one.view.split(".", maxsplit=1)[0], name)
                path = one.path(HOME, {**home.objects, key: foreign.objects[key]})
                allowed = {200, 403, 404, 405} if one.view in FREE_TEXT else {403, 404, 405}
                for method in ("get", "post"):
                    with undone():
                        faults += faults_of(getattr(client, method)(path), path, allowed)
                    walked += 1
    assert faults == []
    assert walked >= 24


def _query(path: str, foreign: Side) -> list[dict[str, object]]:
    """Return the queries to try: all names at once for a page, one known filter after the other for the API."""
    sent: dict[str, object] = {**{name: foreign.ids[kind] for name, kind in KINDS.items()}, "field": "owner"}
    view = getattr(resolve(path).func, "view_class", None)
    if view is None:
        return [sent]
    known = view.filters().fields if view.filters else {}
    return [{name: value} for name, value in sent.items() if name in known]


def test_foreign_ids_in_queries_and_bodies_are_answered_with_nothing(home: Side, foreign: Side) -> None:
    before, faults, filters = foreign.rows(), [], 0
    for person in people(home):
        client = client_of(person)
        for one in PAGES:
            path = one.path(HOME, home.objects)
            for query in _query(path, foreign):
                filters += one.is_api
                faults += faults_of(client.get(path, query), f"{path} {query}", set(range(500)))
                with undone():
                    stored = _stored()
                    faults += faults_of(client.post(path, query), f"{path} {query}", set(range(500)))
                    faults += _written(home, path) if _stored() > stored else []
    assert faults == []
    assert filters >= 6
    assert foreign.rows() == before


def _stored() -> int:
    """Return how many rows this transaction stored so far, in any table but the trail and the ledger of deeds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0) FROM pg_stat_xact_user_tables "
            "WHERE relname <> 'tenants_auditentry' AND NOT starts_with(relname, 'ledger_')"
        )
        return int(cursor.fetchone()[0])


def _written(home: Side, path: str) -> list[str]:
    """Return the home tables that hold anything of the other tenant, by name or by a reference."""
    with tenant_scope(home.tenant), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return [f"POST {path} wrote it to {table}" for table, row in home.rows() if MARK in row]


API_WRITES: Final = {("api:pack_withdrawal", "post"): 400}
"""What the API writes where it is asked rightly, and what it answers to ids where it takes none."""


def test_the_api_takes_no_ids_and_writes_nothing_of_another_tenant(home: Side, foreign: Side) -> None:
    before, mine, client = foreign.rows(), home.rows(), client_of(people(home)[0])
    for one in (page for page in PAGES if page.is_api):
        for method in ("post", "put", "patch", "delete"):
            path = one.path(HOME, home.objects)
            answer = getattr(client, method)(path, dict(foreign.ids), content_type="application/json")
            assert answer.status_code in {403, 405, API_WRITES.get((one.name, method))}, (one.name, method)
    assert foreign.rows() == before
    assert home.rows() == mine


@dataclass(frozen=True)
class Deed:
    """A form that takes ids: its address, and what is sent; ids are filled in from ``takes``."""

    name: str
    takes: str
    sent: Mapping[str, object] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    reviewer: bool = False


_SYSTEM: Final = {"criticality": "high", "data_class": "personal", "privileged_rule": "admin*"}
_CAMPAIGN: Final = {"name": "Round", "strategy": "named", "due_days": 14, "rule": "", "starts_on": "2030-01-01"}
_AWAY: Final = {"first_on": "2030-01-01", "last_on": "2030-01-09", "reason": "On leave until May."}
_LOGS: Final = {
    "name": "New logs",
    "rule": "FREQ=DAILY",
    "starts_on": "2030-01-01",
    "due_days": 7,
    "sample_privileged": 5,
    "sample_out_of_hours": 5,
    "follow_up_days": 14,
}
_SOURCE: Final = {
    "format": "sshd_syslog",
    "time_zone": "UTC",
    "log_types": ["4"],
    "grade": Grade.CONTENT_AND_ACK,
    "year": "",
    "every_minutes": "",
    "time_format": "iso",
}
_ROUTING: Final = {"rows": 1, "after": 0, "field_0_0": "user", "is_0_0": "a*", "reason": "Shared.", "save": "1"}
_PLACE: Final = {"place": "FR", "approved_by": "Ines Coll", "reason": "Home office."}
DEEDS: Final = [
    Deed("identities:system_new", "owner", {**_SYSTEM, "name": "New", "key": "new"}),
    Deed("identities:system_edit", "owner", {**_SYSTEM, "name": "Old", "key": "old"}),
    Deed("reviews:campaign_new", "systems", _CAMPAIGN, also=("named", "fallback")),
    Deed("reviews:campaign_new", "named", _CAMPAIGN, also=("systems", "fallback")),
    Deed("reviews:campaign_new", "fallback", _CAMPAIGN, also=("systems", "named")),
    Deed("reviews:conflicts", "one", {"why": "Nobody may do both."}, also=("other",)),
    Deed("reviews:conflicts", "other", {"why": "Nobody may do both."}, also=("one",)),
    Deed("reviews:reassign", "new", {"reason": "Is on leave until May."}),
    Deed("reviews:delegate", "new", {"reason": "Is on leave until May."}, reviewer=True),
    Deed("reviews:absences", "absent", {**_AWAY, "deputy": "E2"}),
    Deed("reviews:absences", "deputy", _AWAY, reviewer=True),
    Deed("reviews:log_schedule_new", "reviewer", {**_LOGS, "second": "E2"}),
    Deed("reviews:log_schedule_new", "second", {**_LOGS, "reviewer": "E2"}),
    Deed("reviews:log_schedule", "reviewer", {"second": "E2", "reason": "Is on leave until May."}),
    Deed("reviews:log_schedule", "second", {"reviewer": "E2", "reason": "Is on leave until May."}),
    Deed("reviews:bulk_keep", "items", reviewer=True),
    Deed("logs:source_add", "system", {**_SOURCE, "name": "Bastion"}),
    Deed("logs:source_change", "system", {**_SOURCE, "name": "Bastion"}),
    Deed("logs:routing", "to_0", _ROUTING),
    Deed("logs:hold_set", "source", {"kind": "source", "reason": "A case is open."}),
    Deed("logs:place_approve", "system", {**_PLACE, "approved_on": "2026-01-01"}),
    Deed("evidence:pack_share", "person"),
    Deed("evidence:population_freeze", "population"),
]


def test_a_form_takes_own_ids_and_no_foreign_one(home: Side, foreign: Side) -> None:
    mine, theirs = home.rows(), foreign.rows()
    for deed in DEEDS:
        kind, said = KINDS[deed.takes], f"{deed.name} with {deed.takes}"
        answer, stored = _do(deed, home, home.ids[kind])
        assert stored != mine, f"{said} does nothing with own ids: {answer.context and answer.context['form'].errors}"
        answer, stored = _do(deed, home, foreign.ids[kind])
        assert stored == mine, f"{said} takes an id of another tenant"
        assert faults_of(answer, f"{said} {foreign.ids[kind]}", {302, 422}) == []
    assert foreign.rows() == theirs


def _do(deed: Deed, home: Side, value: int | str) -> tuple[Any, list[tuple[str, str]]]:
    """Send the form with the value; returns the answer and the rows of home after it, and takes it back."""
    page = next(one for one in PAGES if one.name == deed.name)
    path = page.path(HOME, {**home.objects, ("reviews", "campaign_id"): home.ids["campaign"]})
    sent = {**deed.sent, **{name: home.ids[KINDS[name]] for name in deed.also}, deed.takes: value}
    with undone():
        answer = client_of(people(home)[deed.reviewer]).post(path, sent)
        return answer, home.rows()


def test_every_form_field_that_takes_an_id_is_tried() -> None:
    get_resolver().url_patterns  # noqa: B018 -- imports every form
    found = {
        name
        for form in _subclasses(forms.Form)
        for name, one in form.base_fields.items()
        if isinstance(one, forms.ModelChoiceField | PersonField)
    }
    assert {"owner", "systems", "new", "source"} <= found
    assert found - {"source"} <= {deed.takes for deed in DEEDS}, "`source` of a search only filters"
    assert found <= set(KINDS)


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        if one.__module__.split(".")[0] not in {"django", "allauth"}:
            yield one
        yield from _subclasses(one)
