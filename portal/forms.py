"""Shapes of the portal's own forms."""

from django import forms

from tenants.models import Theme


class PreferencesForm(forms.Form):
    """How a person wants their pages."""

    theme = forms.ChoiceField(label="Colours", choices=Theme.choices, widget=forms.RadioSelect)
    review_keys = forms.BooleanField(
        label="Single-letter keys on the review screen",
        required=False,
        help_text="J and K move, A certifies, R revokes. They work only while the list has the focus.",
    )
