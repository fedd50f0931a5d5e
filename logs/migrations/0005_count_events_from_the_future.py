from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logs", "0004_let_record_keys_age")]

    operations = [
        migrations.AddField(
            model_name="sourcehour",
            name="future",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
