# ruff: noqa: ARG002 -- the signatures of migration operations are Django's
"""Row security and grants, as migration operations that every room uses.

The operations stand in the lowest room because the ledger's own tables need them too. Nothing is granted by default:
a table without one of these operations cannot be read by any run-time role, which a test of the house relies on.

Sources: PostgreSQL manual 5.9 (row security policies); OWASP ASVS 5.0 8.4.1 (multi-tenant isolation).
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OWNER: Final = "countersign_owner"
APP: Final = "countersign_app"
INTAKE: Final = "countersign_intake"
READONLY: Final = "countersign_readonly"
RETENTION: Final = "countersign_retention"

CRUD: Final = "SELECT, INSERT, UPDATE, DELETE"
APPEND: Final = "SELECT, INSERT"


class _SqlOperation(Operation):
    """Runs statements that change no model state; reversible."""

    reversible = True
    reduces_to_sql = True

    def forward_sql(self) -> list[str]:
        """Return the statements that apply the operation."""
        raise NotImplementedError

    def backward_sql(self) -> list[str]:
        """Return the statements that undo the operation."""
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the model state as it is."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run the statements, after those that earlier operations left for the end."""
        _run(schema_editor, self.forward_sql())

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run the statements that undo the operation."""
        _run(schema_editor, self.backward_sql())


def _run(schema_editor: BaseDatabaseSchemaEditor, statements: Sequence[str]) -> None:
    deferred, schema_editor.deferred_sql = schema_editor.deferred_sql, []
    for statement in [*deferred, *statements]:
        schema_editor.execute(statement, params=None)


class CreateScopeFunction(_SqlOperation):
    """Creates the function that names the open scope and fails when there is none.

    There is no ``missing_ok`` on purpose: a query without a scope is an error and never an empty answer.
    The function stays inlinable (no SECURITY DEFINER, no SET clause), so that indexes are used.
    """

    def __init__(self, name: str, setting: str, sql_type: str) -> None:
        self.name, self.setting, self.sql_type = name, setting, sql_type

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return the arguments that rebuild the operation."""
        return self.__class__.__name__, [self.name, self.setting, self.sql_type], {}

    def forward_sql(self) -> list[str]:
        """Return the statements that apply the operation."""
        return [
            f"CREATE FUNCTION {self.name}() RETURNS {self.sql_type} STABLE LANGUAGE sql "
            f"AS $$ SELECT current_setting('{self.setting}')::{self.sql_type} $$",
            f"GRANT EXECUTE ON FUNCTION {self.name}() TO {APP}, {INTAKE}, {READONLY}",
        ]

    def backward_sql(self) -> list[str]:
        """Return the statements that undo the operation."""
        return [f"DROP FUNCTION {self.name}()"]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Create the scope function {self.name}"


class ProtectTable(_SqlOperation):
    """Puts a tenant's table under forced row security and grants the run-time roles what they need.

    Args:
        table: name of the table.
        column: the column that names the tenant or log.
        function: the scope function to compare it with.
        app: privileges of the app role; ``APPEND`` makes the table append-only.
        intake: privileges of the intake role.
        key: the unique key to add for composite references; empty for none (tables with a composite primary key).
        references: pairs (column, target table) held together within one tenant by a composite foreign key.
    """

    def __init__(  # noqa: PLR0913 -- the six facts about a protected table are said at one place
        self,
        table: str,
        *,
        column: str = "tenant_id",
        function: str = "app_tenant()",
        app: str = CRUD,
        intake: str = "",
        key: str = "id",
        references: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.table, self.column, self.function = table, column, function
        self.app, self.intake, self.key, self.references = app, intake, key, tuple(references)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return the arguments that rebuild the operation."""
        names = ("column", "function", "app", "intake", "key", "references")
        return self.__class__.__name__, [self.table], {name: getattr(self, name) for name in names}

    def forward_sql(self) -> list[str]:
        """Return the statements that apply the operation."""
        table, same = self.table, f"{self.column} = {self.function}"
        statements = [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY own_tenant_only ON {table} USING ({same}) WITH CHECK ({same})",
        ]
        if self.key:
            statements.append(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_one_per_tenant UNIQUE ({self.column}, {self.key})"
            )
        for column, target in self.references:
            # A new key is checked by a query of the owner, which forced row security would refuse without a scope.
            reference, force = self._reference(column, target), "FORCE ROW LEVEL SECURITY"
            statements += [f"ALTER TABLE {target} NO {force}", reference, f"ALTER TABLE {target} {force}"]
        statements.append(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        return statements + _grants(table, self.app, self.intake)

    def backward_sql(self) -> list[str]:
        """Return the statements that undo the operation."""
        table = self.table
        statements = [f"REVOKE ALL ON {table} FROM {APP}, {INTAKE}, {READONLY}"]
        statements += [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_same_tenant" for column, _target in self.references
        ]
        if self.key:
            statements.append(f"ALTER TABLE {table} DROP CONSTRAINT {table}_one_per_tenant")
        return [
            *statements,
            f"DROP POLICY own_tenant_only ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]

    def _reference(self, column: str, target: str) -> str:
        return (
            f"ALTER TABLE {self.table} ADD CONSTRAINT {self.table}_{column}_same_tenant "
            f"FOREIGN KEY ({self.column}, {column}) REFERENCES {target} ({self.column}, id) "
            "DEFERRABLE INITIALLY DEFERRED"
        )

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Protect {self.table} with row security"


class NarrowTable(_SqlOperation):
    """Narrows a protected table for external auditors: a second, restrictive policy beside the tenant's (ADR 0506).

    Args:
        table: name of the table.
        within: the condition under which a row belongs to the engagement `app_engagement()`; FALSE closes the table.
        reads: whether only reads are narrowed (the policy then costs an insert nothing).
    """

    def __init__(self, table: str, within: str, *, reads: bool = True) -> None:
        self.table, self.within, self.reads = table, within, reads

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return the arguments that rebuild the operation."""
        return self.__class__.__name__, [self.table, self.within], {"reads": self.reads}

    def forward_sql(self) -> list[str]:
        """Return the statements that apply the operation."""
        deed = "SELECT" if self.reads else "ALL"
        return [
            f"CREATE POLICY own_engagement_only ON {self.table} AS RESTRICTIVE FOR {deed} "
            f"USING (app_engagement() IS NULL OR {self.within})"
        ]

    def backward_sql(self) -> list[str]:
        """Return the statements that undo the operation."""
        return [f"DROP POLICY own_engagement_only ON {self.table}"]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Narrow {self.table} to an auditor's engagement"


class GrantTable(_SqlOperation):
    """Grants the run-time roles a table that belongs to no tenant (users, sessions, job queue)."""

    def __init__(self, table: str, *, app: str = CRUD, intake: str = "", readonly: str = "SELECT") -> None:
        self.table, self.app, self.intake, self.readonly = table, app, intake, readonly

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return the arguments that rebuild the operation."""
        return (
            self.__class__.__name__,
            [self.table],
            {"app": self.app, "intake": self.intake, "readonly": self.readonly},
        )

    def forward_sql(self) -> list[str]:
        """Return the statements that apply the operation."""
        return _grants(self.table, self.app, self.intake, self.readonly)

    def backward_sql(self) -> list[str]:
        """Return the statements that undo the operation."""
        return [f"REVOKE ALL ON {self.table} FROM {APP}, {INTAKE}, {READONLY}"]

    def describe(self) -> str:
        """Say what the operation does."""
        return f"Grant {self.table} to the run-time roles"


def drop_functions(*names: str) -> str:
    """Return the statements that take functions without arguments back, with their triggers."""
    return "".join(f"DROP FUNCTION {name}() CASCADE;" for name in names)


def _grants(table: str, app: str, intake: str, readonly: str = "SELECT") -> list[str]:
    pairs = ((app, APP), (intake, INTAKE), (readonly, READONLY))
    return [f"GRANT {rights} ON {table} TO {role}" for rights, role in pairs if rights]
