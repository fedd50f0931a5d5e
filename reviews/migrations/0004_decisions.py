"""The rules of decisions, of signatures and of what nobody decided: who may, when, and over exactly what."""

from django.db import migrations

from ledger.rowsecurity import drop_functions

DECISION = """
CREATE FUNCTION reviews_decision_is_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
    SELECT state, due_at, round INTO c FROM reviews_campaign
        WHERE tenant_id = NEW.tenant_id AND id = NEW.campaign_id FOR SHARE;
    IF c.state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'Decisions are taken only while the campaign is open.' USING ERRCODE = 'UA002';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.decided_at)) > 300 THEN
        RAISE EXCEPTION 'A decision bears the time at which it is taken.' USING ERRCODE = 'UA016';
    END IF;
    IF NEW.supersedes_id IS NOT NULL AND EXISTS (
        SELECT 1 FROM reviews_decision d JOIN reviews_signoff s ON s.tenant_id = d.tenant_id
            AND s.campaign_id = d.campaign_id AND s.stage = d.stage AND s.reviewer_id = d.reviewer_id
        WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.supersedes_id AND s.round = c.round
    ) THEN
        RAISE EXCEPTION 'The decision before this one is signed already.' USING ERRCODE = 'UA005';
    END IF;
    IF NEW.outcome = 'not_decided' THEN
        IF clock_timestamp() < c.due_at AND NEW.supersedes_id IS NULL THEN
            RAISE EXCEPTION 'The campaign is not due yet.' USING ERRCODE = 'UA004';
        END IF;
        RETURN NEW;
    END IF;
    IF clock_timestamp() >= c.due_at THEN
        RAISE EXCEPTION 'The campaign was due. Ask its owner to extend it.' USING ERRCODE = 'UA004';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_signoff s WHERE s.tenant_id = NEW.tenant_id AND s.campaign_id = NEW.campaign_id
            AND s.stage = NEW.stage AND s.round = c.round AND s.reviewer_id = NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'You have signed these decisions already.' USING ERRCODE = 'UA005';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = NEW.tenant_id AND a.item_id = NEW.item_id
            AND a.stage = NEW.stage AND a.reviewer_id = NEW.reviewer_id AND a.until IS NULL
    ) THEN
        RAISE EXCEPTION 'This item is put to another reviewer.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER decision_is_allowed BEFORE INSERT ON reviews_decision
    FOR EACH ROW EXECUTE FUNCTION reviews_decision_is_allowed();
"""

SIGNATURE = """
CREATE FUNCTION reviews_signature_covers_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE c record; heads bigint; missing bigint; body jsonb;
BEGIN
    SELECT state, round INTO c FROM reviews_campaign
        WHERE tenant_id = NEW.tenant_id AND id = NEW.campaign_id FOR UPDATE;
    IF c.state IS NULL OR c.state NOT IN ('open', 'signing') OR NEW.round <> c.round THEN
        RAISE EXCEPTION 'The campaign does not take signatures now.' USING ERRCODE = 'UA002';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.signed_at)) > 300 THEN
        RAISE EXCEPTION 'A signature bears the time at which it is given.' USING ERRCODE = 'UA016';
    END IF;
    IF EXISTS (
        SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = NEW.tenant_id AND a.campaign_id = NEW.campaign_id
            AND a.stage = NEW.stage AND a.reviewer_id = NEW.reviewer_id AND a.until IS NULL AND NOT EXISTS (
                SELECT 1 FROM reviews_head d WHERE d.tenant_id = a.tenant_id AND d.item_id = a.item_id
                    AND d.stage = a.stage AND (d.outcome <> 'not_decided' OR c.state <> 'open'))
    ) THEN
        RAISE EXCEPTION 'Items of this reviewer are undecided.' USING ERRCODE = 'UA013';
    END IF;
    IF EXISTS (
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
    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest THEN
        RAISE EXCEPTION 'The digest is not that of the statement.' USING ERRCODE = 'UA003';
    END IF;
    body := NEW.manifest::jsonb;
    SELECT count(*) INTO heads FROM reviews_head h WHERE h.tenant_id = NEW.tenant_id
        AND h.campaign_id = NEW.campaign_id AND h.stage = NEW.stage AND h.reviewer_id = NEW.reviewer_id;
    SELECT count(*) INTO missing FROM (
        SELECT h.id, h.item_id, h.outcome::text, h.reason FROM reviews_head h WHERE h.tenant_id = NEW.tenant_id
            AND h.campaign_id = NEW.campaign_id AND h.stage = NEW.stage AND h.reviewer_id = NEW.reviewer_id
        EXCEPT
        SELECT x.decision, x.item, x.outcome, x.reason
            FROM jsonb_to_recordset(body -> 'decisions') AS x (decision bigint, item bigint, outcome text, reason text)
    ) gap;
    IF NEW.count <> heads OR jsonb_array_length(body -> 'decisions') <> heads OR missing <> 0
        OR (body -> 'campaign' ->> 'id')::bigint IS DISTINCT FROM NEW.campaign_id
        OR (body -> 'reviewer' ->> 'id')::bigint IS DISTINCT FROM NEW.reviewer_id THEN
        RAISE EXCEPTION 'The statement is not over exactly the decisions of this reviewer. Read it again and sign.'
            USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER signature_covers_decisions BEFORE INSERT ON reviews_signoff
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_covers_decisions();
"""

# Signatures from before the levels have none; the trigger takes no new one without.
COMPONENTS = """
ALTER TABLE reviews_signoff ADD CONSTRAINT signature_rests_on_two_components
    CHECK (level = '' OR jsonb_array_length(methods) >= 2);
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

# What is signed is checked here; who signs and how surely, by PROOF. A later stage keeps the waivers of the stages
# before, over whose snapshots it goes.
WAIVER = """
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

SILENCE = """
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


class Migration(migrations.Migration):
    replaces = [
        ("reviews", "0006_prove_who_signs"),
        ("reviews", "0007_answer_silence"),
        ("reviews", "0020_close_gaps_in_the_rules"),
        ("reviews", "0021_end_plans_and_sign_waivers"),
    ]
    dependencies = [("reviews", "0003_campaigns")]

    operations = [
        migrations.RunSQL(DECISION, drop_functions("reviews_decision_is_allowed")),
        migrations.RunSQL(SIGNATURE, drop_functions("reviews_signature_covers_decisions")),
        migrations.RunSQL(
            COMPONENTS, "ALTER TABLE reviews_signoff DROP CONSTRAINT signature_rests_on_two_components"
        ),
        migrations.RunSQL(PROOF, drop_functions("reviews_signature_proves_who_signs")),
        migrations.RunSQL(
            WAIVER,
            "ALTER TABLE reviews_waiver DROP CONSTRAINT waiver_rests_on_two_components;"
            + drop_functions("reviews_scope_is_waived_by_signature", "reviews_waiver_is_signed"),
        ),
        migrations.RunSQL(SILENCE, drop_functions("reviews_silence_is_answered_once")),
    ]
