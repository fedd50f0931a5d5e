import django.db.models.deletion
import tenants.scope
from django.db import migrations, models
from django.db.models import F, Q

from ledger.rowsecurity import APPEND, ProtectTable

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


class Migration(migrations.Migration):
    dependencies = [
        ("logs", "0008_keep_views_and_manifests"),
        ("tenants", "0003_name_each_tenant_with_its_parent"),
    ]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            "logsource", "routing_version", models.PositiveIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField(
            "logsource",
            "fed_by",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenants.tenant",
            ),
        ),
        migrations.AddField(
            "logsource", "fed_by_source", models.BigIntegerField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "logsource",
            "fed_by_name",
            models.CharField(blank=True, db_default="", default="", editable=False, max_length=120),
        ),
        migrations.AddConstraint(
            "logsource",
            models.UniqueConstraint(fields=("tenant", "fed_by_source"), name="log_source_is_fed_by_a_source_once"),
        ),
        migrations.AddConstraint(
            "logsource",
            models.CheckConstraint(
                condition=Q(fed_by=None, fed_by_source=None, fed_by_name="")
                | Q(fed_by__isnull=False, fed_by_source__isnull=False, routing_version=0) & ~Q(fed_by_name=""),
                name="log_source_that_is_fed_names_its_feed_and_routes_nothing",
            ),
        ),
        migrations.RunSQL(FED_BY_ITS_OPERATOR, FED_BY_ANYBODY),
        migrations.AddField("delivery", "routing", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("delivery", "routed", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("delivery", "routed_to", models.JSONField(default=list)),
        migrations.AddField("delivery", "origin_batch", models.UUIDField(null=True)),
        migrations.RemoveConstraint("delivery", "delivery_accounts_for_every_record"),
        migrations.AddConstraint(
            "delivery",
            models.CheckConstraint(
                condition=Q(received=F("stored") + F("routed") + F("duplicates") + F("ignored") + F("quarantined")),
                name="delivery_accounts_for_every_record",
            ),
        ),
        migrations.CreateModel(
            name="SourceRouting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("rules", models.JSONField()),
                ("reason", models.CharField(max_length=300)),
                ("by", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField()),
                ("salt", models.BinaryField(max_length=32)),
                ("digest", models.BinaryField(max_length=32)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="routings", to="logs.logsource"
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
                "ordering": ("-version",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "source", "version"), name="source_routing_version_is_one"
                    ),
                    models.CheckConstraint(
                        condition=Q(version__gte=1) & ~Q(reason=""), name="source_routing_says_why"
                    ),
                ],
            },
        ),
        ProtectTable(
            "logs_sourcerouting", app=APPEND, intake="SELECT", references=(("source_id", "logs_logsource"),)
        ),
    ]
