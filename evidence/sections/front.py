"""Composes the cover and the sections on result, scope, population and the control matrix."""

from __future__ import annotations

from datetime import datetime

from evidence.criteria import parse
from evidence.evaluate import spell, tally
from evidence.kinds import Evaluation
from evidence.packtypes import PackKind, type_of
from evidence.report import (
    STATE_MARKS,
    STATE_WORDS,
    Block,
    Cards,
    ControlCard,
    Cover,
    Grid,
    Heading,
    Pairs,
    Prose,
    Section,
    span,
)
from evidence.sections.source import Source, deviations, spell_used, widths
from evidence.states import RESULT_MEANINGS, ResultState
from evidence.tiers import TIERS


def cover(source: Source, content_digest: str) -> Cover:
    """Return the first page."""
    identity, counts = source.identity, tally(source.evaluations)
    frameworks = source.catalogue.frameworks
    return Cover(
        client=identity.client,
        processor=identity.processor,
        recipient=identity.recipient,
        frameworks=tuple(frameworks[key].name for key in identity.frameworks) or ("none: one incident",),
        kind=PackKind(identity.kind).label,
        sign_off="two people, in the folder sign-off" if identity.people != 1 else "one person, in the folder sign-off",
        period=source.period,
        issued_at=datetime.fromisoformat(identity.issued_at),
        pack_id=identity.id,
        catalogue=f"{source.catalogue.version} (SHA-256 {source.catalogue.digest[:16]}…)",
        classification=identity.classification,
        prepared_by=identity.requested_by,
        supersedes=identity.supersedes or "no earlier pack",
        tier=source.tier,
        tier_meaning=TIERS[source.tier],
        content_digest=content_digest,
        tally=tuple((key, STATE_MARKS[key], word, counts[key]) for key, word in STATE_WORDS.items())
        if source.evaluations
        else (),
    )


def result(source: Source) -> Section:
    """Return the result on one page: states by framework, and what stands out."""
    names = source.catalogue.frameworks
    rows = []
    for key in source.identity.frameworks:
        counts = tally(item for item in source.evaluations if item.control.framework == key)
        rows.append((names[key].name, *(str(counts[state]) for state in STATE_WORDS)))
    heads = ("Framework", *(f"{STATE_MARKS[key]} {word}" for key, word in STATE_WORDS.items()))
    table = Grid("Control rows by framework and state", heads, (23, 10, 12, 10, 11, 12, 11, 11), tuple(rows), len(rows))
    meanings = tuple((f"{STATE_MARKS[key]} {STATE_WORDS[key]}", text) for key, text in RESULT_MEANINGS.items())
    unfinished = (
        f"{STATE_MARKS['not_computed']} {STATE_WORDS['not_computed']}",
        "The portal has no query for this row yet.",
    )
    due = source.metric("campaigns", "due")
    figures = (
        ("population", "Systems in scope", source.metric("population", "systems_in_scope")),
        ("population", "Without a complete snapshot", source.metric("population", "systems_without_snapshot")),
        ("coverage", "Coverage of expected hours", percent(source.evidence["coverage"].metrics["coverage_ratio"])),
        (
            "campaigns",
            "Campaigns due, overdue",
            f"{due}, {source.metric('campaigns', 'overdue')}",
        ),
        ("revocations", "Revocations verified", percent(source.evidence["revocations"].metrics["verified_ratio"])),
        ("review_quality", "Self-reviews", source.metric("review_quality", "self_reviews")),
        (
            "ledger",
            "Ledger entries checked, broken",
            f"{source.metric('ledger', 'entries')}, {source.metric('ledger', 'breaks')}",
        ),
        ("coverage", "Deviations listed", str(len(deviations(source).rows))),
    )
    standing = Pairs(tuple((label, value) for kind, label, value in figures if kind in source.kept))
    blocks = (table, Heading("Key figures"), standing, Heading("What the states mean"), Pairs((*meanings, unfinished)))
    return Section("result", "Result at a glance", (*blocks, *omissions(source)))


def omissions(source: Source) -> list[Block]:
    """Print a sentence for everything that the pack does not hold."""
    said = Prose(source.omissions, tone="warning") if source.omissions else Prose(("Nothing was left out.",))
    return [Heading("What was left out"), said]


def scope(source: Source) -> Section:
    """Return scope and period: what the pack speaks about, under which parameters, and whose duty is what."""
    frameworks = source.catalogue.frameworks
    facts = Pairs(
        (
            ("Period", span(source.period)),
            ("Controller", source.identity.client),
            ("Processor", source.identity.processor),
            ("Issued for", source.identity.recipient),
            *((frameworks[key].name, frameworks[key].version) for key in source.identity.frameworks),
        )
    )
    duties = Prose(
        (
            "The processor operates the portal, delivers logs and account lists, and carries out decisions.",
            "The controller names its reviewers and auditors, reads the packs, tells the processor of changes in who "
            "may do what, keeps the accounts of its own people, and acts on what it is told (complementary user entity "
            "controls).",
            "Sub-processors: the record of processing names them; they are outside of this pack unless a source or "
            "system of theirs is listed in it.",
            "Systems and log sources that are not listed in this pack are out of its scope. The states speak about "
            "access and its records only, never about the business systems as a whole.",
        )
    )
    parameters = tuple(
        (
            name,
            f"{spell(value)} {source.catalogue.params[name].unit}; "
            f"{source.catalogue.params[name].why}{source.loosened.get(name, '')}",
        )
        for name, value in source.parameters.items()
        if name in source.catalogue.params
    )
    blocks: tuple[Block, ...] = (
        facts,
        Heading("Log types: share of the expected hours that were delivered"),
        _log_types(source),
        *_left_out(source),
        Heading("Duties"),
        duties,
    )
    if not source.evaluations:  # no section on results prints what was left out, and no criterion has parameters
        return Section("scope", "Scope and period", (*blocks, *omissions(source)))
    return Section("scope", "Scope and period", (*blocks, Heading("Parameters"), Pairs(parameters)))


def _log_types(source: Source) -> Pairs:
    """Print the covered share of each log type, or why it is out of scope."""
    return Pairs(
        tuple(
            (
                name.replace("_", " ").capitalize(),
                f"out of scope: {source.out_of_scope[name]}"
                if name in source.out_of_scope
                else percent(ratio, "no source expected"),
            )
            for name, ratio in source.coverage.items()
        )
    )


def _left_out(source: Source) -> list[Block]:
    """Print what is out of scope, and why: log types put aside, and rows set aside with their reasons."""
    aside = [
        (item.control.id, " ".join(item.reasons))
        for item in source.evaluations
        if item.state == ResultState.NOT_APPLICABLE
    ]
    types = [(name.replace("_", " ").capitalize(), why) for name, why in source.out_of_scope.items()]
    kind = PackKind(source.identity.kind)
    about = ("Type of this pack", f"{kind.label}: {type_of(kind).told}")
    return [Heading("What is out of scope, and why"), Pairs((about, *types, *aside))]


def population(source: Source) -> Section:
    """Return the population: each system's list against the system's own total."""
    columns = widths(
        "system 12, captured_at 17, delivered_by 14, source_total 8, row_total 8, difference 9, complete 8, "
        "rows_without_person 10, filters 14"
    )
    intro = Prose(
        (
            f"Systems in scope: {source.metric('population', 'systems_in_scope')}. Without a complete list in the "
            f"period: {source.metric('population', 'systems_without_snapshot')}. Rows missing or too many against "
            f"the systems' own totals: {source.metric('population', 'unreconciled_difference')}.",
            "A list is complete when the number of records received equals the total that the system itself stated: "
            "grants, or the accounts or lines that its total counts and from which the grants were read. "
            "Service, shared and emergency accounts are part of the population; rows without a person are counted, "
            "not dropped.",
        )
    )
    blocks: list[Block] = [
        intro,
        source.grid("population", columns, limit=150, empty="No system is registered."),
        source.grid(
            "snapshots",
            widths(
                "snapshot 6, system 9, captured_at 15, delivered_by 11, source_total 6, rows 5, digest 41, "
                "ledger_index 7"
            ),
            limit=150,
            empty="No list was delivered in the period.",
        ),
        source.grid(
            "identities",
            widths("system 22, accounts 13, mapped 13, unmapped 13, shared 13, service 13, break_glass 13"),
            limit=100,
            empty="No account is registered.",
        ),
        *source.notes("identities"),
    ]
    return Section("population", "Population and its completeness", tuple(blocks), wide=True)


def matrix(source: Source) -> Section:
    """Return the control matrix: an overview, then a card for each row."""
    blocks: list[Block] = []
    for key in source.identity.frameworks:
        mine = [item for item in source.evaluations if item.control.framework == key]
        rows = tuple((item.control.id, item.control.title, word(item), item.control.proof) for item in mine)
        name = source.catalogue.frameworks[key].name
        blocks += [Grid(name, ("Row", "Title", "State", "Proof"), (24, 44, 18, 14), rows, len(rows))]
    for key in source.identity.frameworks:
        cards = tuple(card(source, item) for item in source.evaluations if item.control.framework == key)
        blocks.append(Cards(source.catalogue.frameworks[key].name, cards))
    return Section("controls", "Control matrix", tuple(blocks))


def card(source: Source, item: Evaluation) -> ControlCard:
    """Return the card of one row."""
    control, criterion = item.control, item.control.criterion
    parts = [("Needs", " and ".join(criterion.needs)), ("Acts on", criterion.occurrence), ("Pass", criterion.passing)]
    named = {
        name
        for text in (*criterion.needs, criterion.passing, criterion.attention)
        for kind, name in parse(text).names
        if kind == "p"
    }
    parameters = ", ".join(
        f"{name} = {spell(source.parameters[name])} {source.catalogue.params[name].unit}{source.loosened.get(name, '')}"
        for name in sorted(named)
    )
    measured = "; ".join(f"{name} = {spell_used(source, name)}" for name in item.used)
    kinds = ", ".join(f"tables/{name}.csv" for name in control.evidence if name in source.evidence)
    gone = [source.catalogue.kinds[name].title for name in item.missing_kinds]
    return ControlCard(
        id=control.id,
        title=control.title,
        state=item.state.value if item.state else "not_computed",
        summary=control.summary,
        reasons=item.reasons,
        criterion=tuple((label, text) for label, text in [*parts, ("Attention", criterion.attention)] if text),
        metrics=(("Measured", measured or "nothing"),),
        parameters=(("Parameters", parameters),) if parameters else (),
        proof=control.proof,
        limits=control.limits,
        evidence=kinds or "none yet",
        omission=f"Not in this pack: {', '.join(gone)} (not yet computed)." if gone else "",
    )


def word(item: Evaluation) -> str:
    """Return the sign and word of a row's state."""
    key = item.state.value if item.state else "not_computed"
    return f"{STATE_MARKS[key]} {STATE_WORDS[key]}"


def percent(value: float | None, missing: str = "nothing to measure") -> str:
    """Spell a share in percent with one decimal."""
    return missing if value is None else f"{value:.1%}"
