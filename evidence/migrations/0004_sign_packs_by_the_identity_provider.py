"""Takes sign-offs of packs whose signer signed in again at the identity provider."""

from django.db import migrations, models

LEVELS = [
    ("session", "Password again, after a log-in with a second factor"),
    ("code", "Password and a code of the authenticator app"),
    ("provider", "Sign-in again at the identity provider, with a second factor"),
    ("passkey", "Passkey over this very statement"),
]


class Migration(migrations.Migration):
    dependencies = [("evidence", "0003_what_auditors_see")]

    operations = [migrations.AlterField("packsignoff", "level", models.CharField(max_length=8, choices=LEVELS))]
