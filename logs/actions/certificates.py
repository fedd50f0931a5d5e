"""Deeds on the certificates by which senders open the syslog door."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from logs.certificates import CertificateFacts
from logs.models import LogSource, SourceCertificate
from logs.policies import can_change_source
from tenants.audit import audit
from tenants.kinds import Actor, enforce
from tenants.scope import current_scope


@transaction.atomic
def register_certificate(*, source: LogSource, facts: CertificateFacts, by: Actor) -> SourceCertificate:
    """Register a sender's certificate, which opens the syslog door to the source from now on.

    Raises:
        ValidationError: the certificate names another tenant or none, has ended, or opens a source already.
    """
    enforce(can_change_source(by, source))
    if facts.ends_at and facts.tenant != current_scope().log_id:
        message = "The certificate's subject does not name this tenant: make it with the command that is shown here."
        raise ValidationError(message)
    if facts.ends_at and facts.ends_at <= timezone.now():
        message = "The certificate has ended: make a new one."
        raise ValidationError(message)
    before = SourceCertificate.objects.filter(fingerprint=facts.fingerprint, revoked_at=None).first()
    if before:
        message = f"This certificate opens {before.source.name} already: a sender has one certificate for each source."
        raise ValidationError(message)
    certificate = SourceCertificate.objects.create(
        source=source,
        fingerprint=facts.fingerprint,
        subject=facts.subject,
        ends_at=facts.ends_at,
        registered_by=by.name[:200],
    )
    detail = {"fingerprint": certificate.shown, "subject": facts.subject, "ends": facts.ends_at}
    audit("source.certificate_register", by=by, target=source.name, detail=detail)
    return certificate


@transaction.atomic
def revoke_certificate(*, certificate: SourceCertificate, by: Actor) -> SourceCertificate:
    """Revoke a certificate: open connections end with their next delivery, new ones are refused."""
    enforce(can_change_source(by, certificate.source))
    if certificate.revoked_at is None:
        certificate.revoked_at, certificate.revoked_by = timezone.now(), by.name[:200]
        certificate.save(update_fields=["revoked_at", "revoked_by"])
        audit(
            "source.certificate_revoke",
            by=by,
            target=certificate.source.name,
            detail={"fingerprint": certificate.shown, "subject": certificate.subject},
        )
    return certificate
