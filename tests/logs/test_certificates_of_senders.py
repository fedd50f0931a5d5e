"""A sender's certificate is registered on the source's page, shown, and revoked; nothing else is taken for one."""

from pathlib import Path

import pytest
from django.test import Client

from logs.certificates import CertificateError, read_certificate
from logs.models import LogSource, SourceCertificate
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tests.logs.sources import source
from tests.logs.syslogging import sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def bastion(bpo: Tenant) -> LogSource:
    with tenant_scope(bpo):
        return source()


def pem(file: Path) -> str:
    return file.read_text().partition("-----BEGIN PRIVATE")[0]


def test_the_officer_registers_and_revokes(
    client: Client, carla: User, ana: User, bastion: LogSource, bpo: Tenant, tmp_path: Path
) -> None:
    client.force_login(carla)
    base = f"/t/northwind/sources/{bastion.pk}/"
    text = pem(sender(tmp_path, bpo.uuid))
    assert client.post(f"{base}certificates/", {"certificate": text}).status_code == 302
    with tenant_scope(bpo):
        made = SourceCertificate.objects.get()
    shown = client.get(base).content.decode()
    assert f"O={bpo.uuid}" in shown
    assert f"/O={bpo.uuid}/CN=" in shown
    again = client.post(f"{base}certificates/", {"certificate": made.shown})
    assert (again.status_code, b"opens Bastion already" in again.content) == (422, True)
    assert client.post(f"{base}certificates/{made.pk}/revoke/").status_code == 302
    assert client.post(f"{base}certificates/", {"certificate": f"SHA256 Fingerprint={made.shown}"}).status_code == 302
    with tenant_scope(bpo):
        assert SourceCertificate.objects.filter(revoked_at=None).count() == 1
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"source.certificate_register", "source.certificate_revoke"} <= verbs
    client.force_login(ana)
    assert client.post(f"{base}certificates/", {"certificate": text}).status_code == 403


def test_a_certificate_of_another_tenant_or_of_the_past_is_refused(
    client: Client, carla: User, bastion: LogSource, bpo: Tenant, strangers: Tenant, tmp_path: Path
) -> None:
    client.force_login(carla)
    address = f"/t/northwind/sources/{bastion.pk}/certificates/"
    foreign, past = sender(tmp_path, strangers.uuid, "foreign"), sender(tmp_path, bpo.uuid, "past", days=-1)
    for file, why in ((foreign, b"does not name this tenant"), (past, b"has ended")):
        answer = client.post(address, {"certificate": pem(file)})
        assert (answer.status_code, why in answer.content) == (422, True)
    with tenant_scope(bpo):
        assert not SourceCertificate.objects.exists()


def test_what_is_no_certificate_is_told_so(bpo: Tenant, tmp_path: Path) -> None:
    whole = sender(tmp_path, bpo.uuid).read_text()
    certificate, begin, key = whole.partition("-----BEGIN PRIVATE")
    wrong = {
        begin + key: "private key",
        certificate * 2: "one certificate",
        certificate.replace("M", "N", 5): "damaged",
        "ab" * 31: "64 hexadecimal digits",
        "": "64 hexadecimal digits",
    }
    for text, why in wrong.items():
        with pytest.raises(CertificateError, match=why):
            read_certificate(text)
    facts = read_certificate(whole)
    assert facts.tenant == bpo.uuid
    assert read_certificate(facts.fingerprint.hex(":").upper()).fingerprint == facts.fingerprint
