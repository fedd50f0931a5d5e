"""What PostgreSQL's catalogue tells of the house's rules: functions from a connection to the sentences that break one.

They look at what the database does and not at what the migrations say. A connection of the owner or the administrator
sees every grant; the app role would see its own only.
"""

from collections.abc import Collection
from typing import Any, Final

from psycopg import Connection

from ledger.rowsecurity import APP, INTAKE, OWNER, READONLY, RETENTION

RUN_TIME: Final = [APP, INTAKE, READONLY, RETENTION]
_TABLES: Final = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
_SCOPED: Final = r"^\((tenant_id = app_tenant\(\)|log_id = app_log\(\))\)$"

OPEN_TO_AUDITORS: Final = {
    "the ledger's page and the proofs": (
        *("ledger_anchor", "ledger_batch", "ledger_checkpoint", "ledger_head", "ledger_partialtile", "ledger_refusal"),
        "ledger_tile",
    ),
    "the page of keeping and removing: terms, holds, counts by day": (
        *("logs_legalhold", "logs_retentionprune", "logs_retentionterm", "logs_typeday"),
    ),
    "names of systems, rights and sources, and what campaigns were planned by": (
        *("identities_entitlement", "identities_snapshot", "identities_system", "logs_logsource"),
        *("reviews_campaignplan", "reviews_planstage", "reviews_plansystem"),
        *("reviews_dutyconflict", "reviews_dutyside", "reviews_carerule", "reviews_signingrule"),
    ),
    "who shared what with whom": ("evidence_packshare", "logs_logsourceshare", "reviews_campaignshare"),
    "counts, hashes, positions and runs, that name nobody": (
        *("alerts_watchcursor", "logs_deliveryack", "logs_readposition", "logs_recordkey", "logs_sourcehour"),
        *("logs_sourcestream", "evidence_controlrun", "evidence_controlsetting", "portal_scheduledrun"),
        "reviews_searchedlist",
    ),
    "the auditor's own looks are read back to be sealed, and their own work shows its progress": (
        *("tenants_auditentry", "tenants_work"),
    ),
}
"""Tables of a tenant that an external auditor's engagement does not narrow, by the reason."""

Database = Connection[Any]


def _names(database: Database, query: str, *values: object) -> list[str]:
    """Return the first column of the answer, in order."""
    return sorted(str(row[0]) for row in database.execute(query, values or None).fetchall())


def tables(database: Database) -> set[str]:
    """Return every table of the portal; partitions count with their parent."""
    return set(_names(database, f"SELECT relname FROM pg_class WHERE {_TABLES}"))  # noqa: S608 -- constant text


def unprotected_tables(database: Database, shared: Collection[str]) -> list[str]:
    """Return the tables that are not under forced row security of their tenant, but for the ``shared`` ones."""
    bare = _names(
        database,
        f"SELECT relname FROM pg_class WHERE {_TABLES} AND relname <> ALL(%s) "  # noqa: S608 -- constant text
        "AND NOT (relrowsecurity AND relforcerowsecurity)",
        list(shared),
    )
    closed = _names(
        database,
        f"SELECT relname FROM pg_class c WHERE {_TABLES} AND relname <> ALL(%s) "  # noqa: S608 -- constant text
        "AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive)",
        list(shared),
    )
    open_policies = _names(
        database,
        "SELECT polrelid::regclass || ' by the policy ' || polname FROM pg_policy WHERE polpermissive AND NOT "
        "coalesce(pg_get_expr(polqual, polrelid) ~ %s AND pg_get_expr(polwithcheck, polrelid) ~ %s, false)",
        *(_SCOPED, _SCOPED),
    )
    faults = [f"{name} has no forced row security" for name in bare]
    faults += [f"{name} has no policy" for name in closed]
    faults += [f"{which} opens rows of other tenants" for which in open_policies]
    return faults + [f"{name} is listed and is no table" for name in sorted(set(shared) - tables(database))]


def loose_references(database: Database) -> list[str]:
    """Return the foreign keys between tenants' tables that no composite key holds within one tenant.

    The composite key may lead there by another table: a decision's campaign is held by (tenant, campaign, item).
    """
    of_tenant = "(SELECT attrelid FROM pg_attribute WHERE attname = 'tenant_id' AND NOT attisdropped)"
    found = _names(
        database,
        f"SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c "  # noqa: S608 -- constant text
        "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
        "WHERE c.contype = 'f' AND cardinality(c.conkey) = 1 AND c.confrelid <> 'tenants_tenant'::regclass "
        f"AND c.conrelid IN {of_tenant} AND c.confrelid IN {of_tenant} AND NOT EXISTS (SELECT FROM pg_constraint d "
        "JOIN pg_attribute t ON t.attrelid = d.conrelid AND t.attname = 'tenant_id' "
        "WHERE d.contype = 'f' AND d.conrelid = c.conrelid AND d.conkey @> ARRAY[c.conkey[1], t.attnum])",
    )
    return [f"{name} may point into another tenant" for name in found]


def open_to_auditors(database: Database, shared: Collection[str]) -> list[str]:
    """Return the tenants' tables that no engagement narrows and no reason opens, and the listed ones that are not."""
    known = {name for names in OPEN_TO_AUDITORS.values() for name in names}
    wide = _names(
        database,
        f"SELECT relname FROM pg_class c WHERE {_TABLES} AND relname <> ALL(%s) "  # noqa: S608 -- constant text
        "AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'own_engagement_only')",
        list(shared),
    )
    faults = [f"{name} is open to auditors beyond their engagement" for name in wide if name not in known]
    return faults + [f"{name} is listed as open to auditors and is not" for name in sorted(known - set(wide))]


def loose_views(database: Database) -> list[str]:
    """Return the views that read with their owner's rights and not with the caller's."""
    found = _names(
        database,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') "
        "AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)",
    )
    return [f"the view {name} does not ask with the caller's rights" for name in found]


def loose_functions(database: Database) -> list[str]:
    """Return the functions that run as their owner without a fixed search path, which a caller could bend."""
    found = _names(
        database,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef "
        "AND NOT coalesce(array_to_string(proconfig, ' ') ~ 'search_path=pg_catalog', false)",
    )
    return [f"the function {name} runs as its owner without a fixed search path" for name in found]


def loose_removers(database: Database) -> list[str]:
    """Return the run-time roles beside retention that may call what removes events, and what they may call."""
    return _names(
        database,
        "SELECT role || ' may call ' || proname || ', which removes events' FROM pg_proc p, unnest(%s::text[]) role "
        "WHERE pronamespace = 'public'::regnamespace AND proname ~ '^retention_(remove|drop|forget)$' "
        "AND has_function_privilege(role, p.oid, 'EXECUTE')",
        [APP, INTAKE, READONLY],
    )


def foreign_property(database: Database) -> list[str]:
    """Return what somebody else than the owner owns, and the run-time roles that may create tables."""
    relations = _names(
        database,
        "SELECT relname || ' belongs to ' || pg_get_userbyid(relowner) FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND pg_get_userbyid(relowner) <> %s AND relkind <> 'i'",
        OWNER,
    )
    builders = _names(
        database,
        "SELECT rolname || ' may create tables' FROM pg_roles WHERE rolname = ANY(%s) "
        "AND has_schema_privilege(oid, 'public', 'CREATE')",
        RUN_TIME,
    )
    return relations + builders


def loose_roles(database: Database) -> list[str]:
    """Return the run-time roles that stand above row security or may become another role.

    The read-only role dumps and verifies all tenants; no process that serves pages logs in with it.
    """
    return _names(
        database,
        "SELECT rolname || ' is not bound by row security' FROM pg_roles "
        "WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)",
        [APP, INTAKE, RETENTION],
    ) + _names(
        database,
        "SELECT rolname || ' may make roles or become another' FROM pg_roles r WHERE rolname = ANY(%s) "
        "AND (rolcreaterole OR rolreplication OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid))",
        RUN_TIME,
    )


def _may(privilege: str) -> str:
    """Return the condition that one of the roles holds the privilege on ``c``, also by a column or through PUBLIC."""
    kind = "any_column" if privilege in {"SELECT", "INSERT", "UPDATE"} else "table"
    return f"EXISTS (SELECT FROM unnest(%s::text[]) role WHERE has_{kind}_privilege(role, c.oid, '{privilege}'))"


def wrong_evidence_grants(database: Database, append_only: Collection[str], shared: Collection[str]) -> list[str]:
    """Return the evidence that a run-time role may change, and what the list of evidence says wrongly."""
    changes = " OR ".join(_may(privilege) for privilege in ("UPDATE", "DELETE", "TRUNCATE"))
    query = f"SELECT relname FROM pg_class c WHERE {_TABLES} AND ({changes})"  # noqa: S608 -- constant text
    changeable = set(_names(database, query, RUN_TIME, RUN_TIME, RUN_TIME))
    known = tables(database)
    faults = [f"{name} is evidence and can be changed" for name in sorted(changeable & set(append_only))]
    faults += [f"{name} is listed and is no table" for name in sorted(set(append_only) - known)]
    unlisted = known - changeable - set(append_only) - set(shared)
    return faults + [f"{name} is append-only and not listed" for name in sorted(unlisted)]


def granted_partitions(database: Database) -> list[str]:
    """Return the partitions that a run-time role reaches directly: a partition knows no policy of its parent."""
    rights = " OR ".join(_may(privilege) for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"))
    query = f"SELECT relname FROM pg_class c WHERE relispartition AND relkind IN ('r', 'p') AND ({rights})"  # noqa: S608 -- constant text
    return [f"{name} is granted directly" for name in _names(database, query, *[RUN_TIME] * 5)]
