import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.scope
from django.conf import settings
from django.db import migrations, models

from ledger.rowsecurity import APPEND, CRUD, ProtectTable


class Migration(migrations.Migration):

    dependencies = [
        ('logs', '0007_follow_the_numbers_of_records'),
        ('tenants', '0002_protect'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EventExport',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('form', models.CharField(max_length=16)),
                ('q', models.TextField(blank=True)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('rows', models.BigIntegerField()),
                ('size_bytes', models.BigIntegerField()),
                ('sha256', models.BinaryField(max_length=32)),
                ('ledger_size', models.BigIntegerField()),
                ('ledger_root', models.BinaryField(max_length=32)),
                ('checkpoint', models.TextField(blank=True)),
                ('by', models.CharField(max_length=200)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('-ended_at', 'id'),
                'indexes': [models.Index(fields=['tenant', '-ended_at', 'id'], name='export_by_time')],
                'constraints': [models.CheckConstraint(condition=models.Q(('rows__gte', 0), ('size_bytes__gte', 0)), name='export_counts_are_not_negative'), models.CheckConstraint(condition=models.Q(('ended_at__gte', models.F('began_at'))), name='export_ends_after_its_begin')],
            },
        ),
        migrations.CreateModel(
            name='SavedSearch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('q', models.TextField(blank=True, default='')),
                ('window', models.CharField(blank=True, default='', max_length=4)),
                ('shared', models.BooleanField(default=False, help_text='Whether everybody of the tenant who reads events sees it.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'ordering': ('name', 'id'),
                'constraints': [models.UniqueConstraint(fields=('tenant', 'owner', 'name'), name='saved_search_name_is_used_once_a_person'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='saved_search_has_a_name')],
            },
        ),
        ProtectTable("logs_savedsearch", app=CRUD),
        ProtectTable("logs_eventexport", app=APPEND),
    ]
