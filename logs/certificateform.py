"""Shape of a sender's certificate that is registered for a source."""

from django import forms
from django.core.exceptions import ValidationError

from logs.certificates import CertificateError, CertificateFacts, read_certificate

MOST_CHARS = 20_000
"""Longest text in characters: a certificate of a 16,384-bit key has 5,000."""


class CertificateForm(forms.Form):
    """Asks for a certificate in PEM form or its fingerprint; `facts` is what it says."""

    certificate = forms.CharField(
        max_length=MOST_CHARS,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false"}),
        label="Certificate of a sender",
        help_text="The PEM file that the command above writes, or its SHA-256 fingerprint. It holds no secret.",
    )
    facts: CertificateFacts

    def clean_certificate(self) -> str:
        """Read the certificate; refuses what is none."""
        text = str(self.cleaned_data["certificate"])
        try:
            self.facts = read_certificate(text)
        except CertificateError as error:
            raise ValidationError(str(error)) from error
        return text
