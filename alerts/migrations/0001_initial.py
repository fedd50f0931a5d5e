"""The tables of alerts and incidents; what holds them is in `0002_rules`."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.scope
from django.conf import settings
from django.db import migrations, models

from ledger.creation import CreateModels


class Migration(migrations.Migration):
    initial = True
    replaces = [("alerts", "0001_alerts_and_settings"), ("alerts", "0003_incidents")]
    dependencies = [
        ("identities", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        CreateModels(
            migrations.CreateModel(
                name='AlertSettings',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('version', models.PositiveIntegerField()),
                    ('failed_on', models.BooleanField(default=True)),
                    ('account_threshold', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(10000)])),
                    ('source_threshold', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(10000)])),
                    ('window_minutes', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1440)])),
                    ('success_minutes', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1440)])),
                    ('hours_on', models.BooleanField(default=True)),
                    ('slack_minutes', models.PositiveIntegerField(validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(240)])),
                    ('hours_start', models.TimeField()),
                    ('hours_end', models.TimeField()),
                    ('days', models.JSONField(default=list)),
                    ('unknown_on', models.BooleanField(default=False)),
                    ('mail_on', models.BooleanField(default=True)),
                    ('mail_to', models.JSONField(blank=True, default=list)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('created_by', models.CharField(max_length=320)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'version'), name='alert_settings_version_is_unique'),
                        models.CheckConstraint(condition=models.Q(('account_threshold__gte', 2), ('source_threshold__gte', 2), ('window_minutes__gte', 1)), name='alert_settings_thresholds_are_at_least_two'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='AlertNotice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('alert_count', models.PositiveIntegerField()),
                    ('recipients', models.JSONField(default=list)),
                    ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed, will be tried again'), ('given_up', 'Failed, given up')], default='waiting', max_length=8)),
                    ('attempts', models.PositiveSmallIntegerField(default=0)),
                    ('next_try_at', models.DateTimeField()),
                    ('last_error', models.TextField(blank=True, default='')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('sent_at', models.DateTimeField(blank=True, null=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state__in', ('waiting', 'failed'))), fields=['tenant', 'next_try_at'], name='alert_notice_due')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', False), ('state', 'sent')), models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at', None)), _connector='OR'), name='alert_notice_sent_has_its_time'),
                        models.CheckConstraint(condition=models.Q(models.Q(('state__in', ('failed', 'given_up')), _negated=True), models.Q(('last_error', ''), _negated=True), _connector='OR'), name='alert_notice_failure_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Alert',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rule', models.CharField(choices=[('failed_account', 'Failed log-ins of one account'), ('failed_source', 'Failed log-ins from one address'), ('out_of_hours', 'Access out of hours')], max_length=20)),
                    ('rule_version', models.PositiveSmallIntegerField()),
                    ('settings_version', models.PositiveIntegerField(default=0)),
                    ('group_key', models.TextField()),
                    ('dedup_key', models.BinaryField(max_length=32)),
                    ('severity', models.PositiveSmallIntegerField(choices=[(2, 'Low'), (3, 'Medium'), (4, 'High'), (5, 'Critical')])),
                    ('state', models.CharField(choices=[('new', 'New'), ('acknowledged', 'Acknowledged'), ('closed', 'Closed')], default='new', max_length=12)),
                    ('subject', models.CharField(max_length=400)),
                    ('account_name', models.TextField(blank=True, default='')),
                    ('source_ip', models.GenericIPAddressField(null=True)),
                    ('attempts', models.PositiveBigIntegerField()),
                    ('event_count', models.PositiveIntegerField()),
                    ('first_at', models.DateTimeField()),
                    ('last_at', models.DateTimeField()),
                    ('late', models.BooleanField(default=False)),
                    ('numbers', models.JSONField(default=dict)),
                    ('raised_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('last_hit_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('acknowledged_at', models.DateTimeField(null=True)),
                    ('closed_at', models.DateTimeField(null=True)),
                    ('close_reason', models.CharField(blank=True, choices=[('expected', 'Expected: the access was planned or allowed'), ('mistake', 'Mistake: a person mistyped or misused something, no harm done'), ('false_alarm', 'False alarm: the rule or its settings are wrong'), ('incident', 'Incident: handed over to incident handling')], default='', max_length=12)),
                    ('close_note', models.TextField(blank=True, default='')),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('identity', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                    ('system', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.system')),
                    ('notice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='alerts.alertnotice')),
                    ('acknowledged_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('closed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [
                        models.Index(fields=['tenant', 'state', '-id'], name='alert_by_state'),
                        models.Index(condition=models.Q(('state__in', ('new', 'acknowledged'))), fields=['tenant', 'rule', 'group_key'], name='alert_open_by_group'),
                        models.Index(fields=['tenant', 'first_at'], name='alert_by_first_event'),
                    ],
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'dedup_key'), name='alert_burst_is_raised_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('acknowledged_at', None), ('state', 'new')), models.Q(('acknowledged_at__isnull', False), ('state', 'acknowledged')), ('state', 'closed'), _connector='OR'), name='alert_acknowledged_has_its_time'),
                        models.CheckConstraint(condition=models.Q(models.Q(('acknowledged_at', None), ('acknowledged_by', None)), models.Q(('acknowledged_at__isnull', False), ('acknowledged_by__isnull', False)), _connector='OR'), name='alert_acknowledged_by_somebody'),
                        models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('closed_by__isnull', False), ('state', 'closed'), models.Q(('close_reason', ''), _negated=True)), models.Q(models.Q(('state', 'closed'), _negated=True), ('close_note', ''), ('close_reason', ''), ('closed_at', None), ('closed_by', None)), _connector='OR'), name='alert_closed_with_a_reason_by_somebody'),
                        models.CheckConstraint(condition=models.Q(('last_at__gte', models.F('first_at'))), name='alert_ends_after_it_begins'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='AlertEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rule', models.CharField(choices=[('failed_account', 'Failed log-ins of one account'), ('failed_source', 'Failed log-ins from one address'), ('out_of_hours', 'Access out of hours')], max_length=20)),
                    ('event_received_at', models.DateTimeField()),
                    ('event_id', models.BigIntegerField()),
                    ('occurred_at', models.DateTimeField()),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('alert', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='alerts.alert')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', 'alert', 'occurred_at'], name='alert_event_by_alert')],
                    'constraints': [models.UniqueConstraint(fields=('tenant', 'rule', 'event_id', 'event_received_at'), name='alert_event_counts_once_for_a_rule')],
                },
            ),
            migrations.CreateModel(
                name='Incident',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('title', models.CharField(max_length=200)),
                    ('what', models.TextField()),
                    ('affected', models.TextField(blank=True, default='')),
                    ('found_at', models.DateTimeField()),
                    ('known_at', models.DateTimeField()),
                    ('opened_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('opened_by', models.CharField(max_length=320)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='incidents', to='alerts.alert')),
                ],
                options={
                    'ordering': ('-opened_at', '-id'),
                    'indexes': [models.Index(fields=['tenant', '-opened_at'], name='incident_newest_first')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('title', ''), _negated=True), models.Q(('what', ''), _negated=True)), name='incident_says_what_happened'),
                        models.CheckConstraint(condition=models.Q(('found_at__lte', models.F('known_at')), ('known_at__lte', models.F('opened_at'))), name='incident_is_found_known_and_recorded_in_this_order'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='IncidentEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('step', models.CharField(choices=[('triaged', 'Assessed: what it is and how grave'), ('breach', 'It is a breach of personal data'), ('no_breach', 'It is no breach of personal data'), ('client_told', 'The client was told'), ('authority_told', 'The authority was told'), ('authority_not_due', 'The authority need not be told'), ('effects', 'Effects'), ('remedy', 'Remedial action'), ('cause', 'Root cause'), ('closed', 'Closed')], max_length=20)),
                    ('happened_at', models.DateTimeField()),
                    ('note', models.TextField()),
                    ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('recorded_by', models.CharField(max_length=320)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='alerts.incident')),
                ],
                options={
                    'ordering': ('id',),
                    'indexes': [models.Index(fields=['tenant', 'incident', 'id'], name='incident_entry_of_an_incident')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='incident_entry_says_something'),
                        models.CheckConstraint(condition=models.Q(('happened_at__lte', models.F('recorded_at'))), name='incident_entry_has_happened_when_recorded'),
                        models.UniqueConstraint(condition=models.Q(('step', 'closed')), fields=('tenant', 'incident'), name='incident_is_closed_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='WatchCursor',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('epoch', models.IntegerField(default=1)),
                    ('position', models.BigIntegerField(default=0)),
                    ('seen_events', models.BigIntegerField(default=0)),
                    ('moved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant',), name='watch_cursor_is_one_for_a_tenant'),
                        models.CheckConstraint(condition=models.Q(('position__gte', 0)), name='watch_cursor_is_not_negative'),
                    ],
                },
            ),
        ),
    ]
