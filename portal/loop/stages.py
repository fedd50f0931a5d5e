"""The stages of the loop: tenant and people, grants, log, review, pack. Each says what it did."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import transaction
from django.utils import timezone

from alerts.watch import look_round
from evidence.actions import PackRequest, download_pack, request_pack
from evidence.building import build_pack
from evidence.kinds import Period
from evidence.models import EvidencePack
from identities.actions import SystemFacts, import_snapshot, save_system, upsert_identities
from identities.kinds import SnapshotUpload
from identities.models import Identity, System
from logs.actions.sources import SourcePlan, add_source
from logs.jobs import FileAnswer, ingest_file
from logs.models import LogSource
from portal.demo import campaign as rounds
from portal.demo.cast import Part, SignIns, join
from portal.loop.reading import Shown
from reviews.models import Campaign
from tenants.actions import open_tenant
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Tenant
from tenants.queries import tenant_by_slug
from tenants.scope import tenant_scope
from tenants.work import Progress

SLUG: Final = "loop"
REVIEWER: Final = Part("reviewer@loop.example", "Loop Reviewer", Role.REVIEWER, SLUG, "stands in for a reviewer")
ADMINISTRATE: Final = "administrate"
FRAMEWORKS: Final = ("gdpr", "hipaa", "soc2", "iso27001")


@dataclass(frozen=True, slots=True)
class Loop:
    """One run: the tenant, the file with what it shows, where to keep things, and how to speak."""

    tenant: Tenant
    path: Path
    shown: Shown
    data: Path
    zone: str
    year: int | None
    say: Callable[[str], None]
    progress: Progress

    @property
    def by(self) -> Actor:
        """The actor of the loop."""
        return Actor.system("loop", self.tenant.pk)

    @property
    def key(self) -> str:
        """The key of the file's system and source."""
        return f"file-{self.path.stem.lower().replace('_', '-').replace('.', '-')}"[:60]


def open_place(data: Path) -> Tenant:
    """Find or open the loop's own tenant, with a reviewer who stands in for a person."""
    tenant = tenant_by_slug(SLUG)
    if tenant is None:
        tenant = open_tenant(slug=SLUG, name="Loop", kind=TenantKind.BPO, time_zone="UTC")
        with tenant_scope(tenant):
            join(REVIEWER, tenant, SignIns(data))
    with tenant_scope(tenant):
        row = f"external_id,name,email\nL-1,{REVIEWER.name},{REVIEWER.email}\n"
        upsert_identities(body=row.encode(), by=Actor.system("loop", tenant.pk))
    return tenant


def seal_grants(loop: Loop) -> System:
    """Seal the list of grants: here what the log itself shows, which is said in the snapshot."""
    with tenant_scope(loop.tenant):
        system = System.objects.filter(key=loop.key).first() or save_system(facts=_facts(loop), by=loop.by)
        body = _grants(loop.shown)
        upload = SnapshotUpload(
            body=body,
            captured_at=timezone.now(),
            source_total=len(loop.shown.holders),
            file_name=f"{loop.key}-grants.csv",
            filters="accounts with at least one success in the file",
            query=f"Accounts that {loop.path.name} shows at work; no list of the system itself was given",
            delivered_by="loop command",
        )
        snapshot = import_snapshot(system=system, upload=upload, by=loop.by)
        loop.say(f"Sealed {snapshot.row_total} grants of {system.name}, digest {snapshot.digest[:16]}...")
    return system


def _facts(loop: Loop) -> SystemFacts:
    owner = Identity.objects.get(external_id="L-1")
    return SystemFacts(name=loop.path.name, key=loop.key, privileged_rule=ADMINISTRATE, owner=owner)


def _grants(shown: Shown) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("account", "entitlement", "privileged"))
    for account, entitlement in sorted(shown.holders):
        writer.writerow((account, entitlement, "yes" if entitlement == ADMINISTRATE else "no"))
    return out.getvalue().encode()


def store_log(loop: Loop, system: System) -> FileAnswer:
    """Deliver the file through the door that files take."""
    with tenant_scope(loop.tenant):
        source = LogSource.objects.filter(key=loop.key).first() or _add_source(loop, system)
    with loop.path.open("rb") as file:
        answer = ingest_file(tenant=loop.tenant, source=source, file=file, by=loop.by, say=lambda _answer: None)
    loop.say(
        f"Stored {answer.stored:,} events of {answer.received:,} lines ({answer.duplicates:,} were there before, "
        f"{answer.ignored:,} are no access events, {answer.quarantined:,} in quarantine)."
    )
    return answer


@transaction.atomic
def _add_source(loop: Loop, system: System) -> LogSource:
    plan = SourcePlan(
        name=loop.path.name,
        key=loop.key,
        format=loop.shown.format,
        system=system,
        log_types=tuple(int(kind) for kind in loop.shown.kinds),
        time_zone=loop.zone,
        year=loop.year,
        expected={"every_minutes": 24 * 60},
    )
    return add_source(plan=plan, by=loop.by)


def review(loop: Loop, system: System) -> Campaign:
    """Open a campaign over the system, let the stand-in decide as advised, and sign."""
    look_round()
    what = rounds.Round(f"{loop.path.name}, {timezone.now():%Y-%m-%d %H:%M:%S}", (system.key,), due_days=14)
    with tenant_scope(loop.tenant):
        fallback = Identity.objects.get(external_id="L-1")
        campaign = rounds.open_round(what, loop.tenant, fallback, loop.by, loop.progress)
        decided = rounds.decide_items(campaign, loop.tenant, share=1.0)
        rounds.sign_all(campaign, loop.tenant, SignIns(loop.data))
        campaign.refresh_from_db()
    loop.say(
        f"Reviewed {decided} grants as the evidence of use advises; signed by {REVIEWER.name}, who stands in for a "
        f"person. The campaign is now {campaign.get_state_display().lower()}."
    )
    return campaign


def make_pack(loop: Loop) -> tuple[EvidencePack, bytes]:
    """Build the evidence pack from the file's first day until now."""
    until = timezone.now()
    since = _midnight(loop.shown.first or until)
    asked = PackRequest(period=Period(since, until, loop.zone), frameworks=FRAMEWORKS, recipient="the loop's reader")
    with tenant_scope(loop.tenant):
        pack = request_pack(tenant=loop.tenant, asked=asked, by=loop.by, queue=False)
    pack = build_pack(loop.tenant, pack.pk, loop.progress)
    with tenant_scope(loop.tenant), download_pack(pack=pack, by=loop.by) as stored:
        data = stored.read()
    loop.say(f"Built a pack of {len(data):,} bytes and {pack.pages} pages, SHA-256 {pack.sha256}.")
    return pack, data


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
