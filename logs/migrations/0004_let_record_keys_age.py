from django.db import migrations, models

from ledger.rowsecurity import APP, INTAKE

TABLE = "logs_recordkey"


class Migration(migrations.Migration):
    dependencies = [("logs", "0003_know_files_by_their_first_line")]

    operations = [
        migrations.AddIndex(
            model_name="recordkey",
            index=models.Index(fields=["tenant", "received_at"], name="record_key_by_age"),
        ),
        migrations.RunSQL(
            f"GRANT DELETE ON {TABLE} TO {APP}; GRANT UPDATE (received_at) ON {TABLE} TO {APP}, {INTAKE}",
            f"REVOKE DELETE ON {TABLE} FROM {APP}; REVOKE UPDATE (received_at) ON {TABLE} FROM {APP}, {INTAKE}",
        ),
        # Whatever asks for it: within the time in which senders resend by themselves, no key goes.
        migrations.RunSQL(
            f"CREATE POLICY keys_outlive_a_resend ON {TABLE} AS RESTRICTIVE FOR DELETE "
            "USING (received_at < now() - interval '48 hours')",
            f"DROP POLICY keys_outlive_a_resend ON {TABLE}",
        ),
    ]
