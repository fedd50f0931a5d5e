"""The portal's own sources: its database's log and its own log of log-ins and deeds, delivered like any other."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from logs.actions.record import Envelope, record_events
from logs.actions.sources import SourcePlan, add_source
from logs.answers import DeliveryAnswer
from logs.kinds import Format
from logs.models import Grade, LogSource, ReadPosition
from logs.ownsources import APPLICATION, OwnSource
from logs.policies import can_record_events
from logs.tailing import head_of, next_part, without_own
from tenants.kinds import Actor, enforce


@transaction.atomic
def ensure_own_source(*, own: OwnSource, by: Actor) -> LogSource:
    """Return the source of an own log, adding it when it is missing."""
    source = LogSource.objects.filter(key=own.key).first()
    if source is not None:
        return source
    plan = SourcePlan(name=own.name, key=own.key, format=own.format, log_types=own.log_types, grade=Grade.ID_AND_ACK)
    return add_source(plan=plan, by=by)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What one part of an own log became; ``answer`` is None when all of its lines were about the shipping."""

    path: str
    answer: DeliveryAnswer | None
    filtered: int


def ship_part(*, source: LogSource, path: Path, by: Actor) -> Shipped | None:
    """Record the next complete lines of one file; None when there are none.

    The lines and the position behind them are committed together, so a line is recorded exactly once whenever the
    process or the database dies.
    """
    enforce(can_record_events(by, source))
    head = head_of(path)
    if head is None:
        return None
    position = ReadPosition.objects.select_for_update().filter(source=source, head=head).first()
    position = position or ReadPosition(source=source, head=head, path=path.name)
    part = next_part(path, head, position.offset)
    if part is None:
        return None
    lines, filtered = _kept(source, part.lines)
    answer = None
    if lines:
        envelope = Envelope(door="own", note={"file": path.name, "offset": position.offset, "filtered": filtered})
        answer = record_events(source=source, body=b"".join(lines), door=envelope, by=by)
    position.path, position.offset = path.name[:255], part.offset
    position.filtered += filtered
    position.save()
    return Shipped(path.name, answer, filtered)


def _kept(source: LogSource, lines: Iterable[bytes]) -> tuple[list[bytes], int]:
    if source.format == Format.POSTGRES_JSONLOG:
        return without_own(lines, APPLICATION)
    return list(lines), 0
