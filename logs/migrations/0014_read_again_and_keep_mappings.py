import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APP, APPEND, GrantTable, ProtectTable

CURRENT = """
CREATE VIEW logs_currentevent WITH (security_invoker = true) AS
SELECT e.* FROM logs_accessevent e WHERE NOT EXISTS (
    SELECT FROM logs_superseded s
    WHERE s.tenant_id = e.tenant_id AND s.received_at = e.received_at AND s.event_id = e.id
)
"""
"""Each access once, as it is read now: the same rows as `AccessEvent.objects`, for statements in SQL."""

ROLLUPS = ("logs_usageday", "logs_typeday", "logs_lastuse", "logs_sourcehour")
"""Counts that fall to nothing when an access turns out to be another's: their rows go."""

DELIVERY = "logs_delivery"


class Migration(migrations.Migration):

    dependencies = [
        ('logs', '0013_find_addresses_and_targets'),
        ('tenants', '0002_protect'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='MappingVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('mapping', models.JSONField()),
                ('digest', models.BinaryField(max_length=32)),
                ('why', models.TextField()),
                ('by', models.CharField(max_length=200)),
                ('saved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('taken_from', models.PositiveIntegerField(blank=True, null=True)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mapping_versions', to='logs.logsource')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-version',),
                'constraints': [models.UniqueConstraint(fields=('tenant', 'source', 'version'), name='mapping_version_is_numbered_once'), models.CheckConstraint(condition=models.Q(models.Q(('why', ''), _negated=True), models.Q(('by', ''), _negated=True)), name='mapping_version_says_who_and_why'), models.CheckConstraint(condition=models.Q(('taken_from', None), ('taken_from__lt', models.F('version')), _connector='OR'), name='mapping_version_takes_up_an_older_one')],
            },
        ),
        migrations.CreateModel(
            name='Rereading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reader', models.CharField(max_length=64)),
                ('first_received_at', models.DateTimeField(help_text='When the records came in.')),
                ('read', models.IntegerField()),
                ('superseded', models.IntegerField()),
                ('resolved', models.IntegerField()),
                ('unchanged', models.IntegerField()),
                ('kept', models.IntegerField()),
                ('by', models.CharField(max_length=200)),
                ('ended_at', models.DateTimeField()),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rereadings', to='logs.delivery')),
                ('by_batch', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='logs.delivery')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-ended_at', '-id'),
                'constraints': [models.UniqueConstraint(fields=('tenant', 'batch', 'reader'), name='batch_is_read_again_once_a_reader'), models.CheckConstraint(condition=models.Q(('read', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('superseded'), '+', models.F('resolved')), '+', models.F('unchanged')), '+', models.F('kept')))), name='rereading_accounts_for_every_record')],
            },
        ),
        migrations.CreateModel(
            name='ResolvedLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('event', 'Became an event'), ('ignored', 'Is no access event'), ('duplicate', 'Was stored already')], max_length=12)),
                ('resolved_at', models.DateTimeField()),
                ('event_id', models.BigIntegerField(null=True)),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='resolved_lines', to='logs.delivery')),
                ('line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='resolved', to='logs.quarantinedline')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'batch'], name='resolved_line_by_batch')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('event_id__isnull', False), ('outcome', 'event')), models.Q(models.Q(('outcome', 'event'), _negated=True), ('event_id', None)), _connector='OR'), name='resolved_line_names_its_event'), models.CheckConstraint(condition=models.Q(('outcome__in', ('event', 'ignored', 'duplicate'))), name='resolved_is_known')],
            },
        ),
        migrations.CreateModel(
            name='Superseded',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'received_at', 'event_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('received_at', models.DateTimeField()),
                ('event_id', models.BigIntegerField()),
                ('batch_id', models.UUIDField()),
                ('ord', models.IntegerField()),
                ('by_received_at', models.DateTimeField()),
                ('by_id', models.BigIntegerField()),
                ('by_batch_id', models.UUIDField()),
                ('first_received_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'by_batch_id'], name='superseded_by_batch')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'by_received_at', 'by_id'), name='event_supersedes_one_other'), models.CheckConstraint(condition=models.Q(('by_received_at__gt', models.F('received_at')), ('first_received_at__lte', models.F('received_at'))), name='event_is_superseded_by_a_later_one')],
            },
        ),
        ProtectTable("logs_mappingversion", app=APPEND, references=[("source_id", "logs_logsource")]),
        ProtectTable("logs_superseded", app=APPEND, intake="SELECT", key=""),
        ProtectTable(
            "logs_resolvedline", app=APPEND, references=[("line_id", "logs_quarantinedline"), ("batch_id", DELIVERY)]
        ),
        ProtectTable("logs_rereading", app=APPEND, references=[("batch_id", DELIVERY), ("by_batch_id", DELIVERY)]),
        migrations.RunSQL(CURRENT, "DROP VIEW logs_currentevent"),
        GrantTable("logs_currentevent", app="SELECT", readonly="SELECT"),
        *(
            migrations.RunSQL(f"GRANT DELETE ON {name} TO {APP}", f"REVOKE DELETE ON {name} FROM {APP}")
            for name in ROLLUPS
        ),
    ]
