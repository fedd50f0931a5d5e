"""The language that a pack's report is written in: asked for with the pack, and never changed."""

from django.db import migrations, models

STAYS = """
CREATE FUNCTION evidence_pack_language_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER pack_language_stays BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.language IS DISTINCT FROM NEW.language) EXECUTE FUNCTION evidence_pack_language_stays();
"""
MAY_CHANGE = """
DROP TRIGGER pack_language_stays ON evidence_evidencepack;
DROP FUNCTION evidence_pack_language_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0006_pack_types'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name='evidencepack',
            name='language',
            field=models.CharField(choices=[('en', 'English'), ('de', 'German (Deutsch)')], default='en', max_length=5),
        ),
        migrations.AddConstraint(
            model_name='evidencepack',
            constraint=models.CheckConstraint(condition=models.Q(('language__in', ['en', 'de'])), name='pack_is_in_a_known_language'),
        ),
        migrations.RunSQL(STAYS, MAY_CHANGE),
    ]
