"""Keeps who is away and who reviews instead, and says why an item was handed on."""

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0005_rosters'),
        ('reviews', '0007_answer_silence'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='Absence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first_on', models.DateField()),
                ('last_on', models.DateField()),
                ('reason', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=320)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, max_length=320)),
                ('deputy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('reviewer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='absences', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='assignment',
            name='reassignment_has_a_reason',
        ),
        migrations.AlterField(
            model_name='assignment',
            name='basis',
            field=models.CharField(choices=[('manager', 'Manager of the person'), ('owner', 'Owner of the system'), ('named', 'Named for the campaign'), ('fallback', 'Fallback of the campaign'), ('reassigned', 'Reassigned'), ('delegated', 'Handed on by the reviewer'), ('deputy', 'Deputy of an absent reviewer'), ('left', 'In place of a reviewer who left')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='assignment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('basis__in', ['reassigned', 'delegated', 'left']), _negated=True), ('reason__length__gte', 10), _connector='OR'), name='reassignment_has_a_reason'),
        ),
        migrations.AddIndex(
            model_name='absence',
            index=models.Index(fields=['tenant', 'last_on'], name='absence_by_last_day'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('reviewer', models.F('deputy')), _negated=True), name='nobody_is_their_own_deputy'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('last_on__gte', models.F('first_on'))), name='absence_ends_after_it_begins'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(('reason__length__gte', 10)), name='absence_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='absence',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='absence_ended_early_has_time_and_person'),
        ),
        ProtectTable(
            "reviews_absence",
            app="SELECT, INSERT, UPDATE (ended_at, ended_by)",
            references=(("reviewer_id", "identities_identity"), ("deputy_id", "identities_identity")),
        ),
    ]
