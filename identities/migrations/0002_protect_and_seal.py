from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable

READ_CHANGE = "SELECT, INSERT, UPDATE"

ROW_FITS = """
CREATE FUNCTION identities_row_fits_its_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE total integer;
BEGIN
    SELECT row_total INTO total FROM identities_snapshot WHERE tenant_id = NEW.tenant_id AND id = NEW.snapshot_id;
    IF total IS NULL OR NEW.n > total THEN
        RAISE EXCEPTION 'The snapshot is sealed with % rows; row % does not belong to it.', total, NEW.n
            USING ERRCODE = 'UA001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER snapshot_row_fits BEFORE INSERT ON identities_snapshotrow
    FOR EACH ROW EXECUTE FUNCTION identities_row_fits_its_snapshot();
"""

IS_FULL = """
CREATE FUNCTION identities_snapshot_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stored integer;
BEGIN
    SELECT count(*) INTO stored FROM identities_snapshotrow WHERE tenant_id = NEW.tenant_id AND snapshot_id = NEW.id;
    IF stored <> NEW.row_total THEN
        RAISE EXCEPTION 'The snapshot says % rows and has %.', NEW.row_total, stored USING ERRCODE = 'UA001';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER snapshot_is_full AFTER INSERT ON identities_snapshot
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION identities_snapshot_is_full();
"""

STAYS = """
CREATE FUNCTION identities_evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence: it is only ever added to.', TG_TABLE_NAME USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER snapshot_stays BEFORE UPDATE OR DELETE ON identities_snapshot
    FOR EACH ROW EXECUTE FUNCTION identities_evidence_stays();
CREATE TRIGGER snapshot_row_stays BEFORE UPDATE OR DELETE ON identities_snapshotrow
    FOR EACH ROW EXECUTE FUNCTION identities_evidence_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("identities", "0001_people_systems_and_snapshots"), ("tenants", "0002_protect")]

    operations = [
        ProtectTable(
            "identities_identity",
            app=READ_CHANGE,
            intake="SELECT",
            references=(("manager_id", "identities_identity"),),
        ),
        ProtectTable(
            "identities_system",
            app=READ_CHANGE,
            intake="SELECT",
            references=(("owner_id", "identities_identity"),),
        ),
        ProtectTable(
            "identities_account",
            app=READ_CHANGE,
            intake="SELECT",
            references=(("system_id", "identities_system"), ("identity_id", "identities_identity")),
        ),
        ProtectTable(
            "identities_entitlement",
            app=READ_CHANGE,
            intake="SELECT",
            references=(("system_id", "identities_system"),),
        ),
        ProtectTable(
            "identities_snapshot",
            app=APPEND,
            references=(("system_id", "identities_system"),),
        ),
        ProtectTable(
            "identities_snapshotrow",
            app=APPEND,
            references=(
                ("snapshot_id", "identities_snapshot"),
                ("account_id", "identities_account"),
                ("entitlement_id", "identities_entitlement"),
                ("identity_id", "identities_identity"),
            ),
        ),
        ProtectTable("identities_snapshotfile", app="SELECT, INSERT, DELETE"),
        ProtectTable(
            "identities_grant",
            app=READ_CHANGE,
            intake="SELECT",
            references=(
                ("account_id", "identities_account"),
                ("entitlement_id", "identities_entitlement"),
                ("first_snapshot_id", "identities_snapshot"),
                ("last_snapshot_id", "identities_snapshot"),
            ),
        ),
        ProtectTable("identities_peoplefeed", app=APPEND),
        migrations.RunSQL(
            ROW_FITS,
            "DROP TRIGGER snapshot_row_fits ON identities_snapshotrow; DROP FUNCTION identities_row_fits_its_snapshot()",
        ),
        migrations.RunSQL(
            IS_FULL, "DROP TRIGGER snapshot_is_full ON identities_snapshot; DROP FUNCTION identities_snapshot_is_full()"
        ),
        migrations.RunSQL(
            STAYS,
            "DROP TRIGGER snapshot_stays ON identities_snapshot; DROP TRIGGER snapshot_row_stays ON identities_snapshotrow; "
            "DROP FUNCTION identities_evidence_stays()",
        ),
    ]
