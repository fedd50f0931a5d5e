"""The purposes for which logs are looked at: versions that are only added; no external auditor reads them."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

import tenants.scope
from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_link_people_to_the_identity_provider")]

    operations = [
        migrations.CreateModel(
            name="PurposeList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("names", models.JSONField()),
                ("set_at", models.DateTimeField(db_default=Now(), editable=False)),
                ("set_by", models.CharField(max_length=320)),
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
                    models.UniqueConstraint(fields=("tenant", "version"), name="purpose_list_version_is_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("names", []), _negated=True), name="purpose_list_names_a_purpose"
                    ),
                ],
            },
        ),
        ProtectTable("tenants_purposelist", app=APPEND),
        NarrowTable("tenants_purposelist", "FALSE"),
    ]
