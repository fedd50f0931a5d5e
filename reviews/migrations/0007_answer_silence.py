"""Keeps what owners answer about access that nobody decided, and has no campaign close before they answered.

Parts of the functions of `0002_hold_the_rules` are swapped, so that the rest of their text stands in one place.
"""

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import ProtectTable

FACTS = "tenant_id, item_id, campaign_id, subject_key, privileged, advice"
ITEM_FACTS = "tenant_id, id, campaign_id, subject_key, privileged, advice"
COPIED = f"""
ALTER TABLE reviews_silentitem ADD CONSTRAINT silence_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
"""
ANSWERED_ONCE = """
CREATE FUNCTION reviews_silence_is_answered_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'What nobody decided is kept.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.answer <> '' OR NOT EXISTS (
            SELECT 1 FROM reviews_decision d WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.decision_id
                AND d.item_id = NEW.item_id AND d.outcome = 'not_decided'
        ) THEN
            RAISE EXCEPTION 'Only what nobody decided is put to the owner.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.answer <> '' THEN
        RAISE EXCEPTION 'This access is answered already.' USING ERRCODE = 'UA006';
    END IF;
    SELECT c.state INTO state FROM reviews_campaign c
        WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.campaign_id FOR SHARE;
    IF state NOT IN ('signing', 'remediating') THEN
        RAISE EXCEPTION 'Answers are taken after the time to decide and before the campaign is closed.'
            USING ERRCODE = 'UA002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER silence_is_answered_once BEFORE INSERT OR UPDATE OR DELETE ON reviews_silentitem
    FOR EACH ROW EXECUTE FUNCTION reviews_silence_is_answered_once();
"""
CAMPAIGN, REMEDIATION = "reviews_campaign_moves()", "reviews_remediation_moves()"
REVOKED = """        SELECT 1 FROM reviews_head h LEFT JOIN reviews_remediation r ON r.tenant_id = h.tenant_id AND r.decision_id = h.id
        WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id AND h.outcome IN ('revoke', 'modify')
"""
REVOKED_OR_SILENT = """        SELECT 1 FROM reviews_head h LEFT JOIN reviews_remediation r ON r.tenant_id = h.tenant_id AND r.decision_id = h.id
            LEFT JOIN reviews_silentitem w ON w.tenant_id = h.tenant_id AND w.decision_id = h.id
        WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id
            AND (h.outcome IN ('revoke', 'modify') OR w.answer IN ('', 'revoke'))
"""
BEGINS = """        IF NEW.state <> 'open' OR d.outcome NOT IN ('revoke', 'modify') THEN
"""
BEGINS_CONFIRMED = """        IF NEW.state <> 'open' OR (d.outcome NOT IN ('revoke', 'modify') AND NOT EXISTS (
            SELECT 1 FROM reviews_silentitem w WHERE w.tenant_id = NEW.tenant_id AND w.decision_id = NEW.decision_id
                AND w.answer = 'revoke')) THEN
"""


def swapped(function: str, old: str, new: str) -> migrations.RunSQL:
    """Returns the operation that swaps one part of a function, and refuses one that does not hold it."""
    return migrations.RunSQL(_swap(function, old, new), _swap(function, new, old))


def _swap(function: str, old: str, new: str) -> str:
    """Returns the statement of one swap."""
    return f"""
DO $swap$
DECLARE source text := pg_get_functiondef('{function}'::regprocedure);
BEGIN
    IF position($old${old}$old$ IN source) = 0 THEN
        RAISE EXCEPTION 'The function {function} is not the one that this migration knows.';
    END IF;
    EXECUTE replace(source, $old${old}$old$, $new${new}$new$);
END $swap$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('identities', '0005_rosters'),
        ('reviews', '0006_prove_who_signs'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='SilentItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_key', models.BigIntegerField()),
                ('privileged', models.BooleanField()),
                ('advice', models.CharField(choices=[('keep', 'Keep'), ('revoke', 'Revoke'), ('insufficient', 'Not enough data')], max_length=12)),
                ('asked_at', models.DateTimeField()),
                ('answer', models.CharField(blank=True, choices=[('', 'Waits for an answer'), ('revoke', 'Revoke'), ('keep', 'Keep until it is reviewed')], default='', max_length=6)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.CharField(blank=True, max_length=320)),
                ('answerer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('campaign', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='silences', to='reviews.campaign')),
                ('confirmer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='identities.identity')),
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='silence', to='reviews.decision')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='silences', to='reviews.reviewitem')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='silence_privileged',
            field=models.CharField(choices=[('not_decided', 'Not decided, with a finding'), ('revoke', 'Revoked, once the owner of the system confirms')], default='revoke', max_length=11),
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='silence_standard',
            field=models.CharField(choices=[('not_decided', 'Not decided, with a finding'), ('revoke', 'Revoked, once the owner of the system confirms')], default='not_decided', max_length=11),
        ),
        migrations.AddConstraint(
            model_name='campaignmove',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('old', models.F('new')), _negated=True), ('reason__length__gte', 10), _connector='OR'), name='extension_says_why'),
        ),
        migrations.AddConstraint(
            model_name='campaignplan',
            constraint=models.CheckConstraint(condition=models.Q(('silence_privileged__in', ['not_decided', 'revoke']), ('silence_standard__in', ['not_decided', 'revoke'])), name='silence_is_never_an_approval'),
        ),
        migrations.AddIndex(
            model_name='silentitem',
            index=models.Index(fields=['tenant', 'confirmer', 'answer'], name='silent_item_by_confirmer'),
        ),
        migrations.AddConstraint(
            model_name='silentitem',
            constraint=models.CheckConstraint(condition=models.Q(('answerer__isnull', True), models.Q(('answerer', models.F('subject_key')), _negated=True), _connector='OR'), name='nobody_answers_about_their_own_access'),
        ),
        migrations.AddConstraint(
            model_name='silentitem',
            constraint=models.CheckConstraint(condition=models.Q(('confirmer__isnull', True), models.Q(('confirmer', models.F('subject_key')), _negated=True), _connector='OR'), name='nobody_is_asked_about_their_own_access'),
        ),
        migrations.AddConstraint(
            model_name='silentitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True), ('answered_by', ''), ('answerer__isnull', True)), models.Q(('answer__in', ['revoke', 'keep']), ('answered_at__isnull', False), ('answerer__isnull', False), ('reason__length__gte', 10), models.Q(('answered_by', ''), _negated=True)), _connector='OR'), name='answer_has_reason_time_and_person'),
        ),
        ProtectTable(
            "reviews_silentitem",
            app="SELECT, INSERT, UPDATE (answer, reason, answerer_id, answered_at, answered_by)",
            references=(
                ("confirmer_id", "identities_identity"),
                ("answerer_id", "identities_identity"),
                ("decision_id", "reviews_decision"),
            ),
        ),
        migrations.RunSQL(COPIED, "ALTER TABLE reviews_silentitem DROP CONSTRAINT silence_copies_its_item"),
        migrations.RunSQL(ANSWERED_ONCE, "DROP FUNCTION reviews_silence_is_answered_once() CASCADE"),
        swapped(CAMPAIGN, REVOKED, REVOKED_OR_SILENT),
        swapped(REMEDIATION, BEGINS, BEGINS_CONFIRMED),
    ]
