"""Lets whoever refers to a row of a snapshot refer to its snapshot, account and entitlement by the same key."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identities", "0008_map_the_list_of_people"), ("tenants", "0004_engagements")]

    operations = [
        migrations.AddConstraint(
            "snapshotrow",
            models.UniqueConstraint(
                fields=("tenant", "id", "snapshot", "account", "entitlement"), name="row_is_referred_to_whole"
            ),
        )
    ]
