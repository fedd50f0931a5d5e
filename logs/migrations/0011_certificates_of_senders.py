import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import ProtectTable


class Migration(migrations.Migration):
    dependencies = [("logs", "0010_route_shared_sources"), ("tenants", "0002_protect")]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name="SourceCertificate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("subject", models.CharField(blank=True, default="", max_length=255)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "registered_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("registered_by", models.CharField(max_length=200)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_by", models.CharField(blank=True, default="", max_length=200)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="certificates",
                        to="logs.logsource",
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
            options={
                "ordering": ("-registered_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at", None)),
                        fields=("tenant", "fingerprint"),
                        name="source_certificate_opens_one_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revoked_at", None), ("revoked_by", "")),
                            models.Q(("revoked_at__isnull", False), models.Q(("revoked_by", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="source_certificate_is_revoked_by_somebody",
                    ),
                ],
            },
        ),
        ProtectTable(
            "logs_sourcecertificate",
            app="SELECT, INSERT, UPDATE",
            intake="SELECT",
            references=[("source_id", "logs_logsource")],
        ),
    ]
