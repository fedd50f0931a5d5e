"""Computes the state of every catalogue row: six states, a coverage gate, and no null that reads as good or bad.

Order, per row and period [start, end):
 1. a row whose criterion names a kind without a query module is not computed yet: it has no state, and is listed;
 2. set aside with a reason, or `applies` false: not_applicable;
 3. coverage below the floor for any log type of the row's kinds, a `needs` not true, or a population that was not
    measured: no_data;
 4. the `occurrence` metric is 0: no_occurrence;
 5. a kind whose empty population concludes nothing is empty: no_data; all kinds had nothing to act on: no_occurrence;
 6. `pass` true: pass; unknown: no_data; false: attention if `attention` is true, no_data if that is unknown, else fail.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_noop as noop

from evidence.catalogue import COVERAGE_FLOOR, expressions
from evidence.criteria import Expression, Null, Value, can_be_true, truth
from evidence.kinds import Catalogue, Control, Evaluation, Facts, Kind
from evidence.languages import Said, figure, joined, percent, said
from evidence.metricwords import metric_words, with_unit
from evidence.states import ResultState

_WORDS_AND_SIGNS: Final = re.compile(r"([a-z]\w*\.[a-z]\w*|\d+(?:\.\d+)?|[<>=!]=|\b(?:and|or|not)\b)")
_SIGNS: Final = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
_LOGIC: Final = (noop("and"), noop("or"), noop("not"))

Decision = tuple[ResultState, tuple[Said, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """One row put to the facts under a tenant's parameter values."""

    catalogue: Catalogue
    control: Control
    facts: Facts
    params: Mapping[str, float]
    parts: Mapping[str, list[Expression]]

    def value(self, kind: str, name: str) -> Value:
        """Return a metric or parameter, with a missing metric named by the null that it is."""
        if kind == "p":
            return self.params[name]
        measured = self.facts.metrics.get(kind, {}).get(name)
        if measured is not None:
            return float(measured)
        declared = self.catalogue.kinds[kind]
        if name in declared.ages:
            return Null.NEVER
        denominator = declared.ratios.get(name)
        if denominator and self.facts.metrics.get(kind, {}).get(denominator) == 0:
            return Null.VACUOUS
        return Null.UNKNOWN

    @property
    def kinds(self) -> list[Kind]:
        """Return the row's evidence kinds that have a query module, in the catalogue's order."""
        return [self.catalogue.kinds[name] for name in self.control.evidence if name in self.facts.metrics]

    def metrics(self, *parts: str) -> list[tuple[str, str]]:
        """Return the metrics that the named parts of the criterion use, each once."""
        found: dict[tuple[str, str], None] = {}
        for part in parts:
            for expression in self.parts.get(part, []):
                found |= dict.fromkeys(expression.metrics)
        return list(found)


def evaluate_all(catalogue: Catalogue, facts: Facts, params: Mapping[str, float] | None = None) -> list[Evaluation]:
    """Evaluate every row; `params` are the tenant's values, the catalogue's defaults stand where one is missing."""
    values = {name: parameter.value for name, parameter in catalogue.params.items()} | dict(params or {})
    return [evaluate(catalogue, control, facts, values) for control in catalogue.controls]


def evaluate(catalogue: Catalogue, control: Control, facts: Facts, params: Mapping[str, float]) -> Evaluation:
    """Evaluate one row; the reasons are full sentences, the worst first."""
    question = Question(catalogue, control, facts, params, expressions(control))
    named = question.metrics("applies", "needs", "pass", "attention")
    if control.criterion.occurrence:
        kind, _, metric = control.criterion.occurrence.partition(".")
        named.append((kind, metric))
    used = {f"{kind}.{name}": facts.metrics.get(kind, {}).get(name) for kind, name in named}
    missing = tuple(dict.fromkeys(name for name in control.evidence if name not in facts.metrics))
    absent = sorted({kind for kind, _ in named if kind not in facts.metrics})
    if absent:
        titles = joined(", ", (said(catalogue.kinds[name].title) for name in absent))
        why = said("Not yet computed: there is no query for: {titles}.", titles=titles)
        return Evaluation(control, None, (why,), used, missing)
    state, reasons = _decide(question)
    return Evaluation(control, state, reasons, used, missing)


def _decide(question: Question) -> Decision:
    """Walk the steps 2 to 6 and return the first that decides."""
    for step in (_not_applicable, _no_data, _no_occurrence, _empty):
        decision = step(question)
        if decision is not None:
            return decision
    return _criterion(question)


def _not_applicable(question: Question) -> Decision | None:
    """Return not_applicable where a person set the row aside, or its `applies` is false."""
    reason = question.facts.not_applicable.get(question.control.key)
    if reason:
        return ResultState.NOT_APPLICABLE, (said("Set aside: {reason}", reason=reason),)
    for expression in question.parts["applies"]:
        if truth(expression, question.value) is False:
            why = said("The row applies only where {condition}.", condition=_condition(question, expression))
            return ResultState.NOT_APPLICABLE, (why,)
    return None


def _no_data(question: Question) -> Decision | None:
    """Return no_data where coverage is short, a need is not true, or a population was not measured."""
    reasons = [*_short_coverage(question)]
    reasons += [
        said(
            "Needed, and not shown: {condition}{values}.",
            condition=_condition(question, expression),
            values=_values(question, expression),
        )
        for expression in question.parts["needs"]
        if truth(expression, question.value) is not True
    ]
    reasons += [
        said("{metric} could not be measured.", metric=_metric(kind, kind.population))
        for kind in _gated(question)
        if question.facts.metrics[kind.name].get(kind.population) is None
    ]
    return (ResultState.NO_DATA, tuple(reasons)) if reasons else None


def _short_coverage(question: Question) -> Iterator[Said]:
    """Yield a sentence for each log type of the row's kinds below the floor, and one for all without a source."""
    floor = question.params[COVERAGE_FLOOR]
    log_types = dict.fromkeys(name for kind in question.kinds for name in kind.log_types)
    asked = {name: question.facts.coverage.get(name) for name in log_types if name not in question.facts.out_of_scope}
    missing = [said(name.replace("_", " ")) for name, ratio in asked.items() if ratio is None]
    if missing:
        yield said("No source is expected to deliver these records: {labels}.", labels=joined(", ", missing))
    for name, ratio in asked.items():
        label = said(name.replace("_", " "))
        if ratio is not None and ratio < floor:
            yield said(
                "Coverage of {label} records is {ratio}, below the floor of {floor}.",
                label=label,
                ratio=percent(ratio),
                floor=percent(floor, 0),
            )


def _no_occurrence(question: Question) -> Decision | None:
    """Return no_occurrence where the row's occurrence metric is 0, no_data where it was not measured."""
    if not question.control.criterion.occurrence:
        return None
    kind, _, name = question.control.criterion.occurrence.partition(".")
    value = question.value(kind, name)
    metric = _metric(question.catalogue.kinds[kind], name)
    if isinstance(value, Null):
        return ResultState.NO_DATA, (said("{metric} could not be measured.", metric=metric),)
    if value == 0:
        return ResultState.NO_OCCURRENCE, (said("{metric} is 0 in the period.", metric=metric),)
    return None


def _empty(question: Question) -> Decision | None:
    """Return no_data for an empty population that concludes nothing, no_occurrence where no kind had work."""
    gated = _gated(question)
    empty = [kind for kind in gated if question.facts.metrics[kind.name].get(kind.population) == 0]
    silent = [kind for kind in empty if kind.empty_is_no_data]
    if silent:
        return ResultState.NO_DATA, tuple(
            said("{metric} is 0.", metric=_metric(kind, kind.population)) for kind in silent
        )
    if gated and len(empty) == len(gated) and len(gated) == len(question.kinds):
        return ResultState.NO_OCCURRENCE, (said("None of the row's evidence had anything to act on in the period."),)
    return None


def _gated(question: Question) -> list[Kind]:
    """Return the kinds whose population gates the row: all but those of which only ages are used."""
    used = question.metrics("needs", "pass", "attention")
    kinds = []
    for kind in question.kinds:
        names = [name for kind_name, name in used if kind_name == kind.name]
        if not names or any(name not in kind.ages for name in names):
            kinds.append(kind)
    return kinds


def _criterion(question: Question) -> Decision:
    """Return pass, attention, fail or no_data from the row's own criterion: what is unknown is neither good nor bad."""
    passing, attention = question.parts["pass"][0], question.parts["attention"][0]
    answer = truth(passing, question.value)
    if answer is True:
        return ResultState.PASS, (said("The pass criterion holds."),)
    if answer is None:
        unknown = _named(question, passing, Null.UNKNOWN)
        return ResultState.NO_DATA, (said("Not measured, and needed by the pass criterion: {names}.", names=unknown),)
    reasons = (said("The pass criterion does not hold{values}.", values=_values(question, passing)),)
    milder = truth(attention, question.value)
    if milder is True:
        return ResultState.ATTENTION, reasons
    if milder is None:
        unknown = _named(question, attention, Null.UNKNOWN)
        why = said("Not measured, and needed to tell attention from fail: {names}.", names=unknown)
        return ResultState.NO_DATA, (*reasons, why)
    values = _values(question, attention, passing.metrics)
    return ResultState.FAIL, (*reasons, said("The attention criterion does not hold either{values}.", values=values))


def barred(catalogue: Catalogue, control: Control) -> tuple[Said, ...]:
    """Say why a row cannot pass here: what its criterion needs is not recorded. Empty where it can."""
    parts = expressions(control)
    lines: dict[Said, None] = {}
    for expression in (*parts["needs"], *parts["pass"]):
        missing = [(kind, name) for kind, name in expression.metrics if name in catalogue.kinds[kind].unmeasured]
        if can_be_true(expression, missing):
            continue
        for kind, name in missing:
            metric, why = _metric(catalogue.kinds[kind], name), said(catalogue.kinds[kind].unmeasured[name])
            lines[
                said(
                    "Cannot pass here once there is something to judge: {metric} is not measured, because {why}.",
                    metric=metric,
                    why=why,
                )
            ] = None
    return tuple(lines)


def _named(question: Question, expression: Expression, null: Null) -> Said:
    """List the metrics of an expression that are a given null."""
    named = (pair for pair in expression.metrics if question.value(*pair) is null)
    return joined("; ", (_metric(question.catalogue.kinds[kind], name) for kind, name in named))


def _values(question: Question, expression: Expression, known: Collection[tuple[str, str]] = ()) -> str:
    """Tell the metrics of an expression but the known ones, by their kinds with their values, for a reason."""
    by_kind: dict[str, list[Said]] = {}
    for kind, name in expression.metrics:
        if (kind, name) in known:
            continue
        value = joined(" = ", (said(metric_words(name)), spell_measured(name, question.value(kind, name))))
        by_kind.setdefault(kind, []).append(value)
    told = [
        joined(": ", (said(question.catalogue.kinds[kind].title), joined(", ", pairs)))
        for kind, pairs in by_kind.items()
    ]
    return joined("", (" (", joined("; ", told), ")")) if told else ""


def _condition(question: Question, expression: Expression) -> Said:
    """Tell a condition in words, with the parameters' values; arithmetic and brackets stay as they are."""
    spelled = percent if all(name.endswith("_ratio") for _kind, name in expression.metrics) else spell

    def told(part: str) -> str:
        """Tell one name, number or sign; what a share is compared with is one too."""
        kind, dot, name = part.partition(".")
        if part[0].isdigit():
            return spelled(float(part))
        if not kind.isidentifier() or not dot:
            return said(part) if part in _LOGIC else _SIGNS.get(part, part)
        return spelled(question.params[name]) if kind == "p" else said("“{words}”", words=said(metric_words(name)))

    return joined("", [told(part) for part in _WORDS_AND_SIGNS.split(expression.text) if part])


def _metric(kind: Kind, name: str) -> str:
    """Name a metric with its kind, for a reason's sentence."""
    return joined(": ", (said(kind.title), said(metric_words(name))))


def spell(value: Value | None) -> Said:
    """Spell a value for people: at most four decimals, and a null by its meaning."""
    if value is None or value is Null.UNKNOWN:
        return said("not measured")
    if isinstance(value, Null):
        return said("never") if value is Null.NEVER else said("nothing to measure")
    return figure(f"{value:.4f}".rstrip("0").rstrip("."))


def spell_measured(name: str, value: Value) -> Said:
    """Spell a metric's value for people with its unit."""
    return spell(value) if isinstance(value, Null) else with_unit(name, value, spell(value))


def spell_metric(kind: Kind, name: str, metrics: Mapping[str, float | None]) -> str:
    """Spell a metric of a kind, a null by what it means: never, nothing to measure, or not measured."""
    value = metrics.get(name)
    if value is not None:
        return spell(value)
    if name in kind.ages:
        return spell(Null.NEVER)
    return spell(Null.VACUOUS if metrics.get(kind.ratios.get(name, "")) == 0 else Null.UNKNOWN)


def tally(evaluations: Iterable[Evaluation]) -> dict[str, int]:
    """Count the rows by state, with `not_computed` for those without one."""
    counts = dict.fromkeys([*ResultState.values, "not_computed"], 0)
    for evaluation in evaluations:
        counts[evaluation.state.value if evaluation.state else "not_computed"] += 1
    return counts
