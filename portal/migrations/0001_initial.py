"""The table of runs by schedule, the tick, and the grants of the libraries' tables.

Those belong to no tenant; the app role works with them as the libraries expect.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, GrantTable, ProtectTable


def add_tick(apps, schema_editor):
    """One schedule row for everything: a bad entry of ours cannot stop the rest."""
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name="tick", defaults={"func": "portal.jobs.tick", "schedule_type": "I", "minutes": 1, "repeats": -1}
    )


def remove_tick(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name="tick").delete()


class Migration(migrations.Migration):
    initial = True
    replaces = [("portal", "0001_grant_library_tables"), ("portal", "0002_scheduledrun")]
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("tenants", "0002_rules"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name='ScheduledRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('period_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'name', 'period_at'), name='schedule_once_per_period')],
            },
        ),
        *(
            GrantTable(name)
            for name in (
                *("django_q_ormq", "django_q_schedule", "django_q_task", "django_session", "mfa_authenticator"),
                *("account_emailaddress", "account_emailconfirmation", "usersessions_usersession"),
            )
        ),
        *(
            GrantTable(name, app="SELECT")
            for name in (
                *("guardian_userobjectpermission", "guardian_groupobjectpermission"),
                *("auth_group", "auth_permission", "auth_group_permissions"),
            )
        ),
        GrantTable("django_content_type", app="SELECT", intake="SELECT"),
        GrantTable("django_migrations", app="SELECT", intake="SELECT"),
        ProtectTable("portal_scheduledrun", app=APPEND),
        migrations.RunPython(add_tick, remove_tick),
    ]
