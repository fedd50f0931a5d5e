"""Records how surely it is known who signs, and holds the tenant's minimum and the passkey's challenge."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, ProtectTable

LEVELS = [
    ("session", "Password again, after a log-in with a second factor"),
    ("code", "Password and a code of the authenticator app"),
    ("passkey", "Passkey over this very statement"),
]

FINDINGS = [
    ("ghost_use", "Use without a grant"),
    ("leaver_active", "Leaver with active access"),
    ("ownerless", "Account without an owner"),
    ("use_after_revocation", "Use after revocation"),
    ("unverified", "Revocation not carried out"),
    ("not_decided", "Access not reviewed in time"),
    ("hasty_review", "Decided too fast to have been looked at"),
]

# Signatures from before the levels have none; the trigger takes no new one without.
COMPONENTS = """
ALTER TABLE reviews_signoff ADD CONSTRAINT signature_rests_on_two_components
    CHECK (level = '' OR jsonb_array_length(methods) >= 2);
"""
STAYS = """
CREATE TRIGGER signingrule_stays BEFORE UPDATE OR DELETE ON reviews_signingrule
    FOR EACH ROW EXECUTE FUNCTION reviews_evidence_stays();
CREATE TRIGGER signingrule_is_not_emptied BEFORE TRUNCATE ON reviews_signingrule
    FOR EACH STATEMENT EXECUTE FUNCTION reviews_evidence_stays();
"""
NOT_STAYS = """
DROP TRIGGER signingrule_is_not_emptied ON reviews_signingrule;
DROP TRIGGER signingrule_stays ON reviews_signingrule;
"""

# Fires after `signature_covers_decisions` (by name), which has locked the campaign and checked the digest. Byte 32 of
# the authenticator data holds the flags: 1 somebody was present, 4 their PIN or biometric was checked (WebAuthn 6.1).
PROOF = """
CREATE FUNCTION reviews_signature_proves_who_signs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ranks text[] := ARRAY['session', 'code', 'passkey']; minimum text; kept jsonb; client jsonb;
BEGIN
    SELECT r.minimum INTO minimum FROM reviews_signingrule r WHERE r.tenant_id = NEW.tenant_id
        ORDER BY r.id DESC LIMIT 1;
    IF coalesce(array_position(ranks, NEW.level::text), 0) < array_position(ranks, coalesce(minimum, 'code')) THEN
        RAISE EXCEPTION 'A stronger proof of who signs is asked for here.' USING ERRCODE = 'UA017';
    END IF;
    IF NEW.level = 'passkey' THEN
        kept := NEW.authentication -> 'assertion';
        client := convert_from(decode(kept ->> 'client_data', 'base64'), 'UTF8')::jsonb;
        IF client ->> 'type' IS DISTINCT FROM 'webauthn.get' OR client ->> 'challenge' IS DISTINCT FROM
                rtrim(translate(encode(decode(NEW.digest, 'hex'), 'base64'), '+/', '-_'), '=') THEN
            RAISE EXCEPTION 'The passkey signed another statement. Read it again and sign.' USING ERRCODE = 'UA018';
        END IF;
        IF get_byte(decode(kept ->> 'authenticator_data', 'base64'), 32) & 5 <> 5 THEN
            RAISE EXCEPTION 'The passkey did not check who holds it.' USING ERRCODE = 'UA018';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signature_proves_who_signs BEFORE INSERT ON reviews_signoff
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0005_findings_with_evidence_and_duties"),
        ("tenants", "0003_name_each_tenant_with_its_parent"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.AddField(
            model_name="signoff", name="level", field=models.CharField(blank=True, choices=LEVELS, default="", max_length=8),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="finding", name="kind", field=models.CharField(choices=FINDINGS, max_length=20)
        ),
        migrations.CreateModel(
            name="SigningRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("minimum", models.CharField(choices=LEVELS, max_length=8)),
                ("reason", models.CharField(max_length=300)),
                ("set_at", models.DateTimeField()),
                ("set_by", models.CharField(max_length=320)),
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
                    models.CheckConstraint(
                        condition=models.Q(("reason__length__gte", 10), models.Q(("set_by", ""), _negated=True)),
                        name="signing_rule_has_reason_and_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("minimum__in", ["session", "code", "passkey"])),
                        name="signing_rule_names_a_level",
                    ),
                ],
            },
        ),
        ProtectTable("reviews_signingrule", app=APPEND),
        migrations.RunSQL(STAYS, NOT_STAYS),
        migrations.RunSQL(
            COMPONENTS, "ALTER TABLE reviews_signoff DROP CONSTRAINT signature_rests_on_two_components"
        ),
        migrations.RunSQL(PROOF, "DROP FUNCTION reviews_signature_proves_who_signs() CASCADE"),
    ]
