"""Reviews logs by periods without a gap: schedules, chained periods, items, dispositions, signatures and follow-ups.

A period begins where the one before ended, by a foreign key on the period before: begins are unique, every begin but the
first is the end of another period, and ends lie after begins; so a schedule has one chain, without gap, fork or overlap.

What the action collects (`reviews.queries.logpopulation`, `logs.coverage`) is collected here a second time, in SQL: every
expected hour without a record lies in a gap that is an item, and every event that the seed draws is an item. Both
judge what was in the ledger at the size that the period names, so that a record that arrives meanwhile changes neither.
"""

from django.db import migrations

SETTLE_HOURS = 2
ITEM_COPIED = "tenant_id, item_id, review_id, subject_key, kind, severity"
ITEM_FACTS = "tenant_id, id, review_id, subject_key, kind, severity"
HELD = f"""
ALTER TABLE reviews_logreview ADD CONSTRAINT log_review_follows_the_one_before
    FOREIGN KEY (tenant_id, schedule_id, follows_end) REFERENCES reviews_logreview (tenant_id, schedule_id, ends_at);
ALTER TABLE reviews_logitem ADD CONSTRAINT log_item_is_of_its_schedule
    FOREIGN KEY (tenant_id, review_id, schedule_id) REFERENCES reviews_logreview (tenant_id, id, schedule_id);
ALTER TABLE reviews_disposition ADD CONSTRAINT disposition_copies_its_item
    FOREIGN KEY ({ITEM_COPIED}) REFERENCES reviews_logitem ({ITEM_FACTS}),
    ADD CONSTRAINT disposition_supersedes_one_of_its_item
    FOREIGN KEY (tenant_id, item_id, supersedes_id) REFERENCES reviews_disposition (tenant_id, item_id, id);
ALTER TABLE reviews_logsignature ADD CONSTRAINT log_signature_rests_on_two_components
    CHECK (jsonb_array_length(methods) >= 2);
"""
NOT_HELD = """
ALTER TABLE reviews_logsignature DROP CONSTRAINT log_signature_rests_on_two_components;
ALTER TABLE reviews_disposition DROP CONSTRAINT disposition_supersedes_one_of_its_item,
    DROP CONSTRAINT disposition_copies_its_item;
ALTER TABLE reviews_logitem DROP CONSTRAINT log_item_is_of_its_schedule;
ALTER TABLE reviews_logreview DROP CONSTRAINT log_review_follows_the_one_before;
"""

SCHEDULE = """
CREATE FUNCTION reviews_log_schedule_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A schedule of log reviews is kept: end it instead.' USING ERRCODE = 'UA006';
    END IF;
    IF (NEW.rule, NEW.starts_on, NEW.time_zone, NEW.begins_at)
        IS DISTINCT FROM (OLD.rule, OLD.starts_on, OLD.time_zone, OLD.begins_at) THEN
        RAISE EXCEPTION 'The periods of a schedule are fixed: end it, and plan another.' USING ERRCODE = 'UA001';
    END IF;
    IF NEW.ends_at IS DISTINCT FROM OLD.ends_at AND (OLD.ends_at IS NOT NULL OR NEW.ends_at <= clock_timestamp()) THEN
        RAISE EXCEPTION 'A schedule ends once, and never in the past.' USING ERRCODE = 'UA001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_schedule_stays BEFORE UPDATE OR DELETE ON reviews_logschedule
    FOR EACH ROW EXECUTE FUNCTION reviews_log_schedule_stays();
"""

REVIEW = f"""
CREATE FUNCTION reviews_log_review_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE s record; items bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'The review of a period is kept.' USING ERRCODE = 'UA006';
    END IF;
    SELECT begins_at, ends_at, due_days INTO s FROM reviews_logschedule
        WHERE tenant_id = NEW.tenant_id AND id = NEW.schedule_id;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'collecting' THEN
            RAISE EXCEPTION 'The review of a period begins with collecting.' USING ERRCODE = 'UA010';
        END IF;
        IF NEW.follows_end IS NULL AND NEW.begins_at <> s.begins_at THEN
            RAISE EXCEPTION 'The first period begins where its schedule does.' USING ERRCODE = 'UA019';
        END IF;
        IF NEW.ends_at > s.ends_at OR NEW.ends_at > clock_timestamp() - interval '{SETTLE_HOURS} hours' THEN
            RAISE EXCEPTION 'A period is opened when it is over and its records have settled.' USING ERRCODE = 'UA019';
        END IF;
        IF NEW.due_at <> NEW.ends_at + make_interval(hours => 24 * s.due_days) THEN
            RAISE EXCEPTION 'A period is due its days after its end.' USING ERRCODE = 'UA019';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.schedule_id, NEW.name, NEW.begins_at, NEW.ends_at, NEW.follows_end, NEW.due_at, NEW.follow_up_days)
        IS DISTINCT FROM
        (OLD.schedule_id, OLD.name, OLD.begins_at, OLD.ends_at, OLD.follows_end, OLD.due_at, OLD.follow_up_days) THEN
        RAISE EXCEPTION 'A period stays as it was opened.' USING ERRCODE = 'UA001';
    END IF;
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'The review of this period is signed; that is final.' USING ERRCODE = 'UA010';
    END IF;
    IF OLD.state = 'open' AND
        (NEW.opened_at, NEW.opened_by, NEW.item_count, NEW.seed, NEW.tree_epoch, NEW.tree_size, NEW.population)
        IS DISTINCT FROM
        (OLD.opened_at, OLD.opened_by, OLD.item_count, OLD.seed, OLD.tree_epoch, OLD.tree_size, OLD.population) THEN
        RAISE EXCEPTION 'What a period holds is frozen.' USING ERRCODE = 'UA001';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (('collecting', 'open'), ('open', 'closed')) THEN
        RAISE EXCEPTION 'The review of a period does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF OLD.state = 'collecting' AND NEW.state = 'open' THEN
        SELECT count(*) INTO items FROM reviews_logitem WHERE tenant_id = NEW.tenant_id AND review_id = NEW.id;
        IF items <> NEW.item_count THEN
            RAISE EXCEPTION 'The period holds % items, not %.', items, NEW.item_count USING ERRCODE = 'UA012';
        END IF;
        IF EXISTS (
            SELECT 1 FROM alerts_alert a WHERE a.tenant_id = NEW.tenant_id AND a.first_at < NEW.ends_at
                AND (a.first_at >= s.begins_at OR a.raised_at >= s.begins_at) AND NOT EXISTS (
                    SELECT 1 FROM reviews_logitem i WHERE i.tenant_id = a.tenant_id
                        AND i.schedule_id = NEW.schedule_id AND i.alert_id = a.id)
        ) THEN
            RAISE EXCEPTION 'An alert of the period is no item of it.' USING ERRCODE = 'UA012';
        END IF;
    END IF;
    IF OLD.state = 'open' AND NEW.state = 'closed' THEN
        IF NOT EXISTS (SELECT 1 FROM reviews_logsignature g WHERE g.tenant_id = NEW.tenant_id AND g.review_id = NEW.id)
            OR EXISTS (
            SELECT 1 FROM reviews_logitem i LEFT JOIN reviews_disposition d ON d.tenant_id = i.tenant_id
                AND d.item_id = i.id AND NOT EXISTS (SELECT 1 FROM reviews_disposition l
                    WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id)
            LEFT JOIN reviews_logsignature g ON g.tenant_id = d.tenant_id AND g.review_id = d.review_id
                AND g.reviewer_id = d.reviewer_id
            WHERE i.tenant_id = NEW.tenant_id AND i.review_id = NEW.id AND g.id IS NULL
        ) THEN
            RAISE EXCEPTION 'Not every item is disposed of and signed.' USING ERRCODE = 'UA014';
        END IF;
        IF EXISTS (
            SELECT 1 FROM reviews_disposition d WHERE d.tenant_id = NEW.tenant_id AND d.review_id = NEW.id
                AND d.outcome IN ('violation', 'incident') AND NOT EXISTS (SELECT 1 FROM reviews_disposition l
                    WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id)
                AND NOT EXISTS (SELECT 1 FROM reviews_followup f
                    WHERE f.tenant_id = d.tenant_id AND f.disposition_id = d.id)
        ) THEN
            RAISE EXCEPTION 'An incident or violation is not followed up.' USING ERRCODE = 'UA015';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_review_moves BEFORE INSERT OR UPDATE OR DELETE ON reviews_logreview
    FOR EACH ROW EXECUTE FUNCTION reviews_log_review_moves();

CREATE FUNCTION reviews_log_items_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_logreview r ON r.tenant_id = f.tenant_id AND r.id = f.review_id
        WHERE r.state <> 'collecting'
    ) THEN
        RAISE EXCEPTION 'What a period holds is frozen.' USING ERRCODE = 'UA001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_items_are_frozen AFTER INSERT ON reviews_logitem
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_log_items_are_frozen();
"""

ADMIN = 5
"""`logs.kinds.LogType.ADMIN`."""
SKEW = "interval '120 seconds'"
"""`logs.models.SKEW_SECONDS`."""
WHOLE = f"""
CREATE FUNCTION reviews_log_review_misses_hour(review reviews_logreview) RETURNS boolean STABLE LANGUAGE sql AS $$
    WITH span AS (
        SELECT date_trunc('hour', review.begins_at + interval '1 hour' - interval '1 microsecond', 'UTC') AS since,
            date_trunc('hour', review.ends_at + interval '1 hour' - interval '1 microsecond', 'UTC') AS until
    ), source AS (
        SELECT s.id, s.time_zone, s.expected, greatest(1, ceil((s.expected ->> 'every_minutes')::numeric / 60))::bigint
            AS every, least(s.created_at, (SELECT min(h.hour) FROM logs_sourcehour h
                WHERE h.tenant_id = s.tenant_id AND h.source_id = s.id AND h.events > 0)) AS known_from
        FROM logs_logsource s
        WHERE s.tenant_id = review.tenant_id AND s.expected ->> 'every_minutes' ~ '^[1-9][0-9]{{0,8}}$'
    ), expected AS (
        SELECT s.id, h.hour, floor(extract(epoch FROM h.hour) / 3600 / s.every) AS stretch
        FROM span, source s, LATERAL generate_series(span.since, span.until - interval '1 hour', '1 hour') AS h (hour)
        WHERE h.hour >= s.known_from
            AND (coalesce(jsonb_array_length(nullif(s.expected -> 'hours', 'null')), 0) = 0
                OR s.expected -> 'hours' @> to_jsonb(extract(hour FROM h.hour AT TIME ZONE s.time_zone)::int))
            AND (coalesce(jsonb_array_length(nullif(s.expected -> 'weekdays', 'null')), 0) = 0
                OR s.expected -> 'weekdays' @> to_jsonb(extract(isodow FROM h.hour AT TIME ZONE s.time_zone)::int))
    ), alive AS (
        SELECT DISTINCT e.id, e.stretch FROM expected e JOIN logs_sourcehour h
            ON h.tenant_id = review.tenant_id AND h.source_id = e.id AND h.hour = e.hour AND h.events > 0
    )
    SELECT EXISTS (
        SELECT 1 FROM expected e WHERE NOT EXISTS (SELECT 1 FROM alive a WHERE a.id = e.id AND a.stretch = e.stretch)
            AND NOT EXISTS (SELECT 1 FROM reviews_logitem i WHERE i.tenant_id = review.tenant_id
                AND i.review_id = review.id AND i.source_id = e.id AND i.since <= e.hour AND i.until > e.hour)
    )
$$;

CREATE FUNCTION reviews_log_review_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE s record; b record; ledger uuid; told jsonb; missing bigint;
BEGIN
    IF (SELECT count(*) FROM reviews_logitem WHERE tenant_id = NEW.tenant_id AND review_id = NEW.id) <> NEW.item_count THEN
        RAISE EXCEPTION 'The period does not hold as many items as it says.' USING ERRCODE = 'UA012';
    END IF;
    IF NEW.state <> 'open' THEN
        RETURN NEW;
    END IF;
    IF reviews_log_review_misses_hour(NEW) THEN
        RAISE EXCEPTION 'A coverage gap of the period is no item of it.' USING ERRCODE = 'UA012';
    END IF;
    SELECT begins_at, sample_privileged, sample_out_of_hours INTO s FROM reviews_logschedule
        WHERE tenant_id = NEW.tenant_id AND id = NEW.schedule_id;
    SELECT ends_at, tree_epoch, tree_size INTO b FROM reviews_logreview
        WHERE tenant_id = NEW.tenant_id AND schedule_id = NEW.schedule_id AND ends_at = NEW.follows_end;
    SELECT uuid INTO ledger FROM tenants_tenant WHERE id = NEW.tenant_id;
    WITH kept AS MATERIALIZED (
        SELECT e.log_type = {ADMIN} AS privileged, e.out_of_hours IS TRUE AS odd,
            (extract(epoch FROM e.received_at) * 1000000)::bigint || '-' || e.id AS key
        FROM logs_currentevent e
        WHERE e.tenant_id = NEW.tenant_id AND e.occurred_at < NEW.ends_at AND (e.log_type = {ADMIN} OR e.out_of_hours)
            AND e.received_at >= coalesce(b.ends_at, NEW.begins_at) - {SKEW}
            AND (e.occurred_at >= NEW.begins_at OR e.occurred_at >= s.begins_at AND e.batch_id IN (
                SELECT id FROM ledger_batch WHERE log_id = ledger
                    AND (epoch > b.tree_epoch OR epoch = b.tree_epoch AND first_index >= b.tree_size)))
            AND e.batch_id NOT IN (
                SELECT id FROM ledger_batch WHERE log_id = ledger
                    AND (epoch > NEW.tree_epoch OR epoch = NEW.tree_epoch AND first_index >= NEW.tree_size))
    ), asked (kind, size) AS (
        VALUES ('privileged', s.sample_privileged::bigint), ('out_of_hours', s.sample_out_of_hours::bigint)
    ), drawn AS (
        SELECT a.kind, k.key FROM asked a CROSS JOIN LATERAL (
            SELECT key FROM kept WHERE CASE a.kind WHEN 'privileged' THEN privileged ELSE odd END
            ORDER BY sha256(decode(NEW.seed, 'hex') || '\\x00'::bytea || convert_to(key, 'UTF8')) LIMIT a.size) k
    )
    SELECT (SELECT jsonb_object_agg(a.kind, jsonb_build_object('events', (SELECT count(*) FROM kept
            WHERE CASE a.kind WHEN 'privileged' THEN privileged ELSE odd END),
            'drawn', (SELECT count(*) FROM drawn d WHERE d.kind = a.kind))) FROM asked a),
        (SELECT count(DISTINCT d.key) FROM drawn d WHERE NOT EXISTS (SELECT 1 FROM reviews_logitem i
            WHERE i.tenant_id = NEW.tenant_id AND i.review_id = NEW.id AND i.event_key = d.key))
        INTO told, missing;
    IF missing > 0 THEN
        RAISE EXCEPTION '% events that the seed draws are no items of the period.', missing USING ERRCODE = 'UA012';
    END IF;
    IF told IS DISTINCT FROM NEW.population THEN
        RAISE EXCEPTION 'The samples of the period are not drawn of as many events as it says.' USING ERRCODE = 'UA012';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_review_opens_and_closes_whole BEFORE UPDATE OF state ON reviews_logreview
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION reviews_log_review_is_whole();
"""
NOT_WHOLE = """
DROP FUNCTION reviews_log_review_is_whole() CASCADE;
DROP FUNCTION reviews_log_review_misses_hour(reviews_logreview);
"""

DISPOSITION = """
CREATE FUNCTION reviews_disposition_is_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record;
BEGIN
    SELECT state, reviewer_id, second_id INTO r FROM reviews_logreview
        WHERE tenant_id = NEW.tenant_id AND id = NEW.review_id FOR SHARE;
    IF r.state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'Items are disposed of only while the period is open.' USING ERRCODE = 'UA002';
    END IF;
    IF NEW.reviewer_id NOT IN (r.reviewer_id, r.second_id) THEN
        RAISE EXCEPTION 'Only the reviewers of the period dispose of its items.' USING ERRCODE = 'UA009';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.disposed_at)) > 300 THEN
        RAISE EXCEPTION 'A disposition bears the time at which it is taken.' USING ERRCODE = 'UA016';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_logsignature g LEFT JOIN reviews_disposition d ON d.tenant_id = g.tenant_id
            AND d.id = NEW.supersedes_id
        WHERE g.tenant_id = NEW.tenant_id AND g.review_id = NEW.review_id
            AND g.reviewer_id IN (NEW.reviewer_id, d.reviewer_id)
    ) THEN
        RAISE EXCEPTION 'What is signed stays as it is.' USING ERRCODE = 'UA005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER disposition_is_allowed BEFORE INSERT ON reviews_disposition
    FOR EACH ROW EXECUTE FUNCTION reviews_disposition_is_allowed();
"""

# `log_signature_proves_who_signs` runs after `log_signature_covers_dispositions` (by name); it is the same as for access.
SIGNATURE = """
CREATE FUNCTION reviews_log_signature_covers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record; heads bigint; missing bigint; body jsonb;
BEGIN
    SELECT state, seed, begins_at, ends_at INTO r FROM reviews_logreview
        WHERE tenant_id = NEW.tenant_id AND id = NEW.review_id FOR UPDATE;
    IF r.state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'The period does not take signatures now.' USING ERRCODE = 'UA002';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.signed_at)) > 300 THEN
        RAISE EXCEPTION 'A signature bears the time at which it is given.' USING ERRCODE = 'UA016';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_logitem i WHERE i.tenant_id = NEW.tenant_id AND i.review_id = NEW.review_id
            AND NOT EXISTS (SELECT 1 FROM reviews_disposition d WHERE d.tenant_id = i.tenant_id AND d.item_id = i.id)
    ) THEN
        RAISE EXCEPTION 'Items of the period wait for a disposition.' USING ERRCODE = 'UA013';
    END IF;
    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest THEN
        RAISE EXCEPTION 'The digest is not that of the statement.' USING ERRCODE = 'UA003';
    END IF;
    body := NEW.manifest::jsonb;
    SELECT count(*), count(*) FILTER (WHERE x.decision IS NULL) INTO heads, missing FROM reviews_disposition d
        LEFT JOIN jsonb_to_recordset(body -> 'decisions')
            AS x (decision bigint, item bigint, outcome text, reason text, ticket text)
            ON x.decision = d.id AND x.item = d.item_id AND x.outcome = d.outcome AND x.reason = d.reason
                AND x.ticket = d.ticket
        WHERE d.tenant_id = NEW.tenant_id AND d.review_id = NEW.review_id AND d.reviewer_id = NEW.reviewer_id
            AND NOT EXISTS (SELECT 1 FROM reviews_disposition l
                WHERE l.tenant_id = d.tenant_id AND l.supersedes_id = d.id);
    IF NEW.count <> heads OR jsonb_array_length(body -> 'decisions') <> heads OR missing <> 0
        OR (body -> 'campaign' ->> 'id')::bigint IS DISTINCT FROM NEW.review_id
        OR body -> 'campaign' ->> 'kind' IS DISTINCT FROM 'log_review'
        OR body -> 'campaign' ->> 'seed' IS DISTINCT FROM r.seed
        OR (body -> 'campaign' ->> 'begins_at')::timestamptz IS DISTINCT FROM r.begins_at
        OR (body -> 'campaign' ->> 'ends_at')::timestamptz IS DISTINCT FROM r.ends_at
        OR (body -> 'reviewer' ->> 'id')::bigint IS DISTINCT FROM NEW.reviewer_id THEN
        RAISE EXCEPTION 'The statement is not over exactly the items that this reviewer disposed of. Read it again.'
            USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER log_signature_covers_dispositions BEFORE INSERT ON reviews_logsignature
    FOR EACH ROW EXECUTE FUNCTION reviews_log_signature_covers();
CREATE TRIGGER log_signature_proves_who_signs BEFORE INSERT ON reviews_logsignature
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
"""

FOLLOW_UP = """
CREATE FUNCTION reviews_follow_up_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A follow-up is kept.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'This follow-up is closed already.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' AND NOT EXISTS (
        SELECT 1 FROM reviews_disposition d WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.disposition_id
            AND d.review_id = NEW.review_id AND d.outcome IN ('violation', 'incident')
    ) THEN
        RAISE EXCEPTION 'Incidents and violations of the period are followed up.' USING ERRCODE = 'UA010';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follow_up_stays BEFORE INSERT OR UPDATE OR DELETE ON reviews_followup
    FOR EACH ROW EXECUTE FUNCTION reviews_follow_up_stays();
"""

# The whole room goes back over this migration first: before anything is undone, and before row security is gone.
KEPT = ["campaign", "decision", "signoff", "finding", "dutyconflict", "carerule", "secondlook", "controlitem", "logreview"]
NOT_WITH_ROWS = f"""
DO $back$
DECLARE kept text; found boolean;
BEGIN
    PERFORM set_config('app.tenant', '0', true);
    FOREACH kept IN ARRAY ARRAY{KEPT} LOOP
        EXECUTE format('ALTER TABLE reviews_%s NO FORCE ROW LEVEL SECURITY', kept);
        EXECUTE format('SELECT EXISTS (SELECT FROM reviews_%s)', kept) INTO found;
        EXECUTE format('ALTER TABLE reviews_%s FORCE ROW LEVEL SECURITY', kept);
        IF found THEN
            RAISE EXCEPTION 'Going back would destroy evidence: reviews_% holds rows that the release before cannot keep. '
                'Restore the backup that was made before the upgrade (docs/operating.md, Going back).', kept;
        END IF;
    END LOOP;
END $back$;
"""


class Migration(migrations.Migration):
    replaces = [("reviews", "0013_log_reviews"), ("reviews", "0018_hold_log_reviews")]
    dependencies = [("ledger", "0002_rules"), ("reviews", "0006_remedies")]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.RunSQL(HELD, NOT_HELD),
        migrations.RunSQL(SCHEDULE, "DROP FUNCTION reviews_log_schedule_stays() CASCADE"),
        migrations.RunSQL(
            REVIEW,
            "DROP FUNCTION reviews_log_review_moves() CASCADE; DROP FUNCTION reviews_log_items_are_frozen() CASCADE",
        ),
        migrations.RunSQL(WHOLE, NOT_WHOLE),
        migrations.RunSQL(DISPOSITION, "DROP FUNCTION reviews_disposition_is_allowed() CASCADE"),
        migrations.RunSQL(
            SIGNATURE,
            "DROP TRIGGER log_signature_proves_who_signs ON reviews_logsignature; "
            "DROP FUNCTION reviews_log_signature_covers() CASCADE",
        ),
        migrations.RunSQL(FOLLOW_UP, "DROP FUNCTION reviews_follow_up_stays() CASCADE"),
        migrations.RunSQL(migrations.RunSQL.noop, NOT_WITH_ROWS),
    ]
