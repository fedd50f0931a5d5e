"""A draft can be withdrawn with a reason: it stays, as it was signed or not, and is never issued."""

from django.db import migrations, models
from django.db.models import Q

STATES = [
    ("requested", "Requested"),
    ("building", "Building"),
    ("draft", "To be signed"),
    ("issued", "Issued"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("withdrawn", "Withdrawn"),
]
MOVES = (
    ("OLD.state IN ('issued', 'failed', 'cancelled')", "OLD.state IN ('issued', 'failed', 'cancelled', 'withdrawn')"),
    (
        "OLD.state = 'draft' AND NEW.state NOT IN ('draft', 'issued')",
        "OLD.state = 'draft' AND NEW.state NOT IN ('draft', 'issued', 'withdrawn')\n"
        "        OR OLD.state IN ('requested', 'building') AND NEW.state = 'withdrawn'",
    ),
)


def swapped(pairs):
    """Return the statement that swaps parts of the function that holds a pack's moves, and refuses another function."""
    steps = "".join(
        f"""
    IF position($old${old}$old$ IN source) = 0 THEN
        RAISE EXCEPTION 'The function evidence_pack_moves is not the one that this migration knows.';
    END IF;
    source := replace(source, $old${old}$old$, $new${new}$new$);"""
        for old, new in pairs
    )
    return f"""
DO $swap$
DECLARE source text := pg_get_functiondef('evidence_pack_moves()'::regprocedure);
BEGIN{steps}
    EXECUTE source;
END $swap$;
"""


class Migration(migrations.Migration):
    dependencies = [("evidence", "0009_volumes")]

    operations = [
        migrations.RemoveConstraint(model_name="evidencepack", name="only_a_built_pack_has_a_seal"),
        migrations.AlterField(
            model_name="evidencepack",
            name="state",
            field=models.CharField(choices=STATES, default="requested", max_length=10),
        ),
        migrations.AddField(
            model_name="evidencepack",
            name="withdrawn_by",
            field=models.CharField(blank=True, db_default="", default="", max_length=320),
        ),
        migrations.AddField(
            model_name="evidencepack",
            name="withdrawn_reason",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddConstraint(
            model_name="evidencepack",
            constraint=models.CheckConstraint(
                condition=Q(("state__in", ("draft", "issued", "withdrawn")), ("sha256", ""), _connector="OR"),
                name="only_a_built_pack_has_a_seal",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidencepack",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("ended_at__isnull", False), ("state", "withdrawn"), ("withdrawn_reason__length__gte", 10))
                    & Q(("withdrawn_by", ""), _negated=True),
                    Q(("withdrawn_by", ""), ("withdrawn_reason", "")) & Q(("state", "withdrawn"), _negated=True),
                    _connector="OR",
                ),
                name="withdrawn_pack_says_who_and_why",
            ),
        ),
        migrations.RunSQL(swapped(MOVES), swapped([(new, old) for old, new in MOVES])),
    ]
