from django.db import migrations
from django.utils import timezone

from ledger.rowsecurity import APP, APPEND, CRUD, INTAKE, ProtectTable
from logs.partitions import TABLE, make_partitions

UPSERT = "SELECT, INSERT, UPDATE"
SOURCE = ("source_id", "logs_logsource")


def months(apps, schema_editor):
    make_partitions(schema_editor.connection, now=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("logs", "0001_sources_deliveries_and_events")]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        ProtectTable(
            "logs_logsource", app=CRUD, intake="SELECT, UPDATE", references=[("system_id", "identities_system")]
        ),
        ProtectTable("logs_logsourceshare", references=[("content_object_id", "logs_logsource")]),
        ProtectTable("logs_sourcetoken", app=UPSERT, intake="SELECT", references=[SOURCE]),
        ProtectTable("logs_readposition", app=CRUD, intake=UPSERT, references=[SOURCE]),
        ProtectTable("logs_delivery", app=APPEND, intake=APPEND, references=[SOURCE]),
        ProtectTable(
            "logs_quarantinedline",
            app=APPEND,
            intake=APPEND,
            references=[SOURCE, ("delivery_id", "logs_delivery")],
        ),
        ProtectTable(TABLE, app=APPEND, intake=APPEND, key=""),
        migrations.RunSQL(
            f"GRANT USAGE ON SEQUENCE {TABLE}_id_seq TO {APP}, {INTAKE}",
            f"REVOKE ALL ON SEQUENCE {TABLE}_id_seq FROM {APP}, {INTAKE}",
        ),
        ProtectTable("logs_recordkey", app=APPEND, intake=APPEND, key=""),
        ProtectTable("logs_usageday", app=UPSERT, intake=UPSERT, key=""),
        ProtectTable("logs_typeday", app=UPSERT, intake=UPSERT, key=""),
        ProtectTable("logs_lastuse", app=UPSERT, intake=UPSERT, key=""),
        ProtectTable("logs_sourcehour", app=UPSERT, intake=UPSERT, key=""),
        migrations.RunPython(months, migrations.RunPython.noop),
    ]
