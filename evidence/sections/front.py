"""Composes the cover and the sections on result, scope, population and the control matrix."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from evidence.evaluate import barred, spell, tally
from evidence.kinds import Evaluation
from evidence.languages import percent as share
from evidence.languages import told, whole
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
from evidence.sections.source import Source, deviations, spell_used, used_parameters, widths
from evidence.states import RESULT_MEANINGS, ResultState
from evidence.tiers import TIERS

UNCHANGED = noop("Confidential")
"""The classification that a form offers; any other words are the officer's own and stay as they are."""


def cover(source: Source, content_digest: str) -> Cover:
    """Return the first page."""
    identity, counts = source.identity, tally(source.evaluations)
    named = [source.catalogue.frameworks[key] for key in identity.frameworks]
    return Cover(
        client=identity.client,
        processor=identity.processor,
        recipient=identity.recipient,
        frameworks=tuple(row.edition for row in named) or (_("none: one incident"),),
        kind=_(PackKind(identity.kind).label),
        sign_off=_("two people, in the folder sign-off")
        if identity.people != 1
        else _("one person, in the folder sign-off"),
        period=source.period,
        issued_at=datetime.fromisoformat(identity.issued_at),
        pack_id=identity.id,
        catalogue=f"{source.catalogue.version} (SHA-256 {source.catalogue.digest[:16]}…)",
        classification=_(identity.classification) if identity.classification == UNCHANGED else identity.classification,
        prepared_by=identity.requested_by,
        supersedes=identity.supersedes or _("no earlier pack"),
        tier=source.tier,
        tier_meaning=_(TIERS[source.tier]),
        content_digest=content_digest,
        omissions=tuple(map(told, source.omissions)),
        tally=tuple((key, STATE_MARKS[key], _(word), told(whole(counts[key]))) for key, word in STATE_WORDS.items())
        if source.evaluations
        else (),
    )


def result(source: Source) -> Section:
    """Return the result on one page: states by framework, and what stands out."""
    names = source.catalogue.frameworks
    rows = []
    for key in source.identity.frameworks:
        counts = tally(item for item in source.evaluations if item.control.framework == key)
        rows.append((names[key].name, *(told(whole(counts[state])) for state in STATE_WORDS)))
    heads = (_("Framework"), *(marked(key) for key in STATE_WORDS))
    table = Grid(
        _("Control rows by framework and state"), heads, (23, 10, 12, 10, 11, 12, 11, 11), tuple(rows), len(rows)
    )
    meanings = tuple((marked(key), _(text)) for key, text in RESULT_MEANINGS.items())
    unfinished = (marked("not_computed"), _("The portal has no query for this row yet."))
    due = source.metric("campaigns", "due")
    figures = (
        ("population", _("Systems in scope"), source.metric("population", "systems_in_scope")),
        ("population", _("Without a complete snapshot"), source.metric("population", "systems_without_snapshot")),
        ("coverage", _("Coverage of expected hours"), percent(source.evidence["coverage"].metrics["coverage_ratio"])),
        (
            "campaigns",
            _("Campaigns due, overdue"),
            f"{due}, {source.metric('campaigns', 'overdue')}",
        ),
        ("revocations", _("Revocations verified"), percent(source.evidence["revocations"].metrics["verified_ratio"])),
        ("review_quality", _("Self-reviews"), source.metric("review_quality", "self_reviews")),
        (
            "ledger",
            _("Ledger entries checked, broken"),
            f"{source.metric('ledger', 'entries')}, {source.metric('ledger', 'breaks')}",
        ),
        ("coverage", _("Deviations listed"), told(whole(len(deviations(source).rows)))),
    )
    standing = Pairs(tuple((label, value) for kind, label, value in figures if kind in source.kept))
    blocks = (
        table,
        Heading(_("Key figures")),
        standing,
        Heading(_("What the states mean")),
        Pairs((*meanings, unfinished)),
    )
    return Section("result", _("Result at a glance"), (*blocks, *omissions(source)))


def omissions(source: Source) -> list[Block]:
    """Print a sentence for everything that the pack does not hold."""
    lines = tuple(map(told, source.omissions))
    gone = Prose(lines, tone="warning") if lines else Prose((_("Nothing was left out."),))
    return [Heading(_("What was left out")), gone]


def scope(source: Source) -> Section:
    """Return scope and period: what the pack speaks about, under which parameters, and whose duty is what."""
    frameworks = source.catalogue.frameworks
    facts = Pairs(
        (
            (_("Period"), span(source.period)),
            (_("Controller"), source.identity.client),
            (_("Processor"), source.identity.processor),
            (_("Issued for"), source.identity.recipient),
            *((frameworks[key].name, frameworks[key].version) for key in source.identity.frameworks),
        )
    )
    duties = Prose(
        (
            _("The processor operates the portal, delivers logs and account lists, and carries out decisions."),
            _(
                "The controller names its reviewers and auditors, reads the packs, tells the processor of changes in "
                "who may do what, keeps the accounts of its own people, and acts on what it is told (complementary "
                "user entity controls)."
            ),
            _(
                "Sub-processors: the record of processing names them; they are outside of this pack unless a source or "
                "system of theirs is listed in it."
            ),
            _(
                "Systems and log sources that are not listed in this pack are out of its scope. The states speak about "
                "access and its records only, never about the business systems as a whole."
            ),
        )
    )
    parameters = tuple(
        (name, f"{_value(source, name, value)}; {_why(source, name)}")
        for name, value in source.parameters.items()
        if name in source.catalogue.params
    )
    blocks: tuple[Block, ...] = (
        facts,
        Heading(_("Log types: share of the expected hours that were delivered")),
        _log_types(source),
        *_left_out(source),
        Heading(_("Duties")),
        duties,
    )
    if not source.evaluations:  # no section on results prints what was left out, and no criterion has parameters
        return Section("scope", _("Scope and period"), (*blocks, *omissions(source)))
    return Section("scope", _("Scope and period"), (*blocks, Heading(_("Parameters")), Pairs(parameters)))


def _log_types(source: Source) -> Pairs:
    """Print the covered share of each log type, or why it is out of scope."""
    return Pairs(
        tuple(
            (
                _capital(name),
                _("out of scope: {why}").format(why=source.out_of_scope[name])
                if name in source.out_of_scope
                else percent(ratio, _("no source expected")),
            )
            for name, ratio in source.coverage.items()
        )
    )


def _left_out(source: Source) -> list[Block]:
    """Print what is out of scope, and why: log types put aside, and rows set aside with their reasons."""
    aside = [
        (item.control.id, " ".join(map(told, item.reasons)))
        for item in source.evaluations
        if item.state == ResultState.NOT_APPLICABLE
    ]
    types = [(_capital(name), why) for name, why in source.out_of_scope.items()]
    kind = PackKind(source.identity.kind)
    about = (_("Type of this pack"), f"{_(kind.label)}: {_(type_of(kind).told)}")
    return [Heading(_("What is out of scope, and why")), Pairs((about, *types, *aside))]


def population(source: Source) -> Section:
    """Return the population: each system's list against the system's own total."""
    columns = widths(
        "system 12, captured_at 17, delivered_by 14, source_total 8, row_total 8, difference 9, complete 8, "
        "rows_without_person 10, filters 14"
    )
    intro = Prose(
        (
            _(
                "Systems in scope: {systems}. Without a complete list in the period: {without}. Rows missing or too "
                "many against the systems' own totals: {difference}."
            ).format(
                systems=source.metric("population", "systems_in_scope"),
                without=source.metric("population", "systems_without_snapshot"),
                difference=source.metric("population", "unreconciled_difference"),
            ),
            _(
                "A list is complete when the number of records received equals the total that the system itself "
                "stated: grants, or the accounts or lines that its total counts and from which the grants were read. "
                "Service, shared and emergency accounts are part of the population; rows without a person are counted, "
                "not dropped."
            ),
        )
    )
    blocks: list[Block] = [
        intro,
        source.grid("population", columns, limit=150, empty=_("No system is registered.")),
        source.grid(
            "snapshots",
            widths(
                "snapshot 6, system 9, captured_at 15, delivered_by 11, source_total 6, rows 5, digest 41, "
                "ledger_index 7"
            ),
            limit=150,
            empty=_("No list was delivered in the period."),
        ),
        source.grid(
            "identities",
            widths("system 22, accounts 13, mapped 13, unmapped 13, shared 13, service 13, break_glass 13"),
            limit=100,
            empty=_("No account is registered."),
        ),
        *source.notes("identities"),
    ]
    return Section("population", _("Population and its completeness"), tuple(blocks), wide=True)


def matrix(source: Source) -> Section:
    """Return the control matrix: an overview, then a card for each row."""
    blocks: list[Block] = []
    for key in source.identity.frameworks:
        mine = [item for item in source.evaluations if item.control.framework == key]
        rows = tuple((item.control.id, item.control.title, word(item), _(item.control.proof)) for item in mine)
        name = source.catalogue.frameworks[key].name
        blocks += [Grid(name, (_("Row"), _("Title"), _("State"), _("Proof")), (24, 44, 18, 14), rows, len(rows))]
    for key in source.identity.frameworks:
        cards = tuple(card(source, item) for item in source.evaluations if item.control.framework == key)
        blocks.append(Cards(source.catalogue.frameworks[key].name, cards))
    return Section("controls", _("Control matrix"), tuple(blocks))


def card(source: Source, item: Evaluation) -> ControlCard:
    """Return the card of one row."""
    control, criterion = item.control, item.control.criterion
    parts = [
        (_("Needs"), " and ".join(criterion.needs)),
        (_("Acts on"), criterion.occurrence),
        (_("Pass"), criterion.passing),
    ]
    parameters = told(used_parameters(source, control))
    measured = "; ".join(f"{name} = {told(spell_used(source, name))}" for name in item.used)
    kinds = ", ".join(f"tables/{name}.csv" for name in control.evidence if name in source.evidence)
    gone = ", ".join(_(source.catalogue.kinds[name].title) for name in item.missing_kinds)
    return ControlCard(
        id=control.id,
        title=control.title,
        state=item.state.value if item.state else "not_computed",
        summary=control.summary,
        reasons=tuple(map(told, item.reasons)),
        criterion=tuple((label, text) for label, text in [*parts, (_("Attention"), criterion.attention)] if text),
        metrics=((_("Measured"), measured or _("nothing")),),
        parameters=((_("Parameters"), parameters),) if parameters else (),
        proof=_(control.proof),
        limits=control.limits,
        evidence=kinds or _("none yet"),
        barred=tuple(map(told, barred(source.catalogue, control))),
        omission=_("Not in this pack: {titles} (not yet computed).").format(titles=gone) if gone else "",
    )


def word(item: Evaluation) -> str:
    """Return the sign and word of a row's state."""
    return marked(item.state.value if item.state else "not_computed")


def marked(key: str) -> str:
    """Return the sign and word of a state."""
    return f"{STATE_MARKS[key]} {_(STATE_WORDS[key])}"


def percent(value: float | None, missing: str = "") -> str:
    """Spell a share in percent with one decimal."""
    return told(share(value)) if value is not None else missing or _("nothing to measure")


def _value(source: Source, name: str, value: float) -> str:
    """Spell a parameter's value with its unit."""
    return f"{told(spell(value))} {_(source.catalogue.params[name].unit)}"


def _why(source: Source, name: str) -> str:
    """Say why the catalogue sets a parameter so, and what the tenant's value was loosened from."""
    return _(source.catalogue.params[name].why) + told(source.loosened.get(name, ""))


def _capital(log_type: str) -> str:
    """Name a log type at the beginning of a line."""
    text = _(log_type.replace("_", " "))
    return text[:1].upper() + text[1:]
