"""Pages about the certificates by which senders open the syslog door to a source."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from logs.actions import register_certificate, revoke_certificate
from logs.certificateform import CertificateForm
from logs.models import SourceCertificate
from logs.views.sources import shown, source_or_404
from tenants.access import TenantRequest, requires
from tenants.kinds import Permission


@requires(Permission.SOURCE_MANAGE)
@require_POST
def certificate_register(request: TenantRequest, source_id: int) -> HttpResponse:
    """Register a certificate; what is wrong with it is said on the source's page."""
    found = source_or_404(request, source_id)
    form = CertificateForm(request.POST)
    if form.is_valid():
        try:
            register_certificate(source=found, facts=form.facts, by=request.actor)
        except ValidationError as error:
            form.add_error("certificate", error)
        else:
            messages.success(request, "The certificate is registered: its sender may deliver by syslog from now on.")
            return redirect("logs:source", request.tenant.slug, source_id)
    return shown(request, found, form=form)


@requires(Permission.SOURCE_MANAGE)
@require_POST
def certificate_revoke(request: TenantRequest, source_id: int, certificate_id: int) -> HttpResponse:
    """Revoke a certificate."""
    rows = SourceCertificate.objects.select_related("source")
    certificate = get_object_or_404(rows, pk=certificate_id, source_id=source_id)
    revoke_certificate(certificate=certificate, by=request.actor)
    messages.success(request, "The certificate is revoked: the syslog door refuses it from now on.")
    return redirect("logs:source", request.tenant.slug, source_id)
