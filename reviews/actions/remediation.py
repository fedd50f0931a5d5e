"""Carries out revocations, and believes only a later complete snapshot that they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from identities.models import Grant, Snapshot, SnapshotRow
from identities.queries import identity_of_user, latest_complete_snapshots
from logs.queries import use_of_accounts
from reviews.actions.findings import write_finding
from reviews.causes import Cause
from reviews.kinds import FindingKind, Outcome
from reviews.models import Campaign, Decision, Finding, Remediation, SilentItem
from reviews.policies import can_manage_campaigns
from reviews.refusals import as_refusal
from reviews.remedypolicies import can_claim
from reviews.states import CampaignState, RemediationState
from tenants.audit import audit
from tenants.kinds import Actor, enforce

_R = RemediationState
WAITING = (_R.OPEN, _R.IN_PROGRESS, _R.CLAIMED_DONE, _R.RISK_ACCEPTED)
WATCH_DAYS = 90
"""How long after its verification a revoked account's use is watched."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Counts what a round of verification found."""

    verified: int
    failed: int
    used_afterwards: int
    expired: int


def begin_remediations(campaign: Campaign, decisions: QuerySet[Decision], at: datetime) -> None:
    """Makes the remediations of those decisions that take access away and have none yet."""
    days = {True: int(campaign.definition["revoke_days_privileged"]), False: int(campaign.definition["revoke_days"])}
    Remediation.objects.bulk_create(
        [
            Remediation(
                campaign=campaign,
                decision=decision,
                item_id=decision.item_id,
                created_at=at,
                due_at=at + timedelta(days=days[decision.privileged]),
            )
            for decision in decisions.filter(outcome__in=(Outcome.REVOKE, Outcome.MODIFY), remediation__isnull=True)
        ]
    )


@transaction.atomic
def claim_remediation(*, remediation: Remediation, ticket: str, by: Actor) -> Remediation:
    """Records that somebody says a revocation is carried out; it stays a claim until a snapshot verifies it."""
    remediation, executor = locked_remediation(remediation), identity_of_user(by.user_id)
    silence = SilentItem.objects.filter(decision=remediation.decision_id).first()
    decider = silence.answerer_id if silence else remediation.decision.reviewer_id
    enforce(can_claim(by, remediation, executor=executor, decider=decider, changed=is_changed(remediation)))
    remediation.state, remediation.ticket, remediation.executor = _R.CLAIMED_DONE, ticket.strip(), executor
    remediation.claimed_at, remediation.claimed_by = timezone.now(), by.name
    with as_refusal():
        remediation.save(update_fields=["state", "ticket", "executor", "claimed_at", "claimed_by"])
    detail = {"remediation": remediation.pk, "ticket": ticket}
    audit("remediation.claim", by=by, target=name_of(remediation), detail=detail)
    return remediation


def locked_remediation(remediation: Remediation) -> Remediation:
    """Returns the remediation as it is now, its row locked until the transaction ends."""
    rows = Remediation.objects.select_for_update(of=("self",)).select_related(
        "campaign", "decision", "item__system", "item__account", "item__entitlement"
    )
    return rows.get(pk=remediation.pk)


def is_changed(remediation: Remediation) -> bool:
    """Returns whether another decision took the place of the revocation: after a reopening, or before the signature."""
    return Decision.objects.filter(supersedes=remediation.decision_id).exists()


@transaction.atomic
def verify_remediations(*, by: Actor) -> Verified:
    """Compares revocations with the newest complete snapshot of their system, and with the use seen afterwards.

    Gone from a snapshot captured after the decision that is not empty: verified. Still there after a claim: failed,
    open again, a finding. Used after it was claimed or verified: failed, open again, a finding, and only a newer
    snapshot verifies it. An acceptance that ended: open again, with a finding where the campaign is closed. A
    revocation that another decision replaced is left alone. Safe to run any time.
    """
    enforce(can_manage_campaigns(by))
    now = timezone.now()
    expired = _end_acceptances(now)
    verified, failed = _compare(now)
    used = _used_afterwards(now)
    answer = Verified(verified, failed, used, expired)
    if verified or failed or used or expired:
        detail = {"verified": verified, "failed": failed, "used_afterwards": used, "expired": expired}
        audit("remediation.verify", by=by, target="remediations", detail=detail)
    return answer


def _end_acceptances(now: datetime) -> int:
    """Opens again what was accepted until now; where the campaign is closed, a finding says so."""
    over = Remediation.objects.filter(state=_R.RISK_ACCEPTED, accepted_until__lte=now)
    ended = list(over.select_related("campaign", "item__account", "item__entitlement", "item__system"))
    for remediation in ended:
        remediation.state = _R.OPEN
        remediation.save(update_fields=["state"])
        if remediation.campaign.state == CampaignState.CLOSED and remediation.accepted_until is not None:
            sentence = (
                f"The risk that '{remediation.item.account.name}' holds '{remediation.item.entitlement.key}' on "
                f"{remediation.item.system.name} was accepted until {remediation.accepted_until:%-d %B %Y}; it is not "
                "revoked yet."
            )
            _found(remediation, FindingKind.UNVERIFIED, sentence, now)
    return len(ended)


def _compare(now: datetime) -> tuple[int, int]:
    """Verifies or fails what waits, by the newest complete snapshots; returns how many of each."""
    waiting = list(
        Remediation.objects.select_for_update(of=("self",))
        .filter(state__in=WAITING, decision__superseded_by__isnull=True)
        .select_related("decision", "campaign", "item__account", "item__entitlement", "item__system")
    )
    newest = latest_complete_snapshots({remediation.item.system_id for remediation in waiting})
    listed = _listed(newest.values(), waiting)
    verified = failed = 0
    for remediation in waiting:
        snapshot = newest.get(remediation.item.system_id)
        if snapshot is None or snapshot.captured_at <= remediation.decision.decided_at:
            continue
        if snapshot.pk == remediation.verified_snapshot_id:
            continue  # it verified once already, and use was seen since
        if not snapshot.source_total:
            continue  # a list that failed looks like one of nothing
        if (remediation.item.account_id, remediation.item.entitlement_id) not in listed:
            remediation.state, remediation.verified_at, remediation.verified_snapshot = _R.VERIFIED, now, snapshot
            remediation.save(update_fields=["state", "verified_at", "verified_snapshot"])
            verified += 1
        elif remediation.claimed_at is not None and snapshot.captured_at > remediation.claimed_at:
            failed += _fail_claim(remediation, snapshot, now)
    return verified, failed


def _listed(snapshots: Iterable[Snapshot], waiting: Iterable[Remediation]) -> set[tuple[int, int]]:
    """Returns which of the grants the snapshots still list."""
    accounts = {remediation.item.account_id for remediation in waiting}
    rows = SnapshotRow.objects.filter(snapshot__in=list(snapshots), account_id__in=accounts)
    return set(rows.values_list("account_id", "entitlement_id"))


def _fail_claim(remediation: Remediation, snapshot: Snapshot, now: datetime) -> int:
    """Opens again what was said to be done and is not; returns 1 when it was a claim."""
    if remediation.state != _R.CLAIMED_DONE:
        return 0
    _reopen(remediation)
    sentence = (
        f"'{remediation.item.account.name}' still holds '{remediation.item.entitlement.key}' on "
        f"{remediation.item.system.name} in the snapshot of {snapshot.captured_at:%-d %B %Y}, though "
        f"{remediation.claimed_by} said on {remediation.claimed_at:%-d %B %Y} that it was revoked."
    )
    _found(remediation, FindingKind.UNVERIFIED, sentence, now)
    return 1


def _reopen(remediation: Remediation) -> None:
    """Lets a remediation fail and begin again."""
    remediation.state = _R.FAILED
    remediation.save(update_fields=["state"])
    remediation.state, remediation.reopened = _R.OPEN, remediation.reopened + 1
    remediation.save(update_fields=["state", "reopened"])


def _used_afterwards(now: datetime) -> int:
    """Finds use of accounts that hold nothing more on the system since their revocation was claimed or verified.

    Use after a claim shows that it was not true; after a verification, that the access came back or the list was short.
    Either opens the revocation again, which blocks the campaign's closing, unless a later list showed the access gone.
    Log lines name no entitlement: an account that keeps another grant on the system may well be used.
    """
    done = [_R.CLAIMED_DONE, _R.VERIFIED]
    revoked = Remediation.objects.filter(
        item__account=OuterRef("account"), item__entitlement=OuterRef("entitlement"), state__in=done
    )
    kept = Grant.objects.filter(~Exists(revoked), account=OuterRef("item__account"), until__isnull=True)
    since = now - timedelta(days=WATCH_DAYS)
    ended = Remediation.objects.filter(
        Q(state=_R.CLAIMED_DONE) | Q(verified_at__gte=since),
        ~Exists(kept),
        state__in=done,
        decision__superseded_by__isnull=True,
    ).select_related("campaign", "item__account", "item__system", "item__entitlement", "verified_snapshot")
    watched = list(ended)
    accounts = {remediation.item.account_id for remediation in watched}
    use = use_of_accounts(accounts, since=since, until=now) if accounts else {}
    return sum(_find_use(remediation, use[remediation.item.account_id].last_used_at, now) for remediation in watched)


def _find_use(remediation: Remediation, last: datetime | None, now: datetime) -> int:
    """Writes the finding where a revocation's account was used after it; returns 1 for a new one."""
    seen = remediation.verified_snapshot if remediation.state == _R.VERIFIED else None
    gone_at = seen.captured_at if seen else None
    bound = min((at for at in (remediation.claimed_at, gone_at) if at is not None), default=None)
    if last is None or bound is None or last <= bound or _is_explained(remediation, last, gone_at):
        return 0
    if remediation.claimed_at is not None and bound == remediation.claimed_at:
        after = f"after {remediation.claimed_by} said on {bound:%-d %B %Y} that its access was revoked"
    else:
        after = f"after its access was revoked and found gone on {bound:%-d %B %Y}"
    sentence = f"'{remediation.item.account.name}' used {remediation.item.system.name} on {last:%-d %B %Y}, {after}."
    evidence = {
        "last_used_at": last.isoformat(timespec="seconds"),
        "claimed_at": remediation.claimed_at.isoformat(timespec="seconds") if remediation.claimed_at else None,
        "found_gone_at": gone_at.isoformat(timespec="seconds") if gone_at else None,
        "entitlements": [remediation.item.entitlement.key],
    }
    _found(remediation, FindingKind.USE_AFTER_REVOCATION, sentence, now, evidence)
    if remediation.campaign.state != CampaignState.CLOSED and (gone_at is None or last > gone_at):
        _reopen(remediation)
    return 1


def _is_explained(remediation: Remediation, last: datetime, gone_at: datetime | None) -> bool:
    """Returns whether the use is found already, or somebody resolved a finding about it after it was seen."""
    found = Finding.objects.filter(kind=FindingKind.USE_AFTER_REVOCATION, key=_key(remediation))
    if remediation.campaign.state == CampaignState.CLOSED or (gone_at is not None and last <= gone_at):
        return found.filter(Q(resolved_at__isnull=True) | Q(resolved_at__gte=last)).exists()
    return found.filter(resolved_at__gte=last).exists()


def _key(remediation: Remediation) -> str:
    """Returns how findings name a remediation as their cause."""
    return f"remediation {remediation.pk}"


def _found(
    remediation: Remediation,
    kind: FindingKind,
    sentence: str,
    now: datetime,
    evidence: Mapping[str, object] | None = None,
) -> None:
    """Writes the finding about a remediation."""
    item = remediation.item
    cause = Cause(
        kind,
        _key(remediation),
        sentence,
        system_id=item.system_id,
        account_id=item.account_id,
        subject_id=item.subject_id,
        evidence=evidence or {},
    )
    write_finding(cause, at=now, campaign=remediation.campaign, item=item)


def name_of(remediation: Remediation) -> str:
    """Returns how the audit trail names a remediation."""
    return f"campaign {remediation.campaign.name}, item {remediation.item.n}"
