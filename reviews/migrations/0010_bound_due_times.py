"""Bounds the due times that were free: of a reopened campaign, and of what is carried out. Names a changed decision.

A campaign is reopened until its present due time or for 30 days (`reviews.kinds`). What is carried out is due within
the days of its campaign for its severity from its beginning on, and stays so: also when it opens again.
"""

from django.db import migrations, models

from ledger.rowsecurity import drop_functions

REOPENED = """
CREATE FUNCTION reviews_campaign_is_reopened_within_limits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.due_at > greatest(OLD.due_at, clock_timestamp() + interval '720 hours') THEN
        RAISE EXCEPTION 'A campaign is reopened for 30 days at most.' USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_is_reopened_within_limits BEFORE UPDATE OF due_at ON reviews_campaign
    FOR EACH ROW WHEN (OLD.state = 'signing' AND NEW.state = 'open' AND NEW.due_at IS DISTINCT FROM OLD.due_at)
    EXECUTE FUNCTION reviews_campaign_is_reopened_within_limits();
"""

REMEDIED = """
CREATE FUNCTION reviews_remediation_is_due_within_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE most int;
BEGIN
    SELECT (c.definition ->> CASE WHEN i.privileged THEN 'revoke_days_privileged' ELSE 'revoke_days' END)::int INTO most
        FROM reviews_reviewitem i JOIN reviews_campaign c ON c.tenant_id = i.tenant_id AND c.id = i.campaign_id
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id;
    IF NEW.created_at > clock_timestamp() + interval '5 minutes'
        OR NEW.due_at > NEW.created_at + make_interval(hours => 24 * coalesce(most, 0)) THEN
        RAISE EXCEPTION 'This is to be carried out within % days of its beginning.', coalesce(most, 0)
            USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remediation_is_due_within_limits BEFORE INSERT ON reviews_remediation
    FOR EACH ROW EXECUTE FUNCTION reviews_remediation_is_due_within_limits();

CREATE FUNCTION reviews_remediation_stays_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What is carried out stays due when it was due at its beginning.' USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER remediation_stays_due BEFORE UPDATE OF due_at, created_at ON reviews_remediation
    FOR EACH ROW WHEN ((NEW.due_at, NEW.created_at) IS DISTINCT FROM (OLD.due_at, OLD.created_at))
    EXECUTE FUNCTION reviews_remediation_stays_due();
"""

EVENTS = [
    ("opened", "To be carried out"),
    ("overdue", "Late"),
    ("reopened", "Open again"),
    ("verified", "Verified"),
    ("changed", "Decision changed"),
    ("given_up", "A ticket was given up"),
]


class Migration(migrations.Migration):
    dependencies = [("reviews", "0009_extend_within_limits")]

    operations = [
        migrations.RunSQL(REOPENED, drop_functions("reviews_campaign_is_reopened_within_limits")),
        migrations.RunSQL(
            REMEDIED, drop_functions("reviews_remediation_is_due_within_limits", "reviews_remediation_stays_due")
        ),
        migrations.AlterField("ticket", "event", models.CharField(max_length=8, choices=EVENTS)),
    ]
