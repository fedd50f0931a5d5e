from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_keep_anchors")]

    operations = [
        migrations.AddField(model_name="anchor", name="answer", field=models.BinaryField(default=b"")),
        migrations.AddField(model_name="anchor", name="key", field=models.TextField(default="")),
        migrations.AddField(model_name="anchor", name="stated_at", field=models.DateTimeField(null=True)),
    ]
