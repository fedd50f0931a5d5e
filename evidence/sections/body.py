"""Composes the sections on campaigns, revocations, alerts, coverage, deviations, methods and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.utils.translation import gettext as _

from evidence.charts import counted, shares
from evidence.heatmaps import coverage_calendar, use_map
from evidence.kinds import Table
from evidence.languages import told, whole
from evidence.report import STATE_WORDS, Block, Grid, Heading, Pairs, Prose, Section, spell_cell
from evidence.sections.front import percent
from evidence.sections.sheets import QUERY
from evidence.sections.source import Source, deviations, proofs_in, widths
from evidence.tables import control_total, spelled
from evidence.words import word

MAX_DECISIONS = 1_200
OF_MANY = 150
"""Decisions printed where there are more than that: nobody reads 30 pages of 100,000, so it is a look at the first."""


def campaigns(source: Source) -> Section:
    """Return campaigns with every decision and signature of the period."""
    overview = widths(
        "name 14, state 7, opened_at 14, due_at 14, signed_at 14, items 7, decided 8, kept 7, revoked 7, not_decided 8"
    )
    decisions = widths(
        "campaign 10, item 4, system 7, account 11, entitlement 10, privileged 6, advice 7, outcome 7, "
        "postponed_until 8, reason 16, reviewer 8, ledger_index 6"
    )
    quality = widths(
        "campaign 24, reviewer 20, decisions 10, kept 9, kept_in_bulk 12, median_seconds 13, self_reviews 12"
    )
    signed = widths(
        "campaign 14, printed_name 12, signed_at 15, meaning 22, level 7, count 6, digest 16, ledger_index 8"
    )
    blocks: list[Block] = [
        source.grid("campaigns", overview, limit=60, empty=_("No campaign was open in the period.")),
        *source.notes("campaigns"),
        *_rounds(source),
        Heading(_("Independence and care")),
        Prose(
            (
                _(
                    "Self-reviews: {self_reviews}. Kept by a bulk decision: {bulk}. Median seconds an item was open "
                    "before it was decided: {seconds}. Decided and carried out by the same person: {same}."
                ).format(
                    self_reviews=source.metric("review_quality", "self_reviews"),
                    bulk=percent(source.evidence["review_quality"].metrics["bulk_kept_ratio"]),
                    seconds=source.metric("review_quality", "median_seconds_per_item"),
                    same=source.metric("review_quality", "decided_and_executed_by_same"),
                ),
            )
        ),
        source.grid("review_quality", quality, limit=100, empty=_("Nobody decided anything in the period.")),
        Heading(_("Sign-offs")),
        source.grid("sign_offs", signed, limit=150, empty=_("Nobody signed in the period.")),
        *proofs_in(source.table("sign_offs")),
        *_by_week(source),
        Heading(_("Decisions")),
        *_decisions(source, decisions),
    ]
    return Section("campaigns", _("Campaigns, decisions and sign-offs"), tuple(blocks), wide=True)


def _by_week(source: Source) -> list[Block]:
    """Draw the decisions by week, with the same numbers in a table."""
    table = source.table("decisions_by_week")
    if not table.rows:
        return []
    columns = widths("week_from 28, decisions 12, certify 12, revoke 12, modify 12, abstain 12, not_decided 12")
    return [counted(table), source.grid("decisions_by_week", columns, limit=60, empty=_("No decision was made."))]


def _decisions(source: Source, columns: Mapping[str, int]) -> list[Block]:
    """Print every decision, or of very many their totals and the first; a sample follows in a later section."""
    table, empty = source.table("decisions"), _("No decision was made in the period.")
    if table.count <= MAX_DECISIONS:
        return [source.grid("decisions", columns, limit=MAX_DECISIONS, empty=empty)]
    place = table.columns.index("outcome")
    totals = Counter(row[place] for row in spelled(table))
    by_outcome = ", ".join(f"{told(whole(count))} {word('outcome', name)}" for name, count in sorted(totals.items()))
    text = _(
        "{count} decisions: {by_outcome}. All of them stand in tables/decisions.csv, each with its entry in the "
        "ledger; {first} are printed here, those about privileged grants and those that do not keep before the others, "
        "and a sample of {sample} that the checkpoint's root draws is printed with the population."
    ).format(count=told(whole(table.count)), by_outcome=by_outcome, first=OF_MANY, sample=source.table("sample").count)
    return [Prose((text,)), source.grid("decisions", columns, limit=OF_MANY, empty=empty)]


def _rounds(source: Source) -> list[Block]:
    """Print the campaigns' systems with their balance, and what changed while they ran."""
    scope = widths(
        "campaign 18, system 15, captured_at 18, source_total 10, rows 8, items 8, exclusions 10, waiver_reason 13"
    )
    waived = widths(
        "campaign 15, system 10, waiver_reason 24, waived_by 15, waived_at 13, waiver_level 7, waiver_digest 16"
    )
    left_out = widths("campaign 25, reason 40, approved_by 25, rows 10")
    absent = widths("campaign 22, system 14, captured_at 16, account 18, first_at 15, last_ok_at 15")
    controls = widths("campaign 18, mark 16, system 10, account 16, entitlement 14, reviewer 14, outcome 12")
    moves = widths("campaign 14, moved_at 15, from_state 9, to_state 10, new_due_at 15, reason 24, by 13")
    others = widths("campaign 16, item 5, moved_at 15, from_reviewer 13, to_reviewer 13, reason 25, by 13")
    asked = widths("campaign 12, item 5, asked_by 10, asked 10, asked_at 15, question 18, answered_at 15, answer 15")
    put_off = widths(
        "campaign 13, item 4, account 10, entitlement 10, reviewer 9, postponed_until 9, reason 16, "
        "what_came_of_it 13, reviewed_in 11, outcome 6"
    )
    return [
        source.grid("campaign_scope", scope, limit=150, empty=_("No campaign covered a system in the period.")),
        source.chosen(
            "campaign_scope",
            waived,
            column="waiver_reason",
            empty=_("No campaign went on without the list of a system."),
            caption=_("Systems without a list, and who signed for it"),
        ),
        source.grid("exclusions", left_out, limit=50, empty=_("No row was left out of a campaign.")),
        source.grid("absent_accounts", absent, limit=150, empty=_("No name in the logs was missing from the lists.")),
        source.grid("control_items", controls, limit=50, empty=_("No campaign held control items.")),
        source.grid("campaign_moves", moves, limit=150, empty=_("No campaign moved on in the period.")),
        source.grid("questions", asked, limit=100, empty=_("No reviewer asked about an item.")),
        source.grid("reassignments", others, limit=100, empty=_("No item was put to another reviewer.")),
        source.grid("postponed", put_off, limit=100, empty=_("No item was postponed.")),
    ]


def revocations(source: Source) -> Section:
    """Return what became of revocations."""
    columns = widths(
        "campaign 13, item 4, account 12, entitlement 13, outcome 7, state 10, due_at 14, ticket 9, verified_at 14, "
        "used_afterwards 4"
    )
    leavers = widths(
        "person_id 14, person 22, left_on 12, accounts 10, enabled_accounts 12, in_limit 12, accesses_afterwards 18"
    )
    blocks: list[Block] = [
        Prose(
            (
                _(
                    "A revocation counts as carried out when a later complete list of the system no longer holds the "
                    "grant; a closed ticket alone proves nothing."
                ),
                _(
                    "Decided: {decided}. Verified: {verified}. Over their limit and not verified: {late}. Used "
                    "afterwards: {used}."
                ).format(
                    decided=source.metric("revocations", "decided"),
                    verified=percent(source.evidence["revocations"].metrics["verified_ratio"]),
                    late=source.metric("revocations", "unverified_over_limit"),
                    used=source.metric("revocations", "activity_after_revocation"),
                ),
            )
        ),
        source.grid("revocations", columns, limit=250, empty=_("Nothing was to be revoked in the period.")),
        *_accepted(source),
        Heading(_("Leavers")),
        source.grid("leavers", leavers, limit=100, empty=_("Nobody with an account left in the period.")),
        *source.notes("leavers"),
    ]
    return Section("revocations", _("Revocations and their verification"), tuple(blocks), wide=True)


def _accepted(source: Source) -> list[Block]:
    """Print the revocations whose risk was accepted for a time, with who did so and why."""
    columns = widths(
        "campaign 13, item 5, account 12, entitlement 13, accepted_until 13, risk_asked_by 12, accepted_by 12, "
        "accepted_reason 20"
    )
    caption, column = _("Risks accepted for a time"), "accepted_until"
    found = source.chosen("revocations", columns, column=column, empty="", caption=caption)
    return [found] if found.rows else []


def alerts(source: Source) -> Section:
    """Return alerts with the times until somebody looked."""
    columns = widths(
        "id 5, rule_word 16, severity_word 7, subject 21, raised_at 15, acknowledged_at 15, acknowledged_by 11, "
        "close_reason 10"
    )
    cited = widths("alert 5, event 15, occurred_at 15, actor 20, action 16, outcome 7, src_ip 13, ledger_index 9")
    blocks: list[Block] = [
        Prose(
            (
                _(
                    "Raised: {raised}. Acknowledged so far: {seen}. Acknowledged inside the severity's limit, or still "
                    "inside it: {in_limit}. Open over the limit: {late}. Mandatory rules missing: {missing}."
                ).format(
                    raised=source.metric("alerts", "raised"),
                    seen=source.metric("alerts", "acknowledged"),
                    in_limit=percent(source.evidence["alerts"].metrics["ack_within_limit_ratio"]),
                    late=source.metric("alerts", "open_over_limit"),
                    missing=source.metric("alert_rules", "mandatory_missing"),
                ),
            )
        ),
        *_until_seen(source),
        source.grid("alerts", columns, limit=250, empty=_("No alert was raised in the period.")),
        *source.notes("alerts", "alert_rules"),
        Heading(_("Events behind the alerts")),
        source.grid("cited_events", cited, limit=150, empty=_("No alert rests on an event that is still at hand.")),
    ]
    return Section("alerts", _("Alerts"), tuple(blocks), wide=True)


def _until_seen(source: Source) -> list[Block]:
    """Draw how long it took until somebody looked at an alert, with the same numbers in a table."""
    table = source.table("times_to_acknowledge")
    if not source.table("alerts").rows:
        return []
    columns = widths("time 70, alerts 30")
    return [counted(table), source.grid("times_to_acknowledge", columns, limit=10, empty=_("No alert was raised."))]


def exceptions(source: Source) -> Section:
    """Return every deviation and every open finding, with the management's response: words, stand, owner and date."""
    zone = source.period.zone
    rows = tuple(
        (
            *(str(row[1]), str(row[2]), _(STATE_WORDS[str(row[3])]), spell_cell(row[4], zone)),
            spell_cell(row[5], zone) if row[5] else _("none recorded"),
        )
        for row in deviations(source).rows
    )
    heads, sizes = (
        (_("Row"), _("Title"), _("State"), _("What was found"), _("Management response")),
        (12, 15, 9, 36, 28),
    )
    table = Grid(_("Rows that did not pass"), heads, sizes, rows, len(rows), empty=_("Every computed row passed."))
    found = widths("id 5, kind 11, sentence 44, found_at 15, due_at 15, resolution 10")
    blocks: list[Block] = [
        Prose((_("All rows in the states fail, attention and no data are listed; none was removed before issue."),)),
        table,
        Heading(_("Findings of reviews")),
        source.grid("findings", found, limit=200, empty=_("No finding was open in the period.")),
    ]
    return Section("exceptions", _("Exceptions and deviations"), tuple(blocks), wide=True)


def coverage(source: Source) -> Section:
    """Return what the logs cover, by source, and their clocks."""
    columns = widths(
        "source 18, log_types 18, expected_hours 9, received_hours 9, ratio 7, gaps 6, longest_gap_hours 9, "
        "longest_gap_from 15, quarantined_ratio 9"
    )
    clocks = widths(
        "source 28, records 14, ahead_of_receipt 14, zone_known_or_set 16, year_inferred 14, median_delay_seconds 14"
    )
    kept = widths("log_type 22, oldest_at 24, days_at_hand 18, records 18, kept_days 18")
    blocks: list[Block] = [
        Prose(
            (
                _(
                    "Coverage compares the hours in which a source was expected to deliver with the hours in which it "
                    "did. A row of the catalogue that rests on a log type below the floor is reported as no data, "
                    "whatever was seen."
                ),
            )
        ),
        *_covered(source),
        *_calendar(source),
        source.grid("coverage", columns, limit=100, empty=_("No log source is set up.")),
        *source.notes("coverage"),
        *_use(source),
        Heading(_("Clocks")),
        source.grid("clock", clocks, limit=60, empty=_("No record was received in the period.")),
        *source.notes("clock"),
        Heading(_("Records at hand")),
        source.grid("retention", kept, limit=10, empty=_("No record is at hand.")),
        *source.notes("retention"),
        Heading(_("Removed under retention")),
        source.grid(
            "removals",
            widths("month 18, count 16, held 14, removed 16, removed_at 30, ledger_index 20"),
            limit=60,
            empty=_("No event of the period was removed, and none was removed in it."),
        ),
        Heading(_("Ledger entries of the period")),
        source.grid(
            "ledger",
            widths("month 18, batches 16, entries 16, verified 16, broken 16, last_index 18"),
            limit=40,
            empty=_("The ledger took no entry in the period."),
            caption=_("Entries of the period, re-hashed from the stored bytes"),
        ),
    ]
    return Section("coverage", _("Coverage of the logs"), tuple(blocks), wide=True)


def _covered(source: Source) -> list[Block]:
    """Draw the covered share of each source; the table under it holds the same numbers."""
    table = source.table("coverage")
    return [shares(_("Covered share of the expected hours by source"), table, "source", "ratio")] if table.rows else []


def _calendar(source: Source) -> list[Block]:
    """Draw each day of each source; its numbers stand in the table of days."""
    days, sources = source.records.get("coverage_days"), source.table("coverage")
    if not days or not days.rows:
        return []
    place = sources.columns.index("source")
    return [coverage_calendar(days, [str(row[place]) for row in sources.rows]), _stands_in(days)]


def _use(source: Source) -> list[Block]:
    """Draw when the logs show use, in packs about what people did."""
    table = source.records.get("use_by_hour")
    if not table or not table.rows:
        return []
    return [Heading(_("When the logs show use")), use_map(table, source.period.zone), _stands_in(table)]


def _stands_in(table: Table) -> Prose:
    """Say where a map's numbers are."""
    return Prose((_("The numbers behind the picture stand in {file}.").format(file=f"tables/{table.name}.csv"),))


def methods(source: Source) -> Section:
    """Return how tables were made: the limits of the measured ones, and totals of those that have no printed sheet."""
    sheets: dict[str, dict[str, str]] = {}
    for row in source.records["information_sheets"].rows:
        sheets.setdefault(str(row[0]), {})[str(row[1])] = str(row[2])
    kept = [(name, source.evidence[name]) for name in sorted(source.kept) if name in source.evidence]
    rows = [
        (
            *(f"{name}.csv", _count(table)),
            f"{sheets[name][QUERY][:24]}…" if QUERY in sheets.get(name, {}) else _("made from the others"),
            f"{control_total(table)[:24]}…",
        )
        for name, table in sorted(source.records.items())
    ]
    heads, sizes = (_("Table"), _("Rows"), _("Query, SHA-256"), _("Table, SHA-256")), (30, 10, 30, 30)
    limits = [(name, " ".join(map(told, item.notes))) for name, item in kept if item.notes]
    intro = Prose(
        (
            _(
                "Every table was written by the query whose text is in the folder queries, run by the portal itself at "
                "the time of issue under the parameters of section “Scope and period”; nobody edited a table. The "
                "control total is the SHA-256 of the CSV file. Filters: the tenant and the period, nothing else, "
                "unless a note says so; in tables about one incident, that incident."
            ),
            _("The {count} measured tables have a sheet each in the next section; these are the others.").format(
                count=len(kept)
            ),
        )
    )
    table = Grid(_("Tables of records"), heads, sizes, tuple(rows), len(rows))
    return Section(
        "methods", _("How each table was made"), (intro, table, Heading(_("Notes and limits")), Pairs(tuple(limits)))
    )


def _count(table: Table) -> str:
    """Spell how many rows a table has."""
    return told(whole(table.count))
