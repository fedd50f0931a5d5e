"""Counts the days of what is postponed in the time zone of the campaign's plan, as all its other dates, and not in UTC.

A plan keeps the zone of its tenant as it was when the plan was made; a CHECK cannot read it, so a trigger holds the days.
"""

from django.db import migrations

from ledger.rowsecurity import drop_functions

DAYS = """
CREATE FUNCTION reviews_day_of_campaign(tenant bigint, campaign bigint, at timestamptz) RETURNS date LANGUAGE sql STABLE
RETURN (
    SELECT (at AT TIME ZONE p.time_zone)::date FROM reviews_campaign c
        JOIN reviews_campaignplan p ON p.tenant_id = c.tenant_id AND p.id = c.plan_id
        WHERE c.tenant_id = tenant AND c.id = campaign
);
ALTER TABLE reviews_decision DROP CONSTRAINT postponed_for_30_days_at_most;
ALTER TABLE reviews_decision ADD CONSTRAINT only_a_single_abstention_is_postponed
    CHECK (postponed_until IS NULL OR (outcome = 'abstain' AND bulk IS NULL));

CREATE FUNCTION reviews_decision_is_postponed_for_30_days_at_most() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE today date := reviews_day_of_campaign(NEW.tenant_id, NEW.campaign_id, NEW.decided_at);
BEGIN
    IF (NEW.postponed_until BETWEEN today + 1 AND today + 30) IS NOT TRUE THEN
        RAISE EXCEPTION 'Choose a day within the next 30 days.' USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_is_postponed_for_30_days_at_most BEFORE INSERT ON reviews_decision
    FOR EACH ROW WHEN (NEW.postponed_until IS NOT NULL)
    EXECUTE FUNCTION reviews_decision_is_postponed_for_30_days_at_most();
"""
NO_DAYS = (
    drop_functions("reviews_decision_is_postponed_for_30_days_at_most")
    + """
ALTER TABLE reviews_decision DROP CONSTRAINT only_a_single_abstention_is_postponed;
ALTER TABLE reviews_decision ADD CONSTRAINT postponed_for_30_days_at_most CHECK (postponed_until IS NULL
    OR (outcome = 'abstain' AND bulk IS NULL AND postponed_until > (decided_at AT TIME ZONE 'UTC')::date
        AND postponed_until <= (decided_at AT TIME ZONE 'UTC')::date + 30)) NOT VALID;
DROP FUNCTION reviews_day_of_campaign(bigint, bigint, timestamptz);
"""
)

RESUMED = """
CREATE OR REPLACE FUNCTION reviews_postponed_item_is_resumed_on_its_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_head h JOIN reviews_decision d ON d.tenant_id = h.tenant_id AND d.id = h.id
        WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.decision_id AND d.postponed_until <= {today}
    ) THEN
        RAISE EXCEPTION 'Only what is postponed is taken up again, and on its day.' USING ERRCODE = 'UA010';
    END IF;
    RETURN NEW;
END $$;
"""
OF_CAMPAIGN = "reviews_day_of_campaign(d.tenant_id, d.campaign_id, clock_timestamp())"
OF_UTC = "(clock_timestamp() AT TIME ZONE 'UTC')::date"


class Migration(migrations.Migration):
    dependencies = [("reviews", "0013_hold_items_by_their_scope")]

    operations = [
        migrations.RunSQL(DAYS + RESUMED.format(today=OF_CAMPAIGN), RESUMED.format(today=OF_UTC) + NO_DAYS),
    ]
