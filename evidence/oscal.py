"""Writes the results a second time for machines that read OSCAL: assessment-results 1.2.1, a small file beside the CSV.

Pure and deterministic: each uuid has the shape of version 4, which some readers insist on, and is derived by a hash.
OSCAL knows satisfied and not-satisfied only; the six states stand in a property of our namespace. Row ids such as
164.308(a)(5)(ii)(C) are no OSCAL tokens, so that each row's key is its `oscal_id`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from evidence.evaluate import spell_metric
from evidence.kinds import Evaluation, KindEvidence
from evidence.sections.source import Source
from evidence.tables import control_total

FILE: Final = "oscal-assessment-results.json"
VERSION: Final = "1.2.1"
NAMESPACE: Final = "urn:countersign:evidence"
STATUS: Final[Mapping[str, tuple[str, str]]] = {
    "pass": ("satisfied", "pass"),
    "no_occurrence": ("satisfied", "other"),
    "not_applicable": ("satisfied", "other"),
    "fail": ("not-satisfied", "fail"),
    "attention": ("not-satisfied", "other"),
    "no_data": ("not-satisfied", "other"),
    "not_computed": ("not-satisfied", "other"),
}
"""Silence satisfies nothing: what could not be measured is not-satisfied, for another reason than a failure."""


class OscalError(RuntimeError):
    """The document refers to something that it does not hold; the pack is not issued."""


def assessment_results(source: Source, digest: str) -> dict[str, Any]:
    """Return the document over a pack's results; `digest` is the pack's content digest.

    Raises:
        OscalError: A reference would dangle, or two parts would share a uuid.
    """
    name = _Names(digest)
    kinds = {key: item for key, item in sorted(source.evidence.items()) if key in source.kept}
    plan, issued = name.of("plan"), source.identity.issued_at
    result: dict[str, Any] = {
        "uuid": name.of("result"),
        "title": f"Access evidence of {source.identity.client}",
        "description": "Results computed from log facts over the period. Evidence, not an opinion.",
        "start": source.period.start.isoformat(),
        "end": source.period.end.isoformat(),
        "props": _props({"content-sha256": digest, "claim-tier": source.tier} | _ledger(source)),
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
    }
    observations = [_observation(source, name, item) for item in kinds.values()]
    findings = [_finding(source, name, item, kinds) for item in source.evaluations]
    result |= {"observations": observations} if observations else {}
    result |= {"findings": findings} if findings else {}
    resource = {
        "uuid": plan,
        "title": f"Catalogue {source.catalogue.version} with the parameters of the client",
        "description": "What was computed and by which criteria; parameters stand in manifest.json and the report.",
        "rlinks": [{"href": "manifest.json", "media-type": "application/json"}],
        "props": _props({"catalogue-sha256": source.catalogue.digest}),
    }
    about = {"title": result["title"], "last-modified": issued, "version": source.identity.id, "oscal-version": VERSION}
    document: dict[str, Any] = {"uuid": name.of(f"document {source.identity.id}"), "metadata": about}
    document |= {"import-ap": {"href": f"#{plan}"}, "results": [result], "back-matter": {"resources": [resource]}}
    whole = {"assessment-results": document}
    if faults := dangling(whole):
        raise OscalError(f"The OSCAL file is not sound: {faults[0]}")
    return whole


def dangling(document: Mapping[str, Any]) -> list[str]:
    """Return what refers to nothing or has another's uuid; the usual validators do not look for it."""
    found, referred = [], []
    for key, value in _walk(document):
        if key == "uuid":
            found.append(value)
        elif key in {"observation-uuid", "finding-uuid"} or (key == "href" and str(value).startswith("#")):
            referred.append(str(value).removeprefix("#"))
    twice = sorted({uuid for uuid in found if found.count(uuid) > 1})
    lost = sorted(set(referred) - set(found))
    return [f"the uuid {uuid} is given twice." for uuid in twice] + [f"nothing has the uuid {uuid}." for uuid in lost]


def _walk(value: object) -> Iterator[tuple[str, Any]]:
    """Yield every plain field of a document with its name."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, str):
                yield str(key), item
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


class _Names:
    """Uuids of one document's parts."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def of(self, part: str) -> str:
        """Return the uuid of a part: SHA-256 over content and part, in the shape of version 4 (RFC 9562 5.4)."""
        return str(UUID(bytes=hashlib.sha256(f"{self.digest}\0{part}".encode()).digest()[:16], version=4))


def _observation(source: Source, name: _Names, item: KindEvidence) -> dict[str, Any]:
    """Return what one evidence kind measured, with the table behind it."""
    kind = source.catalogue.kinds[item.kind]
    table = {"sha256": control_total(item.table), "rows": str(item.table.count)}
    observation: dict[str, Any] = {
        "uuid": name.of(f"observation {item.kind}"),
        "title": kind.title,
        "description": kind.computes,
        "methods": ["TEST"],
        "collected": source.identity.issued_at,
        "relevant-evidence": [
            {
                "href": f"tables/{item.table.name}.csv",
                "description": item.table.title,
                "props": _props(table),
            }
        ],
    }
    metrics = {metric: spell_metric(kind, metric, item.metrics) or "unknown" for metric in sorted(item.metrics)}
    return observation | ({"props": _props(metrics)} if metrics else {})


def _finding(source: Source, name: _Names, item: Evaluation, kinds: Mapping[str, KindEvidence]) -> dict[str, Any]:
    """Return one row's state."""
    control, state = item.control, item.state.value if item.state else "not_computed"
    satisfied, reason = STATUS[state]
    framework = source.catalogue.frameworks[control.framework]
    finding: dict[str, Any] = {
        "uuid": name.of(f"finding {control.key}"),
        "title": f"{framework.name} {control.id}: {control.title}",
        "description": " ".join(item.reasons) or control.summary,
        "props": _props({"state": state, "proof": control.proof, "catalogue-version": source.catalogue.version}),
        "target": {"type": "objective-id", "target-id": control.key, "status": {"state": satisfied, "reason": reason}},
        "remarks": control.limits or "None stated.",
    }
    seen = [{"observation-uuid": name.of(f"observation {kind}")} for kind in control.evidence if kind in kinds]
    return finding | ({"related-observations": seen} if seen else {})


def _ledger(source: Source) -> dict[str, str]:
    """Return the checkpoint that the records rest on."""
    checkpoint = source.checkpoint
    return {"ledger-size": str(checkpoint.size), "ledger-root": checkpoint.root.hex()} if checkpoint else {}


def _props(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return properties of our namespace."""
    return [{"name": key, "ns": NAMESPACE, "value": value} for key, value in values.items()]


__all__ = ["FILE", "OscalError", "assessment_results", "dangling"]
