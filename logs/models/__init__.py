"""Sources, what they delivered, and the counts kept beside it."""

from logs.models.approvals import ApprovedPlace
from logs.models.erasure import ErasedLeaf, Erasure, ErasureAnswer, ErasureKind
from logs.models.events import (
    SKEW_SECONDS,
    AccessEvent,
    Delivery,
    QuarantinedLine,
    RecordKey,
)
from logs.models.keys import event_key, read_event_key
from logs.models.readings import AGAIN, MappingVersion, Rereading, ResolvedLine, Superseded
from logs.models.retention import HoldKind, LegalHold, RetentionPrune, RetentionTerm
from logs.models.rollups import LastUse, SourceHour, SourceStream, TypeDay, UsageDay
from logs.models.searches import EventExport, SavedSearch
from logs.models.sources import (
    DeliveryAck,
    Grade,
    LogSource,
    LogSourceShare,
    ReadPosition,
    SourceCertificate,
    SourceRouting,
    SourceToken,
)

__all__ = [
    "AGAIN",
    "SKEW_SECONDS",
    "AccessEvent",
    "ApprovedPlace",
    "Delivery",
    "DeliveryAck",
    "ErasedLeaf",
    "Erasure",
    "ErasureAnswer",
    "ErasureKind",
    "EventExport",
    "Grade",
    "HoldKind",
    "LastUse",
    "LegalHold",
    "LogSource",
    "LogSourceShare",
    "MappingVersion",
    "QuarantinedLine",
    "ReadPosition",
    "RecordKey",
    "Rereading",
    "ResolvedLine",
    "RetentionPrune",
    "RetentionTerm",
    "SavedSearch",
    "SourceCertificate",
    "SourceHour",
    "SourceRouting",
    "SourceStream",
    "SourceToken",
    "Superseded",
    "TypeDay",
    "UsageDay",
    "event_key",
    "read_event_key",
]
