"""Keeps signed decisions as they are, withdraws a decision whose item moves on, and puts no item about after signing.

Parts of the functions of `0002_hold_the_rules` are swapped, so that the rest of their text stands in one place.
"""

from django.db import migrations

DECISION, SIGNATURE = "reviews_decision_is_allowed()", "reviews_signature_covers_decisions()"

EARLY = """    IF NEW.outcome = 'not_decided' THEN
        IF clock_timestamp() < c.due_at THEN
"""
WITHDRAWN = """    IF NEW.supersedes_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM reviews_decision d JOIN reviews_signoff s ON s.tenant_id = d.tenant_id
            AND s.campaign_id = d.campaign_id AND s.stage = d.stage AND s.reviewer_id = d.reviewer_id
        WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.supersedes_id AND s.round = c.round
    ) THEN
        RAISE EXCEPTION 'The decision before this one is signed already.' USING ERRCODE = 'UA005';
    END IF;
    IF NEW.outcome = 'not_decided' THEN
        IF clock_timestamp() < c.due_at AND NEW.supersedes_id IS NULL THEN
"""
ANY_DECISION = """
                SELECT 1 FROM reviews_decision d WHERE d.tenant_id = a.tenant_id AND d.item_id = a.item_id
                    AND d.stage = a.stage)
"""
LAST_DECISION = """
                SELECT 1 FROM reviews_head d WHERE d.tenant_id = a.tenant_id AND d.item_id = a.item_id
                    AND d.stage = a.stage AND (d.outcome <> 'not_decided' OR c.state <> 'open'))
"""
ASSIGNMENT = """
CREATE FUNCTION reviews_assignment_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_campaign c ON c.tenant_id = f.tenant_id AND c.id = f.campaign_id
        WHERE c.state NOT IN ('ready', 'open')
    ) THEN
        RAISE EXCEPTION 'Items change their reviewer only while the campaign is open.' USING ERRCODE = 'UA002';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER assignment_is_open AFTER INSERT ON reviews_assignment
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_assignment_is_open();
"""


def swapped(function: str, old: str, new: str) -> migrations.RunSQL:
    """Returns the operation that swaps one part of a function, and refuses one that does not hold it."""
    return migrations.RunSQL(_swap(function, old, new), _swap(function, new, old))


def _swap(function: str, old: str, new: str) -> str:
    """Returns the statement of one swap."""
    return f"""
DO $swap$
DECLARE source text := pg_get_functiondef('{function}'::regprocedure);
BEGIN
    IF position($old${old}$old$ IN source) = 0 THEN
        RAISE EXCEPTION 'The function {function} is not the one that this migration knows.';
    END IF;
    EXECUTE replace(source, $old${old}$old$, $new${new}$new$);
END $swap$;
"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_refresh_statistics")]

    operations = [
        swapped(DECISION, EARLY, WITHDRAWN),
        swapped(SIGNATURE, ANY_DECISION, LAST_DECISION),
        migrations.RunSQL(ASSIGNMENT, "DROP FUNCTION reviews_assignment_is_open() CASCADE"),
    ]
