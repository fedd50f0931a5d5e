"""Lets a mapping be of the list of people: it names no system then."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0007_lists_and_person_changes'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        # Django would make the foreign key anew, and row security let it see no row to check.
        migrations.RunSQL(
            "ALTER TABLE identities_listmapping ALTER COLUMN system_id DROP NOT NULL",
            "ALTER TABLE identities_listmapping ALTER COLUMN system_id SET NOT NULL",
            state_operations=[
                migrations.AlterField(
                    model_name='listmapping',
                    name='system',
                    field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.system'),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name='listmapping',
            constraint=models.UniqueConstraint(condition=models.Q(('system', None)), fields=('tenant',), name='people_have_one_list_mapping'),
        ),
    ]
