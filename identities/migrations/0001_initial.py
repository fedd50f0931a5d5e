"""The tables of people, systems and snapshots; what holds them is in `0002_rules`."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.comparison
import tenants.scope
import uuid
from django.conf import settings
from django.db import migrations, models

from ledger.creation import CreateModels


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("identities", "0001_people_systems_and_snapshots"),
        ("identities", "0003_shift_zone"),
        ("identities", "0005_rosters"),
        ("identities", "0006_take_people_from_a_directory"),
        ("identities", "0007_lists_and_person_changes"),
        ("identities", "0008_map_the_list_of_people"),
        ("identities", "0009_refer_to_rows_whole"),
    ]
    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        CreateModels(
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
                name='SnapshotFile',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('sha256', models.CharField(max_length=64)),
                    ('name', models.CharField(blank=True, max_length=200)),
                    ('packed', models.BinaryField()),
                    ('stored_at', models.DateTimeField(auto_now_add=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('tenant', 'sha256'), name='snapshot_file_is_stored_once')],
                },
            ),
            migrations.CreateModel(
                name='PeopleFeed',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('delivered_at', models.DateTimeField()),
                    ('delivered_by', models.CharField(max_length=200)),
                    ('row_total', models.PositiveIntegerField()),
                    ('raw_sha256', models.CharField(max_length=64)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', '-delivered_at'], name='people_feed_newest')],
                },
            ),
            migrations.CreateModel(
                name='Identity',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('human', 'Person'), ('contractor', 'Contractor'), ('service', 'Service'), ('vendor', 'Vendor'), ('client', "Client's person")], default='human', max_length=10)),
                    ('external_id', models.CharField(max_length=100)),
                    ('name', models.CharField(max_length=200)),
                    ('email', models.CharField(blank=True, max_length=254)),
                    ('site', models.CharField(blank=True, max_length=100)),
                    ('programme', models.CharField(blank=True, max_length=100)),
                    ('department', models.CharField(blank=True, default='', max_length=100)),
                    ('shift_start', models.TimeField(blank=True, null=True)),
                    ('shift_end', models.TimeField(blank=True, null=True)),
                    ('time_zone', models.CharField(blank=True, default='', help_text="Zone of the shift; empty is the tenant's own.", max_length=64)),
                    ('employed_from', models.DateField(blank=True, null=True)),
                    ('employed_until', models.DateField(blank=True, null=True)),
                    ('changed_at', models.DateTimeField(auto_now=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='identities', to=settings.AUTH_USER_MODEL)),
                    ('manager', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reports', to='identities.identity')),
                    ('last_feed', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.peoplefeed')),
                ],
                options={
                    'verbose_name_plural': 'identities',
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'external_id'), name='identity_external_id_is_unique'),
                        models.UniqueConstraint(fields=('tenant', 'user'), name='identity_user_is_one_person'),
                        models.CheckConstraint(condition=models.Q(('external_id', ''), _negated=True), name='identity_has_an_external_id'),
                        models.CheckConstraint(condition=models.Q(('manager', models.F('id')), _negated=True), name='identity_does_not_manage_itself'),
                        models.CheckConstraint(condition=models.Q(('employed_until__isnull', True), ('employed_from__isnull', True), ('employed_until__gte', models.F('employed_from')), _connector='OR'), name='identity_leaves_after_joining'),
                        models.CheckConstraint(condition=models.Q(models.Q(('shift_end__isnull', True), ('shift_start__isnull', True)), models.Q(('shift_end__isnull', False), ('shift_start__isnull', False)), _connector='OR'), name='identity_shift_has_both_ends'),
                        models.CheckConstraint(condition=models.Q(models.Q(('kind', 'contractor'), _negated=True), ('employed_until__isnull', False), _connector='OR'), name='contractor_has_an_end_date'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='PersonChange',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('joined', 'Joined'), ('moved', 'Moved'), ('left', 'Leaves or left'), ('missing', 'Not in the list any more'), ('returned', 'Back in the list')], max_length=8)),
                    ('field', models.CharField(blank=True, max_length=20)),
                    ('before', models.CharField(blank=True, max_length=100)),
                    ('after', models.CharField(blank=True, max_length=100)),
                    ('effective_on', models.DateField(blank=True, null=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('feed', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='identities.peoplefeed')),
                    ('identity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='identities.identity')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', 'identity', '-feed'], name='change_of_person_newest')],
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'feed', 'identity', 'kind', 'field'), name='list_tells_a_change_once'),
                        models.CheckConstraint(condition=models.Q(models.Q(('kind', 'moved'), _negated=True), models.Q(('field', ''), _negated=True), _connector='OR'), name='move_says_what_changed'),
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
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('identity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='directory_entries', to='identities.identity')),
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
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('group', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='identities.directorygroup')),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='identities.directoryperson')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('tenant', 'group', 'person'), name='directory_member_is_in_a_group_once')],
                },
            ),
            migrations.CreateModel(
                name='System',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=120)),
                    ('key', models.SlugField(max_length=60)),
                    ('criticality', models.CharField(choices=[('high', 'High'), ('standard', 'Standard'), ('low', 'Low')], default='standard', max_length=8)),
                    ('privileged_rule', models.TextField(help_text="Patterns of entitlements that count as privileged, one a line, such as admin* or *_dba. Write 'none: ' and a reason where no entitlement is privileged.")),
                    ('data_class', models.CharField(choices=[('health', 'Health data (ePHI)'), ('cardholder', 'Cardholder data'), ('personal', 'Personal data'), ('internal', 'Internal')], default='personal', max_length=10)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='owned_systems', to='identities.identity')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'key'), name='system_key_is_unique'),
                        models.UniqueConstraint(fields=('tenant', 'name'), name='system_name_is_unique'),
                        models.CheckConstraint(condition=models.Q(('privileged_rule', ''), _negated=True), name='system_has_a_privileged_rule'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='ListMapping',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mapping', models.JSONField()),
                    ('saved_at', models.DateTimeField()),
                    ('saved_by', models.CharField(max_length=200)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('system', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.system')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'system'), name='system_has_one_list_mapping'),
                        models.UniqueConstraint(condition=models.Q(('system', None)), fields=('tenant',), name='people_have_one_list_mapping'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Account',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=200)),
                    ('name_key', models.CharField(max_length=200)),
                    ('kind', models.CharField(choices=[('human', 'One person'), ('shared', 'Shared'), ('service', 'Service'), ('break_glass', 'Emergency (break-glass)')], default='human', max_length=11)),
                    ('enabled', models.BooleanField(default=True)),
                    ('disabled_at', models.DateTimeField(blank=True, null=True)),
                    ('salt', models.BinaryField(max_length=16)),
                    ('ref', models.CharField(max_length=64)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='identities.system')),
                    ('identity', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='identities.identity')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'system', 'name_key'), name='account_name_is_unique_in_its_system'),
                        models.UniqueConstraint(fields=('tenant', 'ref'), name='account_ref_is_unique'),
                        models.CheckConstraint(condition=models.Q(('name_key', ''), _negated=True), name='account_has_a_name'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Entitlement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=200)),
                    ('title', models.CharField(blank=True, max_length=200)),
                    ('meaning', models.TextField(blank=True)),
                    ('privileged', models.BooleanField(default=False)),
                    ('privileged_why', models.CharField(blank=True, max_length=300)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entitlements', to='identities.system')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'system', 'key'), name='entitlement_key_is_unique_in_its_system'),
                        models.CheckConstraint(condition=models.Q(('privileged', False), models.Q(('privileged_why', ''), _negated=True), _connector='OR'), name='privileged_entitlement_says_why'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Snapshot',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('captured_at', models.DateTimeField()),
                    ('recorded_at', models.DateTimeField()),
                    ('recorded_by', models.CharField(max_length=200)),
                    ('delivered_by', models.CharField(max_length=200)),
                    ('source_total', models.PositiveIntegerField()),
                    ('row_total', models.PositiveIntegerField()),
                    ('complete', models.BooleanField()),
                    ('digest', models.CharField(max_length=64)),
                    ('raw_sha256', models.CharField(max_length=64)),
                    ('raw_name', models.CharField(blank=True, max_length=200)),
                    ('filters', models.TextField(blank=True)),
                    ('query', models.TextField(blank=True)),
                    ('privileged_rule', models.TextField()),
                    ('list_format', models.CharField(choices=[('table', 'A table in our columns (CSV or Excel)'), ('mapped', 'A table in its own columns, by the saved mapping'), ('postgres', 'PostgreSQL: roles and rights'), ('linux', 'Linux: passwd, group and sudoers'), ('aws_iam', 'AWS IAM: credential report'), ('okta', 'Okta: assignments or users'), ('entra', 'Microsoft Entra ID or Azure: users or roles'), ('ldap', 'LDAP or Active Directory: LDIF')], default='table', max_length=10)),
                    ('mapping', models.JSONField(blank=True, null=True)),
                    ('record_total', models.PositiveIntegerField(blank=True, null=True)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='identities.system')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', 'system', '-captured_at'], name='snapshot_newest_of_system')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(models.Q(('complete', True), ('source_total', django.db.models.functions.comparison.Coalesce('record_total', 'row_total'))), models.Q(('complete', False), models.Q(('source_total', django.db.models.functions.comparison.Coalesce('record_total', 'row_total')), _negated=True)), _connector='OR'), name='snapshot_is_complete_when_totals_agree'),
                        models.CheckConstraint(condition=models.Q(('delivered_by', ''), _negated=True), name='snapshot_says_who_delivered_it'),
                        models.CheckConstraint(condition=models.Q(('captured_at__lte', models.F('recorded_at'))), name='snapshot_is_captured_before_it_is_recorded'),
                        models.UniqueConstraint(fields=('tenant', 'system', 'captured_at', 'raw_sha256'), name='snapshot_is_delivered_once'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='SnapshotRow',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('n', models.PositiveIntegerField()),
                    ('account_ref', models.CharField(max_length=64)),
                    ('account_kind', models.CharField(choices=[('human', 'One person'), ('shared', 'Shared'), ('service', 'Service'), ('break_glass', 'Emergency (break-glass)')], max_length=11)),
                    ('enabled', models.BooleanField()),
                    ('privileged', models.BooleanField()),
                    ('inherited_via', models.CharField(blank=True, max_length=200)),
                    ('origin', models.CharField(blank=True, max_length=200)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('snapshot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='identities.snapshot')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.account')),
                    ('entitlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.entitlement')),
                    ('identity', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ],
                options={
                    'constraints': [
                        models.UniqueConstraint(fields=('tenant', 'snapshot', 'n'), name='snapshot_row_number_is_used_once'),
                        models.UniqueConstraint(fields=('tenant', 'snapshot', 'account', 'entitlement'), name='snapshot_lists_a_grant_once'),
                        models.UniqueConstraint(fields=('tenant', 'id', 'snapshot', 'account', 'entitlement'), name='row_is_referred_to_whole'),
                        models.CheckConstraint(condition=models.Q(('n__gte', 1)), name='snapshot_rows_count_from_one'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='Grant',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('since', models.DateTimeField()),
                    ('until', models.DateTimeField(blank=True, null=True)),
                    ('granted_by', models.CharField(blank=True, max_length=200)),
                    ('origin', models.CharField(blank=True, max_length=200)),
                    ('inherited_via', models.CharField(blank=True, max_length=200)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='identities.account')),
                    ('entitlement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='identities.entitlement')),
                    ('first_snapshot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.snapshot')),
                    ('last_snapshot', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.snapshot')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', 'entitlement', 'until'], name='grant_holders_of_entitlement')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('until__isnull', True), ('until__gt', models.F('since')), _connector='OR'), name='grant_ends_after_it_begins'),
                        django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(models.Func(models.F('account_id'), models.F('account_id'), models.Value('[]'), function='int8range', output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField()), '='), (models.Func(models.F('entitlement_id'), models.F('entitlement_id'), models.Value('[]'), function='int8range', output_field=django.contrib.postgres.fields.ranges.BigIntegerRangeField()), '='), (models.Func('since', 'until', models.Value('[)'), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&')], name='grant_periods_do_not_overlap'),
                    ],
                },
            ),
            migrations.CreateModel(
                name='RosterFeed',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('delivered_at', models.DateTimeField()),
                    ('delivered_by', models.CharField(max_length=200)),
                    ('first_on', models.DateField()),
                    ('last_on', models.DateField()),
                    ('row_total', models.PositiveIntegerField()),
                    ('raw_sha256', models.CharField(max_length=64)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', '-delivered_at'], name='roster_feed_newest')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('last_on__gte', models.F('first_on'))), name='roster_covers_days')],
                },
            ),
            migrations.CreateModel(
                name='RosterShift',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('on', models.DateField()),
                    ('starts_at', models.DateTimeField()),
                    ('ends_at', models.DateTimeField()),
                    ('site', models.CharField(blank=True, max_length=100)),
                    ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                    ('feed', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shifts', to='identities.rosterfeed')),
                    ('identity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shifts', to='identities.identity')),
                ],
                options={
                    'indexes': [models.Index(fields=['tenant', 'identity', 'on'], name='shift_of_person_by_day')],
                    'constraints': [
                        models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='shift_ends_after_it_begins'),
                        models.UniqueConstraint(fields=('tenant', 'feed', 'identity', 'starts_at'), name='roster_names_a_shift_once'),
                    ],
                },
            ),
        ),
    ]
