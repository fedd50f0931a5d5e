"""Puts the tables of this room under row security; settings and evidence are append-only, nothing is ever deleted."""

from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable

KEEP = "SELECT, INSERT, UPDATE"
OF_ALERT = ("alert_id", "alerts_alert")


class Migration(migrations.Migration):
    replaces = [("alerts", "0002_protect")]
    dependencies = [("alerts", "0001_initial"), ("identities", "0002_rules"), ("tenants", "0002_rules")]

    operations = [
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
        ProtectTable("alerts_alertevent", app=APPEND, references=(OF_ALERT,)),
        ProtectTable("alerts_watchcursor", app=KEEP),
        ProtectTable("alerts_incident", app=APPEND, references=(OF_ALERT,)),
        ProtectTable("alerts_incidententry", app=APPEND, references=(("incident_id", "alerts_incident"),)),
    ]
