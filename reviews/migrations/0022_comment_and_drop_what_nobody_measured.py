"""Lets a reviewer comment on an item without asking anybody, and drops "evidence opened", which nothing ever measured.

The view of the decisions that count names every column of its table, so it is made again around the change. As SQL,
since Django would make a foreign key again, which looks at every row past row security. Comments stay: with one in it
the database does not go back.
"""

import django.db.models.deletion
from django.db import migrations, models

HEADS = """
CREATE VIEW reviews_head WITH (security_invoker = true) AS
    SELECT d.* FROM reviews_decision d
    WHERE NOT EXISTS (
        SELECT 1 FROM reviews_decision later WHERE later.tenant_id = d.tenant_id AND later.supersedes_id = d.id
    );
GRANT SELECT ON reviews_head TO countersign_app, countersign_readonly;
"""
NO_HEADS = "DROP VIEW reviews_head"
NOBODY = """
ALTER TABLE reviews_itemquestion ALTER COLUMN asked_id DROP NOT NULL;
ALTER TABLE reviews_controlquestion ALTER COLUMN asked_id DROP NOT NULL;
"""
SOMEBODY = NOBODY.replace("DROP NOT NULL", "SET NOT NULL")
ASKED = {"null": True, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}


class Migration(migrations.Migration):
    dependencies = [("reviews", "0021_end_plans_and_sign_waivers")]

    operations = [
        migrations.RunSQL(NO_HEADS, HEADS),
        migrations.RemoveField("decision", "opened_evidence"),
        migrations.RunSQL(HEADS, NO_HEADS),
        migrations.RunSQL(
            NOBODY,
            SOMEBODY,
            state_operations=[
                migrations.AlterField("itemquestion", "asked", models.ForeignKey("identities.identity", **ASKED)),
                migrations.AlterField(
                    "controlquestion",
                    "asked",
                    models.ForeignKey("identities.identity", db_constraint=False, db_index=False, **ASKED),
                ),
            ],
        ),
    ]
