"""Who approved a grant and when, where the list of a system says so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identities", "0002_rules")]

    operations = [
        migrations.AddField(
            model_name="grant",
            name="approved_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="approved_by",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
    ]
