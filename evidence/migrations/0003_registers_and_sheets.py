"""The registers that an officer keeps, all append-only, and the information sheet of each measured table."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0002_protect_and_seal'),
        ('logs', '0002_protect'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name='kindresult',
            name='sheet',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='ControlResponse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('control', models.CharField(max_length=60)),
                ('stand', models.CharField(choices=[('correct', 'It will be corrected'), ('accept', 'The risk is accepted until the date'), ('end', 'Ended: retested, or no longer needed')], max_length=8)),
                ('owner', models.CharField(max_length=320)),
                ('said', models.TextField()),
                ('due_on', models.DateField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('recorded_by', models.CharField(max_length=320)),
                ('result', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='responses', to='evidence.controlresult')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'control', '-id'], name='response_newest_of_a_control')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('said', ''), _negated=True), models.Q(('owner', ''), _negated=True)), name='response_has_an_owner_and_words'), models.CheckConstraint(condition=models.Q(('stand', 'end'), ('result__isnull', False), _connector='OR'), name='response_answers_a_result')],
            },
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('access', 'Access authorisation policy'), ('emergency', 'Emergency access procedure'), ('incident', 'Incident response plan'), ('log_review', 'Log review procedure'), ('other', 'Another document')], max_length=12)),
                ('title', models.CharField(max_length=200)),
                ('version', models.CharField(max_length=40)),
                ('approved_by', models.CharField(max_length=200)),
                ('approved_on', models.DateField()),
                ('valid_until', models.DateField()),
                ('reference', models.CharField(blank=True, default='', max_length=500)),
                ('file_name', models.CharField(blank=True, default='', max_length=200)),
                ('data', models.BinaryField(default=bytes)),
                ('size_bytes', models.PositiveIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('recorded_by', models.CharField(max_length=320)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'kind', '-id'], name='document_newest_of_a_kind')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('title', ''), _negated=True), models.Q(('version', ''), _negated=True), models.Q(('approved_by', ''), _negated=True)), name='document_is_named_and_approved'), models.CheckConstraint(condition=models.Q(('valid_until__gt', models.F('approved_on'))), name='document_holds_after_its_approval'), models.CheckConstraint(condition=models.Q(models.Q(('size_bytes__gt', 0), models.Q(('sha256', ''), _negated=True), models.Q(('file_name', ''), _negated=True)), models.Q(('file_name', ''), ('sha256', ''), ('size_bytes', 0), models.Q(('reference', ''), _negated=True)), _connector='OR'), name='document_has_a_file_or_says_where_it_is')],
            },
        ),
        migrations.CreateModel(
            name='GapNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gap_from', models.DateTimeField()),
                ('cause', models.CharField(choices=[('outage', 'The source or the system was down'), ('network', 'The way to the portal was broken'), ('change', 'A planned change'), ('setting', 'A wrong setting, key or certificate'), ('nothing', 'Nothing happened that could be logged')], max_length=8)),
                ('said', models.TextField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('recorded_by', models.CharField(max_length=320)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='logs.logsource')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'source', 'gap_from', 'id'], name='gap_note_of_a_gap')],
                'constraints': [models.CheckConstraint(condition=models.Q(('said', ''), _negated=True), name='gap_note_says_something'), models.CheckConstraint(condition=models.Q(('recorded_at__gte', models.F('gap_from'))), name='gap_is_noted_after_it_began')],
            },
        ),
        migrations.CreateModel(
            name='OperatingReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('operation', models.CharField(choices=[('backup', 'Backup'), ('restore', 'Restore test')], max_length=8)),
                ('done_at', models.DateTimeField()),
                ('succeeded', models.BooleanField()),
                ('what', models.CharField(blank=True, default='', max_length=300)),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('size_bytes', models.BigIntegerField(default=0)),
                ('ledger_size', models.BigIntegerField(null=True)),
                ('ledger_root', models.CharField(blank=True, default='', max_length=64)),
                ('root_agrees', models.BooleanField(null=True)),
                ('said', models.TextField(blank=True, default='')),
                ('reported_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('reported_by', models.CharField(max_length=320)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'operation', '-done_at'], name='operating_report_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('succeeded', True), models.Q(('said', ''), _negated=True), _connector='OR'), name='failed_operation_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('operation', 'backup'), ('succeeded', True), _negated=True), models.Q(('size_bytes__gt', 0), models.Q(('sha256', ''), _negated=True)), _connector='OR'), name='backup_has_bytes'), models.CheckConstraint(condition=models.Q(models.Q(('operation', 'restore'), ('succeeded', True), _negated=True), models.Q(('ledger_size__isnull', False), ('root_agrees__isnull', False), models.Q(('ledger_root', ''), _negated=True)), _connector='OR'), name='restore_test_recomputed_the_ledger')],
            },
        ),
        migrations.CreateModel(
            name='ProcessingRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('processor', models.TextField(blank=True, default='')),
                ('controllers', models.TextField(blank=True, default='')),
                ('officer', models.TextField(blank=True, default='')),
                ('categories', models.TextField(blank=True, default='')),
                ('transfers', models.TextField(blank=True, default='')),
                ('security', models.TextField(blank=True, default='')),
                ('subprocessors', models.TextField(blank=True, default='')),
                ('sources', models.JSONField(default=list)),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('recorded_by', models.CharField(max_length=320)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'version'), name='processing_record_version_is_unique')],
            },
        ),
        ProtectTable("evidence_document", app=APPEND),
        ProtectTable("evidence_processingrecord", app=APPEND),
        ProtectTable("evidence_controlresponse", app=APPEND, references=(("result_id", "evidence_controlresult"),)),
        ProtectTable("evidence_gapnote", app=APPEND, references=(("source_id", "logs_logsource"),)),
        ProtectTable("evidence_operatingreport", app=APPEND),
    ]
