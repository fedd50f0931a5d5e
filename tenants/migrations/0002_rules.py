"""The scope of a tenant and of an auditor's engagement, and the row security of this room."""

from django.db import migrations

from ledger.rowsecurity import APPEND, CreateScopeFunction, GrantTable, NarrowTable, ProtectTable

MUTABLE = "SELECT, INSERT, UPDATE"

# Empty where no external auditor asks: workers, doors and everybody else are not narrowed.
ASKED = """
CREATE FUNCTION app_engagement() RETURNS bigint STABLE LANGUAGE sql
AS $$ SELECT nullif(current_setting('app.engagement', true), '')::bigint $$;
GRANT EXECUTE ON FUNCTION app_engagement() TO countersign_app, countersign_intake, countersign_readonly;
"""


class Migration(migrations.Migration):
    replaces = [("tenants", "0002_protect"), ("tenants", "0003_name_each_tenant_with_its_parent")]
    dependencies = [("tenants", "0001_initial")]

    operations = [
        CreateScopeFunction("app_tenant", "app.tenant", "int"),
        GrantTable("tenants_tenant", app=MUTABLE, intake="SELECT"),
        GrantTable("tenants_user", app=MUTABLE, intake="SELECT"),
        GrantTable("tenants_user_groups"),
        GrantTable("tenants_user_user_permissions"),
        GrantTable("tenants_membership", app=MUTABLE, intake="SELECT"),
        ProtectTable("tenants_apitoken", app=MUTABLE),
        ProtectTable("tenants_auditentry", app=APPEND, intake=APPEND),
        ProtectTable("tenants_work", app=MUTABLE),
        migrations.RunSQL(ASKED, "DROP FUNCTION app_engagement()"),
        ProtectTable(
            "tenants_engagement", app="SELECT, INSERT, UPDATE (digest, user_id, accepted_at, ended_at, ended_by)"
        ),
        NarrowTable("tenants_engagement", "id = app_engagement()"),
    ]
