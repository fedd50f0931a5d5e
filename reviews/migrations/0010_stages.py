"""Lets a campaign follow another: as its next stage, or over what a closed one left undecided."""

import django.db.models.deletion
import tenants.scope
from django.db import migrations, models

from ledger.rowsecurity import ProtectTable

SAME_TENANT = """
ALTER TABLE reviews_campaign NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reviews_campaign ADD CONSTRAINT reviews_campaign_follows_id_same_tenant
    FOREIGN KEY (tenant_id, follows_id) REFERENCES reviews_campaign (tenant_id, id);
ALTER TABLE reviews_campaign FORCE ROW LEVEL SECURITY;
"""
FROZEN = """    IF OLD.state NOT IN ('draft', 'collecting', 'ready') AND NEW.definition <> OLD.definition THEN
"""
FROZEN_WITH_STAGE = """    IF (NEW.follows_id, NEW.stage, NEW.plan_id) IS DISTINCT FROM (OLD.follows_id, OLD.stage, OLD.plan_id) THEN
        RAISE EXCEPTION 'What a campaign follows is fixed when it is made.' USING ERRCODE = 'UA001';
    END IF;
    IF OLD.state NOT IN ('draft', 'collecting', 'ready') AND NEW.definition <> OLD.definition THEN
"""
BEGINS = """            RAISE EXCEPTION 'A campaign begins as a draft.' USING ERRCODE = 'UA010';
        END IF;
"""
BEGINS_AFTER = """            RAISE EXCEPTION 'A campaign begins as a draft.' USING ERRCODE = 'UA010';
        END IF;
        IF NEW.follows_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.follows_id
                AND ((NEW.stage = 1 AND c.state = 'closed')
                    OR (NEW.stage = c.stage + 1 AND c.state IN ('remediating', 'closed')))
        ) THEN
            RAISE EXCEPTION 'A stage follows a signed campaign, and a follow-up a closed one.' USING ERRCODE = 'UA010';
        END IF;
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
        ('reviews', '0009_mail_reviewers'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='PlanStage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveSmallIntegerField()),
                ('strategy', models.CharField(choices=[('manager', "Each person's manager"), ('owner', 'Owner of the system'), ('named', 'One named reviewer'), ('client', "The client's own reviewer, for the people of its programme")], max_length=8)),
                ('due_days', models.PositiveSmallIntegerField(default=14)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='later_stages', to='reviews.campaignplan')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='campaign',
            name='one_campaign_for_each_period_of_a_plan',
        ),
        migrations.AddField(
            model_name='campaign',
            name='follows',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='followers', to='reviews.campaign'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='stage',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='dormant_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='entitlements',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='campaignplan',
            name='programme',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AlterField(
            model_name='assignment',
            name='basis',
            field=models.CharField(choices=[('manager', 'Manager of the person'), ('owner', 'Owner of the system'), ('named', 'Named for the campaign'), ('client', 'Reviewer of the client'), ('fallback', 'Fallback of the campaign'), ('reassigned', 'Reassigned'), ('delegated', 'Handed on by the reviewer'), ('deputy', 'Deputy of an absent reviewer'), ('left', 'In place of a reviewer who left')], max_length=10),
        ),
        migrations.AlterField(
            model_name='campaignplan',
            name='strategy',
            field=models.CharField(choices=[('manager', "Each person's manager"), ('owner', 'Owner of the system'), ('named', 'One named reviewer'), ('client', "The client's own reviewer, for the people of its programme")], default='manager', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'cancelled'), _negated=True), fields=('tenant', 'plan', 'occurrence_at', 'stage'), name='one_campaign_for_each_period_of_a_plan'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(('stage', 1), models.Q(('follows__isnull', False), ('stage__gt', 1)), _connector='OR'), name='later_stage_follows_a_campaign'),
        ),
        migrations.AddConstraint(
            model_name='planstage',
            constraint=models.UniqueConstraint(fields=('tenant', 'plan', 'n'), name='plan_has_a_stage_once'),
        ),
        migrations.AddConstraint(
            model_name='planstage',
            constraint=models.CheckConstraint(condition=models.Q(('n__gte', 2)), name='later_stages_count_from_two'),
        ),
        migrations.AddConstraint(
            model_name='planstage',
            constraint=models.CheckConstraint(condition=models.Q(('due_days__gte', 1), ('due_days__lte', 90)), name='stage_is_due_in_1_to_90_days'),
        ),
        ProtectTable("reviews_planstage", references=(("plan_id", "reviews_campaignplan"),)),
        migrations.RunSQL(
            SAME_TENANT, "ALTER TABLE reviews_campaign DROP CONSTRAINT reviews_campaign_follows_id_same_tenant"
        ),
        swapped("reviews_campaign_moves()", FROZEN, FROZEN_WITH_STAGE),
        swapped("reviews_campaign_moves()", BEGINS, BEGINS_AFTER),
    ]
