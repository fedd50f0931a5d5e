"""Marks which sealed lists were searched for conflicts of duties, and names who has to carry out a revocation.

Revocations from before have no owner: who owned the system when they were signed is not known any more.
"""

import django.db.models.deletion
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, ProtectTable

WITHIN = {"db_constraint": False, "db_index": False, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}

OWNER = """
ALTER TABLE reviews_remediation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identities_identity NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_remediation ADD CONSTRAINT reviews_remediation_owner_id_same_tenant
    FOREIGN KEY (tenant_id, owner_id) REFERENCES identities_identity (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE identities_identity FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_remediation FORCE ROW LEVEL SECURITY;
CREATE FUNCTION reviews_remediation_has_its_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.owner_id := (
            SELECT s.owner_id FROM reviews_reviewitem i
            JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id
            WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id
        );
    ELSIF NEW.owner_id IS DISTINCT FROM OLD.owner_id THEN
        RAISE EXCEPTION 'A remediation stays with who owned the system when it was made.' USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remediation_has_its_owner BEFORE INSERT OR UPDATE ON reviews_remediation
    FOR EACH ROW EXECUTE FUNCTION reviews_remediation_has_its_owner();
"""
NO_OWNER = """
DROP FUNCTION reviews_remediation_has_its_owner() CASCADE;
ALTER TABLE reviews_remediation DROP CONSTRAINT reviews_remediation_owner_id_same_tenant;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0009_refer_to_rows_whole"),
        ("reviews", "0022_comment_and_drop_what_nobody_measured"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchedList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("snapshot", models.ForeignKey(to="identities.snapshot", **WITHIN)),
                ("searched_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenants.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "snapshot"), name="list_is_searched_once"),
                ],
            },
        ),
        ProtectTable("reviews_searchedlist", app=APPEND, references=(("snapshot_id", "identities_snapshot"),)),
        migrations.AddField("remediation", "owner", models.ForeignKey(editable=False, null=True, to="identities.identity", **WITHIN)),
        migrations.RunSQL(OWNER, NO_OWNER),
    ]
