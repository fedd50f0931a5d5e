"""The tables of tenants, people and what they did; what holds them is in `0002_rules`."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import tenants.models
import tenants.scope
import uuid
from django.conf import settings
from django.db import migrations, models

from ledger.creation import CreateModels


class Migration(migrations.Migration):
    initial = True
    replaces = [("tenants", "0001_tenants_people_and_deeds"), ("tenants", "0004_engagements")]
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        CreateModels(
            migrations.CreateModel(
                name='Tenant',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                    ('slug', models.SlugField(unique=True)),
                    ('name', models.CharField(max_length=200)),
                    ('kind', models.CharField(choices=[('bpo', 'BPO'), ('client', 'Client')], max_length=10)),
                    ('time_zone', models.CharField(default='UTC', help_text='IANA name, such as Europe/Madrid.', max_length=64)),
                    ('business_start', models.TimeField(default=tenants.models._business_start, help_text='Local time.')),
                    ('business_end', models.TimeField(default=tenants.models._business_end, help_text='Local time.')),
                    ('working_days', models.JSONField(default=tenants.models._working_days, help_text='ISO weekdays, Monday is 1.')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='clients', to='tenants.tenant')),
                ],
                options={
                    'ordering': ('slug',),
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('kind', 'bpo'), ('parent', None)), models.Q(('kind', 'client'), ('parent__isnull', False)), _connector='OR'), name='tenant_client_belongs_to_a_bpo'),
                        models.UniqueConstraint(fields=('id', 'parent'), name='tenant_and_its_parent'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='User',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('email', models.EmailField(max_length=254, unique=True)),
                    ('name', models.CharField(max_length=200)),
                    ('is_active', models.BooleanField(default=True)),
                    ('is_staff', models.BooleanField(default=False)),
                    ('theme', models.CharField(choices=[('auto', 'As the device'), ('light', 'Light'), ('dark', 'Dark')], default='auto', max_length=5)),
                    ('review_keys', models.BooleanField(default=True, help_text='Single-letter keys on the review screen.')),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'abstract': False,
                },
            ),
            migrations.CreateModel(
                name='Membership',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('operator', 'Platform operator'), ('officer', 'Compliance officer'), ('analyst', 'Analyst'), ('reviewer', 'Reviewer'), ('auditor', 'External auditor'), ('client', 'Client')], max_length=10)),
                    ('starts_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ends_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='tenants.tenant')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'user', 'role'), name='membership_once_per_role'),
                        models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='membership_ends_after_it_starts'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ApiToken',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=100)),
                    ('prefix', models.CharField(max_length=16)),
                    ('digest', models.BinaryField(max_length=32)),
                    ('scopes', models.JSONField(default=list)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('expires_at', models.DateTimeField()),
                    ('revoked_at', models.DateTimeField(blank=True, null=True)),
                    ('last_used_at', models.DateTimeField(blank=True, null=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('tenant', 'digest'), name='token_digest_once_per_tenant')],
                },
            ),
            migrations.CreateModel(
                name='AuditEntry',
                fields=[
                    ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                    ('batch_id', models.UUIDField()),
                    ('ord', models.IntegerField()),
                    ('leaf_kind', models.SmallIntegerField()),
                    ('at', models.DateTimeField()),
                    ('verb', models.CharField(max_length=60)),
                    ('actor_name', models.CharField(max_length=320)),
                    ('actor_user_id', models.BigIntegerField(null=True)),
                    ('target', models.TextField(default='')),
                    ('detail', models.JSONField(default=dict)),
                    ('core', models.BinaryField()),
                    ('subj', models.BinaryField()),
                    ('salts', models.BinaryField(max_length=32)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', '-at', 'id'], name='audit_by_time')],
                    'constraints': [models.UniqueConstraint(fields=('tenant', 'batch_id', 'ord'), name='audit_one_leaf_per_place')],
                },
            ),
            migrations.CreateModel(
                name='Work',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=40)),
                    ('title', models.CharField(max_length=200)),
                    ('job', models.CharField(max_length=120)),
                    ('arguments', models.JSONField(default=list)),
                    ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=10)),
                    ('done', models.IntegerField(default=0)),
                    ('total', models.IntegerField(default=0)),
                    ('message', models.CharField(default='', max_length=300)),
                    ('cancel_requested', models.BooleanField(default=False)),
                    ('result', models.JSONField(default=dict)),
                    ('error', models.TextField(default='')),
                    ('asked_by', models.CharField(max_length=320)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                    ('heartbeat_at', models.DateTimeField(null=True)),
                    ('finished_at', models.DateTimeField(null=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('asked_by_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', '-id'], name='work_newest_first')],
                },
            ),
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
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'digest'), name='invitation_digest_once_per_tenant'),
                        models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('tenant', 'email'), name='one_open_engagement_for_an_address'),
                        models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at')), ('period_end__gt', models.F('period_start'))), name='engagement_and_its_period_have_a_length'),
                        models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('user', None)), models.Q(('accepted_at__isnull', False), ('user__isnull', False)), _connector='OR'), name='accepted_engagement_has_person_and_time'),
                        models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='ended_engagement_has_person_and_time'),
                    ],
                },
            ),
        ),
    ]
