"""Says how far a claim about the ledger goes, T0 to T4, what each tier means, and who could still cheat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_noop as noop

from evidence.holders import WITNESS

TIERS: Final[Mapping[str, str]] = {
    "T0": noop("hashes agree inside the database"),
    "T1": noop("hashes agree and the checkpoint's signature is valid"),
    "T2": noop("as T1, and the signer runs under a system user of its own, with a state that nothing else can write"),
    "T3": noop("as T2, and the checkpoint is held by a named third party"),
    "T4": noop("as T3, and the checkpoint is cosigned by an independent witness"),
}
REMAINS: Final[Mapping[str, str]] = {
    "T0": noop("Whoever can write to the database can change a record and make everything fit again."),
    "T1": noop("Whoever has the database and the signer's key can: the operator's system administrator."),
    "T2": noop("Whoever has the whole server can: the operator's system administrator."),
    "T3": noop(
        "Nobody can change what the held checkpoint covers unseen. Later records are as under T2. Two people could "
        "be shown two histories, if they never compare checkpoints."
    ),
    "T4": noop(
        "Only the operator and the witness together can. Records after the cosigned checkpoint are as under T2."
    ),
}
"""Who could still change records without a trace, for people."""
UNPROVABLE: Final = (
    noop("That a source told the truth or sent everything. Only gaps in its numbering and missing heartbeats show."),
    noop("What happened to records before the portal answered that it has them."),
    noop(
        "Changes between the receipt of a record and the first checkpoint that left the host, made by somebody who has "
        "the database, the signer and the host: up to a minute until the signature, up to an hour until a witness, up "
        "to a day until storage and mail."
    ),
    noop("Two histories shown to two clients who neither compare checkpoints nor use a witness."),
    noop("Time, better than the one who stamped it."),
    noop(
        "What a stolen signing key signs until it is replaced. It does not reach behind checkpoints that others hold."
    ),
    noop("A break of SHA-256 or Ed25519."),
    noop("What pages show beside the sealed bytes: shown columns are as good as the check that compares them."),
    noop("Copies that were exported before an erasure."),
    noop("The content of pruned periods. That they existed, and how many records they held, remains provable."),
)
"""What no tier proves, a sentence each."""
HOW: Final[Mapping[str, str]] = {
    "folder": noop("file on storage of the holder"),
    "mail": noop("mailed, as an attachment"),
    "witness": noop("cosignature"),
    "tsa": noop("time stamp (RFC 3161)"),
}
LASTS: Final = timedelta(days=2)
"""A claim that others hold the log's state is made while what they hold is younger: anchors are made daily."""


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint that somebody else holds, as far as could be checked just now.

    Attributes:
        kind: `folder`, `mail`, `witness` or `tsa`.
        name: Who holds it.
        size: The entries that it covers.
        since: Since when (UTC): the holder's own time where it states one.
        answer: A cosignature line, or a time-stamp token.
        key: What verifies the answer: a witness's verifier key, or certificates as PEM.
    """

    kind: str
    name: str
    size: int
    since: datetime
    answer: bytes = b""
    key: str = ""

    @property
    def how(self) -> str:
        """How it is held, in words."""
        return HOW[self.kind]

    def is_fresh(self, now: datetime) -> bool:
        """Whether a claim about the log as it is now may rest on it."""
        return now - self.since < LASTS


def tier_of(*, signed: bool, separate: bool, held: Sequence[Held]) -> str:
    """Return the tier: each asks for all below it, so that a witness lifts no log whose signer is not apart."""
    if not signed:
        return "T0"
    if not separate:
        return "T1"
    if not held:
        return "T2"
    return "T4" if any(item.kind == WITNESS for item in held) else "T3"
