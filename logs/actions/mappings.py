"""Deeds on a source's mapping: each save is a new version, and an older one is taken up again as a new one."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction

from ledger.entries import canonical
from logs.models import LogSource, MappingVersion
from logs.parsers import check_mapping
from logs.policies import can_change_source
from tenants.audit import audit
from tenants.kinds import Actor, enforce

WHY: Final = "Say in a few words why the mapping changes: whoever audits it reads that."
BEFORE: Final = "Held before versions were kept."


@transaction.atomic
def save_mapping(*, source: LogSource, mapping: Mapping[str, Any], why: str, by: Actor) -> MappingVersion:
    """Save a mapping as the source's next version; it holds for what is delivered, or read again, from now on.

    Raises:
        ValidationError: the mapping cannot be used (it leaves time or account unmapped, ...), is the present one, or no
            reason is given.
    """
    enforce(can_change_source(by, source))
    kept = _next(source, mapping, why, by)
    audit("mapping.save", by=by, target=source.name, detail=_facts(kept))
    return kept


@transaction.atomic
def take_up_mapping(*, source: LogSource, version: int, why: str, by: Actor) -> MappingVersion:
    """Take an older version of a source's mapping up again, as its next version.

    Raises:
        ValidationError: there is no such version, it is the present mapping, or no reason is given.
    """
    enforce(can_change_source(by, source))
    older = MappingVersion.objects.filter(source=source, version=version).first()
    if older is None:
        raise ValidationError({"version": "There is no such version of this mapping."})
    kept = _next(source, older.mapping, why, by, taken_from=older.version)
    audit("mapping.take_up", by=by, target=source.name, detail=_facts(kept))
    return kept


def _next(
    source: LogSource, mapping: Mapping[str, Any], why: str, by: Actor, taken_from: int | None = None
) -> MappingVersion:
    held = LogSource.objects.select_for_update().get(pk=source.pk)
    if problems := check_mapping(mapping):
        raise ValidationError({"mapping": problems})
    if not why.strip():
        raise ValidationError({"why": WHY})
    if mapping == held.mapping:
        raise ValidationError({"mapping": "This is the mapping that holds already: nothing would change."})
    if held.mapping and not MappingVersion.objects.filter(source=held, version=held.mapping_version).exists():
        keep_mapping(source=held, why=BEFORE, by=by)
    held.mapping, held.mapping_version = dict(mapping), held.mapping_version + 1
    held.save(update_fields=["mapping", "mapping_version"])
    source.mapping, source.mapping_version = held.mapping, held.mapping_version
    return keep_mapping(source=held, why=why.strip(), by=by, taken_from=taken_from)


def _facts(kept: MappingVersion) -> dict[str, Any]:
    return {"version": kept.version, "digest": kept.sha256, "why": kept.why, "taken_from": kept.taken_from}


def keep_mapping(*, source: LogSource, why: str, by: Actor, taken_from: int | None = None) -> MappingVersion:
    """Keep the mapping that a source has now under its number; part of another deed, which audits it."""
    return MappingVersion.objects.create(
        source=source,
        version=source.mapping_version,
        mapping=source.mapping,
        digest=hashlib.sha256(canonical(source.mapping or {})).digest(),
        why=why,
        by=by.name[:200],
        taken_from=taken_from,
    )
