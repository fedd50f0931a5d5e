"""Lets the due time of an open campaign move three times at most, by 30 days each (`reviews.kinds`).

A trigger of its own, beside the one that asks for the row that says who moves it: that row is the last one here.
"""

from django.db import migrations

LIMITED = """
CREATE FUNCTION reviews_campaign_is_extended_within_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.due_at > OLD.due_at + interval '720 hours' OR 3 < (
        SELECT count(*) FROM reviews_campaignmove m
        WHERE m.tenant_id = NEW.tenant_id AND m.campaign_id = NEW.id AND m.old = 'open' AND m.new = 'open'
    ) THEN
        RAISE EXCEPTION 'An open campaign is extended three times at most, by 30 days each.' USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_is_extended_within_limits BEFORE UPDATE OF due_at ON reviews_campaign
    FOR EACH ROW WHEN (OLD.state = 'open' AND NEW.state = 'open' AND NEW.due_at IS DISTINCT FROM OLD.due_at)
    EXECUTE FUNCTION reviews_campaign_is_extended_within_limits();
"""
UNLIMITED = "DROP FUNCTION reviews_campaign_is_extended_within_limits() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("reviews", "0008_judge_pace_batches_and_agreement")]

    operations = [migrations.RunSQL(LIMITED, UNLIMITED)]
