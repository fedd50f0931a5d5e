"""Lets a plan make small campaigns by itself, when something happens."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0005_rosters'),
        ('reviews', '0010_stages'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaignplan',
            name='trigger',
            field=models.CharField(blank=True, choices=[('', 'Nothing: it is opened by hand or by the calendar'), ('new_privileged', 'A new privileged grant'), ('leaver', 'A leaver with active access'), ('used_after', 'Use after a revocation')], default='', max_length=14),
        ),
        migrations.AddConstraint(
            model_name='campaignplan',
            constraint=models.CheckConstraint(condition=models.Q(('trigger', ''), ('rule', ''), _connector='OR'), name='plan_has_a_trigger_or_a_recurrence'),
        ),
    ]
