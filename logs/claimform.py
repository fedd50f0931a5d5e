"""Shape of what is said about a name in the logs: whose it is, or what kind of account."""

from typing import Any

from django import forms

from identities.kinds import AccountKind
from identities.personfield import PersonField
from identities.queries import people


class ClaimForm(forms.Form):
    """Asks whose account a name is."""

    kind = forms.ChoiceField(label="Used by", choices=AccountKind.choices, initial=AccountKind.HUMAN)
    owner = PersonField(
        people=people,
        required=False,
        label="Person",
        help_text="Whose account it is, or who answers for it. Type a part of the name and choose from the list.",
    )

    def __init__(self, *args: Any, people_url: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].searched_at(people_url)  # type: ignore[attr-defined]  # a field of people

    def clean(self) -> dict[str, Any]:
        """Refuses an account of one person without that person."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") == AccountKind.HUMAN and not cleaned.get("owner") and "owner" not in self.errors:
            self.add_error("owner", "Name the person, or choose another kind of account.")
        return cleaned
