"""Holds that a log review opens whole; keeps mails of a day, retests, and questions about control items.

What the action collects (`reviews.queries.logpopulation`, `logs.coverage`) is collected here a second time, in SQL: every
expected hour without a record lies in a gap that is an item, and every event that the seed draws is an item. Both
judge what was in the ledger at the size that the period names, so that a record that arrives meanwhile changes neither.
"""

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable

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

ASKED = """
ALTER TABLE reviews_controlquestion ALTER COLUMN id DROP IDENTITY;
ALTER TABLE reviews_controlquestion ALTER COLUMN id SET DEFAULT nextval('reviews_itemquestion_id_seq');
GRANT USAGE ON SEQUENCE reviews_itemquestion_id_seq TO countersign_app;
CREATE FUNCTION reviews_control_question_is_of_its_reviewer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_controlitem i JOIN reviews_campaign c ON c.tenant_id = i.tenant_id AND c.id = i.campaign_id
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id AND i.campaign_id = NEW.campaign_id
            AND i.reviewer_id = NEW.asker_id AND c.state = 'open'
    ) THEN
        RAISE EXCEPTION 'This item is put to another reviewer, or the campaign is not open.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER control_question_is_of_its_reviewer BEFORE INSERT ON reviews_controlquestion
    FOR EACH ROW EXECUTE FUNCTION reviews_control_question_is_of_its_reviewer();
""" + "".join(
    f"CREATE TRIGGER {name}_stays BEFORE UPDATE OR DELETE ON reviews_{name} "
    f"FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();\n"
    f"CREATE TRIGGER {name}_is_not_emptied BEFORE TRUNCATE ON reviews_{name} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();\n"
    for name in ("controlquestion", "controlanswer")
)
NOT_ASKED = "DROP FUNCTION reviews_control_question_is_of_its_reviewer() CASCADE"


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0008_map_the_list_of_people'),
        ('reviews', '0017_check_grants_at_once'),
        ('tenants', '0004_engagements'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='DayMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('address', models.CharField(blank=True, max_length=254)),
                ('covers', models.JSONField(default=list)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('failed', 'Failed, tried again'), ('sent', 'Sent'), ('given_up', 'Given up'), ('dropped', 'Not needed any more')], default='waiting', max_length=8)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_try_at', models.DateTimeField()),
                ('last_error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('address', ''), _negated=True), fields=('tenant', 'day', 'address'), name='address_is_mailed_once_a_day'), models.UniqueConstraint(condition=models.Q(('person__isnull', False)), fields=('tenant', 'day', 'person'), name='person_is_mailed_once_a_day'), models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', False), ('state', 'sent')), models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at__isnull', True)), _connector='OR'), name='day_mail_sent_has_its_time'), models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['failed', 'given_up']), _negated=True), models.Q(('last_error', ''), _negated=True), _connector='OR'), name='day_mail_failure_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('address', ''), _negated=True), ('person__isnull', False), _connector='OR'), name='day_mail_is_to_somebody')],
            },
        ),
        migrations.CreateModel(
            name='ControlQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=1000)),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=320)),
                ('asked', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('asker', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='control_questions', to='reviews.campaign')),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='questions', to='reviews.controlitem')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('text__length__gte', 3), models.Q(('by', ''), _negated=True), models.Q(('asker', models.F('asked')), _negated=True)), name='control_question_has_words_and_two_people')],
            },
        ),
        migrations.CreateModel(
            name='ControlAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=2000)),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=320)),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('question', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='reviews.controlquestion')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('text__length__gte', 2), models.Q(('by', ''), _negated=True)), name='control_answer_has_words_and_a_person')],
            },
        ),
        ProtectTable(
            "reviews_daymail",
            app="SELECT, INSERT, UPDATE (state, attempts, next_try_at, last_error, sent_at)",
            references=(("person_id", "identities_identity"),),
        ),
        ProtectTable(
            "reviews_controlquestion",
            app=APPEND,
            references=(
                ("campaign_id", "reviews_campaign"),
                ("item_id", "reviews_controlitem"),
                ("asker_id", "identities_identity"),
                ("asked_id", "identities_identity"),
            ),
        ),
        ProtectTable(
            "reviews_controlanswer", app=APPEND, references=(("question_id", "reviews_controlquestion"),)
        ),
        migrations.RunSQL(ASKED, NOT_ASKED),
        migrations.RunSQL(WHOLE, NOT_WHOLE),
        migrations.AddField('finding', 'retested_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddConstraint('finding', models.CheckConstraint(condition=models.Q(('retested_at__isnull', True), models.Q(('resolved_at__isnull', False), ('retested_at__gte', models.F('resolved_at'))), _connector='OR'), name='finding_is_retested_after_its_resolution')),
        migrations.RunSQL("GRANT UPDATE (retested_at) ON reviews_finding TO countersign_app", migrations.RunSQL.noop),
    ]
