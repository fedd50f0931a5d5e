"""Composes the sections on log reviews, isolation, incidents, one incident, and who signs the pack off."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from evidence.report import Block, Heading, Pairs, Prose, Section, moment
from evidence.sections.source import Source, proofs_in, widths
from evidence.signoffs.kinds import MEANINGS, RETENTION_YEARS, SignRole


def log_reviews(source: Source) -> Section:
    """Return the periodic reviews of logs with every disposition and signature."""
    overview = widths(
        "name 14, begins_at 15, ends_at 15, due_at 15, signed_at 15, signed_by 8, items 5, disposed 6, exceptions 7"
    )
    signed = widths("review 18, printed_name 12, signed_at 15, meaning 20, level 7, count 6, digest 14, ledger_index 8")
    found = widths("review 14, item 5, kind 9, title 21, outcome 9, reason 18, ticket 8, reviewer 9, ledger_index 7")
    after = widths(
        "review 20, item 7, outcome 12, ticket 12, follow_up_due_at 16, follow_up_closed_at 16, resolution 17"
    )
    blocks: list[Block] = [
        Prose(
            (
                _(
                    "Due in the period: {due}. Overdue: {overdue}. Signed in time: {in_time}. Exceptions raised: "
                    "{raised}, still open over their limit: {late}."
                ).format(
                    due=source.metric("log_reviews", "due"),
                    overdue=source.metric("log_reviews", "overdue"),
                    in_time=source.metric("log_reviews", "on_time_ratio"),
                    raised=source.metric("log_reviews", "exceptions_raised"),
                    late=source.metric("log_reviews", "exceptions_open_over_limit"),
                ),
                _(
                    "The periods of a schedule follow each other without a gap; each holds its alerts, the gaps of its "
                    "sources, and samples that the root of the ledger drew."
                ),
            )
        ),
        source.grid("log_reviews", overview, limit=120, empty=_("No log review was due in the period.")),
        *source.notes("log_reviews"),
        Heading(_("Signatures")),
        source.grid("log_sign_offs", signed, limit=120, empty=_("Nobody signed a log review in the period.")),
        *proofs_in(source.table("log_sign_offs")),
        Heading(_("Dispositions")),
        source.grid("dispositions", found, limit=500, empty=_("Nothing was disposed of in the period.")),
        Heading(_("Follow-ups of incidents and violations")),
        source.chosen(
            "dispositions",
            after,
            column="follow_up_due_at",
            empty=_("No disposition of the period had to be followed up."),
            caption=_("Dispositions that had to be followed up"),
        ),
    ]
    return Section("log-reviews", _("Log reviews"), tuple(blocks), wide=True)


def isolation(source: Source) -> Section:
    """Return how this client's cut is kept apart from what the processor keeps for others, in words and numbers."""
    tables = widths(
        "table_name 40, forced 12, has_policy 12, owned_by_us 12, foreign_rows_seen 12, answers_without_scope 12"
    )
    leaks, own = source.metric("isolation", "leaks"), _("a log of its own ({origin})")
    blocks: list[Block] = [
        Prose(
            (
                _(
                    "This pack holds records of {client} and of nobody else. {processor} keeps the records of each of "
                    "its clients in a tenant of its own. Every table of tenants is under forced row security: a query "
                    "sees the rows of the tenant in whose scope it runs, and fails without one. The program logs in "
                    "under a role that owns no table and cannot put the rule aside. This pack was read in that scope."
                ).format(client=source.identity.client, processor=source.identity.processor),
                _(
                    "When the pack was measured, each table was probed twice: for a row of another tenant in this "
                    "scope, and for an answer without any scope."
                ),
            )
        ),
        Pairs(
            (
                (_("Probes"), source.metric("isolation", "probes")),
                (_("Rows of others seen, or answers without a scope"), leaks),
                (_("Tables without the rule"), source.metric("isolation", "tables_without_policy")),
                (_("Ledger"), own.format(origin=source.checkpoint.origin) if source.checkpoint else _("none")),
            )
        ),
        source.grid("isolation", tables, limit=12, empty=_("No table was probed.")),
        *source.notes("isolation"),
        Prose(
            (
                _(
                    "Not shown by these probes: what an administrator of the host or the database could read, and what "
                    "the processor's people see in the client's own systems."
                ),
            ),
            tone="note",
        ),
    ]
    return Section("isolation", _("Isolation from other clients"), tuple(blocks), wide=True)


def incidents(source: Source) -> Section:
    """Return the incidents of the period with their clocks."""
    columns = widths(
        "id 5, title 20, found_at 13, known_at 13, triaged_at 13, breach 6, client_told_at 13, hours_to_client 7, "
        "closed_at 10"
    )
    blocks: list[Block] = [
        source.grid("incidents", columns, limit=150, empty=_("No incident was open in the period.")),
        *source.notes("incidents"),
    ]
    return Section("incidents", _("Incidents"), tuple(blocks), wide=True)


def incident(source: Source) -> Section:
    """Return one incident: what it is, its clocks, its steps, its alert, and the events behind that."""
    table = source.table("incident")
    row = dict(zip(table.columns, table.rows[0], strict=True)) if table.rows else {}
    zone = source.period.zone
    times = tuple(
        (label, moment(at, zone) if isinstance(at, datetime) else _("not recorded"))
        for label, at in (
            (_("First sign found"), row.get("found_at")),
            (_("Known to be an incident"), row.get("known_at")),
            (_("Recorded in the portal"), row.get("opened_at")),
        )
    )
    facts = (
        (_("Incident"), f"{row.get('incident')}: {row.get('title')}"),
        (_("What happened"), str(row.get("what") or _("not recorded"))),
        (_("Whose data"), str(row.get("affected") or _("not recorded"))),
        (_("Recorded by"), str(row.get("opened_by"))),
    )
    steps = widths("step 14, happened_at 17, note 38, recorded_at 17, recorded_by 14")
    alert = widths(
        "alert 6, rule 14, severity 7, subject 21, raised_at 14, acknowledged_at 14, acknowledged_by 10, "
        "close_reason 14"
    )
    cited = widths("alert 6, event 17, occurred_at 17, actor 14, action 14, outcome 7, src_ip 14, ledger_index 11")
    blocks: list[Block] = [
        Pairs((*facts, *times)),
        Prose(
            (
                _(
                    "The processor's clock runs from when it knew of the incident (Art. 33(2) GDPR), the controller's "
                    "from when it was told. Each step keeps when it happened, as people say, and when it was recorded, "
                    "as the portal knows."
                ),
            ),
            tone="note",
        ),
        source.grid("incident_steps", steps, limit=200, empty=_("No step was recorded.")),
        source.grid("incident_alert", alert, limit=5, empty=_("No alert stands behind the incident.")),
        source.grid(
            "cited_events", cited, limit=200, empty=_("No event stands behind it, or none is at hand any more.")
        ),
    ]
    return Section("incident", _("The incident"), tuple(blocks), wide=True)


def sign_off(source: Source) -> Section:
    """Return who signs the pack off, in which roles, and where the signatures are."""
    people, alone = source.identity.people, source.identity.alone_reason
    asked = _("a preparer and another person who approves") if people != 1 else _("one person")
    rule = (_("One person is enough here. The reason given: {reason}").format(reason=alone),) if people == 1 else ()
    roles = tuple((_(role.label), _(MEANINGS[role])) for role in list(SignRole)[: max(1, people)])
    blocks = (
        Prose(
            (
                _(
                    "This report was printed before anybody could sign it. It is signed by {people}, each over the "
                    "SHA-256 of the manifest, which lists this report and every other file. Names, roles, times and "
                    "what each signature means stand in sign-off/cover.txt of the same zip; verify.py and verify.html "
                    "check them."
                ).format(people=asked),
                *rule,
            )
        ),
        Prose((_("Without the folder sign-off this pack is a draft and was issued to nobody."),), tone="warning"),
        Heading(_("What each signature means")),
        Pairs(roles),
        Heading(_("Retention")),
        Prose(
            (
                _(
                    "Retention class: evidence, {years} years from the last signature (45 CFR 164.316(b)(2)(i)). The "
                    "database refuses to remove the pack, its files and its signatures before. A later pack supersedes "
                    "this one and never overwrites it."
                ).format(years=RETENTION_YEARS),
            )
        ),
    )
    return Section("sign-off", _("Sign-off and retention"), blocks)
