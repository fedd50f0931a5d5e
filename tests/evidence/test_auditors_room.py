"""The auditor's room as one story: invitation, second factor, request, population, sample, end."""

import csv
import hashlib
import io
import re
import subprocess
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string

from alerts.actions import open_incident
from alerts.kinds import IncidentFacts
from evidence.actions import PackRequest, request_pack
from evidence.kinds import Period
from evidence.models import EvidencePack, PackFile
from evidence.packtypes import PackKind
from evidence.room import queries
from evidence.room.actions import freeze_population
from evidence.room.models import AuditRequest, Population, RequestEntry, Sample
from evidence.room.pages import found_of
from evidence.room.populations import controlled, items_of
from evidence.room.pseudonyms import cut, pseudonym
from evidence.room.queries import packs_within
from evidence.signoffs.models import PackSignOff
from evidence.states import REQUEST_MOVES, RequestState, Turn, state_after
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Account, Grant, Identity, SnapshotRow
from ledger.kinds import LeafKind
from ledger.signer import sign_now
from logs.models import AccessEvent, Delivery, LastUse, UsageDay
from reviews.models import Campaign, CampaignMove, ReviewItem
from reviews.sampling import draw as draw_ids
from reviews.sampling import recipe
from tenants.engagements import end_engagement
from tenants.kinds import Actor, Columns, Role
from tenants.models import AuditEntry, Engagement, Tenant, User, Work
from tenants.policies import can_accept_invitation
from tenants.scope import narrow_scope, tenant_scope
from tenants.sharing import share
from tenants.work import Silent
from tests import make
from tests.evidence.signing import draft_by_hand, issue_by_hand
from tests.mailing import Sink

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]
EMAIL = "nora@auditors.example"
PASSWORD = "seven green lanterns at sea"


def mailed(tenant: Tenant, sink: Sink) -> str:
    """Run the mails that wait, as the worker does, and return the text of the last one."""
    with tenant_scope(tenant):
        waiting = list(Work.objects.filter(state="queued").order_by("id"))
        Work.objects.update(state="done")
    for work in waiting:
        import_string(work.job)(Silent(), tenant, *work.arguments)
    return str(sink.mails[-1].get_payload(decode=True), "utf-8")  # type: ignore[arg-type]  # bytes of a text mail


def today(tenant: Tenant) -> date:
    """Return the day that it is for a tenant."""
    return timezone.localdate(timezone=tenant.zone)


def invite(tenant: Tenant, officer: User, sink: Sink, *, email: str = EMAIL) -> str:
    """Invite an auditor on the page; return the path in the mail."""
    last = today(tenant)
    told = {"email": email, "firm": "Nordmann Assurance", "first_day": last.replace(month=1, day=1), "last_day": last}
    told |= {"frameworks": ["gdpr", "soc2"], "columns": Columns.CONTROLLED, "days": 20}
    answer = make.login(officer).post(f"/t/{tenant.slug}/auditors/invite/", told)
    assert answer.status_code == 302, answer.context["form"].errors
    found = re.search(r"(/invitation/\S+/)\s", mailed(tenant, sink))
    assert found
    return found[1]


def joined(tenant: Tenant, officer: User, sink: Sink) -> Client:
    """Return the browser of an auditor who made an account and a second factor."""
    browser = Client()
    path = invite(tenant, officer, sink)
    browser.post(path, {"name": "Nora Nordmann", "password": PASSWORD})
    Authenticator.objects.create(user=User.objects.get(email=EMAIL), type="totp", data={"secret": "x"})
    return browser


def test_an_invitation_is_for_one_address_and_works_once(bpo: Tenant, carla: User, remy: User, sink: Sink) -> None:
    path, browser = invite(bpo, carla, sink), Client()
    token = path.split("/")[2]
    with tenant_scope(bpo), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_engagement e WHERE e::text LIKE %s", [f"%{token}%"])
        assert cursor.fetchone() == (0,)
        assert bytes(Engagement.objects.get().digest or b"") == hashlib.sha256(token.encode()).digest()
    assert "for another address" in make.login(remy).get(path).content.decode()
    assert make.login(remy).post(path).status_code == 403
    assert browser.get(f"{path[:-2]}{int(path[-2] == '0')}/").status_code == 404
    assert browser.post(path, {"name": "Nora", "password": "short"}).status_code == 422
    assert not User.objects.filter(email=EMAIL).exists()
    answer = browser.post(path, {"name": "Nora Nordmann", "password": PASSWORD})
    assert answer.headers["Location"] == f"/t/{bpo.slug}/room/"
    first = browser.get(f"/t/{bpo.slug}/room/")
    assert (first.status_code, "A second factor first" in first.content.decode()) == (403, True)
    assert "Your engagement" not in first.content.decode()
    assert browser.get(f"/api/v1/t/{bpo.slug}/packs/").status_code == 403
    assert "was used already" in Client().get(path).content.decode()


def test_a_known_person_logs_in_and_old_or_withdrawn_invitations_say_so(
    bpo: Tenant, strangers: Tenant, carla: User, stella: User, sink: Sink
) -> None:
    path = invite(bpo, carla, sink, email=stella.email)
    assert "Log in as stella@example.org" in Client().get(path).content.decode()
    with tenant_scope(bpo):
        engagement = Engagement.objects.get()
        end_engagement(engagement=engagement, by=make.actor(carla, bpo))
    assert "was taken back" in make.login(stella).get(path).content.decode()
    again = invite(bpo, carla, sink, email=stella.email)
    browser = make.login(stella)
    assert browser.post(again).headers["Location"] == f"/t/{bpo.slug}/room/"
    assert browser.post(again).status_code == 403
    with tenant_scope(bpo):
        Engagement.objects.filter(ended_at=None).update(ended_at=timezone.now(), ended_by="tests")
    late = invite(bpo, carla, sink, email="late@auditors.example")
    soon = timezone.now() + timedelta(days=8)
    with tenant_scope(bpo):
        verdict = can_accept_invitation("late@auditors.example", Engagement.objects.latest("id"), soon)
    assert (verdict.reason[:27], Client().get(late).status_code) == ("This invitation is too old.", 200)


def test_who_works_in_the_tenant_does_not_audit_it(bpo: Tenant, carla: User, remy: User, sink: Sink) -> None:
    path = invite(bpo, carla, sink, email=remy.email)
    assert "another role" in make.login(remy).post(path).content.decode()


def test_the_database_shows_an_auditor_nothing_outside_of_the_engagement(
    bpo: Tenant, axel: User, officer: Actor, reviewed: Campaign, pack: Callable[..., EvidencePack], zenith: Tenant
) -> None:
    with tenant_scope(bpo):
        issue_by_hand(pack(), b"issued")
        draft_by_hand(pack(), b"a draft stays closed")
        of_an_incident(bpo, officer)
        mine = Engagement.objects.get()
        nobody = Identity.objects.create(external_id="E99", name="In no campaign")
    tables = (Campaign, ReviewItem, EvidencePack)
    assert seen(bpo, mine, *tables, AccessEvent, PackFile, PackSignOff) == [1, 6, 1, 0, 2, 2]
    people = {row.name for row in narrowed(bpo, mine, Identity)}
    assert {"Bob Stone", "Remy"} & people, people
    assert (nobody.name in people, *seen(bpo, mine, Grant, SnapshotRow)) == (False, 0, 0)
    with tenant_scope(bpo):
        assert [row.kind for row in packs_within(mine)] == ["controls"]
    other = make.user("other")
    earlier = timezone.now() - timedelta(days=200)
    narrow = make.engage(other, bpo, period_start=earlier, period_end=earlier + timedelta(days=9))
    third = make.engage(make.user("third"), bpo, frameworks=["gdpr"])
    hidden = make.engage(make.user("fourth"), bpo, columns=Columns.CONTROLLED)
    assert seen(bpo, narrow, *tables, Identity, Account) == [0, 0, 0, 0, 0]
    assert seen(bpo, third, *tables) == [1, 6, 0]
    assert seen(bpo, hidden, *tables) == [1, 6, 0]
    assert [row.pk for row in narrowed(bpo, mine, Engagement)] == [mine.pk]
    with tenant_scope(bpo):
        end_engagement(engagement=mine, by=officer)
    assert seen(bpo, mine, *tables) == [0, 0, 0]


def test_what_an_auditors_pages_never_read_is_closed_to_them(bpo: Tenant, axel: User, reviewed: Campaign) -> None:
    closed = (UsageDay, LastUse, Delivery, AccessEvent)
    with tenant_scope(bpo):
        assert [table.objects.exists() for table in closed] == [True] * len(closed)
        mine, moves = Engagement.objects.get(), CampaignMove.objects.count()
    assert seen(bpo, mine, *closed) == [0] * len(closed)
    then = timezone.now() - timedelta(days=200)
    earlier = make.engage(make.user("other"), bpo, period_start=then, period_end=then + timedelta(days=9))
    assert moves
    assert [seen(bpo, one, CampaignMove) for one in (mine, earlier)] == [[moves], [0]]


def of_an_incident(tenant: Tenant, officer: Actor) -> None:
    """Issue a pack about an incident: it names no framework."""
    now = timezone.now()
    incident = open_incident(facts=IncidentFacts("Case", "It happened.", now, now), alert=None, by=officer)
    period = Period(now - timedelta(days=9), now, "UTC")
    asked = PackRequest(period, (), "Nora", kind=PackKind.INCIDENT, incident=incident)
    issue_by_hand(request_pack(tenant=tenant, asked=asked, by=officer, queue=False), b"incident")


def narrowed(tenant: Tenant, engagement: Engagement, model: type[Any]) -> list[Any]:
    """Return every row of a table that the database gives to the auditor of the engagement."""
    with tenant_scope(tenant):
        narrow_scope(engagement.pk)
        return list(model.objects.all())


def seen(tenant: Tenant, engagement: Engagement, *tables: type[Any]) -> list[int]:
    return [len(narrowed(tenant, engagement, table)) for table in tables]


def test_a_request_goes_from_the_question_to_the_accepted_answer(
    bpo: Tenant, carla: User, officer: Actor, reviewed: Campaign, sink: Sink, tmp_path: Path
) -> None:
    nora, carlas, home = joined(bpo, carla, sink), make.login(carla), f"/t/{bpo.slug}"
    told = {"control": "soc2-cc6.3", "what": "Everything reviewed this quarter.", "due_on": today(bpo)}
    page = nora.post(f"{home}/room/requests/new/", told).headers["Location"]
    assert "was asked in Northwind Services" in mailed(bpo, sink)
    assert sink.mails[-1]["To"] == carla.email
    frozen = freeze(carlas, home, reviewed)
    nobody_is_named(bpo, officer, reviewed, nora)
    assert page in carlas.get(f"{home}/room/requests/").content.decode()
    attach = {"turn": "provide", "words": "", "attach": f"population:{frozen.pk}"}
    assert carlas.post(page, {"turn": "accept", "words": "Fine."}).status_code == 422
    assert carlas.post(page, attach).status_code == 302
    assert "has evidence to look at" in mailed(bpo, sink)
    assert sink.mails[-1]["To"] == EMAIL
    sample = draw(nora, home, frozen, tmp_path)
    assert nora.post(page, {"turn": "flag", "words": ""}).status_code == 422
    assert nora.post(page, {"turn": "flag", "words": "Two are without a reason."}).status_code == 302
    file = io.BytesIO(b"The reasons stand in ticket 4711.")
    file.name = 'reasons "x".txt'
    assert carlas.post(page, {"turn": "provide", "words": "", "document": file}).status_code == 302
    with tenant_scope(bpo):
        entry = RequestEntry.objects.exclude(document=None).get()
    answer = nora.get(f"{home}/room/documents/{entry.pk}/")
    assert hashlib.sha256(answer.content).hexdigest() == entry.document_sha256
    assert nora.post(page, {"turn": "accept", "words": "All of it holds."}).status_code == 302
    assert nora.post(page, {"turn": "withdraw", "words": ""}).status_code == 422
    over(bpo, nora, home, page, sample)


def nobody_is_named(bpo: Tenant, officer: Actor, campaign: Campaign, nora: Client) -> None:
    """Share the campaign: the room shows it with pseudonyms, and the pages that show names are not there."""
    with tenant_scope(bpo):
        share(campaign, user=User.objects.get(email=EMAIL), by=officer)
    shown = nora.get(f"/t/{bpo.slug}/room/campaigns/{campaign.pk}/").content.decode()
    assert ("Bob" in shown, "Acme desk" in shown, "P-" in shown) == (False, False, True)
    assert nora.get(f"/t/{bpo.slug}/campaigns/{campaign.pk}/").status_code == 404


def freeze(browser: Client, home: str, campaign: Campaign) -> Population:
    """Freeze a campaign's items for the one room there is; names and reasons are hidden in it."""
    with tenant_scope(campaign.tenant):
        room = Engagement.objects.get()
    sign_now(campaign.tenant.uuid)  # a root that was known before is no seed
    answer = browser.post(f"{home}/auditors/{room.pk}/populations/", {"population": campaign.pk})
    assert answer.status_code == 302
    with tenant_scope(campaign.tenant):
        made = Population.objects.get()
    text = bytes(made.data).decode()
    assert "Bob" not in text
    assert "Acme desk" not in text
    assert "P-" in text
    return made


def draw(nora: Client, home: str, frozen: Population, folder: Path) -> Sample:
    """Draw by the ledger's root, draw the same again with the printed command, and mark two things."""
    page = f"{home}/room/populations/{frozen.pk}/"
    assert nora.post(page, {"size": 3, "seed": ""}).status_code == 422, "the ledger is not signed yet"
    root = sign_now(frozen.tenant.uuid).root.hex()
    place = nora.post(page, {"size": 3, "seed": ""}).headers["Location"]
    file = nora.get(f"{page}population.csv").content
    assert hashlib.sha256(file).hexdigest() == frozen.sha256
    (folder / "population.csv").write_bytes(file)
    shown = nora.get(place)
    flags = {value for row in shown.context["rows"] for name, value in row.said if name == "privileged"}
    assert flags in ({"true"}, {"false"}, {"true", "false"}), "each under its column"
    again = subprocess.run(shown.context["recipe"], shell=True, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S602 -- as a person pastes it
    with tenant_scope(frozen.tenant):
        sample = Sample.objects.get()
    assert (again.stdout.split(), sample.seed, len(sample.ids)) == (sample.ids, root, 3)
    silent = nora.post(place, {"item": sample.ids[0], "mark": "flagged", "note": ""}, follow=True).content.decode()
    assert f"{sample.ids[0]} is not marked. Say what is wrong with it." in silent, "on the page, where it can be said"
    marked = nora.post(place, {"item": sample.ids[0], "mark": "flagged", "note": "No reason."})
    assert marked.headers["Location"] == f"{place}#{sample.ids[0]}", "and on at the thing, not at the top"
    nora.post(place, {"item": sample.ids[1], "mark": "accepted", "note": ""})
    rows = list(csv.DictReader(io.StringIO(nora.get(f"{place}sheet.csv").content.decode())))
    assert [row["mark"] for row in rows] == ["flagged", "accepted", ""]
    assert [row["id"] for row in rows] == sample.ids
    return sample


def over(bpo: Tenant, nora: Client, home: str, page: str, sample: Sample) -> None:
    """Every look was written down with the hash of what was taken; ended, the room answers 404 for everything."""
    with tenant_scope(bpo):
        assert [row.state for row in AuditRequest.objects.all()] == [RequestState.ACCEPTED]
        looks = AuditEntry.objects.filter(leaf_kind=LeafKind.LOOKED, actor_name=EMAIL)
        taken = {row.verb: row.detail.get("sha256") for row in looks if row.verb.endswith("download")}
        assert taken["population.download"] == sample.population.sha256
        assert set(looks.values_list("verb", flat=True)) >= {"sample.look", "sample.download", "document.download"}
        officer = Actor.system("tests", bpo.pk)
        end_engagement(engagement=Engagement.objects.get(), by=officer)
    places = (
        f"{home}/room/",
        page,
        f"{home}/room/samples/{sample.pk}/",
        f"{home}/packs/",
        f"{home}/ledger/",
        f"{home}/",
    )
    assert {nora.get(one).status_code for one in (*places, f"/api/v1{home}/packs/")} == {404}


def test_an_auditor_sees_no_other_auditors_room(bpo: Tenant, axel: User, officer: Actor, reviewed: Campaign) -> None:
    other = make.user("other")
    make.member(other, bpo, Role.AUDITOR, days=9)
    with tenant_scope(bpo):
        room = Engagement.objects.get(email=axel.email)
        found = items_of(reviewed)
        made = freeze_population(tenant=bpo, engagement=room, found=found, by=officer)
    page = f"/t/{bpo.slug}/room/populations/{made.pk}/"
    assert [make.login(one).get(page).status_code for one in (axel, other)] == [200, 404]
    assert "Bob" in bytes(made.data).decode()
    told = dict(map(tuple, made.sheet))
    assert list(told)[:4] == ["Source", "Query, SHA-256", "Parameters", "Filters"], "as in packs, from evidence/ipe.py"
    assert told["Source"].startswith("reviews_reviewitem, ")
    assert told["Filters"] == "(reviews_reviewitem.tenant_id = %s AND reviews_reviewitem.campaign_id = %s)"
    assert told["Parameters"] == f"%s 1 = {bpo.pk}; %s 2 = {reviewed.pk}"
    assert (told["Rows"], told["Control total, SHA-256"]) == ("6", hashlib.sha256(made.data).hexdigest())
    assert "difference 0." in told["Reconciliation"]
    make.login(axel).get(f"/t/{bpo.slug}/ledger/")
    with tenant_scope(bpo):
        assert AuditEntry.objects.filter(verb="page.look", target=f"/t/{bpo.slug}/ledger/").count() == 1
    with tenant_scope(bpo):
        theirs = Engagement.objects.get(email=other.email)
        assert list(queries.populations(theirs)) == [], "the code alone, before the database"
        narrow_scope(theirs.pk)
        assert list(Population.objects.all()) == []


def test_new_access_and_leavers_of_the_period_can_be_frozen(bpo: Tenant, axel: User, officer: Actor) -> None:
    today, heads = timezone.localdate(), "account,entitlement,person,kind,enabled,privileged\n"
    people = (
        f"external_id,name,employed_until\nE1,Ana,{today - timedelta(days=3)}\nE2,Bob,{today - timedelta(days=400)}\n"
    )
    lists = (f"{heads}ana,agent,E1,human,yes,no\n", f"{heads}ana,agent,E1,human,no,no\nana,boss,E1,human,no,yes\n")
    with tenant_scope(bpo):
        upsert_identities(body=people.encode(), by=officer)
        crm = save_system(facts=SystemFacts("CRM", "crm", "none: a system of the tests"), by=officer)
        for number, text in enumerate(lists):
            at = timezone.now() - timedelta(days=2 - number)
            upload = SnapshotUpload(text.encode(), at, text.count("\n") - 1, delivered_by="Ines")
            import_snapshot(system=crm, upload=upload, by=officer)
        room = Engagement.objects.get(email=axel.email)
        access, left = (found_of(room, key) for key in ("grants", "leavers"))
        made = freeze_population(tenant=bpo, engagement=room, found=left, by=officer)
    (row,) = [dict(zip(access.table.columns, one, strict=True)) for one in access.table.rows]
    assert (row["account"], row["person"], row["entitlement"], row["privileged"]) == ("ana", "Ana", "boss", True)
    (row,) = [dict(zip(left.table.columns, one, strict=True)) for one in left.table.rows]
    assert (row["person"], row["accounts"], row["enabled_accounts"]) == ("Ana", 1, 0)
    assert row["last_disabled_at"]
    assert "identities_identity" in dict(map(tuple, made.sheet))["Source"]
    hidden = controlled(access.table, b"salt").rows[0]
    assert not {"ana", "Ana"} & set(map(str, hidden))


def test_the_turns_of_a_request_over_all_states() -> None:
    over = {RequestState.ACCEPTED, RequestState.WITHDRAWN}
    for state in RequestState:
        for turn in Turn:
            target = state_after(state, turn)
            if state in over or turn == Turn.ASK:
                assert target is None
            elif turn != Turn.SAY:
                assert (target is not None) == (state in REQUEST_MOVES[turn][0])
    assert state_after(RequestState.OPEN, Turn.ACCEPT) is None


def test_the_printed_command_takes_any_seed(tmp_path: Path) -> None:
    seed, ids = """it's "4" \\ $HOME `id` é😀""", [f"item-{n}" for n in range(9)]
    (tmp_path / "population.csv").write_text("id\n" + "\n".join(ids) + "\n")
    again = subprocess.run(recipe(seed, 4), shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S602 -- as a person pastes it
    assert again.stdout.split() == draw_ids(ids, seed=seed.encode(), size=4)


def test_pseudonyms_are_stable_in_a_room_and_differ_between_rooms() -> None:
    one, other = pseudonym("Bob Lim", b"1" * 32), pseudonym("Bob Lim", b"2" * 32)
    assert (pseudonym("bob lim", b"1" * 32), one != other, pseudonym("no owner", b"1")) == (one, True, "no owner")
    assert (cut("203.0.113.9"), cut("2001:db8:1::1"), cut("host")) == ("203.0.0.0/16", "2001:db8::/32", "")
