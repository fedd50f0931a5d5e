"""What pages and packs ask: settings in force, the newest run, packs in sight, and the ledger in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from alerts.models import Incident
from evidence.catalogue import expressions, load
from evidence.claims import in_fact
from evidence.holders import WITNESS
from evidence.kinds import Control
from evidence.metrics import MEASURES
from evidence.models import ControlResult, ControlRun, ControlSetting, EvidencePack, KindResult, SettingKind
from evidence.report import STATE_WORDS
from evidence.states import PackState
from evidence.tiers import Held, tier_of
from ledger import queries as ledger
from ledger.kinds import FIRST_EPOCH, Head, SignedCheckpoint
from ledger.models import Refusal
from ledger.signer import is_separate
from tenants.kinds import Actor
from tenants.models import AuditEntry, Tenant
from tenants.sharing import visible

NOT_COMPUTED = "not_computed"
SHOWN_ANCHORS = 30


@dataclass(frozen=True, slots=True)
class Settled:
    """What the tenant settled about the catalogue and still holds: parameter values, and reasons for what is aside.

    `alone` is the reason why one person is enough to sign packs off, empty where two sign.
    """

    parameters: Mapping[str, float]
    log_types: Mapping[str, str]
    rows: Mapping[str, str]
    alone: str = ""


@dataclass(frozen=True, slots=True)
class ControlLine:
    """A row of the catalogue with its newest result; `state` is not_computed where there is none."""

    control: Control
    state: str
    result: ControlResult | None
    missing: tuple[str, ...]

    @property
    def word(self) -> str:
        """The state in words."""
        return STATE_WORDS[self.state]


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """The tenant's ledger as its page shows it.

    `tier` is the claim reached, `holders` who holds which checkpoint as far as can be checked, newest first, `held` the
    one that the claim rests on, `heads` the epochs.
    """

    head: Head
    checkpoint: SignedCheckpoint | None
    recent: tuple[SignedCheckpoint, ...]
    verifier_key: str
    unsigned: int
    tier: str
    refusals: tuple[Refusal, ...]
    heads: tuple[Head, ...]
    holders: tuple[Held, ...]
    held: Held | None


def settings_in_force() -> Settled:
    """Return the newest setting of each kind and key that was not taken back; one query.

    A parameter that the catalogue does not have any more is left aside.
    """
    newest = ControlSetting.objects.order_by("kind", "key", "-id").distinct("kind", "key")
    held = [row for row in newest if row.value is not None]
    return Settled(
        parameters={
            row.key: row.value
            for row in held
            if row.kind == SettingKind.PARAMETER and row.value is not None and row.key in load().params
        },
        log_types={row.key: row.reason for row in held if row.kind == SettingKind.LOG_TYPE},
        rows={row.key: row.reason for row in held if row.kind == SettingKind.ROW},
        alone=next((row.reason for row in held if row.kind == SettingKind.SIGN_OFF), ""),
    )


def setting_history() -> QuerySet[ControlSetting]:
    """Return every setting, newest first."""
    return ControlSetting.objects.order_by("-id")


def newest_run() -> ControlRun | None:
    """Return the newest evaluation of the catalogue."""
    return ControlRun.objects.order_by("-id").first()


def control_lines(run: ControlRun | None, *, framework: str = "", state: str = "") -> list[ControlLine]:
    """Return the catalogue's rows with their results in a run, filtered; one query."""
    results = {item.control: item for item in ControlResult.objects.filter(run=run)} if run else {}
    lines = [_line(control, results.get(control.key)) for control in load().controls]
    return [
        line
        for line in lines
        if (not framework or line.control.framework == framework) and (not state or line.state == state)
    ]


def _line(control: Control, result: ControlResult | None) -> ControlLine:
    """Return a row's line."""
    return ControlLine(control, result.state if result else NOT_COMPUTED, result, missing_kinds(control))


def missing_kinds(control: Control) -> tuple[str, ...]:
    """Return the titles of the evidence kinds of a row that have no query module yet."""
    kinds = load().kinds
    named = {kind for part in expressions(control).values() for item in part for kind, _ in item.metrics}
    return tuple(kinds[name].title for name in kinds if name in named | set(control.evidence) and name not in MEASURES)


def kinds_of(run: ControlRun | None, control: Control) -> list[KindResult]:
    """Return what was measured for a row in a run, with the first rows of each table."""
    if run is None:
        return []
    named = {kind for part in expressions(control).values() for item in part for kind, _ in item.metrics}
    return list(KindResult.objects.filter(run=run, kind__in=named | set(control.evidence)).order_by("kind"))


def kind_of(run_id: int, kind: str) -> KindResult | None:
    """Return what was measured of a kind in a run, with its information sheet."""
    return KindResult.objects.select_related("run").filter(run_id=run_id, kind=kind).first()


def history_of(control: Control, limit: int = 12) -> list[ControlResult]:
    """Return the row's newest results, newest first."""
    return list(ControlResult.objects.filter(control=control.key).select_related("run").order_by("-run_id")[:limit])


def packs(by: Actor) -> QuerySet[EvidencePack]:
    """Return the packs that the actor may see, newest first, without their files."""
    return visible(by, EvidencePack.objects.order_by("-id"))


def sealed_sha256(pack: EvidencePack) -> str:
    """Return the SHA-256 of the pack's newest file as the ledger's entry of its making holds it; empty without one."""
    return _sealed(pack, "pack.issue" if pack.state == PackState.ISSUED else "pack.draft", "sha256")


def sealed_measurement(pack: EvidencePack) -> str:
    """Return the SHA-256 of what was measured for a pack, as the ledger's entry of its beginning holds it."""
    return _sealed(pack, "pack.begin", "measured")


def _sealed(pack: EvidencePack, verb: str, name: str) -> str:
    """Return a value of the newest entry of a pack's deed; empty without one."""
    entries = AuditEntry.objects.filter(at__gte=pack.requested_at, verb=verb, target=f"pack {pack.uuid}")
    newest = entries.order_by("-at", "-ord").values_list("subj", flat=True).first()
    return str(json.loads(bytes(newest))["detail"].get(name, "")) if newest else ""


def incidents() -> list[Incident]:
    """Return the newest incidents, for a choice."""
    return list(Incident.objects.order_by("-id")[:100])


def packs_issued(since: datetime, until: datetime) -> QuerySet[EvidencePack]:
    """Return the packs issued in a period, oldest first."""
    return EvidencePack.objects.filter(issued_at__gte=since, issued_at__lt=until, state="issued").order_by("issued_at")


def ledger_facts(tenant: Tenant) -> LedgerFacts:
    """Return size, newest checkpoints, verifier key, holders and claim of the tenant's ledger."""
    log_id = tenant.uuid
    head, checkpoint = ledger.head(log_id), ledger.latest_checkpoint(log_id)
    key = ledger.verifier_key(log_id) if checkpoint else ""
    signed = checkpoint.size if checkpoint and checkpoint.epoch == head.epoch else 0
    rows = ledger.anchors(log_id, epoch=head.epoch, limit=SHOWN_ANCHORS)
    notes = ledger.notes_of(log_id, head.epoch, [row.size for row in rows]) if rows else {}
    holders = in_fact(tenant.slug, notes, rows)
    fresh = [item for item in holders if item.is_fresh(timezone.now())]
    tier = tier_of(signed=checkpoint is not None, separate=is_separate(), held=fresh)
    witnessed = [item for item in fresh if item.kind == WITNESS] if tier == "T4" else fresh
    held = max(witnessed, key=lambda item: item.size, default=None)
    refused = tuple(ledger.refusals(log_id, limit=5))
    recent = tuple(ledger.checkpoints(log_id, limit=10))
    heads = (head,) if head.epoch == FIRST_EPOCH else tuple(ledger.heads(log_id))
    return LedgerFacts(head, checkpoint, recent, key, head.size - signed, tier, refused, heads, tuple(holders), held)
