"""Puts the printed report together: the sections that the pack's type names, in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from evidence.budget import LIMITS, Limits, hold
from evidence.packtypes import type_of
from evidence.report import Report, Section
from evidence.sections import body, cases, closing, front, integrity
from evidence.sections.sheets import sheets
from evidence.sections.source import Source

SECTIONS: Final[Mapping[str, Callable[[Source], Section]]] = {
    "result": front.result,
    "scope": front.scope,
    "population": front.population,
    "matrix": front.matrix,
    "campaigns": body.campaigns,
    "revocations": body.revocations,
    "log_reviews": cases.log_reviews,
    "alerts": body.alerts,
    "isolation": cases.isolation,
    "incidents": cases.incidents,
    "incident": cases.incident,
    "exceptions": body.exceptions,
    "coverage": body.coverage,
    "methods": body.methods,
    "sheets": sheets,
    "sign_off": cases.sign_off,
    "integrity": integrity.integrity,
    "closing": closing.closing,
}
"""Every section of the report by the name that the types of packs use."""


def compose(
    source: Source,
    digest: str,
    limits: Limits = LIMITS,
    *,
    volumes: bool = False,
    tell: Callable[[str], None] = lambda _message: None,
) -> Report:
    """Compose the printed report from its source, with further volumes for its cut tables where they are asked for.

    `tell` is called with the section under way and may raise to stop.
    """
    names, sections = type_of(source.identity.kind).sections, []
    for number, name in enumerate(names, start=1):
        tell(f"{name.replace('_', ' ')}, section {number} of {len(names)}")
        sections.append(SECTIONS[name](source))
    return hold(Report(front.cover(source, digest), tuple(sections)), limits, volumes=volumes)
