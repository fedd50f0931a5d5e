"""Measures care by rules of a plan, with second looks and control items; lets duties conflict in sets, and reviews them.

A conflict's two columns become rows of its sides, which have no way back: with rows, going back is refused first. Keys stand within the tenant alone, as in `0012_check_keys_once`.
"""

from importlib import import_module

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, ProtectTable

swapped = import_module("reviews.migrations.0010_stages").swapped

SIDES = """
ALTER TABLE reviews_dutyconflict NO FORCE ROW LEVEL SECURITY;
INSERT INTO reviews_dutyside (tenant_id, conflict_id, side, entitlement_id)
    SELECT tenant_id, id, 'first', first_id FROM reviews_dutyconflict
    UNION ALL SELECT tenant_id, id, 'second', second_id FROM reviews_dutyconflict;
ALTER TABLE reviews_dutyconflict DISABLE TRIGGER USER;
UPDATE reviews_dutyconflict SET key = encode(sha256(convert_to(first_id || '|' || second_id, 'UTF8')), 'hex');
ALTER TABLE reviews_dutyconflict ENABLE TRIGGER USER;
ALTER TABLE reviews_dutyconflict FORCE ROW LEVEL SECURITY;
"""
NOT_WITH_ROWS = """
DO $back$
DECLARE kept text; found boolean;
BEGIN
    PERFORM set_config('app.tenant', '0', true);
    FOREACH kept IN ARRAY ARRAY['dutyconflict', 'carerule', 'secondlook', 'controlitem', 'conflictcase'] LOOP
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
PAIR_KEYS = [
    f"ALTER TABLE reviews_dutyconflict ADD CONSTRAINT reviews_dutyconflict_{column}_same_tenant FOREIGN KEY "
    f"(tenant_id, {column}) REFERENCES identities_entitlement (tenant_id, id) DEFERRABLE INITIALLY DEFERRED"
    for column in ("first_id", "second_id")
]
NO_PAIR_KEYS = [
    f"ALTER TABLE reviews_dutyconflict DROP CONSTRAINT reviews_dutyconflict_{column}_same_tenant"
    for column in ("first_id", "second_id")
]
WHOLE = """
CREATE FUNCTION reviews_conflict_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_dutyconflict c ON c.tenant_id = f.tenant_id AND c.id = f.conflict_id
        WHERE (SELECT count(*) FROM reviews_dutyside s WHERE s.tenant_id = c.tenant_id AND s.conflict_id = c.id
            AND s.side = f.side) > CASE f.side WHEN 'first' THEN c.first_count ELSE c.second_count END
    ) THEN
        RAISE EXCEPTION 'A conflict says for good which entitlements it is about.' USING ERRCODE = 'UA006';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER conflict_is_whole AFTER INSERT ON reviews_dutyside
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_conflict_is_whole();
CREATE FUNCTION reviews_conflict_has_its_sides() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT (count(*) FILTER (WHERE side = 'first'), count(*) FILTER (WHERE side = 'second'))
            FROM reviews_dutyside WHERE tenant_id = NEW.tenant_id AND conflict_id = NEW.id)
        IS DISTINCT FROM (NEW.first_count::bigint, NEW.second_count::bigint) THEN
        RAISE EXCEPTION 'A conflict is stored with all entitlements of its sides.' USING ERRCODE = 'UA012';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER conflict_has_its_sides AFTER INSERT ON reviews_dutyconflict
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reviews_conflict_has_its_sides();
"""
NOT_WHOLE = """
DROP FUNCTION reviews_conflict_is_whole() CASCADE;
DROP FUNCTION reviews_conflict_has_its_sides() CASCADE;
"""
CASES = """
CREATE TRIGGER case_is_frozen AFTER INSERT ON reviews_conflictcase
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER case_grant_is_frozen AFTER INSERT ON reviews_casegrant
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE FUNCTION reviews_case_is_of_one_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_reviewitem i ON i.tenant_id = f.tenant_id AND i.id = f.item_id
            JOIN reviews_conflictcase k ON k.tenant_id = f.tenant_id AND k.id = f.case_id
        WHERE i.campaign_id <> f.campaign_id OR k.campaign_id <> f.campaign_id OR i.subject_key <> k.subject_key
    ) THEN
        RAISE EXCEPTION 'A case joins the items of one holder in one campaign.' USING ERRCODE = 'UA012';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER case_is_of_one_campaign AFTER INSERT ON reviews_casegrant
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_case_is_of_one_campaign();
CREATE FUNCTION reviews_conflict_answer_is_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
    SELECT m.id, m.state, m.due_at, m.round INTO c FROM reviews_campaign m
        JOIN reviews_conflictcase k ON k.tenant_id = m.tenant_id AND k.campaign_id = m.id
        WHERE m.tenant_id = NEW.tenant_id AND k.id = NEW.case_id FOR SHARE OF m;
    IF c.id IS DISTINCT FROM NEW.campaign_id OR c.state <> 'open' OR clock_timestamp() >= c.due_at THEN
        RAISE EXCEPTION 'Decisions are taken only while the campaign is open, and before it is due.'
            USING ERRCODE = 'UA002';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.answered_at)) > 300 THEN
        RAISE EXCEPTION 'A decision bears the time at which it is taken.' USING ERRCODE = 'UA016';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_signoff s WHERE s.tenant_id = NEW.tenant_id AND s.campaign_id = NEW.campaign_id
            AND s.round = c.round AND s.reviewer_id = NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'You have signed these decisions already.' USING ERRCODE = 'UA005';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_casegrant g WHERE g.tenant_id = NEW.tenant_id AND g.case_id = NEW.case_id
            AND NOT EXISTS (SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = g.tenant_id
                AND a.item_id = g.item_id AND a.reviewer_id = NEW.reviewer_id AND a.until IS NULL)
    ) THEN
        RAISE EXCEPTION 'A side of this conflict is put to another reviewer.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conflict_answer_is_allowed BEFORE INSERT ON reviews_conflictanswer
    FOR EACH ROW EXECUTE FUNCTION reviews_conflict_answer_is_allowed();
"""
NOT_CASES = """
DROP FUNCTION reviews_conflict_answer_is_allowed() CASCADE;
DROP FUNCTION reviews_case_is_of_one_campaign() CASCADE;
DROP TRIGGER case_grant_is_frozen ON reviews_casegrant;
DROP TRIGGER case_is_frozen ON reviews_conflictcase;
"""
SECOND_LOOK = """
ALTER TABLE reviews_secondlook ADD CONSTRAINT second_look_copies_its_item
    FOREIGN KEY (tenant_id, item_id, campaign_id, subject_key, privileged, advice)
    REFERENCES reviews_reviewitem (tenant_id, id, campaign_id, subject_key, privileged, advice);
CREATE FUNCTION reviews_second_look_is_blind_and_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A second look is kept.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' OR NOT NEW.privileged OR NOT EXISTS (
            SELECT 1 FROM reviews_head h JOIN reviews_campaign c ON c.tenant_id = h.tenant_id AND c.id = h.campaign_id
                JOIN reviews_signoff s ON s.tenant_id = h.tenant_id AND s.campaign_id = h.campaign_id
                    AND s.round = c.round AND s.reviewer_id = h.reviewer_id
            WHERE h.tenant_id = NEW.tenant_id AND h.id = NEW.decision_id AND h.item_id = NEW.item_id
                AND h.reviewer_id = NEW.first_id AND h.outcome IN ('certify', 'revoke', 'modify')
        ) THEN
            RAISE EXCEPTION 'A second look begins open, at a signed decision about privileged access.'
                USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.outcome <> '' THEN
        RAISE EXCEPTION 'This second look is taken already.' USING ERRCODE = 'UA006';
    END IF;
    SELECT c.state INTO state FROM reviews_campaign c
        WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.campaign_id FOR SHARE;
    IF state NOT IN ('open', 'signing', 'remediating') THEN
        RAISE EXCEPTION 'A second look is taken before the campaign is closed.' USING ERRCODE = 'UA002';
    END IF;
    IF NEW.outcome <> '' AND abs(extract(epoch FROM clock_timestamp() - NEW.decided_at)) > 300 THEN
        RAISE EXCEPTION 'A decision bears the time at which it is taken.' USING ERRCODE = 'UA016';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER second_look_is_blind_and_once BEFORE INSERT OR UPDATE OR DELETE ON reviews_secondlook
    FOR EACH ROW EXECUTE FUNCTION reviews_second_look_is_blind_and_once();
"""
CONTROL_ITEM = """
ALTER TABLE reviews_controlitem ALTER COLUMN id DROP IDENTITY;
ALTER TABLE reviews_controlitem ALTER COLUMN id SET DEFAULT nextval('reviews_reviewitem_id_seq');
GRANT USAGE ON SEQUENCE reviews_reviewitem_id_seq TO countersign_app;
CREATE TRIGGER control_item_is_frozen AFTER INSERT ON reviews_controlitem
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE FUNCTION reviews_control_item_is_decided() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A control item is kept.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> '' THEN
            RAISE EXCEPTION 'A control item begins undecided.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    SELECT state, round INTO c FROM reviews_campaign
        WHERE tenant_id = NEW.tenant_id AND id = NEW.campaign_id FOR SHARE;
    IF c.state <> 'open' THEN
        RAISE EXCEPTION 'Decisions are taken only while the campaign is open.' USING ERRCODE = 'UA002';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_signoff s WHERE s.tenant_id = NEW.tenant_id AND s.campaign_id = NEW.campaign_id
            AND s.round = c.round AND s.reviewer_id = NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'You have signed these decisions already.' USING ERRCODE = 'UA005';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER control_item_is_decided BEFORE INSERT OR UPDATE OR DELETE ON reviews_controlitem
    FOR EACH ROW EXECUTE FUNCTION reviews_control_item_is_decided();
"""
KEPT = ("carerule", "dutyside", "conflictcase", "casegrant", "conflictanswer")
STAYS = "".join(
    f"CREATE TRIGGER {name}_stays BEFORE UPDATE OR DELETE ON reviews_{name} "
    f"FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();\n"
    f"CREATE TRIGGER {name}_is_not_emptied BEFORE TRUNCATE ON reviews_{name} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();\n"
    for name in KEPT
)
NOT_STAYS = "".join(
    f"DROP TRIGGER {name}_stays ON reviews_{name}; DROP TRIGGER {name}_is_not_emptied ON reviews_{name};"
    for name in KEPT
)
SIGNED = """    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest THEN
"""
SIGNED_WITHOUT_CONFLICT = f"""    IF EXISTS (
        SELECT 1 FROM reviews_conflictcase k WHERE k.tenant_id = NEW.tenant_id AND k.campaign_id = NEW.campaign_id
            AND NOT EXISTS (SELECT 1 FROM reviews_casegrant g
                LEFT JOIN reviews_head h ON h.tenant_id = g.tenant_id AND h.item_id = g.item_id
                WHERE g.tenant_id = k.tenant_id AND g.case_id = k.id
                    AND h.reviewer_id IS DISTINCT FROM NEW.reviewer_id)
            AND (SELECT count(DISTINCT g.side) FROM reviews_casegrant g
                JOIN reviews_head h ON h.tenant_id = g.tenant_id AND h.item_id = g.item_id
                WHERE g.tenant_id = k.tenant_id AND g.case_id = k.id AND h.outcome <> 'revoke') = 2
            AND (SELECT a.answer FROM reviews_conflictanswer a WHERE a.tenant_id = k.tenant_id AND a.case_id = k.id
                AND a.reviewer_id = NEW.reviewer_id ORDER BY a.id DESC LIMIT 1) IS DISTINCT FROM 'keep'
    ) THEN
        RAISE EXCEPTION 'Both sides of a conflict of duties are kept, and no compensating control is named.'
            USING ERRCODE = 'UA017';
    END IF;
{SIGNED}"""
CLOSED = """    IF NEW.state = 'closed' AND EXISTS (
"""
CLOSED_AFTER_LOOKS = f"""    IF NEW.state = 'closed' AND EXISTS (
        SELECT 1 FROM reviews_secondlook w JOIN reviews_head h ON h.tenant_id = w.tenant_id AND h.id = w.decision_id
        WHERE w.tenant_id = NEW.tenant_id AND w.campaign_id = NEW.id AND w.outcome = ''
    ) THEN
        RAISE EXCEPTION 'A second look waits for its reviewer.' USING ERRCODE = 'UA015';
    END IF;
{CLOSED}"""
CAMPAIGN, ITEM, PERSON = "reviews_campaign", "reviews_reviewitem", "identities_identity"
LOOKED = "outcome, reason, seen_seconds, decided_at, decided_by"
PROTECTED = [
    ProtectTable("reviews_carerule", app=APPEND, references=(("plan_id", "reviews_campaignplan"),)),
    ProtectTable(
        "reviews_secondlook",
        app=f"SELECT, INSERT, UPDATE (second_id, {LOOKED})",
        references=(("decision_id", "reviews_decision"), ("first_id", PERSON), ("second_id", PERSON)),
    ),
    ProtectTable(
        "reviews_controlitem",
        app=f"SELECT, INSERT, UPDATE ({LOOKED})",
        references=(("campaign_id", CAMPAIGN), ("reviewer_id", PERSON), ("system_id", "identities_system")),
    ),
    ProtectTable(
        "reviews_dutyside",
        app=APPEND,
        references=(("conflict_id", "reviews_dutyconflict"), ("entitlement_id", "identities_entitlement")),
    ),
    ProtectTable(
        "reviews_conflictcase",
        app=APPEND,
        references=(("campaign_id", CAMPAIGN), ("conflict_id", "reviews_dutyconflict"), ("subject_id", PERSON)),
    ),
    ProtectTable(
        "reviews_casegrant",
        app=APPEND,
        references=(("campaign_id", CAMPAIGN), ("case_id", "reviews_conflictcase"), ("item_id", ITEM)),
    ),
    ProtectTable(
        "reviews_conflictanswer",
        app=APPEND,
        references=(("campaign_id", CAMPAIGN), ("case_id", "reviews_conflictcase"), ("reviewer_id", PERSON)),
    ),
]


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0007_lists_and_person_changes'),
        ('reviews', '0014_remedies'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField('campaignplan', 'conflicts_only', models.BooleanField(default=False)),
        migrations.RemoveConstraint('dutyconflict', 'conflict_is_in_force_once'),
        migrations.RemoveConstraint('dutyconflict', 'conflict_names_the_lower_entitlement_first'),
        migrations.AddField('dutyconflict', 'key', models.CharField(default='', max_length=64), preserve_default=False),
        migrations.AddField('dutyconflict', 'first_count', models.PositiveSmallIntegerField(default=1), preserve_default=False),
        migrations.AddField('dutyconflict', 'second_count', models.PositiveSmallIntegerField(default=1), preserve_default=False),
        migrations.CreateModel(
            name='CareRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('plan', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='care_rules', to='reviews.campaignplan')),
                ('least_decisions', models.PositiveSmallIntegerField()),
                ('median_seconds', models.PositiveSmallIntegerField()),
                ('kept_percent', models.PositiveSmallIntegerField()),
                ('privileged_seconds', models.PositiveSmallIntegerField()),
                ('last_day_percent', models.PositiveSmallIntegerField()),
                ('second_percent', models.PositiveSmallIntegerField()),
                ('control_items', models.PositiveSmallIntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('set_at', models.DateTimeField()),
                ('set_by', models.CharField(max_length=320)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'plan'], name='care_rule_of_plan')],
                'constraints': [models.CheckConstraint(condition=models.Q(('least_decisions__gte', 5), ('least_decisions__lte', 1000), ('median_seconds__gte', 1), ('median_seconds__lte', 120), ('kept_percent__gte', 50), ('kept_percent__lte', 100), ('privileged_seconds__gte', 1), ('privileged_seconds__lte', 300), ('last_day_percent__gte', 10), ('last_day_percent__lte', 100), ('second_percent__gte', 0), ('second_percent__lte', 100), ('control_items__gte', 0), ('control_items__lte', 20)), name='care_rule_is_within_its_limits'), models.CheckConstraint(condition=models.Q(('reason__length__gte', 10), models.Q(('set_by', ''), _negated=True)), name='care_rule_has_reason_and_person')],
            },
        ),
        migrations.CreateModel(
            name='SecondLook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='second_looks', to='reviews.campaign')),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='second_looks', to='reviews.reviewitem')),
                ('decision', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='second_look', to='reviews.decision')),
                ('subject_key', models.BigIntegerField()),
                ('privileged', models.BooleanField()),
                ('advice', models.CharField(choices=[('keep', 'Keep'), ('revoke', 'Revoke'), ('insufficient', 'Not enough data')], max_length=12)),
                ('first', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('second', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('seed', models.CharField(max_length=32)),
                ('drawn_from', models.PositiveIntegerField()),
                ('asked_at', models.DateTimeField()),
                ('outcome', models.CharField(blank=True, choices=[('certify', 'Keep'), ('revoke', 'Revoke'), ('modify', 'Reduce'), ('abstain', 'Abstain'), ('not_decided', 'Not decided')], max_length=11)),
                ('reason', models.TextField(blank=True)),
                ('seen_seconds', models.PositiveIntegerField(default=0)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=320)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'second', 'outcome'], name='second_look_of_reviewer')],
                'constraints': [models.CheckConstraint(condition=models.Q(('second', models.F('subject_key')), _negated=True), name='nobody_looks_second_at_their_own_access'), models.CheckConstraint(condition=models.Q(('second', models.F('first')), _negated=True), name='second_look_is_somebody_elses'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', ''), ('outcome', ''), ('reason', '')), models.Q(('decided_at__isnull', False), ('outcome__in', ['certify', 'revoke', 'modify']), ('reason__length__gte', 10), models.Q(('decided_by', ''), _negated=True)), _connector='OR'), name='second_look_has_reason_time_and_person')],
            },
        ),
        migrations.CreateModel(
            name='ControlItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='control_items', to='reviews.campaign')),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('system', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.system')),
                ('person_name', models.CharField(max_length=200)),
                ('account_name', models.CharField(max_length=200)),
                ('entitlement_name', models.CharField(max_length=200)),
                ('advice', models.CharField(choices=[('keep', 'Keep'), ('revoke', 'Revoke'), ('insufficient', 'Not enough data')], max_length=12)),
                ('advice_reason', models.TextField()),
                ('evidence', models.JSONField()),
                ('outcome', models.CharField(blank=True, choices=[('certify', 'Keep'), ('revoke', 'Revoke'), ('modify', 'Reduce'), ('abstain', 'Abstain'), ('not_decided', 'Not decided')], max_length=11)),
                ('reason', models.TextField(blank=True)),
                ('seen_seconds', models.PositiveIntegerField(default=0)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=320)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'campaign', 'reviewer'], name='control_item_of_reviewer')],
                'constraints': [models.CheckConstraint(condition=models.Q(('evidence__contains', {'control': True})), name='control_item_says_that_it_is_one'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by', ''), ('outcome', ''), ('reason', '')), models.Q(('decided_at__isnull', False), ('outcome__in', ['certify', 'revoke', 'modify', 'abstain']), ('reason__length__gte', 10), models.Q(('decided_by', ''), _negated=True)), _connector='OR'), name='control_item_has_reason_time_and_person')],
            },
        ),
        migrations.CreateModel(
            name='DutySide',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('conflict', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sides', to='reviews.dutyconflict')),
                ('side', models.CharField(choices=[('first', 'One side'), ('second', 'Other side')], max_length=6)),
                ('entitlement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.entitlement')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'conflict', 'entitlement'), name='entitlement_is_on_one_side_of_a_conflict'), models.CheckConstraint(condition=models.Q(('side__in', ['first', 'second'])), name='conflict_side_is_first_or_second')],
            },
        ),
        migrations.CreateModel(
            name='ConflictCase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='conflict_cases', to='reviews.campaign')),
                ('n', models.PositiveIntegerField()),
                ('conflict', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='reviews.dutyconflict')),
                ('why', models.CharField(max_length=300)),
                ('subject', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('subject_key', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'campaign', 'n'), name='case_number_is_used_once'), models.CheckConstraint(condition=models.Q(models.Q(('subject__isnull', True), ('subject_key', 0)), models.Q(('subject__isnull', False), ('subject_key', models.F('subject_id'))), _connector='OR'), name='case_subject_key_is_its_subject')],
            },
        ),
        migrations.CreateModel(
            name='CaseGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviews.campaign')),
                ('case', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='reviews.conflictcase')),
                ('side', models.CharField(choices=[('first', 'One side'), ('second', 'Other side')], max_length=6)),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='case_grants', to='reviews.reviewitem')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'item'], name='case_of_item')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'case', 'item'), name='item_is_on_one_side_of_a_case'), models.CheckConstraint(condition=models.Q(('side__in', ['first', 'second'])), name='case_side_is_first_or_second')],
            },
        ),
        migrations.CreateModel(
            name='ConflictAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('campaign', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviews.campaign')),
                ('case', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='reviews.conflictcase')),
                ('reviewer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('answer', models.CharField(choices=[('remove_first', 'Remove the one side'), ('remove_second', 'Remove the other side'), ('keep', 'Keep both, with a compensating control')], max_length=13)),
                ('control', models.CharField(blank=True, max_length=300)),
                ('reason', models.CharField(max_length=2000)),
                ('answered_at', models.DateTimeField()),
                ('answered_by', models.CharField(max_length=320)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'case'], name='answer_of_case')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('answer', 'keep'), ('control__length__gte', 10)), models.Q(('answer__in', ['remove_first', 'remove_second']), ('control', '')), _connector='OR'), name='kept_conflict_names_its_compensating_control'), models.CheckConstraint(condition=models.Q(('reason__length__gte', 10), models.Q(('answered_by', ''), _negated=True)), name='conflict_answer_has_reason_and_person')],
            },
        ),
        migrations.RunSQL(SIDES, migrations.RunSQL.noop),
        migrations.RunSQL(NO_PAIR_KEYS, PAIR_KEYS),
        migrations.RemoveField('dutyconflict', 'first'),
        migrations.RemoveField('dutyconflict', 'second'),
        migrations.AddConstraint('dutyconflict', models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('tenant', 'key'), name='conflict_is_in_force_once')),
        migrations.AddConstraint('dutyconflict', models.CheckConstraint(condition=models.Q(('first_count__gte', 1), ('second_count__gte', 1)), name='conflict_has_two_sides')),
        migrations.AlterField('finding', 'kind', models.CharField(choices=[('ghost_use', 'Use without a grant'), ('leaver_active', 'Leaver with active access'), ('ownerless', 'Account without an owner'), ('use_after_revocation', 'Use after revocation'), ('unverified', 'Revocation not carried out'), ('not_decided', 'Access not reviewed in time'), ('dormant_privileged', 'Privileged access that is not used'), ('conflict', 'Conflicting duties'), ('population_gap', 'Active in the logs, in no list'), ('hasty_review', 'Decided too fast to have been looked at'), ('reciprocal', "Two reviewers kept each other's access"), ('second_look', 'A second reviewer decided otherwise'), ('control_missed', 'A control item was kept')], max_length=20)),
        *PROTECTED,
        migrations.RunSQL(WHOLE, NOT_WHOLE),
        migrations.RunSQL(CASES, NOT_CASES),
        migrations.RunSQL(SECOND_LOOK, "DROP FUNCTION reviews_second_look_is_blind_and_once() CASCADE"),
        migrations.RunSQL(CONTROL_ITEM, "DROP FUNCTION reviews_control_item_is_decided() CASCADE"),
        migrations.RunSQL(STAYS, NOT_STAYS),
        swapped("reviews_signature_covers_decisions()", SIGNED, SIGNED_WITHOUT_CONFLICT),
        swapped("reviews_campaign_moves()", CLOSED, CLOSED_AFTER_LOOKS),
        migrations.RunSQL(migrations.RunSQL.noop, NOT_WITH_ROWS),
    ]
