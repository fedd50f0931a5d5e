from django.db import migrations, models

from logs.partitions import TABLE

COLUMNS = {"src_country": "text NOT NULL DEFAULT ''", "src_asn": "bigint", "client": "text NOT NULL DEFAULT ''"}


class Migration(migrations.Migration):
    # A constant default writes no row, so that the table's partitions are changed in milliseconds whatever they hold.
    dependencies = [("logs", "0011_certificates_of_senders")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"ALTER TABLE {TABLE} " + ", ".join(f"ADD COLUMN {name} {kind}" for name, kind in COLUMNS.items()),
                    f"ALTER TABLE {TABLE} " + ", ".join(f"DROP COLUMN {name}" for name in COLUMNS),
                )
            ],
            state_operations=[
                migrations.AddField("accessevent", "src_country", models.TextField(blank=True, default="")),
                migrations.AddField("accessevent", "src_asn", models.BigIntegerField(blank=True, null=True)),
                migrations.AddField("accessevent", "client", models.TextField(blank=True, default="")),
            ],
        ),
    ]
