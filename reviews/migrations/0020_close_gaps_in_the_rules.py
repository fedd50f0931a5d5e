"""Closes gaps in the rules of a review: what counts as decided, what an item copies, who waits for whom, the due time.

Parts of the functions of earlier migrations are swapped, so that the rest of their text stands in one place.
"""

from importlib import import_module

from django.db import migrations

swapped = import_module("reviews.migrations.0010_stages").swapped
CAMPAIGN, REMEDIATION = "reviews_campaign_moves()", "reviews_remediation_moves()"

# What was withdrawn, or left open by an earlier round, is decided again. (With the volatile clock_timestamp() the planner
# would look for each item's decision one by one.)
ANY_DECISION = """            SELECT 1 FROM reviews_decision d WHERE d.tenant_id = i.tenant_id AND d.item_id = i.id)
"""
LAST_DECISION = """            SELECT 1 FROM reviews_head d WHERE d.tenant_id = i.tenant_id AND d.item_id = i.id
                AND (d.outcome <> 'not_decided' OR statement_timestamp() >= OLD.due_at))
"""

# The key of an item names its row with account and entitlement. One that named the subject too would check no item
# without a subject, and the system stands in the snapshot alone.
HAS_REVIEWERS = """        IF EXISTS (
            SELECT 1 FROM reviews_reviewitem i WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND NOT EXISTS (
                SELECT 1 FROM reviews_assignment a"""
COPIES_ITS_ROW = f"""        IF EXISTS (
            SELECT 1 FROM reviews_reviewitem i
                JOIN identities_snapshotrow r ON r.tenant_id = i.tenant_id AND r.id = i.row_id
                JOIN identities_snapshot s ON s.tenant_id = r.tenant_id AND s.id = r.snapshot_id
            WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND (i.subject_id, i.privileged, i.system_id)
                IS DISTINCT FROM (r.identity_id, r.privileged, s.system_id)
        ) THEN
            RAISE EXCEPTION 'An item says other things than its row of the snapshot.' USING ERRCODE = 'UA012';
        END IF;
{HAS_REVIEWERS}"""

FIXED = """    IF (NEW.follows_id, NEW.stage, NEW.plan_id) IS DISTINCT FROM (OLD.follows_id, OLD.stage, OLD.plan_id) THEN
        RAISE EXCEPTION 'What a campaign follows is fixed when it is made.' USING ERRCODE = 'UA001';
    END IF;
"""
FIXED_WITH_PERIOD = """    IF (NEW.follows_id, NEW.stage, NEW.plan_id, NEW.occurrence_at)
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
"""

# Opening takes FOR NO KEY UPDATE by its UPDATE, or FOR UPDATE by the action: both wait for FOR SHARE, and it for them.
# Each statement of a trigger sees what was committed while the one before it waited.
POPULATION = """    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_campaign c"""
LOCKED = "    PERFORM 1 FROM reviews_campaign c WHERE c.id IN (SELECT f.campaign_id FROM fresh f) FOR SHARE;\n"
SCOPE = """    IF EXISTS (
        SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id AND c.id = line.campaign_id
            AND c.state NOT IN ('draft', 'collecting')
    ) THEN
"""
SCOPE_OF_BOTH = """    PERFORM 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id
        AND c.id IN (OLD.campaign_id, NEW.campaign_id) FOR SHARE;
    IF EXISTS (
        SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id
            AND c.id IN (OLD.campaign_id, NEW.campaign_id) AND c.state NOT IN ('draft', 'collecting')
    ) THEN
"""

DECIDED = "    SELECT outcome, decided_at INTO d FROM reviews_decision"
DECIDED_ABOUT = "    SELECT outcome, decided_at, item_id, campaign_id INTO d FROM reviews_decision"
BEGINS = "        IF NEW.state <> 'open' OR (d.outcome NOT IN ('revoke', 'modify') AND NOT EXISTS ("
BEGINS_OF_ITS_ITEM = """        IF (d.item_id, d.campaign_id) IS DISTINCT FROM (NEW.item_id, NEW.campaign_id) THEN
            RAISE EXCEPTION 'A remediation is of the item that was decided.' USING ERRCODE = 'UA010';
        END IF;
        IF NEW.state <> 'open' OR (d.outcome NOT IN ('revoke', 'modify') AND NOT EXISTS ("""
SNAPSHOT = "        SELECT system_id, captured_at, complete INTO s FROM identities_snapshot"
SNAPSHOT_WITH_TOTAL = "        SELECT system_id, captured_at, complete, source_total INTO s FROM identities_snapshot"
# `source_total` counts what the system counts: rows, or accounts of which none may hold anything any more.
STILL_LISTED = """        IF EXISTS (
            SELECT 1 FROM identities_snapshotrow r WHERE r.tenant_id = NEW.tenant_id
                AND r.snapshot_id = NEW.verified_snapshot_id"""
NOT_EMPTY = f"""        IF s.source_total = 0 THEN
            RAISE EXCEPTION 'An empty list verifies no revocation.' USING ERRCODE = 'UA007';
        END IF;
{STILL_LISTED}"""


class Migration(migrations.Migration):
    dependencies = [("reviews", "0019_open_in_less_time")]

    operations = [
        swapped(CAMPAIGN, ANY_DECISION, LAST_DECISION),
        swapped(CAMPAIGN, HAS_REVIEWERS, COPIES_ITS_ROW),
        swapped(CAMPAIGN, FIXED, FIXED_WITH_PERIOD),
        swapped("reviews_population_is_frozen()", POPULATION, LOCKED + POPULATION),
        swapped("reviews_scope_is_frozen()", SCOPE, SCOPE_OF_BOTH),
        swapped(REMEDIATION, DECIDED, DECIDED_ABOUT),
        swapped(REMEDIATION, BEGINS, BEGINS_OF_ITS_ITEM),
        swapped(REMEDIATION, SNAPSHOT, SNAPSHOT_WITH_TOTAL),
        swapped(REMEDIATION, STILL_LISTED, NOT_EMPTY),
    ]
