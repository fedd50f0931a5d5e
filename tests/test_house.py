"""Holds the house: each rule is checked over the whole project, and each check is seen to fail on a planted fault."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models
from django.urls import URLPattern, URLResolver, get_resolver

from ledger.rowsecurity import APP, INTAKE, OWNER, READONLY
from tests import house

# Functions of actions modules that are not a person's deed, each with its reason.
NO_DEED = {
    "ledger/actions.py": frozenset({"open_log", "append"}),  # knows no actor: called by the scope and open_tenant
    "alerts/actions/watching.py": frozenset({"look_for_alerts"}),  # its deeds are what raise_alerts writes
    "alerts/actions/notices.py": frozenset({"claim_notice"}),  # finish_notice says how it ended
    "logs/actions/record.py": frozenset({"record_events", "answer_of"}),  # its deed is the delivery's manifest leaf
}
# Models that belong to no single tenant, each with its reason.
GLOBAL_MODELS = {
    "tenants.Tenant": "the tenants themselves",
    "tenants.User": "a person belongs to several tenants",
    "tenants.Membership": "says who may enter which tenant, before a scope is open",
    "ledger.Log": "the list of logs that the signer walks; a log is named by a UUID",
}
# Addresses that need no permission of a tenant, each with its reason.
OPEN_VIEWS = {
    "portal:entrance": "after log-in: lists the visitor's own tenants",
    "portal:preferences": "the visitor's own preferences",
    "portal:home": "sends the visitor to log in or to their tenant",
    "logs-api:ingest": "a log source's own token opens it",
    "api:reference": "describes the API, holds no data",
    "api:schema": "describes the API, holds no data",
    "portal:health": "says that the server answers, holds no data",
}
APPEND_ONLY = {
    "tenants_auditentry",
    "ledger_batch",
    "ledger_tile",
    "ledger_checkpoint",
    "logs_accessevent",
    "logs_delivery",
    "logs_quarantinedline",
    "identities_snapshot",
    "identities_snapshotrow",
    "reviews_decision",
    "reviews_signoff",
    "evidence_controlresult",
    "alerts_alertsettings",
    "alerts_alertevent",
}


def _named(path: Path, faults: list[str]) -> list[str]:
    return [f"{path.relative_to(house.ROOT)}: {fault}" for fault in faults]


def _over(paths: Iterator[Path], check: Callable[[str], list[str]]) -> list[str]:
    return [line for path in paths for line in _named(path, check(path.read_text(encoding="utf-8")))]


def test_modules_and_functions_stay_short() -> None:
    assert _over(house.sources(*house.ROOMS, "bench"), house.too_long) == []


def test_tests_stay_short() -> None:
    assert _over(house.sources("tests"), lambda text: house.too_long(text, module=400, function=30)) == []


def test_no_function_hides_an_import() -> None:
    assert _over(house.sources(*house.ROOMS), house.local_imports) == []


def test_no_string_points_to_a_room_above() -> None:
    faults = []
    for room in house.ROOMS:
        faults += _over(house.sources(room), partial(house.upward_names, room=room))
    assert faults == []


def test_no_model_overrides_save() -> None:
    paths = (path for path in house.sources(*house.ROOMS) if "models" in str(path))
    assert _over(paths, house.save_overrides) == []


def test_actions_are_atomic_judged_and_audited() -> None:
    faults = []
    for path in house.sources(*house.ROOMS):
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(house.ROOT))
        if path.stem == "actions":
            faults += _named(path, house.loose_actions(text, NO_DEED.get(name, frozenset())))
        elif path.parent.name == "actions" and path.stem != "__init__":
            deeds = house.exported((path.parent / "__init__.py").read_text(encoding="utf-8"))
            faults += _named(path, house.loose_actions(text, NO_DEED.get(name, frozenset()), deeds))
    assert faults == []


def test_policies_are_pure() -> None:
    assert _over((path for path in house.sources(*house.ROOMS) if path.stem == "policies"), house.impure_policies) == []


def test_views_are_thin() -> None:
    paths = (path for path in house.sources(*house.ROOMS) if path.stem == "views" or "views" in path.parts)
    assert _over(paths, house.view_faults) == []


def test_templates_obey_the_content_security_policy() -> None:
    pages = (path for path in house.templates() if "pdf" not in path.parts)
    assert _over(pages, house.template_faults) == []


def test_no_test_sleeps() -> None:
    assert _over(house.sources("tests"), house.sleeps) == []


def test_no_package_has_an_empty_name() -> None:
    stems = {path.stem for path in house.sources(*house.ROOMS)} | set(house.ROOMS)
    assert not stems & house.FORBIDDEN_NAMES


def _own_models() -> Iterator[type[models.Model]]:
    yield from (model for model in apps.get_models() if model._meta.app_label in house.ROOMS)


def test_every_model_belongs_to_a_tenant_or_is_listed() -> None:
    loose = []
    for model in _own_models():
        columns = {field.column for field in model._meta.concrete_fields}
        if not columns & {"tenant_id", "log_id"} and model._meta.label not in GLOBAL_MODELS:
            loose.append(model._meta.label)
    assert loose == []


def _tenant_tables() -> list[str]:
    return sorted(model._meta.db_table for model in _own_models() if model._meta.label not in GLOBAL_MODELS)


@pytest.mark.django_db
def test_every_tenant_table_has_forced_row_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class c WHERE relname = ANY(%s) AND relrowsecurity AND relforcerowsecurity "
            "AND EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)",
            [_tenant_tables()],
        )
        protected = {name for (name,) in cursor.fetchall()}
    assert set(_tenant_tables()) - protected == set()


@pytest.mark.django_db
def test_the_run_time_roles_own_nothing_and_are_bound() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == (APP, APP)
        cursor.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)", [[APP, INTAKE]]
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchall() == [(OWNER,)]


@pytest.mark.django_db
def test_evidence_cannot_be_changed_by_the_run_time_roles() -> None:
    tables = APPEND_ONLY & set(_tenant_tables())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants "
            "WHERE table_name = ANY(%s) AND grantee = ANY(%s) AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')",
            [sorted(tables), [APP, INTAKE, READONLY]],
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_no_partition_is_granted_directly() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relacl FROM pg_class WHERE relispartition AND relkind = 'r' AND relacl::text ~ %s",
            [f"{APP}|{INTAKE}|{READONLY}"],
        )
        assert cursor.fetchall() == []


def _addresses(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{prefix}{entry.name}", entry
        else:
            yield from _addresses(entry, f"{entry.namespace}:" if entry.namespace else prefix)


def test_every_address_names_its_permission_or_is_listed() -> None:
    loose = []
    for name, pattern in _addresses(get_resolver()):
        own = str(pattern.lookup_str).startswith(house.ROOMS)
        view = getattr(pattern.callback, "view_class", pattern.callback)
        if own and name not in OPEN_VIEWS and not getattr(view, "permissions", None):
            loose.append(f"{name} ({pattern.lookup_str})")
    assert loose == []


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (house.too_long, "def long():\n" + "    x = 1\n" * 51),
        (house.too_long, "x = 1\n" * 401),
        (house.local_imports, "def f():\n    import os\n"),
        (lambda text: house.upward_names(text, "logs"), "task = 'reviews.jobs.open_campaign'\n"),
        (house.save_overrides, "class A:\n    def save(self):\n        pass\n"),
        (house.loose_actions, "def open_thing(thing):\n    thing.save()\n"),
        (house.impure_policies, "def can_x(by):\n    return Thing.objects.exists()\n"),
        (house.impure_policies, "def can_x(by):\n    raise ValueError\n"),
        (house.view_faults, "def page(request):\n" + "    x = 1\n" * 26),
        (house.view_faults, "def page(request):\n    Thing.objects.bulk_create([])\n"),
        (house.template_faults, '<p style="color:red">'),
        (house.template_faults, "<script>alert(1)</script>"),
        (house.template_faults, '<a hx-on:click="x()">'),
        (house.template_faults, "{{ text|safe }}"),
        (house.template_faults, """<a hx-trigger="click[ctrlKey]">"""),
        (house.sleeps, "def test_x():\n    time.sleep(1)\n"),
    ],
)
def test_each_check_sees_a_planted_fault(check: Callable[[str], list[str]], planted: str) -> None:
    assert check(planted)
