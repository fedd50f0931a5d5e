"""A pack's zip is stored in parts: what was one row becomes its first part."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0004_auditors_room'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name='packfile',
            name='n',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name='packfile',
            name='pack',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='evidence.evidencepack'),
        ),
        migrations.AddConstraint(
            model_name='packfile',
            constraint=models.UniqueConstraint(fields=('tenant', 'pack', 'n'), name='pack_has_one_part_at_a_place'),
        ),
    ]
