"""Deeds on sources: adding, changing, switching, and the tokens that open their doors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from identities.models import System
from logs.actions.mappings import keep_mapping
from logs.kinds import Format
from logs.models import Grade, LogSource, SourceToken
from logs.parsers import check_mapping
from logs.policies import can_change_source, can_manage_sources
from logs.rereading import MAPPED
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.scope import current_scope
from tenants.tokens import make_token
from tenants.zones import known_zones

OVERLAP: Final = timedelta(hours=24)
"""How long an old token still opens the door after a rotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """What a source is to be: the fields of its form."""

    name: str
    format: Format
    system: System | None = None
    log_types: tuple[int, ...] = ()
    time_zone: str = "UTC"
    year: int | None = None
    mapping: Mapping[str, Any] | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    grade: Grade = Grade.CONTENT_AND_ACK
    key: str = ""


@transaction.atomic
def add_source(*, plan: SourcePlan, by: Actor) -> LogSource:
    """Add a log source to the open tenant.

    Raises:
        ValidationError: a field is wrong, the time zone is not known, or a CSV or JSON source has no usable mapping.
    """
    enforce(can_manage_sources(by))
    source = LogSource(key=plan.key or free_key(plan.name), **_fields(plan))
    _check(source)
    source.save(force_insert=True)
    if source.mapping:
        keep_mapping(source=source, why="The first mapping, made with the source.", by=by)
    audit("source.add", by=by, target=source.name, detail=_facts(source))
    return source


@transaction.atomic
def change_source(*, source: LogSource, plan: SourcePlan, by: Actor) -> LogSource:
    """Change a source's settings; a changed mapping is a new version and holds for what is delivered from now on.

    Raises:
        ValidationError: as for `add_source`.
    """
    enforce(can_change_source(by, source))
    before = _facts(source)
    remapped = bool(plan.mapping) and plan.mapping != source.mapping
    if remapped and source.mapping:
        source.mapping_version += 1
    for name, value in _fields(plan).items():
        setattr(source, name, value)
    _check(source)
    source.save()
    if remapped:
        keep_mapping(source=source, why="Changed with the settings of the source.", by=by)
    after = _facts(source)
    changed = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audit("source.change", by=by, target=source.name, detail=changed)
    return source


@transaction.atomic
def switch_source(*, source: LogSource, enabled: bool, by: Actor) -> LogSource:
    """Switch a source on or off; a source that is off refuses what is sent to it."""
    enforce(can_change_source(by, source))
    source.enabled = enabled
    source.save(update_fields=["enabled"])
    audit("source.switch", by=by, target=source.name, detail={"enabled": enabled})
    return source


@transaction.atomic
def issue_source_token(*, source: LogSource, by: Actor, days: int | None = 365) -> str:
    """Issue a token for a source and return its text, which is shown once and stored as a hash only.

    Tokens that the source has already go on for 24 hours, so that senders can change over without a gap.
    """
    enforce(can_change_source(by, source))
    now, new = timezone.now(), make_token("src", current_scope().log_id)
    for old in SourceToken.objects.filter(source=source, revoked_at=None):
        if old.expires_at is None or old.expires_at > now + OVERLAP:
            old.expires_at = now + OVERLAP
            old.save(update_fields=["expires_at"])
    expires_at: datetime | None = now + timedelta(days=days) if days else None
    SourceToken.objects.create(
        source=source, digest=new.digest, prefix=new.prefix, created_by=by.name[:200], expires_at=expires_at
    )
    audit("source.token_issue", by=by, target=source.name, detail={"prefix": new.prefix, "expires": expires_at})
    return new.text


@transaction.atomic
def revoke_source_token(*, token: SourceToken, by: Actor) -> SourceToken:
    """Revoke a token at once."""
    enforce(can_manage_sources(by))
    if token.revoked_at is None:
        token.revoked_at, token.revoked_by = timezone.now(), by.name[:200]
        token.save(update_fields=["revoked_at", "revoked_by"])
        audit("source.token_revoke", by=by, target=token.source.name, detail={"prefix": token.prefix})
    return token


def _check(source: LogSource) -> None:
    """Raise ValidationError for a source whose records could not be read, or whose pages could not be shown."""
    source.full_clean(exclude=["tenant"], validate_unique=False, validate_constraints=False)
    if source.time_zone not in known_zones():
        message = f"There is no time zone named {source.time_zone!r}: use an IANA name such as Europe/Warsaw."
        raise ValidationError({"time_zone": message})
    if source.format in MAPPED and (problems := check_mapping(source.mapping or {})):
        raise ValidationError({"mapping": problems})


def _fields(plan: SourcePlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "format": plan.format.value,
        "system": plan.system,
        "log_types": [int(number) for number in plan.log_types],
        "time_zone": plan.time_zone,
        "year": plan.year,
        "mapping": dict(plan.mapping) if plan.mapping else None,
        "expected": dict(plan.expected),
        "grade": plan.grade.value,
    }


def _facts(source: LogSource) -> dict[str, Any]:
    """Return what the audit trail says about a source's settings."""
    return {
        "key": source.key,
        "name": source.name,
        "format": source.format,
        "system": source.system.name if source.system else "",
        "log_types": list(source.log_types),
        "time_zone": source.time_zone,
        "year": source.year,
        "mapping_version": source.mapping_version,
        "expected": source.expected,
        "grade": source.grade,
    }


def free_key(name: str) -> str:
    """Return a key made of the name that no source of the tenant has."""
    base = slugify(name)[:50] or "source"
    taken = set(LogSource.objects.filter(key__startswith=base).values_list("key", flat=True))
    return next(
        key for number in range(1, len(taken) + 2) if (key := base if number == 1 else f"{base}-{number}") not in taken
    )
