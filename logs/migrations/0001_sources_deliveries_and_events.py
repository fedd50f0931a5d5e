import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import tenants.scope
from django.conf import settings
from django.db import migrations, models

from logs.partitions import DROP_SQL, TABLE_SQL


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('identities', '0002_protect_and_seal'),
        ('tenants', '0002_protect'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='LastUse',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'system_id', 'actor_key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('system_id', models.BigIntegerField()),
                ('actor_key', models.TextField()),
                ('first_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('last_ok_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='LogSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('key', models.SlugField(help_text='Stands in the address of the intake door.', max_length=60)),
                ('format', models.CharField(max_length=24)),
                ('log_types', django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), blank=True, default=list, size=None)),
                ('time_zone', models.CharField(default='UTC', help_text='IANA name, for records without a zone.', max_length=64)),
                ('year', models.PositiveSmallIntegerField(blank=True, help_text='For records without a year.', null=True)),
                ('mapping', models.JSONField(blank=True, null=True)),
                ('mapping_version', models.PositiveIntegerField(default=1)),
                ('expected', models.JSONField(blank=True, default=dict)),
                ('grade', models.CharField(choices=[('A', 'A: own record ids and acknowledged delivery'), ('B', 'B: acknowledged delivery, records told apart by content'), ('C', 'C: no acknowledgement'), ('D', 'D: file delivered by hand')], default='B', max_length=1)),
                ('enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('last_received_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('last_occurred_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('last_record', models.TextField(blank=True, default='', editable=False)),
                ('system', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='log_sources', to='identities.system')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('name', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('door', models.CharField(max_length=16)),
                ('received_at', models.DateTimeField()),
                ('by', models.CharField(max_length=200)),
                ('address', models.GenericIPAddressField(blank=True, null=True)),
                ('body_sha256', models.BinaryField(max_length=32)),
                ('body_bytes', models.BigIntegerField()),
                ('idempotency_key', models.CharField(blank=True, default='', max_length=200)),
                ('parser', models.CharField(max_length=64)),
                ('received', models.IntegerField()),
                ('stored', models.IntegerField()),
                ('duplicates', models.IntegerField()),
                ('ignored', models.IntegerField()),
                ('quarantined', models.IntegerField()),
                ('ignored_reasons', models.JSONField(default=dict)),
                ('errors', models.JSONField(default=list)),
                ('first_record', models.TextField(blank=True, default='')),
                ('last_record', models.TextField(blank=True, default='')),
                ('previous_record', models.TextField(blank=True, default='')),
                ('first_occurred_at', models.DateTimeField(null=True)),
                ('last_occurred_at', models.DateTimeField(null=True)),
                ('core', models.BinaryField()),
                ('salts', models.BinaryField(max_length=32)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='logs.logsource')),
            ],
            options={
                'ordering': ('-received_at', 'id'),
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE_SQL, DROP_SQL)],
            state_operations=[
                migrations.CreateModel(
                    name='AccessEvent',
                    fields=[
                        ('pk', models.CompositePrimaryKey('tenant_id', 'received_at', 'id', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('received_at', models.DateTimeField()),
                        ('id', models.BigIntegerField()),
                        ('system_id', models.BigIntegerField(null=True)),
                        ('account_id', models.BigIntegerField(null=True)),
                        ('identity_id', models.BigIntegerField(null=True)),
                        ('batch_id', models.UUIDField()),
                        ('ord', models.IntegerField()),
                        ('position', models.IntegerField()),
                        ('occurred_at', models.DateTimeField()),
                        ('clock_quality', models.SmallIntegerField()),
                        ('log_type', models.SmallIntegerField()),
                        ('class_uid', models.IntegerField()),
                        ('activity_id', models.SmallIntegerField()),
                        ('status_id', models.SmallIntegerField()),
                        ('status_code', models.TextField(blank=True, default='')),
                        ('status_detail', models.TextField(blank=True, default='')),
                        ('severity_id', models.SmallIntegerField()),
                        ('actor_key', models.TextField(blank=True, default='')),
                        ('actor_uid', models.TextField(blank=True, default='')),
                        ('actor_name', models.TextField(blank=True, default='')),
                        ('actor_type', models.TextField(blank=True, default='')),
                        ('target_uid', models.TextField(blank=True, default='')),
                        ('target_name', models.TextField(blank=True, default='')),
                        ('target_kind', models.TextField(blank=True, default='')),
                        ('privileges', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                        ('src_ip', models.GenericIPAddressField(blank=True, null=True)),
                        ('src_port', models.IntegerField(blank=True, null=True)),
                        ('src_host', models.TextField(blank=True, default='')),
                        ('device_uid', models.TextField(blank=True, default='')),
                        ('user_agent', models.TextField(blank=True, default='')),
                        ('dst_host', models.TextField(blank=True, default='')),
                        ('app', models.TextField(blank=True, default='')),
                        ('resource', models.TextField(blank=True, default='')),
                        ('database', models.TextField(blank=True, default='')),
                        ('table', models.TextField(blank=True, db_column='table_name', default='')),
                        ('action', models.TextField(blank=True, default='')),
                        ('session_uid', models.TextField(blank=True, default='')),
                        ('duration_ms', models.BigIntegerField(blank=True, null=True)),
                        ('bytes_in', models.BigIntegerField(blank=True, null=True)),
                        ('bytes_out', models.BigIntegerField(blank=True, null=True)),
                        ('rows_count', models.BigIntegerField(blank=True, null=True)),
                        ('logon_type_id', models.SmallIntegerField(blank=True, null=True)),
                        ('auth_protocol_id', models.SmallIntegerField(blank=True, null=True)),
                        ('mfa', models.BooleanField(blank=True, null=True)),
                        ('is_remote', models.BooleanField(blank=True, null=True)),
                        ('repeat_count', models.IntegerField(default=1)),
                        ('ticket_ref', models.TextField(blank=True, default='')),
                        ('native_id', models.TextField(blank=True, default='')),
                        ('parser', models.TextField(blank=True, default='')),
                        ('out_of_hours', models.BooleanField(blank=True, null=True)),
                        ('extra', models.JSONField(blank=True, default=dict)),
                        ('core', models.BinaryField()),
                        ('subj', models.BinaryField(null=True)),
                        ('raw', models.BinaryField(null=True)),
                        ('salts', models.BinaryField(null=True)),
                        ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
                        ('source', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='logs.logsource')),
                    ],
                    options={
                        'ordering': ('-occurred_at', '-id'),
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name='LogSourceShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('content_object', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='logs.logsource')),
                ('permission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission')),
                ('tenant', models.ForeignKey(db_default=tenants.scope.AppTenant(), editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='QuarantinedLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('received_at', models.DateTimeField()),
                ('position', models.IntegerField()),
                ('reason', models.TextField()),
                ('raw', models.BinaryField()),
                ('raw_bytes', models.BigIntegerField()),
                ('raw_sha256', models.BinaryField(max_length=32)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quarantined_lines', to='logs.delivery')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='quarantined_lines', to='logs.logsource')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-received_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='ReadPosition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(help_text="File name inside the source's directory.", max_length=255)),
                ('inode', models.BigIntegerField()),
                ('offset', models.BigIntegerField(default=0)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='positions', to='logs.logsource')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='RecordKey',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'source_id', 'key', blank=True, editable=False, primary_key=True, serialize=False)),
                ('source_id', models.BigIntegerField()),
                ('key', models.BinaryField(max_length=16)),
                ('received_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceHour',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'source_id', 'hour', blank=True, editable=False, primary_key=True, serialize=False)),
                ('source_id', models.BigIntegerField()),
                ('hour', models.DateTimeField()),
                ('events', models.BigIntegerField()),
                ('quarantined', models.BigIntegerField()),
                ('ignored', models.BigIntegerField()),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='SourceToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.BinaryField(max_length=32)),
                ('prefix', models.CharField(max_length=16)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('created_by', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_by', models.CharField(blank=True, default='', max_length=200)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to='logs.logsource')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='TypeDay',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'day', 'source_id', 'log_type', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('source_id', models.BigIntegerField()),
                ('log_type', models.SmallIntegerField()),
                ('events', models.BigIntegerField()),
                ('denied_count', models.BigIntegerField()),
                ('out_of_hours_count', models.BigIntegerField()),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='UsageDay',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'system_id', 'actor_key', 'day', 'log_type', 'action', blank=True, editable=False, primary_key=True, serialize=False)),
                ('system_id', models.BigIntegerField()),
                ('actor_key', models.TextField()),
                ('day', models.DateField()),
                ('log_type', models.SmallIntegerField()),
                ('action', models.TextField()),
                ('events', models.BigIntegerField()),
                ('ok_count', models.BigIntegerField()),
                ('denied_count', models.BigIntegerField()),
                ('out_of_hours_count', models.BigIntegerField()),
                ('rows_count', models.BigIntegerField()),
                ('bytes_out', models.BigIntegerField()),
                ('tenant', models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='logsource',
            constraint=models.UniqueConstraint(fields=('tenant', 'key'), name='log_source_key_is_unique_in_a_tenant'),
        ),
        migrations.AddConstraint(
            model_name='logsource',
            constraint=models.UniqueConstraint(fields=('tenant', 'name'), name='log_source_name_is_unique_in_a_tenant'),
        ),
        migrations.AddConstraint(
            model_name='logsource',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('name', ''), _negated=True), models.Q(('key', ''), _negated=True)), name='log_source_has_a_name_and_a_key'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'source', 'body_sha256'], name='delivery_by_body'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'source', '-received_at'], name='delivery_by_source_and_time'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'received_at'], name='delivery_by_time'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), fields=('tenant', 'source', 'idempotency_key'), name='delivery_idempotency_key_is_used_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(('received', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('stored'), '+', models.F('duplicates')), '+', models.F('ignored')), '+', models.F('quarantined')))), name='delivery_accounts_for_every_record'),
        ),
        migrations.AlterUniqueTogether(
            name='logsourceshare',
            unique_together={('user', 'permission', 'content_object')},
        ),
        migrations.AddIndex(
            model_name='quarantinedline',
            index=models.Index(fields=['tenant', '-received_at', '-id'], name='quarantine_by_time'),
        ),
        migrations.AddConstraint(
            model_name='quarantinedline',
            constraint=models.UniqueConstraint(fields=('tenant', 'delivery', 'position'), name='quarantine_keeps_a_record_once'),
        ),
        migrations.AddConstraint(
            model_name='quarantinedline',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='quarantine_says_why'),
        ),
        migrations.AddConstraint(
            model_name='readposition',
            constraint=models.UniqueConstraint(fields=('tenant', 'source', 'path'), name='read_position_is_one_a_file'),
        ),
        migrations.AddConstraint(
            model_name='readposition',
            constraint=models.CheckConstraint(condition=models.Q(('offset__gte', 0)), name='read_position_is_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='sourcetoken',
            constraint=models.UniqueConstraint(fields=('tenant', 'digest'), name='source_token_is_unique'),
        ),
        migrations.AddConstraint(
            model_name='sourcetoken',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('revoked_at', None), ('revoked_by', '')), models.Q(('revoked_at__isnull', False), models.Q(('revoked_by', ''), _negated=True)), _connector='OR'), name='source_token_is_revoked_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='sourcetoken',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at', None), ('expires_at__gt', models.F('created_at')), _connector='OR'), name='source_token_expires_after_birth'),
        ),
    ]
