import django.db.models.deletion
from django.db import migrations, models

from ledger.rowsecurity import CRUD, ProtectTable


class Migration(migrations.Migration):
    dependencies = [("logs", "0006_receipts_of_deliveries"), ("tenants", "0002_protect")]

    operations = [
        migrations.CreateModel(
            name="SourceStream",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tenant_id",
                        "source_id",
                        "stream",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("stream", models.TextField()),
                ("first", models.BigIntegerField()),
                ("runs", models.JSONField()),
                ("lost", models.BigIntegerField()),
                ("restarts", models.IntegerField()),
                ("missing", models.BigIntegerField()),
                ("seen_at", models.DateTimeField()),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("missing__gt", 0)),
                        fields=["tenant", "source_id"],
                        name="source_stream_with_gaps",
                    ),
                    models.Index(fields=["tenant", "seen_at"], name="source_stream_by_age"),
                ],
            },
        ),
        ProtectTable("logs_sourcestream", app=CRUD, intake="SELECT, INSERT, UPDATE", key=""),
    ]
