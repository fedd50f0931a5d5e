from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_logs_heads_and_tiles")]

    operations = [
        migrations.AddField(
            model_name="head",
            name="closed",
            field=models.BooleanField(default=False),
        ),
    ]
