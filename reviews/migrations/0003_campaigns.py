"""The rules of plans and campaigns, in triggers, each with an SQLSTATE of its own."""

from django.db import migrations

from ledger.rowsecurity import drop_functions

PLANS = """
CREATE FUNCTION reviews_plan_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE moving text[] := ARRAY['next_opening_at', 'ended_at', 'ended_by', 'end_reason'];
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A plan is kept: end it instead.' USING ERRCODE = 'UA006';
    END IF;
    IF to_jsonb(NEW) - moving <> to_jsonb(OLD) - moving THEN
        RAISE EXCEPTION 'A plan is never changed: end it, and plan another.' USING ERRCODE = 'UA001';
    END IF;
    IF OLD.ended_at IS NOT NULL AND to_jsonb(NEW) <> to_jsonb(OLD) THEN
        RAISE EXCEPTION 'A plan ends once, and never begins again.' USING ERRCODE = 'UA001';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.ended_at)) > 300 THEN
        RAISE EXCEPTION 'The end of a plan bears the time at which it is ended.' USING ERRCODE = 'UA016';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_stays BEFORE UPDATE OR DELETE ON reviews_campaignplan
    FOR EACH ROW EXECUTE FUNCTION reviews_plan_stays();

CREATE FUNCTION reviews_plan_is_made_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_campaignplan p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.plan_id
            AND p.ended_at IS NULL AND p.created_at > clock_timestamp() - interval '5 minutes'
    ) OR EXISTS (
        SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.plan_id = NEW.plan_id
    ) THEN
        RAISE EXCEPTION 'The systems and stages of a plan are named when it is made.' USING ERRCODE = 'UA001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER plan_is_made_whole BEFORE INSERT ON reviews_plansystem
    FOR EACH ROW EXECUTE FUNCTION reviews_plan_is_made_whole();
CREATE TRIGGER plan_is_made_whole BEFORE INSERT ON reviews_planstage
    FOR EACH ROW EXECUTE FUNCTION reviews_plan_is_made_whole();
"""

# What was withdrawn, or left open by an earlier round, is decided again. (With the volatile clock_timestamp() the planner
# would look for each item's decision one by one.) The key of an item names its row with account and entitlement. One that
# named the subject too would check no item without a subject, and the system stands in the snapshot alone.
CAMPAIGN = """
CREATE FUNCTION reviews_campaign_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE total bigint; items bigint; excluded bigint; covered bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A campaign is kept: cancel it instead.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'A campaign begins as a draft.' USING ERRCODE = 'UA010';
        END IF;
        IF NEW.follows_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.follows_id
                AND ((NEW.stage = 1 AND c.state = 'closed')
                    OR (NEW.stage = c.stage + 1 AND c.state IN ('remediating', 'closed')))
        ) THEN
            RAISE EXCEPTION 'A stage follows a signed campaign, and a follow-up a closed one.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IN ('closed', 'cancelled') THEN
        RAISE EXCEPTION 'The campaign is %; that is final.', OLD.state USING ERRCODE = 'UA010';
    END IF;
    IF (NEW.follows_id, NEW.stage, NEW.plan_id, NEW.occurrence_at)
        IS DISTINCT FROM (OLD.follows_id, OLD.stage, OLD.plan_id, OLD.occurrence_at) THEN
        RAISE EXCEPTION 'The period of a campaign and what it follows are fixed when it is made.' USING ERRCODE = 'UA001';
    END IF;
    IF OLD.state NOT IN ('draft', 'collecting', 'ready') AND NEW.due_at IS DISTINCT FROM OLD.due_at THEN
        IF NEW.state <> 'open'
            OR NEW.due_at <= (CASE OLD.state WHEN 'open' THEN OLD.due_at ELSE clock_timestamp() END) THEN
            RAISE EXCEPTION 'The due time moves only to a later one, or by reopening.' USING ERRCODE = 'UA021';
        END IF;
        IF (SELECT (m.old, m.new, m.old_due_at, m.new_due_at)
                IS NOT DISTINCT FROM (OLD.state, NEW.state, OLD.due_at, NEW.due_at)
            FROM reviews_campaignmove m WHERE m.tenant_id = NEW.tenant_id AND m.campaign_id = NEW.id
            ORDER BY m.id DESC LIMIT 1) IS NOT TRUE THEN
            RAISE EXCEPTION 'The due time moves only with the row that says who moves it, and why.'
                USING ERRCODE = 'UA021';
        END IF;
    END IF;
    IF OLD.state NOT IN ('draft', 'collecting', 'ready') AND NEW.definition <> OLD.definition THEN
        RAISE EXCEPTION 'The definition of an opened campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    IF NEW.state = OLD.state THEN
        IF NEW.round <> OLD.round THEN
            RAISE EXCEPTION 'The round changes only by reopening.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('draft', 'collecting'), ('draft', 'cancelled'), ('collecting', 'ready'), ('collecting', 'cancelled'),
        ('ready', 'open'), ('ready', 'collecting'), ('ready', 'cancelled'), ('open', 'signing'), ('open', 'cancelled'),
        ('signing', 'open'), ('signing', 'remediating'), ('remediating', 'closed')
    ) THEN
        RAISE EXCEPTION 'A campaign does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF NEW.round <> OLD.round + (CASE WHEN OLD.state = 'signing' AND NEW.state = 'open' THEN 1 ELSE 0 END) THEN
        RAISE EXCEPTION 'Reopening begins a new round, and nothing else does.' USING ERRCODE = 'UA010';
    END IF;
    IF NEW.state = 'ready' AND (
        NOT EXISTS (SELECT 1 FROM reviews_scopeline l WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id
                    AND l.snapshot_id IS NOT NULL)
        OR EXISTS (
            SELECT 1 FROM reviews_scopeline l LEFT JOIN identities_snapshot s
                ON s.tenant_id = l.tenant_id AND s.id = l.snapshot_id AND s.system_id = l.system_id AND s.complete
            WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id AND s.id IS NULL AND l.waiver_reason = ''
        )
    ) THEN
        RAISE EXCEPTION 'Every system in scope needs a complete snapshot or a waiver.' USING ERRCODE = 'UA011';
    END IF;
    IF OLD.state = 'ready' AND NEW.state = 'open' THEN
        SELECT coalesce(sum(s.row_total), 0) INTO total FROM reviews_scopeline l
            JOIN identities_snapshot s ON s.tenant_id = l.tenant_id AND s.id = l.snapshot_id
            WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id;
        SELECT count(*) INTO items FROM reviews_reviewitem WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id;
        SELECT count(*) INTO excluded FROM reviews_exclusion WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id;
        SELECT count(*) INTO covered FROM (
            SELECT row_id FROM reviews_reviewitem WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id
            UNION SELECT row_id FROM reviews_exclusion WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id
        ) u JOIN identities_snapshotrow r ON r.tenant_id = NEW.tenant_id AND r.id = u.row_id
            JOIN reviews_scopeline l ON l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id
                AND l.snapshot_id = r.snapshot_id;
        IF items + excluded <> total OR covered <> total THEN
            RAISE EXCEPTION 'The population does not balance: % rows, % items, % exclusions.', total, items, excluded
                USING ERRCODE = 'UA012';
        END IF;
        IF EXISTS (
            SELECT 1 FROM reviews_reviewitem i
                JOIN identities_snapshotrow r ON r.tenant_id = i.tenant_id AND r.id = i.row_id
                JOIN identities_snapshot s ON s.tenant_id = r.tenant_id AND s.id = r.snapshot_id
            WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND (i.subject_id, i.privileged, i.system_id)
                IS DISTINCT FROM (r.identity_id, r.privileged, s.system_id)
        ) THEN
            RAISE EXCEPTION 'An item says other things than its row of the snapshot.' USING ERRCODE = 'UA012';
        END IF;
        IF EXISTS (
            SELECT 1 FROM reviews_reviewitem i WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND NOT EXISTS (
                SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = i.tenant_id AND a.item_id = i.id AND a.until IS NULL)
        ) THEN
            RAISE EXCEPTION 'Every item needs a reviewer before the campaign opens.' USING ERRCODE = 'UA012';
        END IF;
    END IF;
    IF OLD.state = 'open' AND NEW.state = 'signing' AND EXISTS (
        SELECT 1 FROM reviews_reviewitem i WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND NOT EXISTS (
            SELECT 1 FROM reviews_head d WHERE d.tenant_id = i.tenant_id AND d.item_id = i.id
                AND (d.outcome <> 'not_decided' OR statement_timestamp() >= OLD.due_at))
    ) THEN
        RAISE EXCEPTION 'Items are undecided.' USING ERRCODE = 'UA013';
    END IF;
    IF NEW.state = 'remediating' AND EXISTS (
        SELECT 1 FROM reviews_head h WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id
            AND h.reviewer_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM reviews_signoff s WHERE s.tenant_id = h.tenant_id AND s.campaign_id = h.campaign_id
                    AND s.stage = h.stage AND s.round = NEW.round AND s.reviewer_id = h.reviewer_id)
    ) THEN
        RAISE EXCEPTION 'A reviewer has not signed.' USING ERRCODE = 'UA014';
    END IF;
    IF NEW.state = 'closed' AND EXISTS (
        SELECT 1 FROM reviews_secondlook w JOIN reviews_head h ON h.tenant_id = w.tenant_id AND h.id = w.decision_id
        WHERE w.tenant_id = NEW.tenant_id AND w.campaign_id = NEW.id AND w.outcome = ''
    ) THEN
        RAISE EXCEPTION 'A second look waits for its reviewer.' USING ERRCODE = 'UA015';
    END IF;
    IF NEW.state = 'closed' AND EXISTS (
        SELECT 1 FROM reviews_head h LEFT JOIN reviews_remediation r ON r.tenant_id = h.tenant_id AND r.decision_id = h.id
            LEFT JOIN reviews_silentitem w ON w.tenant_id = h.tenant_id AND w.decision_id = h.id
        WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id
            AND (h.outcome IN ('revoke', 'modify') OR w.answer IN ('', 'revoke'))
            AND (r.id IS NULL OR NOT (r.state = 'verified'
                OR (r.state = 'risk_accepted' AND r.accepted_until > clock_timestamp())))
    ) THEN
        RAISE EXCEPTION 'A revocation is not verified.' USING ERRCODE = 'UA015';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_moves BEFORE INSERT OR UPDATE OR DELETE ON reviews_campaign
    FOR EACH ROW EXECUTE FUNCTION reviews_campaign_moves();
"""

# Opening takes FOR NO KEY UPDATE by its UPDATE, or FOR UPDATE by the action: both wait for FOR SHARE, and it for them.
# Each statement of a trigger sees what was committed while the one before it waited.
FROZEN = """
CREATE FUNCTION reviews_population_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM reviews_campaign c WHERE c.id IN (SELECT f.campaign_id FROM fresh f) FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_campaign c ON c.tenant_id = f.tenant_id AND c.id = f.campaign_id
        WHERE c.state <> 'ready'
    ) THEN
        RAISE EXCEPTION 'The population of the campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER item_is_frozen AFTER INSERT ON reviews_reviewitem
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER exclusion_is_frozen AFTER INSERT ON reviews_exclusion
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER absent_account_is_frozen AFTER INSERT ON reviews_absentaccount
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER case_is_frozen AFTER INSERT ON reviews_conflictcase
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER case_grant_is_frozen AFTER INSERT ON reviews_casegrant
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER control_item_is_frozen AFTER INSERT ON reviews_controlitem
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();

CREATE FUNCTION reviews_scope_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE line record;
BEGIN
    line := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    PERFORM 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id
        AND c.id IN (OLD.campaign_id, NEW.campaign_id) FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id
            AND c.id IN (OLD.campaign_id, NEW.campaign_id) AND c.state NOT IN ('draft', 'collecting')
    ) THEN
        RAISE EXCEPTION 'The scope of the campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    RETURN line;
END $$;
CREATE TRIGGER scope_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON reviews_scopeline
    FOR EACH ROW EXECUTE FUNCTION reviews_scope_is_frozen();
"""

# The stages of one round share plan and occurrence. Only rows of later stages are looked at.
ASSIGNMENTS = """
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

CREATE FUNCTION reviews_nobody_decides_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f
            JOIN reviews_campaign c ON c.tenant_id = f.tenant_id AND c.id = f.campaign_id AND c.stage > 1
            JOIN reviews_campaign e ON e.tenant_id = c.tenant_id AND e.plan_id = c.plan_id
                AND e.occurrence_at = c.occurrence_at AND e.stage < c.stage AND e.state <> 'cancelled'
            JOIN reviews_reviewitem i ON i.tenant_id = f.tenant_id AND i.id = f.item_id
            JOIN reviews_reviewitem p ON p.tenant_id = e.tenant_id AND p.campaign_id = e.id AND p.row_id = i.row_id
            JOIN reviews_head h ON h.tenant_id = p.tenant_id AND h.item_id = p.id AND h.reviewer_id = f.reviewer_id
    ) THEN
        RAISE EXCEPTION 'Nobody decides the same grant at two stages. Name another reviewer.' USING ERRCODE = 'UA020';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER nobody_decides_twice AFTER INSERT ON reviews_assignment
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_nobody_decides_twice();
"""

# Lets the app role refresh the planner's statistics when a campaign opens (as `identities_refresh_statistics` does).
# Statistics about the evidence of items cost a second of an opening of 100,000, since each sampled item's JSON was unpacked.
ANALYZE = """
CREATE FUNCTION reviews_refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public AS $$
BEGIN
    ANALYZE reviews_reviewitem (tenant_id, id, campaign_id, n, system_id, snapshot_id, row_id, account_id, entitlement_id, subject_id, subject_key, privileged, advice);
    ANALYZE reviews_exclusion;
    ANALYZE reviews_assignment;
    ANALYZE reviews_decision;
END $$;
REVOKE ALL ON FUNCTION reviews_refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reviews_refresh_statistics() TO countersign_app;
"""


class Migration(migrations.Migration):
    replaces = [
        ("reviews", "0003_refresh_statistics"),
        ("reviews", "0004_withdraw_and_keep_signed"),
        ("reviews", "0008_hand_items_on"),
        ("reviews", "0009_mail_reviewers"),
        ("reviews", "0010_stages"),
        ("reviews", "0011_triggers"),
        ("reviews", "0012_check_keys_once"),
        ("reviews", "0016_reviewers_by_group"),
        ("reviews", "0017_check_grants_at_once"),
        ("reviews", "0019_open_in_less_time"),
    ]
    dependencies = [("reviews", "0002_row_security")]

    operations = [
        migrations.RunSQL(PLANS, drop_functions("reviews_plan_is_made_whole", "reviews_plan_stays")),
        migrations.RunSQL(CAMPAIGN, drop_functions("reviews_campaign_moves")),
        migrations.RunSQL(FROZEN, drop_functions("reviews_population_is_frozen", "reviews_scope_is_frozen")),
        migrations.RunSQL(ASSIGNMENTS, drop_functions("reviews_assignment_is_open", "reviews_nobody_decides_twice")),
        migrations.RunSQL(ANALYZE, drop_functions("reviews_refresh_statistics")),
    ]
