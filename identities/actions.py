"""Changes the register: systems, people, and snapshots with the grants that follow from them."""

import hashlib
import secrets
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from identities.csvtable import BadFile
from identities.grantlist import account_ref
from identities.kinds import AccountKind, IdentityKind, PeopleAnswer, PersonRow, RosterRow, SnapshotUpload
from identities.listmodels import ListMapping
from identities.models import Account, Identity, PeopleFeed, RosterFeed, RosterShift, Snapshot, SnapshotFile, System
from identities.peoplelist import COLUMNS as PERSON_COLUMNS
from identities.peoplelist import REQUIRED as PERSON_NEEDS
from identities.peoplelist import read_people
from identities.policies import (
    can_claim_account,
    can_import_roster,
    can_import_snapshot,
    can_save_list_mapping,
    can_save_system,
    can_upsert_identities,
)
from identities.privileged import problem
from identities.readers.mapped import mapped_of
from identities.rosterlist import read_roster
from identities.sealing import seal_snapshot
from identities.telling import people_before, tell_changes
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.models import Membership, Tenant, User, Work
from tenants.queries import clients_people
from tenants.scope import current_tenant_id
from tenants.work import Progress, enqueue

FIELDS = (
    "name",
    "email",
    "kind",
    "site",
    "programme",
    "shift_start",
    "shift_end",
    "time_zone",
    "employed_from",
    "employed_until",
    "department",
)


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """Holds what a person writes about a system."""

    name: str
    key: str
    privileged_rule: str
    criticality: str = "standard"
    data_class: str = "personal"
    owner: Identity | None = None


@transaction.atomic
def save_system(*, facts: SystemFacts, by: Actor, system: System | None = None) -> System:
    """Adds a system, or changes what is written about one.

    Raises:
        BadFile: when the rule for privileged entitlements is missing or gives no reason.
    """
    enforce(can_save_system(by))
    if sentence := problem(facts.privileged_rule):
        raise BadFile(sentence)
    known = system or System()
    known.name, known.key, known.privileged_rule = facts.name, facts.key, facts.privileged_rule.strip()
    known.criticality, known.data_class, known.owner = facts.criticality, facts.data_class, facts.owner
    known.full_clean(validate_constraints=False)
    known.save()
    detail = {
        "key": known.key,
        "rule": known.privileged_rule,
        "owner": known.owner_id,
        "criticality": known.criticality,
    }
    audit("system.save", by=by, target=f"system {known.key}", detail=detail)
    return known


@transaction.atomic
def claim_account(*, system: System, name: str, owner: Identity | None, kind: AccountKind, by: Actor) -> Account:
    """Says whose a name in a system's logs is: a person's, or an account of another kind such as a service's.

    Raises:
        Refused: when the account belongs to somebody already.
        ValueError: when an account of one person is to have no owner.
    """
    System.objects.select_for_update(no_key=True).get(pk=system.pk)
    known = Account.objects.select_related("identity").filter(system=system, name_key=name.lower()).first()
    enforce(can_claim_account(by, system, known))
    if kind == AccountKind.HUMAN and owner is None:
        message = "An account of one person needs that person."
        raise ValueError(message)
    account = known or _account_seen(system, name)
    account.identity, account.kind = owner, kind
    account.save()
    detail = {"account": account.pk, "new": known is None, "kind": kind.value, "identity": owner.pk if owner else None}
    audit("account.claim", by=by, target=f"{account.name} on {system.name}", detail=detail)
    return account


def _account_seen(system: System, name: str) -> Account:
    """Returns an account that only the logs have shown; it is not stored yet."""
    salt = secrets.token_bytes(16)
    return Account(system=system, name=name, name_key=name.lower(), salt=salt, ref=account_ref(salt, name.lower()))


@transaction.atomic
def upsert_identities(
    *,
    body: bytes,
    by: Actor,
    source_total: int | None = None,
    progress: Progress | None = None,
    mapping: Mapping[str, Any] | None = None,
) -> PeopleAnswer:
    """Imports the list of people: adds new ones, changes known ones by their external id, removes nobody.

    What it tells against the list before (who joined, moved, leaves, is missing) is kept as rows of its delivery.
    `source_total` is how many people the system of record itself shows; a list with another number is refused.

    `mapping` says which column is what where the table has columns of its own.

    A person whose e-mail address is that of a member of this tenant is linked to that user, so that nobody can be
    asked to review their own access.

    Raises:
        BadFile: with one sentence for the first thing that is wrong; nothing is stored then.
    """
    enforce(can_upsert_identities(by))
    rows = read_people(body, mapping)
    if source_total is not None and source_total != len(rows):
        raise BadFile(f"The file has {len(rows):,} people, the system shows {source_total:,}. Nothing was imported.")
    known = {person.external_id: person for person in Identity.objects.select_for_update()}
    before = people_before(known)
    created, updated = _write_people(rows, known, progress)
    managers = _link_managers(rows, known)
    updated |= managers - created
    _link_users(rows, known)
    feed = PeopleFeed.objects.create(
        delivered_at=timezone.now(),
        delivered_by=by.name,
        row_total=len(rows),
        raw_sha256=hashlib.sha256(body).hexdigest(),
    )
    told = tell_changes(feed, rows, known, before)
    answer = PeopleAnswer(
        len(rows), len(created), len(updated), len(rows) - len(created | updated), feed_id=feed.pk, **told
    )
    detail: dict[str, Any] = {
        "rows": answer.rows,
        "created": answer.created,
        "updated": answer.updated,
        "feed": feed.pk,
        **told,
    }
    detail |= {"mapping": dict(mapping)} if mapping else {}
    audit("people.import", by=by, target="people", detail=detail)
    return answer


def _write_people(
    rows: Sequence[PersonRow], known: dict[str, Identity], progress: Progress | None
) -> tuple[set[str], set[str]]:
    """Adds and changes identities without their managers; returns the ids added and the ids changed."""
    fresh: list[Identity] = []
    changed: list[Identity] = []
    for n, row in enumerate(rows, start=1):
        wanted = {name: getattr(row, name) for name in FIELDS}
        person = known.get(row.external_id)
        if person is None:
            fresh.append(Identity(external_id=row.external_id, **wanted))
        elif any(getattr(person, name) != value for name, value in wanted.items()):
            for name, value in wanted.items():
                setattr(person, name, value)
            changed.append(person)
        if progress and n % 500 == 0:
            progress.step(n, len(rows), f"Read {n:,} of {len(rows):,} people")
    for person in Identity.objects.bulk_create(fresh, batch_size=1000):
        known[person.external_id] = person
    now = timezone.now()
    for person in changed:
        person.changed_at = now
    Identity.objects.bulk_update(changed, [*FIELDS, "changed_at"], batch_size=500)
    return {person.external_id for person in fresh}, {person.external_id for person in changed}


def _link_managers(rows: Sequence[PersonRow], known: dict[str, Identity]) -> set[str]:
    """Sets who reports to whom; returns the ids whose manager changed."""
    changed: list[Identity] = []
    for row in rows:
        if row.manager and row.manager not in known:
            raise BadFile(
                f"Line {row.line} names the manager '{row.manager}', who is neither in this file nor known.", row.line
            )
        person, manager = known[row.external_id], known.get(row.manager)
        if person.manager_id != (manager.pk if manager else None):
            person.manager = manager
            changed.append(person)
    Identity.objects.bulk_update(changed, ["manager"], batch_size=500)
    return {person.external_id for person in changed}


def _link_users(rows: Sequence[PersonRow], known: dict[str, Identity]) -> None:
    """Links identities to the members of this tenant with the same e-mail address, a client's to its own people."""
    tenant_id = current_tenant_id()
    clients = {user.email.lower(): user.pk for user in User.objects.filter(pk__in=clients_people(tenant_id))}
    members = {
        member.user.email.lower(): member.user_id
        for member in Membership.objects.filter(tenant_id=tenant_id).select_related("user")
    }
    taken = {person.user_id for person in known.values() if person.user_id}
    linked: list[Identity] = []
    for row in rows:
        user_id = members.get(row.email.lower())
        if user_id is None and row.kind == IdentityKind.CLIENT:
            user_id = clients.get(row.email.lower())
        person = known[row.external_id]
        if user_id and person.user_id is None and user_id not in taken:
            person.user_id = user_id
            taken.add(user_id)
            linked.append(person)
    Identity.objects.bulk_update(linked, ["user"], batch_size=500)


@transaction.atomic
def import_roster(*, body: bytes, tenant: Tenant, by: Actor) -> RosterFeed:
    """Imports a roster: planned shifts of people whom the register knows. Earlier rosters stay, the newest counts.

    Raises:
        BadFile: with one sentence for the first thing that is wrong; nothing is stored then.
    """
    enforce(can_import_roster(by))
    rows = read_roster(body)
    named = {row.external_id for row in rows}
    known = {person.external_id: person for person in Identity.objects.filter(external_id__in=named)}
    shifts = _shifts(rows, known, tenant)
    days = [shift.on for shift in shifts]
    feed = RosterFeed.objects.create(
        delivered_at=timezone.now(),
        delivered_by=by.name,
        first_on=min(days),
        last_on=max(days),
        row_total=len(shifts),
        raw_sha256=hashlib.sha256(body).hexdigest(),
    )
    for shift in shifts:
        shift.feed = feed
    RosterShift.objects.bulk_create(shifts, batch_size=2000)
    detail = {"rows": feed.row_total, "first_on": feed.first_on, "last_on": feed.last_on, "sha256": feed.raw_sha256}
    audit("roster.import", by=by, target="roster", detail=detail)
    return feed


def _shifts(rows: Sequence[RosterRow], known: Mapping[str, Identity], tenant: Tenant) -> list[RosterShift]:
    """Returns the rows as shifts, without their roster; times without an offset are by the person's own clock."""
    shifts: list[RosterShift] = []
    seen: dict[tuple[str, datetime], int] = {}
    for row in rows:
        person = known.get(row.external_id)
        if person is None:
            raise BadFile(f"Line {row.line} names '{row.external_id}', whom the register does not know.", row.line)
        zone = ZoneInfo(person.time_zone) if person.time_zone else tenant.zone
        since, until = (one if one.tzinfo else one.replace(tzinfo=zone) for one in (row.since, row.until))
        first = seen.setdefault((row.external_id, since.astimezone(UTC)), row.line)
        if first != row.line:
            raise BadFile(f"Lines {first} and {row.line} are the same shift of '{row.external_id}'.", row.line)
        on = since.astimezone(zone).date()
        shifts.append(RosterShift(identity=person, on=on, starts_at=since, ends_at=until, site=row.site))
    return shifts


@transaction.atomic
def import_snapshot(*, system: System, upload: SnapshotUpload, by: Actor, progress: Progress | None = None) -> Snapshot:
    """Seals a delivered list of grants as a snapshot and updates the register from it.

    The snapshot is complete when the rows are as many as the system's own total; only a complete one that is newer
    than all complete ones before it changes which grants are held. All or nothing is stored.

    Raises:
        BadFile: with one sentence for the first thing that is wrong; nothing is stored then.
    """
    enforce(can_import_snapshot(by, system))
    locked = System.objects.select_for_update(no_key=True).get(pk=system.pk)
    raw_sha256 = hashlib.sha256(upload.body).hexdigest()
    _check_delivery(locked, upload, raw_sha256)
    snapshot = seal_snapshot(
        system=locked, upload=upload, raw_sha256=raw_sha256, recorded_by=by.name, progress=progress
    )
    _keep_file(upload, raw_sha256)
    detail = {
        "snapshot": snapshot.pk,
        "rows": snapshot.row_total,
        "source_total": snapshot.source_total,
        "complete": snapshot.complete,
        "format": str(snapshot.list_format),
        "records": snapshot.counted,
        "digest": snapshot.digest,
        "raw_sha256": raw_sha256,
        "delivered_by": snapshot.delivered_by,
    }
    audit("snapshot.import", by=by, target=f"system {locked.key}", detail=detail)
    return snapshot


@transaction.atomic
def save_list_mapping(*, system: System | None, mapping: Mapping[str, Any], by: Actor) -> ListMapping:
    """Saves which column of a system's own export is what; snapshots that are sealed keep the mapping they had.

    Without a system it is the mapping of the list of people.

    Raises:
        BadFile: when the mapping leaves a required field out.
    """
    enforce(can_save_list_mapping(by, system))
    fields = {} if system else {"required": PERSON_NEEDS, "known": PERSON_COLUMNS}
    mapped = mapped_of(mapping, **fields)
    kept = {"columns": dict(mapped.columns), "separator": mapped.separator, "sheet": mapped.sheet}
    saved, _new = ListMapping.objects.update_or_create(
        system=system, defaults={"mapping": kept, "saved_at": timezone.now(), "saved_by": by.name}
    )
    audit("mapping.save", by=by, target=f"system {system.key}" if system else "people", detail=kept)
    return saved


def _check_delivery(system: System, upload: SnapshotUpload, raw_sha256: str) -> None:
    """Refuses a delivery that says impossible things about itself."""
    if upload.captured_at > timezone.now():
        raise BadFile("The list is said to be captured in the future. Give the time at which the system produced it.")
    if not upload.delivered_by.strip():
        raise BadFile("Say who took the list from the system.")
    if Snapshot.objects.filter(system=system, captured_at=upload.captured_at, raw_sha256=raw_sha256).exists():
        raise BadFile("This file is already recorded for this system and time. Nothing was stored again.")


def _keep_file(upload: SnapshotUpload, raw_sha256: str) -> SnapshotFile:
    """Keeps a delivered file as it came, once."""
    name, packed = upload.file_name[:200], zlib.compress(upload.body, 6)
    kept, _new = SnapshotFile.objects.get_or_create(sha256=raw_sha256, defaults={"name": name, "packed": packed})
    return kept


@transaction.atomic
def stage_snapshot(*, system: System, upload: SnapshotUpload, by: Actor) -> Work:
    """Keeps a big delivery and has it imported in the background, with progress and a way to cancel.

    Raises:
        BadFile: when the delivery says impossible things about itself.
    """
    enforce(can_import_snapshot(by, system))
    raw_sha256 = hashlib.sha256(upload.body).hexdigest()
    _check_delivery(system, upload, raw_sha256)
    kept = _keep_file(upload, raw_sha256)
    facts = {
        "captured_at": upload.captured_at.isoformat(),
        "source_total": upload.source_total,
        "file_name": upload.file_name,
        "filters": upload.filters,
        "query": upload.query,
        "delivered_by": upload.delivered_by,
        "form": str(upload.form),
        "mapping": upload.mapping,
        "user_id": by.user_id,
    }
    job, title = "identities.jobs.import_snapshot_file", f"Snapshot of {system.name}"
    work = enqueue("identities.snapshot", job, system.pk, kept.pk, facts, title=title, by=by)
    audit("snapshot.stage", by=by, target=f"system {system.key}", detail={"raw_sha256": raw_sha256})
    return work
