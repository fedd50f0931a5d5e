"""A rule on remote access from places that are not approved, and the switch that turns it off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0002_rules"),
    ]

    operations = [
        migrations.AddField(
            model_name="alertsettings",
            name="places_on",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AlterField(
            model_name="alert",
            name="rule",
            field=models.CharField(
                choices=[
                    ("failed_account", "Failed log-ins of one account"),
                    ("failed_source", "Failed log-ins from one address"),
                    ("out_of_hours", "Access out of hours"),
                    ("elsewhere", "Remote access from elsewhere"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="alertevent",
            name="rule",
            field=models.CharField(
                choices=[
                    ("failed_account", "Failed log-ins of one account"),
                    ("failed_source", "Failed log-ins from one address"),
                    ("out_of_hours", "Access out of hours"),
                    ("elsewhere", "Remote access from elsewhere"),
                ],
                max_length=20,
            ),
        ),
    ]
