"""Takes signatures whose signer signed in again at the identity provider, with a second factor.

As `0004_decisions` did for passkeys: what the provider signed names this very statement, and says when the person
showed who they are. Whether its own signature is right, the portal checks before, and a pack's verifier after.
"""

from django.db import migrations, models

BEFORE = """
CREATE OR REPLACE FUNCTION reviews_signature_proves_who_signs() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""

# The middle part of a token is JSON in base64url without padding (RFC 7515 7.1).
PROVIDER = """
CREATE FUNCTION reviews_provider_proves_who_signs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE part text; claims jsonb; at timestamptz;
BEGIN
    part := translate(split_part(NEW.authentication -> 'assertion' ->> 'id_token', '.', 2), '-_', '+/');
    claims := convert_from(decode(rpad(part, (length(part) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
    at := to_timestamp((claims ->> 'auth_time')::double precision);
    IF claims ->> 'nonce' IS DISTINCT FROM NEW.digest::text THEN
        RAISE EXCEPTION 'The identity provider was asked about another statement. Read it again and sign.'
            USING ERRCODE = 'UA018';
    END IF;
    IF at IS NULL OR NEW.authenticated_at > at OR at > NEW.authenticated_at + interval '60 seconds' THEN
        RAISE EXCEPTION 'The identity provider says another time at which the person signed in.' USING ERRCODE = 'UA018';
    END IF;
    IF NOT coalesce(
        jsonb_typeof(claims -> 'amr') = 'array'
            AND (claims -> 'amr' @> '["mfa"]' OR jsonb_array_length(claims -> 'amr') > 1), false
    ) THEN
        RAISE EXCEPTION 'The identity provider showed no second factor.' USING ERRCODE = 'UA018';
    END IF;
    RETURN NEW;
END $$;
"""

TABLES = ("reviews_signoff", "reviews_waiver", "reviews_risksignature", "reviews_logsignature")
FIRES = """
CREATE TRIGGER signature_was_asked_of_the_provider BEFORE INSERT ON {0} FOR EACH ROW
    WHEN (NEW.level = 'provider') EXECUTE FUNCTION reviews_provider_proves_who_signs();
"""
AFTER = BEFORE.replace("ARRAY['session', 'code', 'passkey']", "ARRAY['session', 'code', 'provider', 'passkey']")
FORWARD = AFTER + PROVIDER + "".join(map(FIRES.format, TABLES))
BACKWARD = BEFORE + "DROP FUNCTION reviews_provider_proves_who_signs() CASCADE;"

LEVELS = [
    ("session", "Password again, after a log-in with a second factor"),
    ("code", "Password and a code of the authenticator app"),
    ("provider", "Sign-in again at the identity provider, with a second factor"),
    ("passkey", "Passkey over this very statement"),
]
KNOWN = models.CheckConstraint(
    condition=models.Q(("minimum__in", [key for key, _label in LEVELS])), name="signing_rule_names_a_level"
)


class Migration(migrations.Migration):
    dependencies = [("reviews", "0011_postpone_after_a_move")]

    operations = [
        *(
            migrations.AlterField(model, "level", models.CharField(max_length=8, choices=LEVELS))
            for model in ("waiver", "risksignature", "logsignature")
        ),
        migrations.AlterField("signoff", "level", models.CharField(max_length=8, choices=LEVELS, blank=True)),
        migrations.AlterField("signingrule", "minimum", models.CharField(max_length=8, choices=LEVELS)),
        migrations.RemoveConstraint("signingrule", "signing_rule_names_a_level"),
        migrations.AddConstraint("signingrule", KNOWN),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
