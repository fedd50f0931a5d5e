"""A pack may be asked for with further volumes that print the tables which its report cuts."""

from django.db import migrations, models

KEPT = """
DROP TRIGGER pack_keeps_its_files ON evidence_evidencepack;
CREATE TRIGGER pack_keeps_its_files BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.parquet IS DISTINCT FROM NEW.parquet OR OLD.volumes IS DISTINCT FROM NEW.volumes)
    EXECUTE FUNCTION evidence_pack_keeps_its_files();
"""
BEFORE = """
DROP TRIGGER pack_keeps_its_files ON evidence_evidencepack;
CREATE TRIGGER pack_keeps_its_files BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.parquet IS DISTINCT FROM NEW.parquet) EXECUTE FUNCTION evidence_pack_keeps_its_files();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0008_storage'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name='evidencepack',
            name='volumes',
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(KEPT, BEFORE),
    ]
