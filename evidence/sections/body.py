"""Composes the sections on campaigns, revocations, alerts, coverage, deviations, methods and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from evidence.charts import counted, shares
from evidence.heatmaps import coverage_calendar, use_map
from evidence.kinds import Table
from evidence.report import Block, Grid, Heading, Pairs, Prose, Section, grid
from evidence.sections.front import percent
from evidence.sections.source import Source, deviations, widths
from evidence.tables import control_total, spelled

MAX_DECISIONS = 1_200
OF_MANY = 150
"""Decisions printed where there are more than that: nobody reads 30 pages of 100,000, so it is a look at the first."""


def campaigns(source: Source) -> Section:
    """Return campaigns with every decision and signature of the period."""
    overview = widths(
        "name 19, state 8, opened_at 15, due_at 15, signed_at 15, items 5, decided 6, kept 5, revoked 6, not_decided 6"
    )
    decisions = widths(
        "campaign 11, item 4, system 7, account 12, entitlement 11, privileged 6, advice 7, outcome 7, reason 19, "
        "reviewer 9, ledger_index 7"
    )
    quality = widths(
        "campaign 20, reviewer 16, decisions 9, kept 8, kept_in_bulk 11, evidence_opened 12, median_seconds 12, "
        "self_reviews 12"
    )
    signed = widths(
        "campaign 14, printed_name 12, signed_at 15, meaning 22, level 7, count 6, digest 16, ledger_index 8"
    )
    blocks: list[Block] = [
        source.grid("campaigns", overview, limit=60, empty="No campaign was open in the period."),
        *source.notes("campaigns"),
        *_rounds(source),
        Heading("Independence and care"),
        Prose(
            (
                f"Self-reviews: {source.metric('review_quality', 'self_reviews')}. Kept by a bulk decision: "
                f"{percent(source.evidence['review_quality'].metrics['bulk_kept_ratio'])}. Median seconds an item "
                f"was open before it was decided: {source.metric('review_quality', 'median_seconds_per_item')}. "
                "Decided and carried out by the same person: "
                f"{source.metric('review_quality', 'decided_and_executed_by_same')}.",
            )
        ),
        source.grid("review_quality", quality, limit=100, empty="Nobody decided anything in the period."),
        Heading("Sign-offs"),
        source.grid("sign_offs", signed, limit=150, empty="Nobody signed in the period."),
        *_by_week(source),
        Heading("Decisions"),
        *_decisions(source, decisions),
    ]
    return Section("campaigns", "Campaigns, decisions and sign-offs", tuple(blocks), wide=True)


def _by_week(source: Source) -> list[Block]:
    """Draw the decisions by week, with the same numbers in a table."""
    table = source.table("decisions_by_week")
    if not table.rows:
        return []
    columns = widths("week_from 28, decisions 12, certify 12, revoke 12, modify 12, abstain 12, not_decided 12")
    return [counted(table), source.grid("decisions_by_week", columns, limit=60, empty="No decision was made.")]


def _decisions(source: Source, columns: Mapping[str, int]) -> list[Block]:
    """Print every decision, or of very many their totals and the first; a sample follows in a later section."""
    table, empty = source.table("decisions"), "No decision was made in the period."
    if table.count <= MAX_DECISIONS:
        return [source.grid("decisions", columns, limit=MAX_DECISIONS, empty=empty)]
    place = table.columns.index("outcome")
    totals = Counter(row[place] for row in spelled(table))
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(totals.items()))
    told = (
        f"{table.count:,} decisions: {said}. All of them stand in tables/decisions.csv, each with its entry in the "
        f"ledger; {OF_MANY} are printed here, those about privileged grants and those that do not keep before the "
        f"others, and a sample of {source.table('sample').count} that the "
        "checkpoint's root draws is printed with the population."
    )
    return [Prose((told,)), source.grid("decisions", columns, limit=OF_MANY, empty=empty)]


def _rounds(source: Source) -> list[Block]:
    """Print the campaigns' systems with their balance, and what changed while they ran."""
    scope = widths(
        "campaign 15, system 12, captured_at 15, source_total 8, rows 6, items 6, exclusions 8, waiver_reason 19, "
        "waived_by 11"
    )
    left_out = widths("campaign 25, reason 40, approved_by 25, rows 10")
    absent = widths("campaign 22, system 14, captured_at 16, account 18, first_at 15, last_ok_at 15")
    controls = widths("campaign 18, mark 16, system 10, account 16, entitlement 14, reviewer 14, outcome 12")
    moves = widths("campaign 14, moved_at 15, from_state 9, to_state 10, new_due_at 15, reason 24, by 13")
    others = widths("campaign 16, item 5, moved_at 15, from_reviewer 13, to_reviewer 13, reason 25, by 13")
    asked = widths("campaign 12, item 5, asked_by 10, asked 10, asked_at 15, question 18, answered_at 15, answer 15")
    return [
        source.grid("campaign_scope", scope, limit=150, empty="No campaign covered a system in the period."),
        source.grid("exclusions", left_out, limit=50, empty="No row was left out of a campaign."),
        source.grid("absent_accounts", absent, limit=150, empty="No name in the logs was missing from the lists."),
        source.grid("control_items", controls, limit=50, empty="No campaign held control items."),
        source.grid("campaign_moves", moves, limit=150, empty="No campaign moved on in the period."),
        source.grid("questions", asked, limit=100, empty="No reviewer asked about an item."),
        source.grid("reassignments", others, limit=100, empty="No item was put to another reviewer."),
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
                "A revocation counts as carried out when a later complete list of the system no longer holds the "
                "grant; a closed ticket alone proves nothing.",
                f"Decided: {source.metric('revocations', 'decided')}. Verified: "
                f"{percent(source.evidence['revocations'].metrics['verified_ratio'])}. Over their limit and not "
                f"verified: {source.metric('revocations', 'unverified_over_limit')}. Used afterwards: "
                f"{source.metric('revocations', 'activity_after_revocation')}.",
            )
        ),
        source.grid("revocations", columns, limit=250, empty="Nothing was to be revoked in the period."),
        *_accepted(source),
        Heading("Leavers"),
        source.grid("leavers", leavers, limit=100, empty="Nobody with an account left in the period."),
        *source.notes("leavers"),
    ]
    return Section("revocations", "Revocations and their verification", tuple(blocks), wide=True)


def _accepted(source: Source) -> list[Block]:
    """Print the revocations whose risk was accepted for a time, with who did so and why."""
    columns = widths(
        "campaign 13, item 5, account 12, entitlement 13, accepted_until 13, risk_asked_by 12, accepted_by 12, "
        "accepted_reason 20"
    )
    caption, column = "Risks accepted for a time", "accepted_until"
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
                f"Raised: {source.metric('alerts', 'raised')}. Acknowledged so far: "
                f"{source.metric('alerts', 'acknowledged')}. Acknowledged inside the severity's limit, or still inside "
                f"it: {percent(source.evidence['alerts'].metrics['ack_within_limit_ratio'])}. Open over the limit: "
                f"{source.metric('alerts', 'open_over_limit')}. Mandatory rules missing: "
                f"{source.metric('alert_rules', 'mandatory_missing')}.",
            )
        ),
        *_until_seen(source),
        source.grid("alerts", columns, limit=250, empty="No alert was raised in the period."),
        *source.notes("alerts", "alert_rules"),
        Heading("Events behind the alerts"),
        source.grid("cited_events", cited, limit=150, empty="No alert rests on an event that is still at hand."),
    ]
    return Section("alerts", "Alerts", tuple(blocks), wide=True)


def _until_seen(source: Source) -> list[Block]:
    """Draw how long it took until somebody looked at an alert, with the same numbers in a table."""
    table = source.table("times_to_acknowledge")
    if not source.table("alerts").rows:
        return []
    columns = widths("time 70, alerts 30")
    return [counted(table), source.grid("times_to_acknowledge", columns, limit=10, empty="No alert was raised.")]


def exceptions(source: Source) -> Section:
    """Return every deviation and every open finding, with the management's response: words, stand, owner and date."""
    rows = tuple(
        (str(row[1]), str(row[2]), str(row[3]).replace("_", " "), str(row[4]), str(row[5] or "none recorded"))
        for row in deviations(source).rows
    )
    heads, sizes = ("Row", "Title", "State", "What was found", "Management response"), (12, 15, 9, 36, 28)
    table = Grid("Rows that did not pass", heads, sizes, rows, len(rows), empty="Every computed row passed.")
    found = widths("id 5, kind 11, sentence 44, found_at 15, due_at 15, resolution 10")
    blocks: list[Block] = [
        Prose(("All rows in the states fail, attention and no data are listed; none was removed before issue.",)),
        table,
        Heading("Findings of reviews"),
        source.grid("findings", found, limit=200, empty="No finding was open in the period."),
    ]
    return Section("exceptions", "Exceptions and deviations", tuple(blocks), wide=True)


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
                "Coverage compares the hours in which a source was expected to deliver with the hours in which it "
                "did. A row of the catalogue that rests on a log type below the floor is reported as no data, "
                "whatever was seen.",
            )
        ),
        *_covered(source),
        *_calendar(source),
        source.grid("coverage", columns, limit=100, empty="No log source is set up."),
        *source.notes("coverage"),
        *_use(source),
        Heading("Clocks"),
        source.grid("clock", clocks, limit=60, empty="No record was received in the period."),
        *source.notes("clock"),
        Heading("Records at hand"),
        source.grid("retention", kept, limit=10, empty="No record is at hand."),
        *source.notes("retention"),
        Heading("Removed under retention"),
        source.grid(
            "removals",
            widths("month 18, count 16, held 14, removed 16, removed_at 30, ledger_index 20"),
            limit=60,
            empty="No event of the period was removed, and none was removed in it.",
        ),
        Heading("Ledger entries of the period"),
        source.grid(
            "ledger",
            widths("month 18, batches 16, entries 16, verified 16, broken 16, last_index 18"),
            limit=40,
            empty="The ledger took no entry in the period.",
            caption="Entries of the period, re-hashed from the stored bytes",
        ),
    ]
    return Section("coverage", "Coverage of the logs", tuple(blocks), wide=True)


def _covered(source: Source) -> list[Block]:
    """Draw the covered share of each source; the table under it holds the same numbers."""
    table = source.table("coverage")
    return [shares("Covered share of the expected hours by source", table, "source", "ratio")] if table.rows else []


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
    return [Heading("When the logs show use"), use_map(table, source.period.zone), _stands_in(table)]


def _stands_in(table: Table) -> Prose:
    """Say where a map's numbers are."""
    return Prose((f"The numbers behind the picture stand in tables/{table.name}.csv.",))


def methods(source: Source) -> Section:
    """Return how tables were made: the limits of the measured ones, and totals of those that have no printed sheet."""
    sheets: dict[str, dict[str, str]] = {}
    for row in source.records["information_sheets"].rows:
        sheets.setdefault(str(row[0]), {})[str(row[1])] = str(row[2])
    kept = [(name, source.evidence[name]) for name in sorted(source.kept) if name in source.evidence]
    rows = [
        (
            *(f"{name}.csv", f"{table.count:,}"),
            f"{sheets[name]['Query, SHA-256'][:24]}…" if name in sheets else "made from the others",
            f"{control_total(table)[:24]}…",
        )
        for name, table in sorted(source.records.items())
    ]
    heads, sizes = ("Table", "Rows", "Query, SHA-256", "Table, SHA-256"), (30, 10, 30, 30)
    limits = [(name, " ".join(item.notes)) for name, item in kept if item.notes]
    intro = Prose(
        (
            "Every table was written by the query whose text is in the folder queries, run by the portal itself at "
            "the time of issue under the parameters of section “Scope and period”; nobody edited a table. The "
            "control total is the SHA-256 of the CSV file. Filters: the tenant and the period, nothing else, unless "
            "a note says so; in tables about one incident, that incident.",
            f"The {len(kept)} measured tables have a sheet each in the next section; these are the others.",
        )
    )
    table = Grid("Tables of records", heads, sizes, tuple(rows), len(rows))
    return Section(
        "methods", "How each table was made", (intro, table, Heading("Notes and limits"), Pairs(tuple(limits)))
    )


def sample(source: Source) -> Block:
    """Print the sample of decisions that the checkpoint's root drew."""
    table = source.records["sample"]
    return grid(
        table, (10, 22, 30, 24, 14), zone=source.period.zone, limit=60, empty="There was no decision to draw from."
    )


def _drawn(source: Source) -> Prose:
    """Say how the sample was drawn, with its seed and population, so that anybody can draw it again."""
    return Prose(
        (
            "For sampling, the ids of all decisions of the period are ranked by SHA-256 of the checkpoint's root, a "
            "zero byte and the id; the first 25 are drawn. "
            f"Seed: {source.checkpoint.root.hex() if source.checkpoint else 'none'}. Population: "
            f"{source.records['decisions'].count if 'decisions' in source.records else 0} decisions. "
            "Anybody can draw them again from tables/decisions.csv; an "
            "auditor may use a seed of their own.",
        )
    )


def closing(source: Source) -> Section:
    """Return sampling support, glossary and legal note."""
    words = Pairs(
        (
            (
                "Advice",
                "what the evidence of use suggests: keep, revoke, or insufficient where use was not seen well enough",
            ),
            ("Account", "a log-in on a system under its native name; it belongs to a person, or to nobody"),
            ("Campaign", "one round of an access review over a frozen population"),
            ("Checkpoint", "the signed size and root hash of the ledger at one moment"),
            ("Coverage", "share of the hours in which a source was expected to deliver and did"),
            ("Grant", "an account holds an entitlement from one moment to another, as the system's lists show it"),
            ("Ledger entry", "the sealed bytes of one event or deed; its hash is a leaf of the tenant's Merkle tree"),
            (
                "Not decided",
                "written by the portal for an item that nobody decided by the deadline; silence approves nothing",
            ),
            (
                "Outcome",
                "certify: the access is kept; revoke: it goes; modify: it is reduced; abstain: the reviewer gives no "
                "verdict",
            ),
            (
                "Proof: direct, partial, supporting",
                "how far the row's evidence reaches; the limits say what it leaves open",
            ),
            ("Snapshot", "the sealed list of grants that a system reported at one time, with the system's own total"),
        )
    )
    legal = Prose(
        (
            "This pack is evidence, not an opinion. It supports an assessment of the named requirements by a person "
            "who is competent to make one. It is no certification, gives no score, and does not state that anybody "
            "complies with any law or standard. Titles and summaries of the control rows are Countersign's own "
            "words; of SOC 2, ISO/IEC 27001 and PCI DSS only identifiers are used, whose texts belong to their "
            "publishers. HIPAA's sub-paragraph identifiers were checked against published texts, by program only "
            "down to the standard.",
        ),
        tone="note",
    )
    support = (Heading("Sample"), _drawn(source), sample(source)) if "sample" in source.records else ()
    blocks = (*support, Heading("Glossary"), words, Heading("Legal note"), legal)
    title = "Sampling, glossary and legal note" if support else "Glossary and legal note"
    return Section("closing", title, blocks)
