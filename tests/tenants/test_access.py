"""Roles and permissions: success and denial side by side."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tenants.actions import add_person, end_access, end_role, grant_role, issue_token, open_tenant
from tenants.kinds import COSIGNER, OF_ROLES, ROLE_PERMISSIONS, Actor, Permission, Refused, Role, TenantKind
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.queries import actor_for
from tenants.tokens import digest, make_token, tenant_named, well_formed
from tests import make

pytestmark = pytest.mark.django_db


def test_every_permission_is_held_by_a_role_and_every_role_holds_one() -> None:
    assert frozenset(Permission) == OF_ROLES | COSIGNER
    assert not OF_ROLES & COSIGNER
    assert all(ROLE_PERMISSIONS[role] for role in Role)


def test_an_officer_adds_a_person_and_gives_a_role(in_bpo: Tenant, carla: User) -> None:
    by = make.actor(carla, in_bpo)
    person = add_person(tenant=in_bpo, email="New.Person@Example.org", name="New Person", by=by)
    grant_role(tenant=in_bpo, user=person, role=Role.REVIEWER, by=by)
    assert actor_for(person, in_bpo) is not None
    assert [entry.verb for entry in AuditEntry.objects.filter(actor_name=carla.email).order_by("ord")] == [
        "person.add",
        "role.grant",
    ]


def test_an_analyst_gives_nobody_a_role(in_bpo: Tenant, ana: User, remy: User) -> None:
    with pytest.raises(Refused, match="does not allow"):
        grant_role(tenant=in_bpo, user=remy, role=Role.ANALYST, by=make.actor(ana, in_bpo))


def test_an_officer_makes_no_operator(in_bpo: Tenant, carla: User, remy: User) -> None:
    with pytest.raises(Refused, match="Only a platform operator"):
        grant_role(tenant=in_bpo, user=remy, role=Role.OPERATOR, by=make.actor(carla, in_bpo))


def test_an_auditor_is_invited_and_not_given_the_role(in_bpo: Tenant, carla: User, remy: User) -> None:
    with pytest.raises(Refused, match="invited to an engagement"):
        grant_role(tenant=in_bpo, user=remy, role=Role.AUDITOR, by=make.actor(carla, in_bpo))


def test_an_ended_role_opens_nothing_at_the_next_request(in_bpo: Tenant, carla: User, remy: User) -> None:
    membership = Membership.objects.get(user=remy)
    end_role(membership=membership, by=make.actor(carla, in_bpo))
    assert actor_for(remy, in_bpo) is None


def test_nobody_ends_their_own_role(in_bpo: Tenant, carla: User) -> None:
    with pytest.raises(Refused, match="your own role"):
        end_role(membership=Membership.objects.get(user=carla), by=make.actor(carla, in_bpo))


def test_a_token_is_stored_as_a_digest_and_does_no_more_than_its_issuer(in_bpo: Tenant, olga: User) -> None:
    by = make.actor(olga, in_bpo)
    token, text = issue_token(name="siem", scopes=[Permission.SOURCE_VIEW], days=30, user=olga, by=by)
    assert bytes(token.digest) == digest(text)
    assert well_formed(text, "api")
    assert token.is_usable(timezone.now())
    with pytest.raises(Refused, match=r"pack\.build"):
        issue_token(name="more", scopes=[Permission.PACK_BUILD], days=30, user=olga, by=by)


def test_a_mistyped_token_is_known_by_its_checksum() -> None:
    text = make_token("src").text
    assert well_formed(text, "src")
    assert not well_formed(text, "api")
    assert not well_formed(text[:-1] + ("0" if text[-1] != "0" else "1"), "src")


def test_a_token_names_its_tenant() -> None:
    tenant = uuid4()
    text = make_token("src", tenant).text
    assert well_formed(text, "src")
    assert tenant_named(text) == tenant
    assert tenant_named(make_token("src").text) is None
    assert tenant_named(text[:-1]) is None


def test_a_stranger_is_no_actor(bpo: Tenant, stella: User, system: Actor) -> None:
    assert actor_for(stella, bpo) is None
    assert system.is_system


def test_a_tenant_lives_in_a_zone_that_exists(db: None) -> None:
    with pytest.raises(ValidationError, match="no time zone named 'Mars/X'"):
        open_tenant(slug="mars", name="Mars", kind=TenantKind.BPO, time_zone="Mars/X")


def test_a_directory_ends_roles_tokens_and_sessions_at_once_and_elsewhere_nothing(
    in_bpo: Tenant, remy: User, carla: User
) -> None:
    Membership.objects.create(tenant=in_bpo, user=remy, role=Role.OFFICER, starts_at=timezone.now())
    by = make.actor(remy, in_bpo)
    token, _text = issue_token(name="own", scopes=[Permission.AUDIT_VIEW], days=9, user=remy, by=by)
    theirs, other = make.login(remy), make.login(carla)
    assert (theirs.get("/preferences/").status_code, other.get("/preferences/").status_code) == (200, 200)
    ended = end_access(tenant=in_bpo, user=remy, reason="Left.", by=Actor.system("tests", in_bpo.pk))
    assert (sorted(ended.roles), ended.tokens, ended.sessions) == (["officer", "reviewer"], (token.prefix,), 1)
    assert theirs.get("/preferences/").headers["Location"].startswith("/accounts/login/")
    assert other.get("/preferences/").status_code == 200
    assert actor_for(remy, in_bpo) is None
    token.refresh_from_db()
    assert not token.is_usable(timezone.now())
    assert AuditEntry.objects.filter(verb="access.end", target=remy.email).count() == 1


def test_whoever_has_nothing_here_keeps_their_sessions(stella: User, in_bpo: Tenant) -> None:
    theirs = make.login(stella)
    theirs.get("/preferences/")
    assert not end_access(tenant=in_bpo, user=stella, reason="Left.", by=Actor.system("tests", in_bpo.pk))
    assert theirs.get("/preferences/").status_code == 200
    assert not AuditEntry.objects.filter(verb="access.end").exists()


def test_an_analyst_ends_nobodys_access(in_bpo: Tenant, ana: User, remy: User) -> None:
    with pytest.raises(Refused, match="end a person's access"):
        end_access(tenant=in_bpo, user=remy, reason="Left.", by=make.actor(ana, in_bpo))
