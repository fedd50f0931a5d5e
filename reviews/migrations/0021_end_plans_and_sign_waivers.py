"""Lets a plan end, for good and with a reason; keeps its definition; and has every waiver of a system signed.

A plan that was switched off by hand is ended here. A waiver without a signature is taken back where the campaign has
not become ready yet, so that it waits for a signed one; in a campaign that went on, it stays as it was.
"""

import datetime

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable

LEVELS = [
    ("session", "Password again, after a log-in with a second factor"),
    ("code", "Password and a code of the authenticator app"),
    ("passkey", "Passkey over this very statement"),
]


def unforced(statements: str, *tables: str) -> str:
    """Returns statements that see the rows of every tenant: the owner's own, for the length of this migration."""
    forces = [("NO FORCE", ""), ("FORCE", statements)]
    return "".join(
        f"{before}{''.join(f'ALTER TABLE {table} {force} ROW LEVEL SECURITY;' for table in tables)}"
        for force, before in forces
    )


PLAN = "reviews_campaignplan"
SWITCHED_OFF = unforced(
    f"UPDATE {PLAN} SET ended_at = statement_timestamp(), ended_by = 'migration', next_opening_at = NULL, "
    "end_reason = 'It was switched off before plans could be ended.' WHERE NOT active;",
    PLAN,
)
SWITCHED_BACK = unforced(f"UPDATE {PLAN} SET active = ended_at IS NULL;", PLAN)
UNSIGNED = unforced(
    "UPDATE reviews_scopeline l SET waiver_reason = '', waived_by = '' FROM reviews_campaign c "
    "WHERE c.tenant_id = l.tenant_id AND c.id = l.campaign_id AND c.state IN ('draft', 'collecting') "
    "AND l.waiver_reason <> '';",
    "reviews_scopeline",
    "reviews_campaign",
)

STAYS = """
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
REVOKE UPDATE, DELETE ON reviews_plansystem, reviews_planstage FROM countersign_app;
"""
NOT_STAYS = """
GRANT UPDATE, DELETE ON reviews_plansystem, reviews_planstage TO countersign_app;
DROP FUNCTION reviews_plan_is_made_whole() CASCADE;
DROP FUNCTION reviews_plan_stays() CASCADE;
"""

SAME_TENANT = unforced(
    "ALTER TABLE reviews_scopeline ADD CONSTRAINT reviews_scopeline_waiver_id_same_tenant "
    "FOREIGN KEY (tenant_id, waiver_id) REFERENCES reviews_waiver (tenant_id, id);",
    "reviews_waiver",
    "reviews_scopeline",
)
# What is signed is checked here; who signs and how surely, by `0006_prove_who_signs`. A later stage keeps the waivers
# of the stages before, over whose snapshots it goes.
SIGNED = """
ALTER TABLE reviews_waiver ADD CONSTRAINT waiver_rests_on_two_components CHECK (jsonb_array_length(methods) >= 2);
CREATE FUNCTION reviews_waiver_is_signed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE body jsonb; state text;
BEGIN
    SELECT c.state INTO state FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.campaign_id
        FOR SHARE;
    IF state IS NULL OR state NOT IN ('draft', 'collecting') THEN
        RAISE EXCEPTION 'A system is left out while the campaign collects its snapshots.' USING ERRCODE = 'UA002';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.signed_at)) > 300 THEN
        RAISE EXCEPTION 'A signature bears the time at which it is given.' USING ERRCODE = 'UA016';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM tenants_membership w WHERE w.tenant_id = NEW.tenant_id AND w.user_id = NEW.signer_user
    ) THEN
        RAISE EXCEPTION 'Who signs is not a person of this tenant.' USING ERRCODE = 'UA021';
    END IF;
    body := NEW.manifest::jsonb;
    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest
        OR body ->> 'kind' IS DISTINCT FROM 'waiver'
        OR (body -> 'campaign' ->> 'id')::bigint IS DISTINCT FROM NEW.campaign_id
        OR (body -> 'system' ->> 'id')::bigint IS DISTINCT FROM NEW.system_id
        OR body ->> 'reason' IS DISTINCT FROM NEW.reason OR body ->> 'waived_by' IS DISTINCT FROM NEW.signed_by THEN
        RAISE EXCEPTION 'The statement does not say what is waived.' USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waiver_is_signed BEFORE INSERT ON reviews_waiver
    FOR EACH ROW EXECUTE FUNCTION reviews_waiver_is_signed();
CREATE TRIGGER signature_proves_who_signs BEFORE INSERT ON reviews_waiver
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
CREATE TRIGGER waiver_stays BEFORE UPDATE OR DELETE ON reviews_waiver
    FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();
CREATE TRIGGER waiver_is_not_emptied BEFORE TRUNCATE ON reviews_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();

CREATE FUNCTION reviews_scope_is_waived_by_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_waiver w
            JOIN reviews_campaign o ON o.tenant_id = w.tenant_id AND o.id = w.campaign_id
            JOIN reviews_campaign c ON c.tenant_id = w.tenant_id AND c.id = NEW.campaign_id AND (c.id = o.id
                OR (c.plan_id = o.plan_id AND c.occurrence_at = o.occurrence_at AND c.stage > o.stage))
        WHERE w.tenant_id = NEW.tenant_id AND w.id = NEW.waiver_id AND w.system_id = NEW.system_id
            AND w.reason = NEW.waiver_reason AND w.signed_by = NEW.waived_by
    ) THEN
        RAISE EXCEPTION 'A system is left out of a campaign only by a signed waiver.' USING ERRCODE = 'UA021';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scope_is_waived_by_signature BEFORE INSERT OR UPDATE ON reviews_scopeline
    FOR EACH ROW WHEN (NEW.waiver_reason <> '' OR NEW.waiver_id IS NOT NULL)
    EXECUTE FUNCTION reviews_scope_is_waived_by_signature();
"""
NOT_SIGNED = """
DROP FUNCTION reviews_scope_is_waived_by_signature() CASCADE;
DROP TRIGGER signature_proves_who_signs ON reviews_waiver;
DROP TRIGGER waiver_stays ON reviews_waiver;
DROP TRIGGER waiver_is_not_emptied ON reviews_waiver;
DROP FUNCTION reviews_waiver_is_signed() CASCADE;
ALTER TABLE reviews_waiver DROP CONSTRAINT waiver_rests_on_two_components;
"""


def key(to: str, related_name: str, *, null: bool = False) -> models.ForeignKey:
    """Returns a key to a row that stays."""
    return models.ForeignKey(
        blank=null, null=null, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=to
    )


PLANS = [
    migrations.AddField("campaignplan", "end_reason", models.CharField(blank=True, max_length=300)),
    migrations.AddField("campaignplan", "ended_at", models.DateTimeField(blank=True, null=True)),
    migrations.AddField("campaignplan", "ended_by", models.CharField(blank=True, max_length=320)),
    migrations.RunSQL(SWITCHED_OFF, SWITCHED_BACK),
    migrations.RemoveField("campaignplan", "active"),
    migrations.AddConstraint(
        "campaignplan",
        models.CheckConstraint(
            condition=models.Q(
                models.Q(("end_reason", ""), ("ended_at__isnull", True), ("ended_by", "")),
                models.Q(
                    ("end_reason__length__gte", 10),
                    ("ended_at__isnull", False),
                    ("next_opening_at__isnull", True),
                    models.Q(("ended_by", ""), _negated=True),
                ),
                _connector="OR",
            ),
            name="ended_plan_says_who_and_why_and_makes_nothing",
        ),
    ),
    migrations.RunSQL(STAYS, NOT_STAYS),
]
WAIVERS = [
    migrations.CreateModel(
        name="Waiver",
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("reason", models.CharField(max_length=300)),
            ("manifest", models.TextField()),
            ("digest", models.CharField(max_length=64)),
            ("signer_user", models.BigIntegerField()),
            ("signed_by", models.CharField(max_length=320)),
            ("printed_name", models.CharField(max_length=200)),
            ("meaning", models.CharField(max_length=300)),
            ("level", models.CharField(choices=LEVELS, max_length=8)),
            ("methods", models.JSONField()),
            ("authentication", models.JSONField(default=dict)),
            ("authenticated_at", models.DateTimeField()),
            ("signed_at", models.DateTimeField()),
            ("campaign", key("reviews.campaign", "waivers")),
            ("system", key("identities.system", "+")),
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
                models.UniqueConstraint(fields=("tenant", "campaign", "system"), name="system_is_waived_once"),
                models.CheckConstraint(
                    condition=models.Q(
                        ("reason__length__gte", 10),
                        models.Q(("signed_by", ""), _negated=True),
                        models.Q(("printed_name", ""), _negated=True),
                        models.Q(("meaning", ""), _negated=True),
                    ),
                    name="waiver_says_who_and_why",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("signed_at__gte", models.F("authenticated_at")),
                        (
                            "signed_at__lte",
                            django.db.models.expressions.CombinedExpression(
                                models.F("authenticated_at"), "+", models.Value(datetime.timedelta(seconds=300))
                            ),
                        ),
                    ),
                    name="waiver_follows_its_authentication",
                ),
            ],
        },
    ),
    ProtectTable(
        "reviews_waiver",
        app=APPEND,
        references=(("campaign_id", "reviews_campaign"), ("system_id", "identities_system")),
    ),
    NarrowTable("reviews_waiver", "campaign_id IN (SELECT id FROM reviews_campaign)"),
    migrations.RunSQL(UNSIGNED, migrations.RunSQL.noop),
    migrations.AddField("scopeline", "waiver", key("reviews.waiver", "lines", null=True)),
    migrations.RunSQL(
        SAME_TENANT, "ALTER TABLE reviews_scopeline DROP CONSTRAINT reviews_scopeline_waiver_id_same_tenant"
    ),
    migrations.RunSQL(SIGNED, NOT_SIGNED),
]


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0009_refer_to_rows_whole"),
        ("reviews", "0020_close_gaps_in_the_rules"),
        ("tenants", "0004_engagements"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        *PLANS,
        *WAIVERS,
    ]
