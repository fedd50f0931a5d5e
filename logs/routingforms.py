"""Shape of what people type about routing: rules as rows of one form that works without a script."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms

from logs.actions import RoutingPlan
from logs.routing import ADDRESS, FIELDS, MOST_CONDITIONS, MOST_RULES, Condition, Rule, problem_of
from tenants.models import Tenant

SEPARATOR: Final = ";"
"""Stands between the patterns of a condition: names in directories hold commas."""

_FIELD_CHOICES: Final = (("", "No condition"), *FIELDS.items())


@dataclass(frozen=True, slots=True)
class RuleRow:
    """The fields of one rule on the page."""

    number: int
    to: forms.BoundField
    place: forms.BoundField
    first: tuple[forms.BoundField, forms.BoundField]
    more: Sequence[tuple[forms.BoundField, forms.BoundField]]

    @property
    def shows_more(self) -> bool:
        """Whether a further condition is filled in, or wrong."""
        return any(field.value() or value.value() or field.errors for field, value in self.more)


class RoutingForm(forms.Form):
    """Asks for the whole rule set; a rule for nobody is left out, and rows are ordered by their place."""

    reason = forms.CharField(
        label="Why the rules are changed",
        max_length=300,
        error_messages={"required": "Say why: it stands in the trail of every tenant concerned."},
        help_text="Each client that the rules name reads it in its own audit trail. A try needs no reason.",
    )
    after = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=2**31 - 1)
    rows = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=MOST_RULES)

    def __init__(
        self, data: Mapping[str, Any] | None, *, rules: Sequence[Rule], version: int, receivers: Mapping[str, Tenant]
    ) -> None:
        number = len(rules) + (not rules)
        if data is not None:
            asked = str(data.get("rows", ""))
            number = min(int(asked) if asked.isdecimal() and len(asked) < 5 else 0, MOST_RULES)
            if "add" in data:
                number = min(number + 1, MOST_RULES)
                data = {**{name: data[name] for name in data}, "rows": str(number)}
        super().__init__(data, initial={"after": version, "rows": number, **_initial(rules)})
        self.fields["reason"].required = data is None or "save" in data
        self._receivers, self._number = receivers, number
        choices = (("", "Nobody: leave this rule out"), *((uuid, tenant.name) for uuid, tenant in receivers.items()))
        for row in range(number):
            self.fields[f"to_{row}"] = forms.ChoiceField(label="Goes to", choices=choices, required=False)
            self.fields[f"place_{row}"] = forms.IntegerField(
                label="Place", required=False, min_value=1, max_value=1000, initial=row + 1
            )
            for one in range(MOST_CONDITIONS):
                self.fields[f"field_{row}_{one}"] = forms.ChoiceField(
                    label=f"Condition {one + 1}", choices=_FIELD_CHOICES, required=False
                )
                self.fields[f"is_{row}_{one}"] = forms.CharField(
                    label=f"Condition {one + 1} is", required=False, max_length=2000
                )

    @property
    def rule_rows(self) -> Iterator[RuleRow]:
        """The rows of the page."""
        for row in range(self._number):
            first, *more = [(self[f"field_{row}_{one}"], self[f"is_{row}_{one}"]) for one in range(MOST_CONDITIONS)]
            yield RuleRow(row + 1, self[f"to_{row}"], self[f"place_{row}"], first, more)

    def clean(self) -> dict[str, Any]:
        """Put the rules together and refuse a set that cannot be used."""
        cleaned = super().clean() or self.cleaned_data
        placed = sorted(
            (cleaned.get(f"place_{row}") or row + 1, row) for row in range(self._number) if cleaned.get(f"to_{row}")
        )
        self.fields["reason"].required = True  # after the fields were judged: a try needs none, the page asks for it
        cleaned["rules"] = tuple(Rule(cleaned[f"to_{row}"], self._conditions(cleaned, row)) for _place, row in placed)
        if not self.errors and (problem := problem_of(cleaned["rules"], self._receivers)):
            raise forms.ValidationError(problem)
        return cleaned

    def _conditions(self, cleaned: Mapping[str, Any], row: int) -> tuple[Condition, ...]:
        found = []
        for one in range(MOST_CONDITIONS):
            name, text = cleaned.get(f"field_{row}_{one}") or "", cleaned.get(f"is_{row}_{one}") or ""
            patterns = tuple(part.strip() for part in text.split(SEPARATOR) if part.strip())
            if patterns and not name:
                self.add_error(f"field_{row}_{one}", "Choose the field that this has to match.")
            elif name:
                found.append(Condition(name, patterns))
        return tuple(found)

    def plan(self) -> RoutingPlan:
        """Return what was typed, for the action."""
        asked = self.cleaned_data
        return RoutingPlan(rules=asked["rules"], reason=asked["reason"], after=asked["after"])


def _initial(rules: Sequence[Rule]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row, rule in enumerate(rules):
        found[f"to_{row}"] = rule.receiver
        for one, condition in enumerate(rule.conditions):
            found[f"field_{row}_{one}"] = condition.field
            found[f"is_{row}_{one}"] = f"{SEPARATOR} ".join(condition.patterns)
    return found


HINT: Final = (
    f"A rule takes an event when all its conditions hold; the first rule that takes it decides. Write whole values; * "
    f"stands for any characters and ? for one, upper and lower case are the same. Put a semicolon between several "
    f"values: one of them has to match. For “{FIELDS[ADDRESS]}” write addresses or networks like 10.20.0.0/16."
)
