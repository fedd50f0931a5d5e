"""A tenant is opened from the command line, whole or not at all."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tenants.kinds import Role, TenantKind
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def opened(*arguments: str) -> str:
    """Open a tenant; return what the command says."""
    out = StringIO()
    call_command("open_tenant", *arguments, stdout=out)
    return out.getvalue()


def test_the_first_tenant_is_opened_and_its_operator_gets_in(client: Client) -> None:
    said = opened("south", "--name", "South Services", "--time-zone", "Asia/Manila", "--operator", "Olaf@south.example")
    assert "manage.py changepassword olaf@south.example" in said
    olaf = User.objects.get(email="olaf@south.example")
    olaf.set_password("a-password-of-olafs-own")
    olaf.save()
    client.force_login(olaf)
    assert client.get("/t/south/people-and-roles/").status_code == 200
    with tenant_scope(Tenant.objects.get(slug="south", kind=TenantKind.BPO, time_zone="Asia/Manila")):
        verbs = AuditEntry.objects.order_by("at", "ord").values_list("verb", flat=True)
        assert set(verbs) >= {"tenant.open", "person.add", "role.grant"}


def test_a_client_is_opened_under_its_bpo_with_a_person_who_is_there(bpo: Tenant, carla: User) -> None:
    carla.set_password("a-password-of-carlas-own")
    carla.save()
    said = opened("lake", "--name", "Lake Bank", "--parent", bpo.slug, "--officer", carla.email)
    assert "password" not in said
    lake = Tenant.objects.get(slug="lake")
    assert (lake.kind, lake.parent) == (TenantKind.CLIENT, bpo)
    assert Membership.objects.get(tenant=lake).role == Role.OFFICER


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--parent", "nobody"), "There is no tenant 'nobody'."),
        (("--time-zone", "Mars/Base"), "no time zone"),
        (("--operator", "no address"), "valid email"),
    ],
)
def test_a_mistake_is_said_and_opens_nothing(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        opened("south", "--name", "South", *arguments)
    assert not Tenant.objects.filter(slug="south").exists()


def test_a_short_name_is_taken_once(bpo: Tenant) -> None:
    with pytest.raises(CommandError, match="already exists"):
        opened(bpo.slug, "--name", "Another")
