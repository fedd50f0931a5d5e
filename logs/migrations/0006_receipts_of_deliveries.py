import django.db.models.deletion
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import ProtectTable

RECEIPTS = "SELECT, INSERT, DELETE"


class Migration(migrations.Migration):
    dependencies = [("logs", "0005_count_events_from_the_future"), ("tenants", "0002_protect")]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name="DeliveryAck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=100)),
                ("given_at", models.DateTimeField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="logs.logsource"
                    ),
                ),
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
            options={"indexes": [models.Index(fields=["tenant", "source", "given_at"], name="delivery_ack_by_age")]},
        ),
        ProtectTable(
            "logs_deliveryack", app=RECEIPTS, intake=RECEIPTS, references=[("source_id", "logs_logsource")]
        ),
    ]
