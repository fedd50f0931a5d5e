"""Put the alerts tables under row security; settings and evidence are append-only, nothing is ever deleted."""

from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable

KEEP = "SELECT, INSERT, UPDATE"


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0001_alerts_and_settings"),
        ("identities", "0002_protect_and_seal"),
        ("tenants", "0002_protect"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        ProtectTable("alerts_alertsettings", app=APPEND),
        ProtectTable("alerts_alertnotice", app=KEEP),
        ProtectTable(
            "alerts_alert",
            app=KEEP,
            references=(
                ("identity_id", "identities_identity"),
                ("system_id", "identities_system"),
                ("notice_id", "alerts_alertnotice"),
            ),
        ),
        ProtectTable("alerts_alertevent", app=APPEND, references=(("alert_id", "alerts_alert"),)),
        ProtectTable("alerts_watchcursor", app=KEEP),
    ]
