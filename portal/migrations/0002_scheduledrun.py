import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, ProtectTable


def add_tick(apps, schema_editor):
    """One schedule row for everything: a bad entry of ours cannot stop the rest."""
    apps.get_model("django_q", "Schedule").objects.get_or_create(
        name="tick", defaults={"func": "portal.jobs.tick", "schedule_type": "I", "minutes": 1, "repeats": -1}
    )


def remove_tick(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name="tick").delete()


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_grant_library_tables")]

    operations = [
        migrations.CreateModel(
            name="ScheduledRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("period_at", models.DateTimeField()),
                (
                    "claimed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenants.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="scheduledrun",
            constraint=models.UniqueConstraint(
                fields=("tenant", "name", "period_at"), name="schedule_once_per_period"
            ),
        ),
        ProtectTable("portal_scheduledrun", app=APPEND),
        migrations.RunPython(add_tick, remove_tick),
    ]
