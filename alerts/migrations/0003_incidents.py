"""Incidents and what is recorded about them; both tables are append-only."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0002_protect'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
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
                ('alert', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='incidents', to='alerts.alert')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-opened_at', '-id'),
                'indexes': [models.Index(fields=['tenant', '-opened_at'], name='incident_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('title', ''), _negated=True), models.Q(('what', ''), _negated=True)), name='incident_says_what_happened'), models.CheckConstraint(condition=models.Q(('found_at__lte', models.F('known_at')), ('known_at__lte', models.F('opened_at'))), name='incident_is_found_known_and_recorded_in_this_order')],
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
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='alerts.incident')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('id',),
                'indexes': [models.Index(fields=['tenant', 'incident', 'id'], name='incident_entry_of_an_incident')],
                'constraints': [models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='incident_entry_says_something'), models.CheckConstraint(condition=models.Q(('happened_at__lte', models.F('recorded_at'))), name='incident_entry_has_happened_when_recorded'), models.UniqueConstraint(condition=models.Q(('step', 'closed')), fields=('tenant', 'incident'), name='incident_is_closed_once')],
            },
        ),
        ProtectTable("alerts_incident", app=APPEND, references=(("alert_id", "alerts_alert"),)),
        ProtectTable("alerts_incidententry", app=APPEND, references=(("incident_id", "alerts_incident"),)),
    ]
