"""Reads the control catalogue from the YAML files beside this module and checks its shape.

Every fault is one sentence; `load` raises CatalogueError with all of them at once, so that a bad row never
evaluates in silence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from evidence import criteria
from evidence.frameworkfile import document, strangers, unknown_keys
from evidence.kinds import Catalogue, Control, Criterion, Framework, Kind, Parameter
from evidence.states import ResultState

FOLDER: Final = Path(__file__).parent / "catalogue"
LOG_TYPES: Final = ("login", "application", "database", "remote", "admin", "failed_login", "session")
COVERAGE_FLOOR: Final = "coverage_floor"
"""The parameter below which a log type of a row's kinds leaves it without data."""
PROOFS: Final = ("direct", "partial", "supporting")
LONGEST_FRAMEWORK: Final = 20
LONGEST_CONTROL: Final = 60
RESERVED: Final = frozenset(
    {"evaluate", "settings", "responses", "gaps", "documents", "processing", "operations", "runs"}
)
"""Identifiers that would stand where a page has its address."""
_SCHEMA: Final = "access-evidence-catalogue/1"
_OSCAL_TOKEN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_PARAMETER_KEYS: Final = ("value", "unit", "tighter", "why")
_KIND_KEYS: Final = (
    *("title", "computes", "log_types", "metrics", "population", "when_empty", "ratios", "ages", "params"),
    "unmeasured",
)
_TEXT_FIELDS: Final = ("id", "oscal_id", "title", "summary", "query", "proof", "limits")


class CatalogueError(ValueError):
    """Holds every fault found in the catalogue's files, one sentence each, in `faults`."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def load(folder: Path = FOLDER, own: str | None = None) -> Catalogue:
    """Read and check the catalogue; raises CatalogueError with every fault as a sentence.

    `own` is a folder of the operator's frameworks (COUNTERSIGN_FRAMEWORKS): a file there that has a fault is left out
    as a whole and named in `refused`, the others are used.
    """
    return _load(folder, settings.COUNTERSIGN_FRAMEWORKS if own is None else own)


def framework_names(keys: Iterable[str]) -> list[str]:
    """Return the names of frameworks as people read them, without those that the catalogue no longer has."""
    known = load().frameworks
    return [known[key].name for key in keys if key in known]


@lru_cache(maxsize=8)
def _load(folder: Path, own: str) -> Catalogue:
    base = _base(folder)
    return with_own(base, Path(own)) if own else base


def _base(folder: Path) -> Catalogue:
    """Read the catalogue that the product brings."""
    faults: list[str] = []
    documents, digest = _read(folder, faults)
    main, kinds_doc = documents.get("catalogue.yaml", {}), documents.get("kinds.yaml", {})
    if main.get("schema") != _SCHEMA:
        faults.append(f"catalogue.yaml names the schema {main.get('schema')!r} instead of {_SCHEMA!r}.")
    if main.get("states") != [state.value for state in ResultState]:
        faults.append("catalogue.yaml lists other states than the product knows.")
    params = {name: _parameter(name, row, faults) for name, row in dict(main.get("params") or {}).items()}
    kinds = {name: _kind(name, row, faults) for name, row in dict(kinds_doc.get("evidence_kinds") or {}).items()}
    frameworks: dict[str, Framework] = {}
    controls: list[Control] = []
    for name in main.get("files") or []:
        told = documents.get(name, {})
        framework = _framework(name, told.get("framework") or {}, faults)
        frameworks[framework.key] = framework
        controls += [_control(framework.key, row, faults) for row in told.get("controls") or []]
        faults += unknown_keys(name, told)
    result = Catalogue(str(main.get("version", "")), digest, frameworks, params, kinds, tuple(controls))
    faults += check(result)
    if faults:
        raise CatalogueError(tuple(faults))
    return result


def with_own(base: Catalogue, folder: Path) -> Catalogue:
    """Return the catalogue with the operator's frameworks, in the order of their file names.

    An own file holds what the product's do: a `framework` and its `controls`, over the same kinds and parameters.
    """
    if not folder.is_dir():
        return replace(base, refused=((str(folder), "The folder of COUNTERSIGN_FRAMEWORKS does not exist."),))
    found, refused = base, []
    for path in sorted(folder.glob("*.yaml")):
        body = path.read_bytes()
        faults: list[str] = []
        told = document(path.name, body, faults)
        if faults:
            refused.append((path.name, " ".join(faults)))
            continue
        framework = _framework(path.name, _mapping(told.get("framework"), path.name, faults), faults)
        rows = [row for row in _rows(told.get("controls"), path.name, faults) if _shaped(row, faults)]
        controls = tuple(_control(framework.key, row, faults) for row in rows)
        faults += unknown_keys(path.name, told)
        digest = hashlib.sha256(f"{found.digest}\0{path.name}\0".encode() + body).hexdigest()
        more = replace(
            found,
            frameworks={**found.frameworks, framework.key: framework},
            controls=(*found.controls, *controls),
            digest=digest,
        )
        faults += [] if faults else [*_own_faults(found, framework, controls), *check(more)]
        if faults:
            refused.append((path.name, " ".join(faults)))
        else:
            found = more
    return replace(found, refused=tuple(refused))


def _own_faults(base: Catalogue, framework: Framework, controls: Sequence[Control]) -> Iterator[str]:
    """Yield what an operator's framework may not do: take a name that is used, or one that cannot be stored."""
    if framework.key in base.frameworks:
        yield f"The framework {framework.key!r} exists already: choose another key."
    if not _OSCAL_TOKEN.fullmatch(framework.key) or len(framework.key) > LONGEST_FRAMEWORK:
        yield f"The framework's key {framework.key!r} is no token of at most {LONGEST_FRAMEWORK} characters."
    for control in controls:
        if len(control.key) > LONGEST_CONTROL:
            yield f"{control.id}: the identifier {control.key!r} is longer than {LONGEST_CONTROL} characters."
        if control.key in RESERVED:
            yield f"{control.id}: the identifier {control.key!r} is the name of a page: choose another."


def _rows(value: object, name: str, faults: list[str]) -> list[Mapping[str, Any]]:
    """Return the rows of an own file; anything but a list of mappings is a fault."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return value
    faults.append(f"{name} lists no controls.")
    return []


def _shaped(row: Mapping[str, Any], faults: list[str]) -> bool:
    """Tell whether a row's parts have the shapes that `_control` reads."""
    before, name = len(faults), row.get("id", "?")
    criterion = row.get("criterion")
    if not isinstance(criterion, dict):
        faults.append(f"{name}: its criterion is no mapping of pass and attention.")
    elif not all(isinstance(criterion.get(part, ""), str) for part in ("pass", "attention", "occurrence", "applies")):
        faults.append(f"{name}: a part of its criterion is no text.")
    needs = criterion.get("needs", []) if isinstance(criterion, dict) else []
    for label, value in (("evidence", row.get("evidence", [])), ("needs", needs)):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            faults.append(f"{name}: its {label} is no list of texts.")
    return len(faults) == before


def _mapping(value: object, name: str, faults: list[str]) -> Mapping[str, Any]:
    """Return a mapping; anything else is a fault."""
    if isinstance(value, dict):
        return value
    faults.append(f"{name} has no framework at its top.")
    return {}


def check(catalogue: Catalogue) -> Iterator[str]:
    """Yield a sentence for every name that does not fit: metrics, parameters, kinds, identifiers, unused kinds."""
    seen: dict[str, str] = {}
    for control in catalogue.controls:
        if not _OSCAL_TOKEN.fullmatch(control.key):
            yield f"{control.id}: {control.key!r} is no OSCAL token."
        if control.key in seen:
            yield f"{control.id}: the identifier {control.key!r} is used twice."
        seen[control.key] = control.id
        yield from _check_row(catalogue, control)
    used = {kind for control in catalogue.controls for kind in control.evidence}
    for name, kind in catalogue.kinds.items():
        if name not in used:
            yield f"The evidence kind {name!r} is used by no row."
        for param in kind.params:
            if param not in catalogue.params:
                yield f"The evidence kind {name!r} names {param!r}, which is no parameter."


def expressions(control: Control) -> dict[str, list[criteria.Expression]]:
    """Parse a row's criterion into its parts: applies, needs, pass, attention."""
    criterion = control.criterion
    texts: dict[str, Sequence[str]] = {
        "applies": [criterion.applies] if criterion.applies else [],
        "needs": criterion.needs,
        "pass": [criterion.passing],
        "attention": [criterion.attention],
    }
    return {part: [criteria.parse(text) for text in lines] for part, lines in texts.items()}


def parameters_of(catalogue: Catalogue, control: Control) -> tuple[str, ...]:
    """Return every parameter that a row rests on: those of its criterion, the floor of coverage, those of its kinds."""
    parsed = [item for part in expressions(control).values() for item in part]
    named = [pair for item in parsed for pair in item.names]
    kinds = [
        catalogue.kinds[name]
        for name in dict.fromkeys((*control.evidence, *(kind for kind, _ in named if kind != "p")))
    ]
    found = [name for kind, name in named if kind == "p"]
    found += [COVERAGE_FLOOR] if any(kind.log_types for kind in kinds if kind.name in control.evidence) else []
    return tuple(dict.fromkeys((*found, *(name for kind in kinds for name in kind.params))))


def _check_row(catalogue: Catalogue, control: Control) -> Iterator[str]:
    """Yield the faults of one row's names."""
    for kind in control.evidence:
        if kind not in catalogue.kinds:
            yield f"{control.id}: there is no evidence kind {kind!r}."
    try:
        parts = expressions(control)
    except criteria.CriterionError as error:
        yield f"{control.id}: {error}"
        return
    for part, parsed in parts.items():
        for expression in parsed:
            for kind, name in expression.names:
                yield from _check_name(catalogue, control, (part, kind, name))
    if control.criterion.occurrence:
        kind, _, name = control.criterion.occurrence.partition(".")
        yield from _check_name(catalogue, control, ("occurrence", kind, name))


def _check_name(catalogue: Catalogue, control: Control, use: tuple[str, str, str]) -> Iterator[str]:
    """Yield the fault of one name in one part of a criterion."""
    part, kind, name = use
    if kind == "p":
        if name not in catalogue.params:
            yield f"{control.id}: there is no parameter {name!r}."
    elif kind not in catalogue.kinds or name not in catalogue.kinds[kind].metrics:
        yield f"{control.id}: there is no metric {kind}.{name}."
    elif part in {"pass", "attention", "occurrence"} and kind not in control.evidence:
        yield f"{control.id}: `{part}` uses {kind!r}, which the row does not list as evidence."


def _read(folder: Path, faults: list[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """Read every YAML file of the folder; the digest covers names and bytes in order of name."""
    documents: dict[str, dict[str, Any]] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        body = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(body).digest())
        documents[path.name] = document(path.name, body, faults)
    return documents, digest.hexdigest()


def _parameter(name: str, row: Mapping[str, Any], faults: list[str]) -> Parameter:
    """Build a parameter from its YAML row."""
    faults += strangers(f"The parameter {name!r}", row, _PARAMETER_KEYS)
    value, tighter = row.get("value"), row.get("tighter")
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.append(f"The parameter {name!r} has no number as its value.")
        value = 0.0
    if tighter not in {"higher", "lower"}:
        faults.append(f"The parameter {name!r} does not say whether higher or lower is tighter.")
    if not row.get("why") or not row.get("unit"):
        faults.append(f"The parameter {name!r} lacks its reason or its unit.")
    return Parameter(name, float(value), str(row.get("unit", "")), str(tighter), str(row.get("why", "")))


def _kind(name: str, row: Mapping[str, Any], faults: list[str]) -> Kind:
    """Build an evidence kind from its YAML row, with the metrics that its other fields name checked."""
    faults += strangers(f"The evidence kind {name!r}", row, _KIND_KEYS)
    metrics = tuple(row.get("metrics") or ())
    ratios: dict[str, str] = dict(row.get("ratios") or {})
    ages = frozenset(row.get("ages") or ())
    population = str(row.get("population", ""))
    unmeasured: dict[str, str] = dict(row.get("unmeasured") or {})
    named = dict.fromkeys((population, *ratios, *ratios.values(), *ages, *unmeasured))
    faults += [
        f"The evidence kind {name!r} names {metric!r}, which is none of its metrics."
        for metric in named
        if metric not in metrics
    ]
    log_types = tuple(row.get("log_types") or ())
    faults += [
        f"The evidence kind {name!r} names the log type {item!r}." for item in log_types if item not in LOG_TYPES
    ]
    if row.get("when_empty") not in {"no_data", "nothing_to_do"}:
        faults.append(f"The evidence kind {name!r} does not say what an empty population means.")
    return Kind(
        name=name,
        title=str(row.get("title", "")),
        computes=str(row.get("computes", "")),
        metrics=metrics,
        population=population,
        empty_is_no_data=row.get("when_empty") == "no_data",
        log_types=log_types,
        ratios=ratios,
        ages=ages,
        params=tuple(row.get("params") or ()),
        unmeasured=unmeasured,
    )


def _framework(name: str, row: Mapping[str, Any], faults: list[str]) -> Framework:
    """Build a framework from its YAML header."""
    missing = [key for key in ("key", "name", "version", "text", "url") if not row.get(key)]
    faults += [f"{name} lacks the framework's {key!r}." for key in missing]
    texts = {key: str(row.get(key, "")) for key in ("key", "name", "version", "text", "url")}
    return Framework(**texts, extra=bool(row.get("extra", False)))


def _control(framework: str, row: Mapping[str, Any], faults: list[str]) -> Control:
    """Build one row; a missing field is a fault, not a default."""
    identifier = str(row.get("id", "?"))
    faults += [
        f"{framework} {identifier} lacks {key!r}." for key in _TEXT_FIELDS if not str(row.get(key) or "").strip()
    ]
    parts = row.get("criterion") or {}
    if not parts.get("pass") or not parts.get("attention"):
        faults.append(f"{framework} {identifier} lacks its pass or attention criterion.")
    if row.get("proof") not in PROOFS:
        faults.append(
            f"{framework} {identifier} has the proof {row.get('proof')!r}, which is none of {', '.join(PROOFS)}."
        )
    if not row.get("evidence"):
        faults.append(f"{framework} {identifier} rests on no evidence kind.")
    criterion = Criterion(
        passing=str(parts.get("pass") or "0 == 1"),
        attention=str(parts.get("attention") or "0 == 1"),
        needs=tuple(parts.get("needs") or ()),
        occurrence=str(parts.get("occurrence") or ""),
        applies=str(parts.get("applies") or ""),
    )
    return Control(
        framework=framework,
        id=identifier,
        key=str(row.get("oscal_id", "")),
        title=str(row.get("title", "")),
        summary=str(row.get("summary", "")),
        evidence=tuple(row.get("evidence") or ()),
        query=str(row.get("query", "")),
        criterion=criterion,
        proof=str(row.get("proof", "")),
        limits=str(row.get("limits", "")),
        requirement=str(row.get("requirement", "")),
        points_of_focus=tuple(row.get("points_of_focus") or ()),
    )
