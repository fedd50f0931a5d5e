"""What a verification can find: failures by class, never one boolean, and the report that carries them.

A single "failed" would hide whether a row was changed, a tile was damaged or merely a signature is late; and one false
alarm would teach people to ignore it.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

SHOWN_PER_CLASS: Final = 20


class FailureClass(enum.StrEnum):
    """The ways in which a log can fail; the value is the name that people read."""

    CONTENT_CHANGED = "content changed"
    LEAF_MISSING = "leaf missing"
    ROW_UNSEALED = "row not in the log"
    TREE_INCONSISTENT = "tree inconsistent"
    LOG_ROLLED_BACK = "log rolled back"
    SIGNATURE_INVALID = "signature invalid"
    PROJECTION_DIFFERS = "projection differs"
    UNSIGNED_TOO_LONG = "unsigned too long"
    ANCHOR_MISSING = "anchor missing"
    ERASED_STORED = "erased and stored"

    @property
    def meaning(self) -> str:
        """One sentence that says what the class means."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    FailureClass.CONTENT_CHANGED: "Stored bytes do not hash to the leaf that was sealed for them.",
    FailureClass.LEAF_MISSING: "The log holds a leaf whose row is gone, and no erasure or retention record says why.",
    FailureClass.ROW_UNSEALED: "A row is shown that was never sealed: it was inserted past the intake.",
    FailureClass.TREE_INCONSISTENT: "Tiles, batches, head or checkpoints do not fit together.",
    FailureClass.LOG_ROLLED_BACK: "The log is smaller than one that was signed before.",
    FailureClass.SIGNATURE_INVALID: "A checkpoint is not signed by the log's key, or the signer's record is damaged.",
    FailureClass.PROJECTION_DIFFERS: "Columns that pages show do not follow from the sealed bytes.",
    FailureClass.UNSIGNED_TOO_LONG: "Leaves have waited longer than 10 minutes for a signed checkpoint.",
    FailureClass.ANCHOR_MISSING: "A checkpoint that was put into the anchors' folder is not there any more.",
    FailureClass.ERASED_STORED: "What two people erased is stored, as after a restore: `retain` erases it again.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One failure: its class, where it is, and what was seen."""

    failure: FailureClass
    where: str
    detail: str


@dataclass(slots=True)
class PruneSeen:
    """A removal by retention: its entry's place in the log, the received month, leaves announced and without rows."""

    leaf: int
    month: str
    announced: int
    leaves: int = 0


@dataclass(slots=True)
class ErasureSeen:
    """A deed of erasure: its entry's place in the log, its law, leaves announced and without rows; is it done."""

    leaf: int
    deed: str
    legal_ref: str
    announced: int
    removed: bool
    leaves: int = 0


@dataclass(slots=True)
class Findings:
    """Counts every failure and keeps the first ones of each class."""

    counts: Counter[FailureClass] = field(default_factory=Counter)
    shown: list[Finding] = field(default_factory=list)

    def add(self, failure: FailureClass, where: str, detail: str, times: int = 1) -> None:
        """Notes a failure; `times` when one sentence stands for several leaves."""
        if sum(finding.failure is failure for finding in self.shown) < SHOWN_PER_CLASS:
            self.shown.append(Finding(failure, where, detail))
        self.counts[failure] += times


@dataclass(slots=True)
class LogReport:
    """What the verification of one tenant's log covered and found.

    Attributes:
        key_from: Where the verifying key came from: the signer's files, or the database (weaker).
        epochs: Epochs of the log; a restore that lost signed leaves opens the next.
        lost: The most signed leaves that a closed epoch lost, as the entry says that opened the next one.
        held: Checkpoints held elsewhere that the log was compared with.
        silences: Times when nothing was written for more than 65 minutes: nobody kept the log then.
        pruned: Leaves whose rows went when their term had passed, as the entries in `prunes` say.
        erased: Leaves whose rows went by the deeds in `erasures` (GDPR Art. 17).
        longest_silence: The longest of them, in seconds.
        signed_size: Leaves covered by the newest checkpoint whose signature holds; 0 for none.
    """

    tenant: str
    origin: str = ""
    size: int = 0
    events: int = 0
    deliveries: int = 0
    deeds: int = 0
    checkpoints: int = 0
    signed_size: int = 0
    signed_at: datetime | None = None
    key_from: str = ""
    epochs: int = 1
    lost: int = 0
    held: int = 0
    silences: int = 0
    longest_silence: float = 0.0
    seconds: float = 0.0
    pruned: int = 0
    prunes: list[PruneSeen] = field(default_factory=list)
    erased: int = 0
    erasures: list[ErasureSeen] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    @property
    def holds(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings.counts

    def as_json(self) -> dict[str, object]:
        """The report as JSON values, for a Work row or a file."""
        return {
            "tenant": self.tenant,
            "origin": self.origin,
            "size": self.size,
            "events": self.events,
            "deliveries": self.deliveries,
            "deeds": self.deeds,
            "checkpoints": self.checkpoints,
            "signed_size": self.signed_size,
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
            "key_from": self.key_from,
            "epochs": self.epochs,
            "lost": self.lost,
            "held": self.held,
            "silences": self.silences,
            "longest_silence_minutes": round(self.longest_silence / 60),
            "milliseconds": round(self.seconds * 1000),
            "pruned": self.pruned,
            "prunes": [asdict(prune) for prune in self.prunes],
            "erased": self.erased,
            "erasures": [asdict(erasure) for erasure in self.erasures],
            "holds": self.holds,
            "failures": {str(failure): count for failure, count in sorted(self.findings.counts.items())},
            "findings": [
                {"failure": str(finding.failure), "where": finding.where, "detail": finding.detail}
                for finding in self.findings.shown
            ],
        }
