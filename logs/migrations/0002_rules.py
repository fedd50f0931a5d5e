"""Row security of this room, the months of the event table, and the view of each access as it is read now."""

from django.db import migrations
from django.utils import timezone

from ledger.rowsecurity import APP, APPEND, CRUD, INTAKE, GrantTable, ProtectTable
from logs.partitions import TABLE, make_partitions

UPSERT = "SELECT, INSERT, UPDATE"
RECEIPTS = "SELECT, INSERT, DELETE"
BATCH = ("batch_id", "logs_delivery")
SOURCE = ("source_id", "logs_logsource")

# A routed source names a source of its own operator: (tenant, operator) is a row of tenants_tenant, and the operator's
# source a row of the operator. So the database itself refuses that a tenant is fed by anybody else.
FED_BY_ITS_OPERATOR = """
ALTER TABLE logs_logsource NO FORCE ROW LEVEL SECURITY;
ALTER TABLE logs_logsource ADD CONSTRAINT log_source_is_fed_by_its_own_operator
    FOREIGN KEY (tenant_id, fed_by_id) REFERENCES tenants_tenant (id, parent_id);
ALTER TABLE logs_logsource ADD CONSTRAINT log_source_is_fed_by_a_source_of_its_operator
    FOREIGN KEY (fed_by_id, fed_by_source) REFERENCES logs_logsource (tenant_id, id);
ALTER TABLE logs_logsource FORCE ROW LEVEL SECURITY;
"""
FED_BY_ANYBODY = """
ALTER TABLE logs_logsource DROP CONSTRAINT log_source_is_fed_by_a_source_of_its_operator;
ALTER TABLE logs_logsource DROP CONSTRAINT log_source_is_fed_by_its_own_operator;
"""

# Whatever asks for it: within the time in which senders resend by themselves, no key goes.
KEYS_STAY = """
CREATE POLICY keys_outlive_a_resend ON logs_recordkey AS RESTRICTIVE FOR DELETE
    USING (received_at < now() - interval '48 hours')
"""

CURRENT = """
CREATE VIEW logs_currentevent WITH (security_invoker = true) AS
SELECT e.* FROM logs_accessevent e WHERE NOT EXISTS (
    SELECT FROM logs_superseded s
    WHERE s.tenant_id = e.tenant_id AND s.received_at = e.received_at AND s.event_id = e.id
)
"""
"""Each access once, as it is read now: the same rows as `AccessEvent.objects`, for statements in SQL."""


def months(apps, schema_editor):
    make_partitions(schema_editor.connection, now=timezone.now())


class Migration(migrations.Migration):
    replaces = [
        ("logs", "0002_protect"),
        ("logs", "0003_know_files_by_their_first_line"),
        ("logs", "0004_let_record_keys_age"),
        ("logs", "0005_count_events_from_the_future"),
        ("logs", "0006_receipts_of_deliveries"),
        ("logs", "0007_follow_the_numbers_of_records"),
        ("logs", "0008_keep_views_and_manifests"),
        ("logs", "0010_route_shared_sources"),
        ("logs", "0011_certificates_of_senders"),
        ("logs", "0012_place_and_client"),
        ("logs", "0013_find_addresses_and_targets"),
        ("logs", "0014_read_again_and_keep_mappings"),
    ]
    dependencies = [("identities", "0002_rules"), ("logs", "0001_initial"), ("tenants", "0002_rules")]

    operations = [
        ProtectTable("logs_logsource", intake="SELECT, UPDATE", references=[("system_id", "identities_system")]),
        migrations.RunSQL(FED_BY_ITS_OPERATOR, FED_BY_ANYBODY),
        ProtectTable("logs_logsourceshare", references=[("content_object_id", "logs_logsource")]),
        ProtectTable("logs_sourcetoken", app=UPSERT, intake="SELECT", references=[SOURCE]),
        ProtectTable("logs_sourcecertificate", app=UPSERT, intake="SELECT", references=[SOURCE]),
        ProtectTable("logs_sourcerouting", app=APPEND, intake="SELECT", references=[SOURCE]),
        ProtectTable("logs_mappingversion", app=APPEND, references=[SOURCE]),
        ProtectTable("logs_readposition", intake=UPSERT, references=[SOURCE]),
        ProtectTable("logs_deliveryack", app=RECEIPTS, intake=RECEIPTS, references=[SOURCE]),
        ProtectTable("logs_sourcestream", intake=UPSERT, key=""),
        ProtectTable("logs_delivery", app=APPEND, intake=APPEND, references=[SOURCE]),
        ProtectTable(
            "logs_quarantinedline", app=APPEND, intake=APPEND, references=[SOURCE, ("delivery_id", "logs_delivery")]
        ),
        ProtectTable("logs_resolvedline", app=APPEND, references=[("line_id", "logs_quarantinedline"), BATCH]),
        ProtectTable("logs_rereading", app=APPEND, references=[BATCH, ("by_batch_id", "logs_delivery")]),
        ProtectTable(TABLE, app=APPEND, intake=APPEND, key=""),
        migrations.RunSQL(
            f"GRANT USAGE ON SEQUENCE {TABLE}_id_seq TO {APP}, {INTAKE}",
            f"REVOKE ALL ON SEQUENCE {TABLE}_id_seq FROM {APP}, {INTAKE}",
        ),
        migrations.RunPython(months, migrations.RunPython.noop),
        ProtectTable("logs_superseded", app=APPEND, intake="SELECT", key=""),
        migrations.RunSQL(CURRENT, "DROP VIEW logs_currentevent"),
        GrantTable("logs_currentevent", app="SELECT", readonly="SELECT"),
        ProtectTable(
            "logs_recordkey",
            app="SELECT, INSERT, DELETE, UPDATE (received_at)",
            intake="SELECT, INSERT, UPDATE (received_at)",
            key="",
        ),
        migrations.RunSQL(KEYS_STAY, "DROP POLICY keys_outlive_a_resend ON logs_recordkey"),
        # Counts that fall to nothing when an access turns out to be another's: their rows go.
        ProtectTable("logs_usageday", app=CRUD, intake=UPSERT, key=""),
        ProtectTable("logs_typeday", app=CRUD, intake=UPSERT, key=""),
        ProtectTable("logs_lastuse", app=CRUD, intake=UPSERT, key=""),
        ProtectTable("logs_sourcehour", app=CRUD, intake=UPSERT, key=""),
        ProtectTable("logs_savedsearch"),
        ProtectTable("logs_eventexport", app=APPEND),
    ]
