"""Lets an item be postponed whose person has just moved, within limits, and keeps what came of it on its day.

The limits are those of `reviews.postponing`. A decision that settles the grant is one that keeps, reduces or revokes it
in a campaign that everybody signed.
"""

import django.db.models.deletion
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable, drop_functions

# The lock lets two campaigns that review one grant postpone it one after the other: the second sees the first.
POSTPONED = """
ALTER TABLE reviews_decision ADD CONSTRAINT postponed_for_30_days_at_most CHECK (postponed_until IS NULL
    OR (outcome = 'abstain' AND bulk IS NULL AND postponed_until > (decided_at AT TIME ZONE 'UTC')::date
        AND postponed_until <= (decided_at AT TIME ZONE 'UTC')::date + 30));

CREATE FUNCTION reviews_decision_is_postponed_within_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE item record;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM identities_personchange p
            JOIN identities_peoplefeed f ON f.tenant_id = p.tenant_id AND f.id = p.feed_id
        WHERE p.tenant_id = NEW.tenant_id AND p.identity_id = NEW.subject_key AND p.kind = 'moved'
            AND f.delivered_at > clock_timestamp() - interval '720 hours'
    ) THEN
        RAISE EXCEPTION 'Only the access of a person who moved within the last 30 days is postponed.'
            USING ERRCODE = 'UA021';
    END IF;
    SELECT i.account_id, i.entitlement_id INTO item FROM reviews_reviewitem i
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id;
    PERFORM pg_advisory_xact_lock(hashtextextended(
        format('postpone %s %s %s', NEW.tenant_id, item.account_id, item.entitlement_id), 0));
    IF EXISTS (
        SELECT 1 FROM reviews_reviewitem i
            JOIN reviews_campaign c ON c.tenant_id = i.tenant_id AND c.id = i.campaign_id AND c.state <> 'cancelled'
            JOIN reviews_head h ON h.tenant_id = i.tenant_id AND h.item_id = i.id
            JOIN reviews_decision d ON d.tenant_id = h.tenant_id AND d.id = h.id AND d.postponed_until IS NOT NULL
        WHERE i.tenant_id = NEW.tenant_id AND i.account_id = item.account_id
            AND i.entitlement_id = item.entitlement_id AND i.id <> NEW.item_id
            AND NOT EXISTS (
                SELECT 1 FROM reviews_reviewitem o
                    JOIN reviews_campaign k ON k.tenant_id = o.tenant_id AND k.id = o.campaign_id
                        AND k.state IN ('remediating', 'closed')
                    JOIN reviews_head s ON s.tenant_id = o.tenant_id AND s.item_id = o.id
                        AND s.outcome IN ('certify', 'revoke', 'modify') AND s.decided_at > d.decided_at
                WHERE o.tenant_id = i.tenant_id AND o.account_id = i.account_id
                    AND o.entitlement_id = i.entitlement_id)
    ) THEN
        RAISE EXCEPTION 'This access was postponed before and not decided since. Decide about it now.'
            USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_is_postponed_within_limits BEFORE INSERT ON reviews_decision
    FOR EACH ROW WHEN (NEW.postponed_until IS NOT NULL)
    EXECUTE FUNCTION reviews_decision_is_postponed_within_limits();
"""

# Beside `signature_covers_decisions`, which compares outcome and reason of each decision with the statement.
SIGNED = """
CREATE FUNCTION reviews_signature_names_the_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT h.id, d.postponed_until FROM reviews_head h
            JOIN reviews_decision d ON d.tenant_id = h.tenant_id AND d.id = h.id AND d.postponed_until IS NOT NULL
        WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.campaign_id AND h.stage = NEW.stage
            AND h.reviewer_id = NEW.reviewer_id
        EXCEPT
        SELECT x.decision, x.postponed_until
            FROM jsonb_to_recordset(NEW.manifest::jsonb -> 'decisions') AS x (decision bigint, postponed_until date)
    ) THEN
        RAISE EXCEPTION 'The statement does not say until when something is postponed. Read it again and sign.'
            USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signature_names_the_days BEFORE INSERT ON reviews_signoff
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_names_the_days();
"""

RESUMED = """
CREATE FUNCTION reviews_postponed_item_is_resumed_on_its_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_head h JOIN reviews_decision d ON d.tenant_id = h.tenant_id AND d.id = h.id
        WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.decision_id
            AND d.postponed_until <= (clock_timestamp() AT TIME ZONE 'UTC')::date
    ) THEN
        RAISE EXCEPTION 'Only what is postponed is taken up again, and on its day.' USING ERRCODE = 'UA010';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER postponed_item_is_resumed_on_its_day BEFORE INSERT ON reviews_resumption
    FOR EACH ROW EXECUTE FUNCTION reviews_postponed_item_is_resumed_on_its_day();
CREATE TRIGGER resumption_stays BEFORE UPDATE OR DELETE ON reviews_resumption
    FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();
CREATE TRIGGER resumption_is_not_emptied BEFORE TRUNCATE ON reviews_resumption
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("identities", "0002_rules"), ("reviews", "0010_bound_due_times")]

    operations = [
        migrations.AddField("decision", "postponed_until", models.DateField(blank=True, null=True)),
        migrations.CreateModel(
            "Resumption",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "came",
                    models.CharField(
                        max_length=9,
                        choices=[
                            ("reviewed", "Reviewed in a campaign of its own"),
                            ("left", "Not reviewed: the person left"),
                            ("gone", "Not reviewed: the access is gone by the newest list"),
                            ("decided", "Not reviewed: it was decided and signed meanwhile in another campaign"),
                            ("cancelled", "Not reviewed: the campaign was cancelled"),
                        ],
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resumptions",
                        to="reviews.campaign",
                    ),
                ),
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="resumption", to="reviews.decision"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenants.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(came="reviewed", campaign__isnull=False)
                        | models.Q(came__in=["left", "gone", "decided", "cancelled"], campaign__isnull=True),
                        name="postponed_item_is_reviewed_or_says_why_not",
                    )
                ]
            },
        ),
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        ProtectTable(
            "reviews_resumption",
            app=APPEND,
            references=(("decision_id", "reviews_decision"), ("campaign_id", "reviews_campaign")),
        ),
        NarrowTable("reviews_resumption", "decision_id IN (SELECT id FROM reviews_decision)"),
        migrations.RunSQL(
            POSTPONED,
            drop_functions("reviews_decision_is_postponed_within_limits")
            + "ALTER TABLE reviews_decision DROP CONSTRAINT postponed_for_30_days_at_most;",
        ),
        migrations.RunSQL(SIGNED, drop_functions("reviews_signature_names_the_days")),
        migrations.RunSQL(RESUMED, drop_functions("reviews_postponed_item_is_resumed_on_its_day")),
    ]
