"""Composes the last section: how to draw a sample, what the words mean, and what a pack is not."""

from __future__ import annotations

from django.utils.translation import gettext as _

from evidence.languages import told, whole
from evidence.report import Block, Heading, Pairs, Prose, Section
from evidence.sections.source import Source, widths


def closing(source: Source) -> Section:
    """Return sampling support, glossary and legal note."""
    legal = Prose(
        (
            _(
                "This pack is evidence, not an opinion. It supports an assessment of the named requirements by a "
                "person who is competent to make one. It is no certification, gives no score, and does not state that "
                "anybody complies with any law or standard. Titles and summaries of the control rows are Countersign's "
                "own words; of SOC 2, ISO/IEC 27001 and PCI DSS only identifiers are used, whose texts belong to their "
                "publishers. HIPAA's sub-paragraph identifiers were checked against published texts, by program only "
                "down to the standard."
            ),
        ),
        tone="note",
    )
    support = (Heading(_("Sample")), _drawn(source), sample(source)) if "sample" in source.records else ()
    blocks = (*support, Heading(_("Glossary")), _glossary(), Heading(_("Legal note")), legal)
    title = _("Sampling, glossary and legal note") if support else _("Glossary and legal note")
    return Section("closing", title, blocks)


def _glossary() -> Pairs:
    """Return the words that the report uses."""
    return Pairs(
        (
            (
                _("Advice"),
                _(
                    "what the evidence of use suggests: keep, revoke, or insufficient where use was not seen well "
                    "enough"
                ),
            ),
            (_("Account"), _("a log-in on a system under its native name; it belongs to a person, or to nobody")),
            (_("Campaign"), _("one round of an access review over a frozen population")),
            (_("Checkpoint"), _("the signed size and root hash of the ledger at one moment")),
            (_("Coverage"), _("share of the hours in which a source was expected to deliver and did")),
            (
                _("Grant"),
                _("an account holds an entitlement from one moment to another, as the system's lists show it"),
            ),
            (
                _("Ledger entry"),
                _("the sealed bytes of one event or deed; its hash is a leaf of the tenant's Merkle tree"),
            ),
            (
                _("Not decided"),
                _("written by the portal for an item that nobody decided by the deadline; silence approves nothing"),
            ),
            (
                _("Outcome"),
                _(
                    "certify: the access is kept; revoke: it goes; modify: it is reduced; abstain: the reviewer gives "
                    "no verdict, and nothing is decided"
                ),
            ),
            (
                _("Postponed until"),
                _(
                    "the person had just moved, so the reviewer put the item off, once, by 30 days at most; it counts "
                    "as undecided and is reviewed in a campaign of its own on that day"
                ),
            ),
            (
                _("Proof: direct, partial, supporting"),
                _("how far the row's evidence reaches; the limits say what it leaves open"),
            ),
            (
                _("Snapshot"),
                _("the sealed list of grants that a system reported at one time, with the system's own total"),
            ),
        )
    )


def sample(source: Source) -> Block:
    """Print the sample of decisions that the checkpoint's root drew."""
    columns = widths("decision 10, campaign 22, account 30, entitlement 24, outcome 14")
    return source.grid("sample", columns, limit=60, empty=_("There was no decision to draw from."))


def _drawn(source: Source) -> Prose:
    """Say how the sample was drawn, with its seed and population, so that anybody can draw it again."""
    return Prose(
        (
            _(
                "For sampling, the ids of all decisions of the period are ranked by SHA-256 of the checkpoint's root, "
                "a zero byte and the id; the first 25 are drawn. Seed: {seed}. Population: {count} decisions. Anybody "
                "can draw them again from tables/decisions.csv; an auditor may use a seed of their own."
            ).format(
                seed=source.checkpoint.root.hex() if source.checkpoint else _("none"),
                count=told(whole(source.records["decisions"].count if "decisions" in source.records else 0)),
            ),
        )
    )
