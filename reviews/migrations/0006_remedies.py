"""The rules of what follows a review: revocations that a snapshot verifies, and risks that two people accept."""

from django.db import migrations

from ledger.rowsecurity import drop_functions

# `source_total` counts what the system counts: rows, or accounts of which none may hold anything any more.
REMEDIATION = """
CREATE FUNCTION reviews_remediation_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE d record; i record; s record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A remediation is kept.' USING ERRCODE = 'UA006';
    END IF;
    SELECT outcome, decided_at, item_id, campaign_id INTO d FROM reviews_decision WHERE tenant_id = NEW.tenant_id AND id = NEW.decision_id;
    IF TG_OP = 'INSERT' THEN
        IF (d.item_id, d.campaign_id) IS DISTINCT FROM (NEW.item_id, NEW.campaign_id) THEN
            RAISE EXCEPTION 'A remediation is of the item that was decided.' USING ERRCODE = 'UA010';
        END IF;
        IF NEW.state <> 'open' OR (d.outcome NOT IN ('revoke', 'modify') AND NOT EXISTS (
            SELECT 1 FROM reviews_silentitem w WHERE w.tenant_id = NEW.tenant_id AND w.decision_id = NEW.decision_id
                AND w.answer = 'revoke')) THEN
            RAISE EXCEPTION 'A remediation begins open, from a revocation or reduction.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.decision_id <> OLD.decision_id OR NEW.item_id <> OLD.item_id THEN
        RAISE EXCEPTION 'A remediation stays with its decision.' USING ERRCODE = 'UA006';
    END IF;
    IF NEW.state = 'risk_accepted' AND NOT EXISTS (
        SELECT 1 FROM reviews_risksignature g JOIN reviews_riskproposal p ON p.tenant_id = g.tenant_id
            AND p.id = g.proposal_id
        WHERE g.tenant_id = NEW.tenant_id AND g.remediation_id = NEW.id AND p.until >= NEW.accepted_until
            AND (OLD.state = 'risk_accepted' OR NEW.accepted_until > clock_timestamp())
    ) THEN
        RAISE EXCEPTION 'A risk is accepted by two people, and no longer than both signed.' USING ERRCODE = 'UA019';
    END IF;
    IF NEW.state = OLD.state AND NEW.verified_snapshot_id IS NOT DISTINCT FROM OLD.verified_snapshot_id THEN
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('open', 'in_progress'), ('open', 'claimed_done'), ('open', 'verified'), ('open', 'risk_accepted'),
        ('in_progress', 'open'), ('in_progress', 'claimed_done'), ('in_progress', 'verified'),
        ('in_progress', 'risk_accepted'), ('claimed_done', 'verified'), ('claimed_done', 'failed'),
        ('verified', 'failed'), ('failed', 'open'), ('risk_accepted', 'open'), ('risk_accepted', 'verified')
    ) THEN
        RAISE EXCEPTION 'A remediation does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF NEW.state = 'verified' THEN
        SELECT system_id, account_id, entitlement_id INTO i FROM reviews_reviewitem
            WHERE tenant_id = NEW.tenant_id AND id = NEW.item_id;
        SELECT system_id, captured_at, complete, source_total INTO s FROM identities_snapshot
            WHERE tenant_id = NEW.tenant_id AND id = NEW.verified_snapshot_id;
        IF s.system_id IS NULL OR s.system_id <> i.system_id OR NOT s.complete OR s.captured_at <= d.decided_at THEN
            RAISE EXCEPTION 'Only a later complete snapshot of the same system verifies a revocation.'
                USING ERRCODE = 'UA007';
        END IF;
        IF s.source_total = 0 THEN
            RAISE EXCEPTION 'An empty list verifies no revocation.' USING ERRCODE = 'UA007';
        END IF;
        IF EXISTS (
            SELECT 1 FROM identities_snapshotrow r WHERE r.tenant_id = NEW.tenant_id
                AND r.snapshot_id = NEW.verified_snapshot_id AND r.account_id = i.account_id
                AND r.entitlement_id = i.entitlement_id
        ) THEN
            RAISE EXCEPTION 'The snapshot still lists the grant.' USING ERRCODE = 'UA008';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remediation_moves BEFORE INSERT OR UPDATE OR DELETE ON reviews_remediation
    FOR EACH ROW EXECUTE FUNCTION reviews_remediation_moves();
"""

OWNER = """
CREATE FUNCTION reviews_remediation_has_its_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.owner_id := (
            SELECT s.owner_id FROM reviews_reviewitem i
            JOIN identities_system s ON s.tenant_id = i.tenant_id AND s.id = i.system_id
            WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id
        );
    ELSIF NEW.owner_id IS DISTINCT FROM OLD.owner_id THEN
        RAISE EXCEPTION 'A remediation stays with who owned the system when it was made.' USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER remediation_has_its_owner BEFORE INSERT OR UPDATE ON reviews_remediation
    FOR EACH ROW EXECUTE FUNCTION reviews_remediation_has_its_owner();
"""

RISK_FACTS = "tenant_id, remediation_id, asker_user, asker_key, subject_key, digest"
COPIED = f"""
ALTER TABLE reviews_risksignature ADD CONSTRAINT risk_signature_copies_its_proposal
    FOREIGN KEY (proposal_id, {RISK_FACTS}) REFERENCES reviews_riskproposal (id, {RISK_FACTS});
ALTER TABLE reviews_risksignature ADD CONSTRAINT risk_signature_rests_on_two_components
    CHECK (jsonb_array_length(methods) >= 2);
"""
# What the digests, the limit and the register say is checked here; that they are two people, by constraints. `asker_key`
# is looked up, so that nobody passes for a stranger to the register.
RISK = """
CREATE FUNCTION reviews_risk_person(who bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(min(i.id), 0) FROM identities_identity i WHERE i.tenant_id = app_tenant() AND i.user_id = who
$$;
CREATE FUNCTION reviews_risk_is_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE r record; body jsonb; most int;
BEGIN
    SELECT m.state, i.subject_key, i.privileged, c.definition INTO r FROM reviews_remediation m
        JOIN reviews_reviewitem i ON i.tenant_id = m.tenant_id AND i.id = m.item_id
        JOIN reviews_campaign c ON c.tenant_id = m.tenant_id AND c.id = m.campaign_id
        WHERE m.tenant_id = NEW.tenant_id AND m.id = NEW.remediation_id;
    IF r.state IS NULL OR r.state NOT IN ('open', 'in_progress') OR r.subject_key <> NEW.subject_key THEN
        RAISE EXCEPTION 'The risk of this revocation cannot be accepted now.' USING ERRCODE = 'UA019';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.asked_at)) > 300 THEN
        RAISE EXCEPTION 'A proposal bears the time at which it is made.' USING ERRCODE = 'UA016';
    END IF;
    IF r.privileged THEN
        most := coalesce((r.definition ->> 'risk_days_privileged')::int, 30);
    ELSE
        most := coalesce((r.definition ->> 'risk_days')::int, 90);
    END IF;
    IF NEW.until > NEW.asked_at + make_interval(days => most) THEN
        RAISE EXCEPTION 'This risk is accepted for at most % days at a time.', most USING ERRCODE = 'UA019';
    END IF;
    IF reviews_risk_person(NEW.asker_user) <> NEW.asker_key OR NOT EXISTS (
        SELECT 1 FROM tenants_membership w WHERE w.tenant_id = NEW.tenant_id AND w.user_id = NEW.asker_user
    ) THEN
        RAISE EXCEPTION 'Who asks is not a person of this tenant.' USING ERRCODE = 'UA019';
    END IF;
    body := NEW.manifest::jsonb;
    IF encode(sha256(convert_to(NEW.manifest, 'UTF8')), 'hex') <> NEW.digest
        OR (body ->> 'remediation')::bigint IS DISTINCT FROM NEW.remediation_id
        OR (body ->> 'until')::timestamptz IS DISTINCT FROM NEW.until
        OR body ->> 'reason' IS DISTINCT FROM NEW.reason OR body ->> 'asked_by' IS DISTINCT FROM NEW.asked_by THEN
        RAISE EXCEPTION 'The statement does not say what is proposed.' USING ERRCODE = 'UA003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_is_proposed BEFORE INSERT ON reviews_riskproposal
    FOR EACH ROW EXECUTE FUNCTION reviews_risk_is_proposed();

CREATE FUNCTION reviews_risk_is_signed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text; ends timestamptz;
BEGIN
    SELECT m.state INTO state FROM reviews_remediation m
        WHERE m.tenant_id = NEW.tenant_id AND m.id = NEW.remediation_id FOR UPDATE;
    SELECT p.until INTO ends FROM reviews_riskproposal p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.proposal_id;
    IF state IS NULL OR state NOT IN ('open', 'in_progress') OR ends <= clock_timestamp() THEN
        RAISE EXCEPTION 'The risk of this revocation cannot be accepted now.' USING ERRCODE = 'UA019';
    END IF;
    IF abs(extract(epoch FROM clock_timestamp() - NEW.signed_at)) > 300 THEN
        RAISE EXCEPTION 'A signature bears the time at which it is given.' USING ERRCODE = 'UA016';
    END IF;
    IF reviews_risk_person(NEW.signer_user) <> NEW.signer_key OR NOT EXISTS (
        SELECT 1 FROM tenants_membership w WHERE w.tenant_id = NEW.tenant_id AND w.user_id = NEW.signer_user
    ) THEN
        RAISE EXCEPTION 'Who signs is not a person of this tenant.' USING ERRCODE = 'UA019';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_is_signed BEFORE INSERT ON reviews_risksignature
    FOR EACH ROW EXECUTE FUNCTION reviews_risk_is_signed();
CREATE TRIGGER signature_proves_who_signs BEFORE INSERT ON reviews_risksignature
    FOR EACH ROW EXECUTE FUNCTION reviews_signature_proves_who_signs();
"""


class Migration(migrations.Migration):
    replaces = [("reviews", "0014_remedies")]
    dependencies = [("reviews", "0005_conflicts_and_care")]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.RunSQL(REMEDIATION, drop_functions("reviews_remediation_moves")),
        migrations.RunSQL(OWNER, drop_functions("reviews_remediation_has_its_owner")),
        migrations.RunSQL(
            COPIED,
            "ALTER TABLE reviews_risksignature DROP CONSTRAINT risk_signature_copies_its_proposal, "
            "DROP CONSTRAINT risk_signature_rests_on_two_components",
        ),
        migrations.RunSQL(
            RISK,
            "DROP TRIGGER signature_proves_who_signs ON reviews_risksignature;"
            + drop_functions("reviews_risk_is_signed", "reviews_risk_is_proposed")
            + "DROP FUNCTION reviews_risk_person(bigint);",
        ),
    ]
