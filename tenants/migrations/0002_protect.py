from django.db import migrations

from ledger.rowsecurity import APPEND, CreateScopeFunction, GrantTable, ProtectTable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tenants_people_and_deeds")]

    operations = [
        CreateScopeFunction("app_tenant", "app.tenant", "int"),
        GrantTable("tenants_tenant", app="SELECT, INSERT, UPDATE", intake="SELECT"),
        GrantTable("tenants_user", app="SELECT, INSERT, UPDATE", intake="SELECT"),
        GrantTable("tenants_user_groups"),
        GrantTable("tenants_user_user_permissions"),
        GrantTable("tenants_membership", app="SELECT, INSERT, UPDATE", intake="SELECT"),
        ProtectTable("tenants_apitoken", app="SELECT, INSERT, UPDATE"),
        ProtectTable("tenants_auditentry", app=APPEND, intake=APPEND),
        ProtectTable("tenants_work", app="SELECT, INSERT, UPDATE"),
    ]
