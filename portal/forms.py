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


class JoinForm(forms.Form):
    """What an invited auditor without an account says: the address is the invitation's and cannot be chosen."""

    name = forms.CharField(label="Your name", max_length=200, help_text="As it shall stand beside your marks.")
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters.",
    )
