"""Marks which sealed lists were searched for conflicts of duties."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, ProtectTable

WITHIN = {"db_constraint": False, "db_index": False, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}


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
    ]
