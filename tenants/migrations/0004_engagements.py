import django.db.models.deletion
import tenants.models
import tenants.scope
from django.conf import settings
from django.db import migrations, models

from ledger.rowsecurity import NarrowTable, ProtectTable

# Empty where no external auditor asks: workers, doors and everybody else are not narrowed.
ASKED = """
CREATE FUNCTION app_engagement() RETURNS bigint STABLE LANGUAGE sql
AS $$ SELECT nullif(current_setting('app.engagement', true), '')::bigint $$;
GRANT EXECUTE ON FUNCTION app_engagement() TO countersign_app, countersign_intake, countersign_readonly;
"""
CHANGES = "SELECT, INSERT, UPDATE (digest, user_id, accepted_at, ended_at, ended_by)"


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.CreateModel(
            name='Engagement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('firm', models.CharField(max_length=200)),
                ('period_start', models.DateTimeField()),
                ('period_end', models.DateTimeField()),
                ('frameworks', models.JSONField()),
                ('columns', models.CharField(choices=[('full', 'Full: names and addresses as they are'), ('controlled', 'Controlled: pseudonyms for people, addresses cut')], default='controlled', max_length=10)),
                ('salt', models.BinaryField(default=tenants.models.new_salt, max_length=32)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('invited_at', models.DateTimeField()),
                ('invited_by', models.CharField(max_length=320)),
                ('open_until', models.DateTimeField(help_text='The invitation is used until then.')),
                ('digest', models.BinaryField(max_length=32, null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, default='', max_length=320)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'digest'), name='invitation_digest_once_per_tenant'), models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('tenant', 'email'), name='one_open_engagement_for_an_address'), models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at')), ('period_end__gt', models.F('period_start'))), name='engagement_and_its_period_have_a_length'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('user', None)), models.Q(('accepted_at__isnull', False), ('user__isnull', False)), _connector='OR'), name='accepted_engagement_has_person_and_time'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='ended_engagement_has_person_and_time')],
            },
        ),
        migrations.RunSQL(ASKED, "DROP FUNCTION app_engagement()"),
        ProtectTable("tenants_engagement", app=CHANGES),
        NarrowTable("tenants_engagement", "id = app_engagement()"),
    ]
