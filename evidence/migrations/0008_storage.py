"""A pack's zip lies where packs are kept and its row names it; a pack may be asked for with Parquet files."""

from django.db import migrations, models

ASKED = """
CREATE FUNCTION evidence_pack_keeps_its_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER pack_keeps_its_files BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.parquet IS DISTINCT FROM NEW.parquet) EXECUTE FUNCTION evidence_pack_keeps_its_files();
"""
UNASKED = """
DROP TRIGGER pack_keeps_its_files ON evidence_evidencepack;
DROP FUNCTION evidence_pack_keeps_its_files();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0007_language'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name='evidencepack',
            name='parquet',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='packfile',
            name='stored_as',
            field=models.CharField(default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='packfile',
            name='data',
            field=models.BinaryField(default=bytes),
        ),
        migrations.AddConstraint(
            model_name='packfile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('stored_as', ''), models.Q(('data', b''), _negated=True)), models.Q(models.Q(('stored_as', ''), _negated=True), ('data', b'')), _connector='OR'), name='pack_file_lies_in_one_place'),
        ),
        migrations.RunSQL(ASKED, UNASKED),
    ]
