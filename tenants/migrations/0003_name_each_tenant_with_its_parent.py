from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_protect")]

    operations = [
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.UniqueConstraint(fields=("id", "parent"), name="tenant_and_its_parent"),
        ),
    ]
