from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_close_epochs")]

    operations = [
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("log_id", models.UUIDField()),
                ("epoch", models.IntegerField()),
                ("size", models.BigIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("place", models.TextField()),
                ("holder", models.TextField(default="")),
                ("anchored_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["log_id", "-anchored_at"], name="anchor_newest_first")],
            },
        ),
        ProtectTable("ledger_anchor", app=APPEND, column="log_id", function="app_log()", key=""),
    ]
