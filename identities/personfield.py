"""A form field that names one person of the register: typed text with suggestions, whatever the number of people.

A list of 10,000 choices took 0.2 s to draw. The page holds the first few people; htmx asks for those that fit what is
typed. Without JavaScript a full name, an id or an e-mail address is enough.
"""

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from identities.models import Identity

SHOWN: Final = 20
"""People that are suggested at once."""

Search = Callable[[str], QuerySet[Identity]]
"""Returns the people in question whose name, id or e-mail address holds a text, by name."""


def label_of(person: Identity) -> str:
    """Returns how the field names a person, so that two of one name are told apart."""
    return f"{person.name} ({person.external_id})"


def person_named(people: Search, text: str) -> Identity:
    """Returns the one person that a text names: as suggested, by id, by full name or by e-mail address.

    Raises:
        ValidationError: when nobody, or more than one person, is called that.
    """
    label = Concat("name", Value(" ("), "external_id", Value(")"))
    fits = Q(label__iexact=text) | Q(external_id=text) | Q(name__iexact=text) | Q(email__iexact=text)
    found = list(people("").annotate(label=label).filter(fits)[:SHOWN])
    exact = [one for one in found if one.external_id == text or label_of(one).lower() == text.lower()]
    if len(exact) == 1 or len(found) == 1:
        return (exact or found)[0]
    if found:
        names = ", ".join(label_of(one) for one in found[:5])
        raise forms.ValidationError(f"More than one person is called that: {names}. Choose one with the id.")
    raise forms.ValidationError("Nobody here is called that. Type a part of the name and choose from the list.")


class PersonInput(forms.TextInput):
    """Draws the text field with its suggestions."""

    template_name = "identities/_person_input.html"
    search_url = ""

    def __init__(self, people: Search) -> None:
        super().__init__({"autocomplete": "off", "maxlength": 400})
        self.people = people

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Adds the first people and where the others are asked for."""
        context = super().get_context(name, value, attrs)
        labels = [(label_of(one), one.email) for one in self.people("")[:SHOWN]]
        context["widget"] |= {"people": labels, "search_url": self.search_url}
        return context


class PersonField(forms.Field):
    """Takes the text that names a person and returns their identity."""

    def __init__(self, *, people: Search, **kwargs: Any) -> None:
        super().__init__(widget=PersonInput(people), **kwargs)
        self.people = people

    def searched_at(self, url: str) -> None:
        """Names the address that answers with suggestions."""
        assert isinstance(self.widget, PersonInput)  # noqa: S101 -- made above
        self.widget.search_url = url

    def prepare_value(self, value: Any) -> Any:
        """Shows a person by name and id; what was typed stays as it was."""
        return label_of(value) if isinstance(value, Identity) else value

    def to_python(self, value: Any) -> Identity | None:
        """Returns the person, or None where nothing was typed; raises ValidationError with what to do."""
        text = " ".join(str(value or "").split())
        if "\x00" in text:
            raise forms.ValidationError("Names hold no control characters.")
        return person_named(self.people, text) if text else None
