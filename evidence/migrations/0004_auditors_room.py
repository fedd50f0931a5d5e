import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable

OF_ROOM = ("engagement_id", "tenants_engagement")
OWN = "engagement_id = app_engagement()"
# The engagement as it stands now: ended, it holds nothing.
IN_FORCE = """EXISTS (
    SELECT FROM tenants_engagement e WHERE e.id = app_engagement() AND e.accepted_at IS NOT NULL AND e.ended_at IS NULL
    AND statement_timestamp() >= e.starts_at AND statement_timestamp() < e.ends_at AND {})"""
CAMPAIGN = IN_FORCE.format("reviews_campaign.opened_at >= e.period_start AND reviews_campaign.opened_at < e.period_end")
# A pack carries names: a room with controlled columns opens none.
PACK = IN_FORCE.format(
    "e.columns = 'full' AND evidence_evidencepack.state = 'issued' AND evidence_evidencepack.period_start >= e.period_start "
    "AND evidence_evidencepack.period_end <= e.period_end AND evidence_evidencepack.frameworks <@ e.frameworks"
)
OF_CAMPAIGN = "campaign_id IN (SELECT id FROM reviews_campaign)"
ROOM = ("population", "sample", "samplemark", "auditrequest", "requestentry")
BY_CAMPAIGN = (
    *("reviewitem", "decision", "signoff", "scopeline", "exclusion", "absentaccount", "assignment", "remediation"),
    *("secondlook", "controlitem", "conflictcase", "casegrant", "conflictanswer", "silentitem", "itemquestion"),
)
CLOSED = (
    *("logs_accessevent", "alerts_alert", "alerts_incident", "alerts_incidententry"),
    *("evidence_controlresult", "evidence_kindresult", "evidence_document", "evidence_processingrecord"),
    *("evidence_controlresponse", "evidence_gapnote", "evidence_operatingreport"),
    *("reviews_finding", "reviews_logschedule", "reviews_logreview", "reviews_logitem", "reviews_disposition"),
    *("reviews_logsignature", "reviews_followup", "reviews_riskproposal", "reviews_risksignature"),
    *("reviews_ticketroute", "reviews_ticket", "reviews_tickettry"),
)
OVER = """
CREATE FUNCTION evidence_request_is_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('accepted', 'withdrawn') THEN
        RAISE EXCEPTION 'The request is %: a new one is asked instead.', OLD.state USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_is_over BEFORE UPDATE ON evidence_auditrequest
    FOR EACH ROW EXECUTE FUNCTION evidence_request_is_over();
"""
NOT_OVER = "DROP TRIGGER request_is_over ON evidence_auditrequest; DROP FUNCTION evidence_request_is_over();"


class Migration(migrations.Migration):

    dependencies = [
        ('evidence', '0003_registers_and_sheets'),
        ('tenants', '0004_engagements'),
        ('reviews', '0016_reviewers_by_group'),
        ('logs', '0015_keep_terms_and_holds'),
        ('alerts', '0003_incidents'),
    ]

    operations = [
        migrations.CreateModel(
            name='Population',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('data', models.BinaryField()),
                ('sha256', models.CharField(max_length=64)),
                ('size', models.PositiveIntegerField()),
                ('sheet', models.JSONField()),
                ('ledger_size', models.BigIntegerField(help_text='Leaves of the ledger before it was frozen.')),
                ('frozen_at', models.DateTimeField()),
                ('frozen_by', models.CharField(max_length=320)),
                ('engagement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='populations', to='tenants.engagement')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Sample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seed', models.CharField(max_length=200)),
                ('ledger_size', models.BigIntegerField(null=True)),
                ('size', models.PositiveIntegerField()),
                ('ids', models.JSONField()),
                ('drawn_at', models.DateTimeField()),
                ('drawn_by', models.CharField(max_length=320)),
                ('engagement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='samples', to='tenants.engagement')),
                ('population', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='samples', to='evidence.population')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('seed', ''), _negated=True), ('size__gt', 0)), name='sample_has_a_seed_and_a_size')],},
        ),
        migrations.CreateModel(
            name='SampleMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('item', models.CharField(max_length=100)),
                ('mark', models.CharField(choices=[('accepted', 'Accepted'), ('flagged', 'Flagged')], max_length=10)),
                ('note', models.TextField(blank=True, default='')),
                ('marked_at', models.DateTimeField()),
                ('marked_by', models.CharField(max_length=320)),
                ('engagement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.engagement')),
                ('sample', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='evidence.sample')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={'constraints': [models.CheckConstraint(condition=models.Q(('mark', 'accepted'), models.Q(('note', ''), _negated=True), _connector='OR'), name='flagged_thing_says_why')],},
        ),
        migrations.CreateModel(
            name='AuditRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveIntegerField()),
                ('control', models.CharField(blank=True, default='', max_length=100)),
                ('what', models.TextField()),
                ('due_on', models.DateField()),
                ('state', models.CharField(choices=[('open', 'Open'), ('in_work', 'In work'), ('provided', 'Provided'), ('accepted', 'Accepted'), ('flagged', 'Flagged'), ('withdrawn', 'Withdrawn')], default='open', max_length=10)),
                ('asked_at', models.DateTimeField()),
                ('asked_by', models.CharField(max_length=320)),
                ('engagement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='tenants.engagement')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={'constraints': [models.UniqueConstraint(fields=('tenant', 'engagement', 'n'), name='request_has_one_number_in_a_room'), models.CheckConstraint(condition=models.Q(('what', ''), _negated=True), name='request_says_what')],},
        ),
        migrations.CreateModel(
            name='RequestEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('turn', models.CharField(choices=[('ask', 'Ask'), ('say', 'Write a message'), ('take', 'Take it on'), ('provide', 'Provide evidence'), ('accept', 'Accept'), ('flag', 'Flag'), ('withdraw', 'Withdraw')], max_length=10)),
                ('state', models.CharField(choices=[('open', 'Open'), ('in_work', 'In work'), ('provided', 'Provided'), ('accepted', 'Accepted'), ('flagged', 'Flagged'), ('withdrawn', 'Withdrawn')], max_length=10)),
                ('words', models.TextField(blank=True, default='')),
                ('document_name', models.CharField(blank=True, default='', max_length=200)),
                ('document', models.BinaryField(null=True)),
                ('document_sha256', models.CharField(blank=True, default='', max_length=64)),
                ('by_auditor', models.BooleanField()),
                ('at', models.DateTimeField()),
                ('by', models.CharField(max_length=320)),
                ('engagement', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.engagement')),
                ('pack', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='evidence.evidencepack')),
                ('population', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='evidence.population')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='evidence.auditrequest')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('sample', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='evidence.sample')),
            ],
            options={'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('turn__in', ('flag', 'say')), _negated=True), models.Q(('words', ''), _negated=True), _connector='OR'), name='flag_and_message_have_words'), models.CheckConstraint(condition=models.Q(models.Q(('document', None), ('document_name', ''), ('document_sha256', '')), models.Q(('document__isnull', False), models.Q(('document_name', ''), _negated=True), models.Q(('document_sha256', ''), _negated=True)), _connector='OR'), name='document_has_name_and_hash')],},
        ),
        ProtectTable("evidence_population", app=APPEND, references=(OF_ROOM,)),
        ProtectTable("evidence_sample", app=APPEND, references=(OF_ROOM, ("population_id", "evidence_population"))),
        ProtectTable("evidence_samplemark", app=APPEND, references=(OF_ROOM, ("sample_id", "evidence_sample"))),
        ProtectTable("evidence_auditrequest", app="SELECT, INSERT, UPDATE (state)", references=(OF_ROOM,)),
        ProtectTable(
            "evidence_requestentry",
            app=APPEND,
            references=(
                OF_ROOM,
                ("request_id", "evidence_auditrequest"),
                ("pack_id", "evidence_evidencepack"),
                ("population_id", "evidence_population"),
                ("sample_id", "evidence_sample"),
            ),
        ),
        migrations.RunSQL(OVER, NOT_OVER),
        *(NarrowTable(f"evidence_{name}", OWN, reads=False) for name in ROOM),
        NarrowTable("reviews_campaign", CAMPAIGN),
        *(NarrowTable(f"reviews_{name}", OF_CAMPAIGN) for name in BY_CAMPAIGN),
        NarrowTable("reviews_itemanswer", "question_id IN (SELECT id FROM reviews_itemquestion)"),
        NarrowTable("evidence_evidencepack", PACK),
        NarrowTable("evidence_packfile", "pack_id IN (SELECT id FROM evidence_evidencepack)"),
        *(NarrowTable(name, "FALSE") for name in CLOSED),
    ]
