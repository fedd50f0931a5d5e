"""Holds the house: each rule is checked over the whole project, and each check is seen to fail on a planted fault."""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from django import urls
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse
from django.urls.resolvers import RegexPattern
from psycopg.conninfo import make_conninfo

from ledger.rowsecurity import APP
from tests import database, house, house_database
from tests.flows.addresses import addresses, unguarded

# Functions of actions modules that are not a person's deed, each with its reason.
NO_DEED = {
    "ledger/actions.py": frozenset(
        {"open_log", "open_epoch", "append"}
    ),  # knows no actor: called by the scope and open_tenant
    "alerts/actions/watching.py": frozenset({"look_for_alerts"}),  # its deeds are what raise_alerts writes
    "alerts/actions/notices.py": frozenset({"claim_notice"}),  # finish_notice says how it ended
    "logs/actions/acks.py": frozenset({"give_ack"}),  # a receipt of a delivery, whose manifest is the deed
    "logs/actions/record.py": frozenset({"record_events", "answer_of"}),  # its deed is the delivery's manifest leaf
    "logs/actions/again.py": frozenset({"read_batch_again"}),  # atomic inside: leaves leave savepoints
}
# Models that belong to no single tenant, each with its reason.
GLOBAL_MODELS = {
    "tenants.Tenant": "the tenants themselves",
    "tenants.User": "a person belongs to several tenants",
    "tenants.Membership": "says who may enter which tenant, before a scope is open",
    "tenants.ProviderLink": "says who logs in, before a tenant is known",
    "ledger.Log": "the list of logs that the signer walks; a log is named by a UUID",
}
# Addresses that need no permission of a tenant, each with its reason.
OPEN_VIEWS = {
    "portal:entrance": "after log-in: lists the visitor's own tenants",
    "portal:invitation": "an invitation's own token opens it",
    "portal:preferences": "the visitor's own preferences",
    **dict.fromkeys(("portal:openid_begin", "portal:openid_again", "portal:openid_return"), "to the provider and back"),
    "portal:home": "sends the visitor to log in or to their tenant",
    "logs-api:ingest": "a log source's own token opens it",
    **dict.fromkeys(("hec", "hec_raw", "hec_ack", "otlp_logs"), "a log source's own token opens it"),
    **dict.fromkeys(("elastic_root", "elastic_licence", "journal_upload"), "a log source's own token opens it"),
    **dict.fromkeys(("elastic_bulk", "elastic_bulk_index"), "a log source's own token opens it"),
    "hec_health": "says whether the installation takes events, holds no data",
    "api:reference": "describes the API, holds no data",
    "api:schema": "describes the API, holds no data",
}
APPEND_ONLY = {
    *("tenants_auditentry", "ledger_batch", "ledger_tile", "ledger_checkpoint", "ledger_refusal", "ledger_anchor"),
    "tenants_providerlink",
    "tenants_purposelist",
    *("logs_accessevent", "logs_delivery", "logs_quarantinedline", "logs_eventexport", "logs_sourcerouting"),
    *("logs_retentionterm", "logs_retentionprune", "logs_erasedleaf"),
    *("logs_mappingversion", "logs_superseded", "logs_resolvedline", "logs_rereading"),
    *("identities_snapshot", "identities_snapshotrow", "identities_peoplefeed"),
    *("identities_rosterfeed", "identities_rostershift", "identities_personchange"),
    *("reviews_reviewitem", "reviews_exclusion", "reviews_decision", "reviews_signoff", "reviews_campaignmove"),
    "reviews_absentaccount",
    "reviews_carerule",
    "reviews_controlanswer",
    "reviews_controlquestion",
    "reviews_casegrant",
    "reviews_conflictanswer",
    "reviews_conflictcase",
    "reviews_dutyside",
    "reviews_resumption",
    "reviews_searchedlist",
    "reviews_signingrule",
    *("reviews_riskproposal", "reviews_risksignature", "reviews_ticketroute", "reviews_tickettry"),
    *("reviews_plansystem", "reviews_planstage", "reviews_waiver"),
    *("reviews_itemquestion", "reviews_itemanswer"),
    *("reviews_logitem", "reviews_disposition", "reviews_logsignature"),
    *("evidence_controlrun", "evidence_controlresult", "evidence_kindresult", "evidence_controlsetting"),
    *("evidence_population", "evidence_sample", "evidence_samplemark", "evidence_requestentry"),
    *("evidence_packfile", "alerts_alertsettings", "alerts_alertevent", "portal_scheduledrun"),
    *("alerts_incident", "alerts_incidententry", "evidence_document", "evidence_processingrecord"),
    *("evidence_controlresponse", "evidence_gapnote", "evidence_operatingreport", "evidence_packsignoff"),
}
SHARED_TABLES = {"django_migrations"} | {
    model._meta.db_table
    for model in apps.get_models(include_auto_created=True)
    if model._meta.app_label not in house.ROOMS or model._meta.label in GLOBAL_MODELS or model._meta.auto_created
}
"""Tables that belong to no tenant: of the global models, of libraries, and the people's groups."""


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
    assert house.empty_names(house.sources(*house.ROOMS)) == []
    planted = [Path("logs/utils/__init__.py"), Path("logs/helpers.py"), Path("logs/door.py")]
    assert house.empty_names(planted) == ["logs/utils/__init__.py", "logs/helpers.py"]


def test_the_files_of_a_room_keep_their_order() -> None:
    faults = []
    for path in house.sources(*house.ROOMS):
        faults += _over(iter([path]), partial(house.out_of_order, file=house.file_of(path)))
    assert faults == []


def test_queries_only_read() -> None:
    assert _over((path for path in house.sources(*house.ROOMS) if house.file_of(path) == "queries"), house.writes) == []


def test_pure_modules_know_no_model() -> None:
    pure = [path for path in house.sources("logs", "alerts") if house.file_of(path) in {"parsers", "rules"}]
    pure += [house.ROOT / "ledger" / f"{name}.py" for name in ("entries", "merkle", "tiles", "proofs", "notes")]
    assert _over(iter(pure), house.impure_module) == []


def test_every_deed_is_a_noun_and_a_verb() -> None:
    assert _over(house.sources(*house.ROOMS), house.nameless_deeds) == []


def test_what_is_silenced_or_skipped_says_why() -> None:
    everything = (*house.ROOMS, "bench", "tests")
    assert _over(house.sources(*everything), house.bare_silences) == []
    assert _over(house.templates(), house.bare_silences_of_template) == []
    assert _over(house.sources("tests"), house.bare_skips) == []


def test_the_settings_stay_short() -> None:
    text = (house.ROOT / "portal" / "settings.py").read_text(encoding="utf-8")
    assert house.too_long(text, module=249) == []


def _own_models() -> Iterator[type[models.Model]]:
    yield from (model for model in apps.get_models() if model._meta.app_label in house.ROOMS)


def loose_models(found: Iterable[type[models.Model]], listed: Collection[str]) -> list[str]:
    """Return the models that belong to no tenant or log and are not listed."""
    loose = []
    for model in found:
        columns = {field.column for field in model._meta.concrete_fields}
        if not columns & {"tenant_id", "log_id"} and model._meta.label not in listed:
            loose.append(model._meta.label)
    return loose


def test_every_model_belongs_to_a_tenant_or_is_listed() -> None:
    assert loose_models(_own_models(), GLOBAL_MODELS) == []
    assert set(GLOBAL_MODELS) <= {model._meta.label for model in _own_models()}
    assert loose_models([Session], GLOBAL_MODELS) == ["sessions.Session"]


def irreversible(found: Iterable[migrations.Migration]) -> list[str]:
    """Return the migrations that cannot be taken back, or whose name does not say what they do."""
    faults = [f"{one.app_label}.{one.name} has no name of its own" for one in found if "auto_" in one.name]
    return faults + [f"{one} cannot be undone" for one in found if not all(step.reversible for step in one.operations)]


def test_every_migration_can_be_undone() -> None:
    own = [one for (room, _), one in MigrationLoader(None).disk_migrations.items() if room in house.ROOMS]
    assert irreversible(own) == []
    planted = migrations.Migration("0009_auto_20261122", "logs")
    planted.operations = [migrations.RunSQL("SELECT 1")]
    assert irreversible([planted]) == [
        "logs.0009_auto_20261122 has no name of its own",
        "logs.0009_auto_20261122 cannot be undone",
    ]


def test_every_address_names_its_permission_or_is_listed() -> None:
    assert unguarded(addresses(), OPEN_VIEWS) == []


def test_an_address_without_a_permission_is_seen() -> None:
    def bare(request: HttpRequest, slug: str) -> HttpResponse:
        return HttpResponse(slug)

    bare.__module__ = "logs.views"
    root = urls.URLResolver(RegexPattern(r"^/"), [urls.path("t/<slug:slug>/bare/", bare, name="bare")])
    assert [fault.split(" (")[0] for fault in unguarded(addresses(root), ())] == ["bare"]
    assert unguarded(addresses(root), {"bare"}) == []
    assert unguarded(addresses(root), {"bare", "logs:gone"}) == ["logs:gone is listed and is no address"]


@pytest.fixture
def catalogue(django_db_setup: None) -> Iterator[house_database.Database]:
    """The migrated database as its administrator sees it; what a test plants in it is rolled back."""
    with psycopg.connect(make_conninfo(database.admin_dsn(), dbname=connection.settings_dict["NAME"])) as found:
        yield found
        found.rollback()


@pytest.mark.django_db
def test_the_tests_log_in_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == (APP, APP)


DATABASE_CHECKS: dict[str, Callable[[house_database.Database], list[str]]] = {
    "protected": partial(house_database.unprotected_tables, shared=SHARED_TABLES),
    "auditors": partial(house_database.open_to_auditors, shared=SHARED_TABLES),
    "kept within": house_database.loose_references,
    "views": house_database.loose_views,
    "functions": house_database.loose_functions,
    "owned": house_database.foreign_property,
    "bound": house_database.loose_roles,
    "evidence": partial(house_database.wrong_evidence_grants, append_only=APPEND_ONLY, shared=SHARED_TABLES),
    "partitions": house_database.granted_partitions,
    "removal": house_database.loose_removers,
}


@pytest.mark.parametrize("check", DATABASE_CHECKS)
def test_the_database_holds_the_house(check: str, catalogue: house_database.Database) -> None:
    assert DATABASE_CHECKS[check](catalogue) == []


NEW = "CREATE TABLE planted (id int, tenant_id bigint); ALTER TABLE planted OWNER TO countersign_owner; "
MAY_CHANGE = "logs_delivery is evidence and can be changed"
PARTITION = "CREATE TABLE planted PARTITION OF logs_accessevent FOR VALUES FROM ('2001-01-01') TO ('2001-02-01'); "
PLANTED = [
    ("protected", NEW, "planted has no forced row security"),
    ("protected", NEW, "planted has no policy"),
    ("protected", "ALTER TABLE alerts_alert NO FORCE ROW LEVEL SECURITY", "alerts_alert has no forced row security"),
    ("protected", "ALTER TABLE alerts_alert DISABLE ROW LEVEL SECURITY", "alerts_alert has no forced row security"),
    ("protected", "DROP POLICY own_tenant_only ON alerts_alert", "alerts_alert has no policy"),
    (
        "protected",
        "CREATE POLICY wide ON alerts_alert USING (true) WITH CHECK (true)",
        "alerts_alert by the policy wide opens rows of other tenants",
    ),
    (
        "protected",
        "CREATE POLICY wide ON alerts_alert FOR SELECT USING (tenant_id = app_tenant() OR severity > 3)",
        "alerts_alert by the policy wide opens rows of other tenants",
    ),
    ("protected", "ALTER TABLE django_session RENAME TO planted", "django_session is listed and is no table"),
    ("auditors", NEW, "planted is open to auditors beyond their engagement"),
    (
        "auditors",
        "CREATE POLICY own_engagement_only ON tenants_work AS RESTRICTIVE USING (true)",
        "tenants_work is listed as open to auditors and is not",
    ),
    (
        "kept within",
        "ALTER TABLE identities_grant DROP CONSTRAINT identities_grant_account_id_same_tenant",
        "identities_grant.account_id may point into another tenant",
    ),
    (
        "views",
        "CREATE VIEW planted AS SELECT * FROM alerts_alert",
        "the view planted does not ask with the caller's rights",
    ),
    (
        "functions",
        "CREATE FUNCTION planted() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
        "the function planted runs as its owner without a fixed search path",
    ),
    ("owned", f"{NEW} ALTER TABLE planted OWNER TO {APP}", f"planted belongs to {APP}"),
    ("owned", f"GRANT CREATE ON SCHEMA public TO {APP}", f"{APP} may create tables"),
    ("bound", f"ALTER ROLE {APP} BYPASSRLS", f"{APP} is not bound by row security"),
    ("bound", f"GRANT countersign_owner TO {APP}", f"{APP} may make roles or become another"),
    ("evidence", f"GRANT DELETE ON logs_delivery TO {APP}", MAY_CHANGE),
    ("evidence", "GRANT TRUNCATE ON logs_delivery TO countersign_readonly", MAY_CHANGE),
    ("evidence", f"GRANT UPDATE (stored) ON logs_delivery TO {APP}", MAY_CHANGE),
    ("evidence", "GRANT UPDATE ON logs_delivery TO PUBLIC", MAY_CHANGE),
    ("evidence", "ALTER TABLE logs_delivery RENAME TO planted", "logs_delivery is listed and is no table"),
    ("evidence", f"{NEW} GRANT INSERT ON planted TO {APP}", "planted is append-only and not listed"),
    ("partitions", f"{PARTITION} GRANT SELECT ON planted TO {APP}", "planted is granted directly"),
    (
        "removal",
        f"GRANT EXECUTE ON FUNCTION retention_remove(uuid) TO {APP}",
        f"{APP} may call retention_remove, which removes events",
    ),
    (
        "removal",
        "GRANT EXECUTE ON FUNCTION retention_forget(logs_retentionprune) TO PUBLIC",
        "countersign_intake may call retention_forget, which removes events",
    ),
    ("partitions", f"{PARTITION} GRANT SELECT (id) ON planted TO countersign_intake", "planted is granted directly"),
]


@pytest.mark.parametrize(("check", "statements", "fault"), PLANTED)
def test_a_fault_in_the_database_is_named(
    check: str, statements: str, fault: str, catalogue: house_database.Database
) -> None:
    catalogue.execute(statements)
    assert fault in DATABASE_CHECKS[check](catalogue)


def test_every_database_check_has_a_planted_fault() -> None:
    assert {check for check, _statements, _fault in PLANTED} == set(DATABASE_CHECKS)


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
        (house.view_faults, "def page(request):\n    thing.save()\n"),
        (house.writes, "def things():\n    Thing.objects.filter(pk=1).update(name='')\n"),
        (lambda text: house.out_of_order(text, "kinds"), "from logs.models import Thing\n"),
        (lambda text: house.out_of_order(text, "queries"), "from logs import actions\n"),
        (lambda text: house.out_of_order(text, "actions"), "from django.http import HttpRequest\n"),
        (house.impure_module, "from logs.models import Thing\n"),
        (house.impure_module, "from django.db import connection\n"),
        (house.nameless_deeds, "audit('opened', by=by)\n"),
        (house.template_faults, '<p style="color:red">'),
        (house.template_faults, "<script>alert(1)</script>"),
        (house.template_faults, '<a hx-on:click="x()">'),
        (house.template_faults, "{{ text|safe }}"),
        (house.template_faults, """<a hx-trigger="click[ctrlKey]">"""),
        (house.bare_silences, "import os  # noqa: F401\n"),
        (house.bare_silences, "import os  # noqa\n"),
        (house.bare_silences, "# ruff: noqa: F401\n"),
        (house.bare_silences, "x = f()  # type: ignore[misc]\n"),
        (house.bare_silences, "x = f()  # type: ignore  # untyped\n"),
        (house.bare_silences, "x = f()  # nosec\n"),
        (house.bare_silences_of_template, "{% comment %} djlint:off {% endcomment %}"),
        (house.bare_skips, "pytest.skip()\n"),
        (house.bare_skips, "@pytest.mark.skip\ndef test_x():\n    pass\n"),
        (house.bare_skips, "@pytest.mark.skipif(True)\ndef test_x():\n    pass\n"),
        (house.sleeps, "def test_x():\n    time.sleep(1)\n"),
    ],
)
def test_each_check_sees_a_planted_fault(check: Callable[[str], list[str]], planted: str) -> None:
    assert check(planted)
