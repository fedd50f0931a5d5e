import uuid

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0005_rosters'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.CreateModel(
            name='DirectoryGroup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('display_name', models.CharField(max_length=200)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'uid'), name='directory_group_uid_is_unique'),
                    models.CheckConstraint(condition=models.Q(('display_name', ''), _negated=True), name='directory_group_has_a_name'),
                ],
            },
        ),
        migrations.CreateModel(
            name='DirectoryPerson',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False)),
                ('user_name', models.CharField(max_length=200)),
                ('user_name_key', models.CharField(max_length=200)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('email_keys', models.JSONField(default=list)),
                ('active', models.BooleanField(default=True)),
                ('said', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('removed_at', models.DateTimeField(blank=True, null=True)),
                ('identity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='directory_entries', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'external_id'], name='directory_by_external_id')],
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'uid'), name='directory_person_uid_is_unique'),
                    models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('tenant', 'user_name_key'), name='directory_user_name_is_unique'),
                    models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('tenant', 'identity'), name='directory_says_an_identity_once'),
                    models.CheckConstraint(condition=models.Q(('user_name_key', ''), _negated=True), name='directory_person_has_a_user_name'),
                    models.CheckConstraint(condition=models.Q(('removed_at', None), ('active', False), _connector='OR'), name='directory_person_removed_is_not_active'),
                ],
            },
        ),
        migrations.CreateModel(
            name='DirectoryMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='identities.directorygroup')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='identities.directoryperson')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'group', 'person'), name='directory_member_is_in_a_group_once')],
            },
        ),
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        ProtectTable("identities_directorygroup"),
        ProtectTable(
            "identities_directoryperson",
            app="SELECT, INSERT, UPDATE",
            references=(("identity_id", "identities_identity"),),
        ),
        ProtectTable(
            "identities_directorymember",
            references=(("group_id", "identities_directorygroup"), ("person_id", "identities_directoryperson")),
        ),
    ]
