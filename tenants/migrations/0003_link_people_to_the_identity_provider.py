"""Says who a person is at the identity provider. The run-time roles add links; none of them changes or removes one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

from ledger.rowsecurity import APPEND, GrantTable


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_rules")]

    operations = [
        migrations.CreateModel(
            name="ProviderLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("issuer", models.URLField(max_length=300)),
                ("subject", models.CharField(max_length=255)),
                ("linked_at", models.DateTimeField(db_default=Now(), editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="provider_links",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("issuer", "subject"), name="provider_account_belongs_to_one_person"
                    ),
                    models.UniqueConstraint(fields=("issuer", "user"), name="person_has_one_account_at_a_provider"),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("issuer", ""), _negated=True), models.Q(("subject", ""), _negated=True)),
                        name="provider_link_names_an_account",
                    ),
                ],
            },
        ),
        GrantTable("tenants_providerlink", app=APPEND),
    ]
