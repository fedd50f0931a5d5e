"""Reviews logs by periods without a gap: schedules, chained periods, items, dispositions, signatures and follow-ups.

A period begins where the one before ended, by a foreign key on the period before: begins are unique, every begin but the
first is the end of another period, and ends lie after begins; so a schedule has one chain, without gap, fork or overlap.
"""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable

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

APPEND_ONLY = ("logitem", "disposition", "logsignature")
STAYS = "".join(
    f"CREATE TRIGGER {name}_stays BEFORE UPDATE OR DELETE ON reviews_{name} "
    f"FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();\n"
    f"CREATE TRIGGER {name}_is_not_emptied BEFORE TRUNCATE ON reviews_{name} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();\n"
    for name in APPEND_ONLY
)
NOT_STAYS = "".join(
    f"DROP TRIGGER {name}_stays ON reviews_{name}; DROP TRIGGER {name}_is_not_emptied ON reviews_{name};"
    for name in APPEND_ONLY
)

PERSON = "identities_identity"
OF_REVIEW = ("review_id", "reviews_logreview")
REVIEWERS = (("reviewer_id", PERSON), ("second_id", PERSON))
PROTECTED = [
    ProtectTable("reviews_logschedule", app="SELECT, INSERT, UPDATE", references=REVIEWERS),
    ProtectTable(
        "reviews_logreview",
        app="SELECT, INSERT, UPDATE",
        references=(("schedule_id", "reviews_logschedule"), *REVIEWERS),
    ),
    ProtectTable(
        "reviews_logitem",
        app=APPEND,
        references=(("alert_id", "alerts_alert"), ("source_id", "logs_logsource"), ("subject_id", PERSON)),
    ),
    ProtectTable("reviews_disposition", app=APPEND, references=(("reviewer_id", PERSON),)),
    ProtectTable("reviews_logsignature", app=APPEND, references=(OF_REVIEW, ("reviewer_id", PERSON))),
    ProtectTable(
        "reviews_followup",
        app="SELECT, INSERT, UPDATE (closed_at, closed_by, resolution)",
        references=(OF_REVIEW, ("disposition_id", "reviews_disposition")),
    ),
]


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0002_protect'),
        ('identities', '0007_lists_and_person_changes'),
        ('logs', '0015_keep_terms_and_holds'),
        ('reviews', '0012_check_keys_once'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='LogSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('rule', models.CharField(max_length=200)),
                ('starts_on', models.DateField()),
                ('time_zone', models.CharField(max_length=64)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('due_days', models.PositiveSmallIntegerField(default=7)),
                ('follow_up_days', models.PositiveSmallIntegerField(default=14)),
                ('sample_privileged', models.PositiveSmallIntegerField(default=15)),
                ('sample_out_of_hours', models.PositiveSmallIntegerField(default=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.CharField(max_length=320)),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('second', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'name'), name='log_schedule_name_is_unique'), models.CheckConstraint(condition=models.Q(('reviewer', models.F('second')), _negated=True), name='log_schedule_has_two_reviewers'), models.CheckConstraint(condition=models.Q(('rule', ''), _negated=True), name='log_schedule_comes_back'), models.CheckConstraint(condition=models.Q(('due_days__gte', 1), ('due_days__lte', 90), ('follow_up_days__gte', 1), ('follow_up_days__lte', 365)), name='log_review_has_its_limits'), models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gt', models.F('begins_at')), _connector='OR'), name='log_schedule_ends_later')],
            },
        ),
        migrations.CreateModel(
            name='LogReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=160)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('follows_end', models.DateTimeField(null=True)),
                ('state', models.CharField(choices=[('collecting', 'Being filled'), ('open', 'Open'), ('closed', 'Signed')], default='collecting', max_length=10)),
                ('due_at', models.DateTimeField()),
                ('follow_up_days', models.PositiveSmallIntegerField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('opened_by', models.CharField(blank=True, max_length=320)),
                ('item_count', models.PositiveIntegerField(default=0)),
                ('seed', models.CharField(blank=True, max_length=64)),
                ('tree_epoch', models.IntegerField(default=0)),
                ('tree_size', models.BigIntegerField(default=0)),
                ('population', models.JSONField(default=dict)),
                ('closed_at', models.DateTimeField(null=True)),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('second', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('schedule', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='reviews.logschedule')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'state', 'due_at'], name='log_review_by_state_and_due')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'schedule', 'begins_at'), name='log_review_begins_once'), models.UniqueConstraint(fields=('tenant', 'schedule', 'ends_at'), name='log_review_ends_once'), models.UniqueConstraint(fields=('tenant', 'id', 'schedule'), name='log_review_is_named_with_its_schedule'), models.UniqueConstraint(condition=models.Q(('follows_end__isnull', True)), fields=('tenant', 'schedule'), name='log_reviews_of_a_schedule_have_one_beginning'), models.CheckConstraint(condition=models.Q(('follows_end__isnull', True), ('follows_end', models.F('begins_at')), _connector='OR'), name='log_review_begins_where_the_one_before_ended'), models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('begins_at'))), name='log_review_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('reviewer', models.F('second')), _negated=True), name='log_review_has_two_reviewers'), models.CheckConstraint(condition=models.Q(models.Q(('opened_at__isnull', True), ('state', 'collecting')), models.Q(('opened_at__isnull', False), ('seed__length', 64), models.Q(('opened_by', ''), _negated=True)), _connector='OR'), name='open_log_review_has_time_person_and_seed'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed')), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at__isnull', True)), _connector='OR'), name='closed_log_review_has_its_time')],
            },
        ),
        migrations.CreateModel(
            name='LogItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('alert', 'Alert'), ('gap', 'Coverage gap'), ('privileged', 'Privileged event'), ('out_of_hours', 'Event out of hours')], max_length=12)),
                ('severity', models.PositiveSmallIntegerField(default=0)),
                ('title', models.CharField(max_length=300)),
                ('event_key', models.CharField(blank=True, max_length=40)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('late', models.BooleanField(default=False)),
                ('subject_key', models.BigIntegerField(default=0)),
                ('facts', models.JSONField(default=dict)),
                ('alert', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='alerts.alert')),
                ('source', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='logs.logsource')),
                ('subject', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('review', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='items', to='reviews.logreview')),
                ('schedule', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviews.logschedule')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'review', 'n'), name='log_item_number_is_used_once'), models.UniqueConstraint(fields=('tenant', 'id', 'review', 'subject_key', 'kind', 'severity'), name='log_item_facts_are_copied'), models.UniqueConstraint(fields=('tenant', 'schedule', 'alert'), name='alert_is_in_one_period'), models.UniqueConstraint(fields=('tenant', 'schedule', 'source', 'since'), name='gap_is_in_one_period'), models.UniqueConstraint(condition=models.Q(('event_key', ''), _negated=True), fields=('tenant', 'review', 'event_key'), name='event_is_drawn_once'), models.CheckConstraint(condition=models.Q(models.Q(('alert__isnull', False), ('event_key', ''), ('kind', 'alert'), ('source__isnull', True)), models.Q(('alert__isnull', True), ('event_key', ''), ('kind', 'gap'), ('source__isnull', False)), models.Q(('alert__isnull', True), ('kind__in', ['privileged', 'out_of_hours']), models.Q(('event_key', ''), _negated=True)), _connector='OR'), name='log_item_names_what_it_is'), models.CheckConstraint(condition=models.Q(models.Q(('subject__isnull', True), ('subject_key', 0)), models.Q(('subject__isnull', False), ('subject_key', models.F('subject_id'))), _connector='OR'), name='log_item_subject_key_is_its_subject')],
            },
        ),
        migrations.CreateModel(
            name='Disposition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_key', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('alert', 'Alert'), ('gap', 'Coverage gap'), ('privileged', 'Privileged event'), ('out_of_hours', 'Event out of hours')], max_length=12)),
                ('severity', models.PositiveSmallIntegerField()),
                ('outcome', models.CharField(choices=[('benign', 'Benign'), ('explained', 'Explained'), ('false_positive', 'False positive'), ('violation', 'Policy violation'), ('incident', 'Incident')], max_length=14)),
                ('reason', models.TextField(blank=True)),
                ('ticket', models.CharField(blank=True, max_length=120)),
                ('seen_seconds', models.PositiveIntegerField(default=0)),
                ('disposed_at', models.DateTimeField()),
                ('disposed_by', models.CharField(max_length=320)),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('supersedes', models.OneToOneField(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='superseded_by', to='reviews.disposition')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('item', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='dispositions', to='reviews.logitem')),
                ('review', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='dispositions', to='reviews.logreview')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'review', 'reviewer'], name='disposition_of_reviewer')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reviewer', models.F('subject_key')), _negated=True), name='nobody_disposes_of_their_own_events'), models.CheckConstraint(condition=models.Q(('outcome__in', ['benign', 'explained', 'false_positive', 'violation', 'incident'])), name='disposition_is_one_of_the_list'), models.CheckConstraint(condition=models.Q(('reason__length__gte', 10), models.Q(('outcome', 'benign'), ('severity__lt', 4), models.Q(('kind', 'gap'), _negated=True)), _connector='OR'), name='disposition_gives_a_reason_where_one_is_asked_for'), models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'incident'), _negated=True), models.Q(('ticket', ''), _negated=True), _connector='OR'), name='incident_names_where_it_is_handled'), models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'false_positive'), _negated=True), ('kind', 'alert'), _connector='OR'), name='only_an_alert_is_a_false_positive'), models.UniqueConstraint(condition=models.Q(('supersedes__isnull', True)), fields=('tenant', 'item'), name='disposition_history_has_one_root'), models.UniqueConstraint(fields=('tenant', 'item', 'id'), name='disposition_is_named_by_its_item')],
            },
        ),
        migrations.CreateModel(
            name='LogSignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('printed_name', models.CharField(max_length=200)),
                ('meaning', models.TextField()),
                ('level', models.CharField(choices=[('session', 'Password again, after a log-in with a second factor'), ('code', 'Password and a code of the authenticator app'), ('passkey', 'Passkey over this very statement')], max_length=8)),
                ('methods', models.JSONField()),
                ('authentication', models.JSONField(default=dict)),
                ('authenticated_at', models.DateTimeField()),
                ('signed_at', models.DateTimeField()),
                ('count', models.PositiveIntegerField()),
                ('manifest', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('review', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='reviews.logreview')),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'review', 'reviewer'), name='log_reviewer_signs_once'), models.CheckConstraint(condition=models.Q(('signed_at__gte', models.F('authenticated_at')), ('signed_at__lte', django.db.models.expressions.CombinedExpression(models.F('authenticated_at'), '+', models.Value(datetime.timedelta(seconds=300))))), name='log_signature_follows_its_authentication'), models.CheckConstraint(condition=models.Q(models.Q(('printed_name', ''), _negated=True), models.Q(('meaning', ''), _negated=True)), name='log_signature_says_who_and_what')],
            },
        ),
        migrations.CreateModel(
            name='FollowUp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('raised_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=320)),
                ('resolution', models.CharField(blank=True, max_length=300)),
                ('disposition', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='follow_up', to='reviews.disposition')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('review', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='follow_ups', to='reviews.logreview')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('closed_by', ''), ('resolution', '')), models.Q(('closed_at__isnull', False), ('resolution__length__gte', 10), models.Q(('closed_by', ''), _negated=True)), _connector='OR'), name='follow_up_ends_with_a_reason_by_somebody')],
            },
        ),
        migrations.RunSQL(HELD, NOT_HELD),
        *PROTECTED,
        migrations.RunSQL(SCHEDULE, "DROP FUNCTION reviews_log_schedule_stays() CASCADE"),
        migrations.RunSQL(
            REVIEW,
            "DROP FUNCTION reviews_log_review_moves() CASCADE; DROP FUNCTION reviews_log_items_are_frozen() CASCADE",
        ),
        migrations.RunSQL(DISPOSITION, "DROP FUNCTION reviews_disposition_is_allowed() CASCADE"),
        migrations.RunSQL(
            SIGNATURE,
            "DROP TRIGGER log_signature_proves_who_signs ON reviews_logsignature; "
            "DROP FUNCTION reviews_log_signature_covers() CASCADE",
        ),
        migrations.RunSQL(FOLLOW_UP, "DROP FUNCTION reviews_follow_up_stays() CASCADE"),
        migrations.RunSQL(STAYS, NOT_STAYS),
    ]
