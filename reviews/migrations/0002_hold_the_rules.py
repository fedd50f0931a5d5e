"""Puts the tables under row security and the rules of a review into triggers, each with an SQLSTATE of its own."""

from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable

READ_CHANGE = "SELECT, INSERT, UPDATE"
FACTS = "tenant_id, item_id, campaign_id, subject_key, privileged, advice"
ITEM_FACTS = "tenant_id, id, campaign_id, subject_key, privileged, advice"

COPIED = f"""
ALTER TABLE reviews_decision ADD CONSTRAINT decision_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_assignment ADD CONSTRAINT assignment_copies_its_item
    FOREIGN KEY ({FACTS}) REFERENCES reviews_reviewitem ({ITEM_FACTS});
ALTER TABLE reviews_decision ADD CONSTRAINT decision_supersedes_one_of_its_item
    FOREIGN KEY (tenant_id, item_id, stage, supersedes_id) REFERENCES reviews_decision (tenant_id, item_id, stage, id);
"""
NOT_COPIED = """
ALTER TABLE reviews_decision DROP CONSTRAINT decision_supersedes_one_of_its_item;
ALTER TABLE reviews_assignment DROP CONSTRAINT assignment_copies_its_item;
ALTER TABLE reviews_decision DROP CONSTRAINT decision_copies_its_item;
"""

HEADS = """
CREATE VIEW reviews_head WITH (security_invoker = true) AS
    SELECT d.* FROM reviews_decision d
    WHERE NOT EXISTS (
        SELECT 1 FROM reviews_decision later WHERE later.tenant_id = d.tenant_id AND later.supersedes_id = d.id
    );
GRANT SELECT ON reviews_head TO countersign_app, countersign_readonly;
"""

CAMPAIGN = """
CREATE FUNCTION reviews_campaign_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE total bigint; items bigint; excluded bigint; covered bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A campaign is kept: cancel it instead.' USING ERRCODE = 'UA006';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' THEN
            RAISE EXCEPTION 'A campaign begins as a draft.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IN ('closed', 'cancelled') THEN
        RAISE EXCEPTION 'The campaign is %; that is final.', OLD.state USING ERRCODE = 'UA010';
    END IF;
    IF OLD.state NOT IN ('draft', 'collecting', 'ready') AND NEW.definition <> OLD.definition THEN
        RAISE EXCEPTION 'The definition of an opened campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    IF NEW.state = OLD.state THEN
        IF NEW.round <> OLD.round THEN
            RAISE EXCEPTION 'The round changes only by reopening.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('draft', 'collecting'), ('draft', 'cancelled'), ('collecting', 'ready'), ('collecting', 'cancelled'),
        ('ready', 'open'), ('ready', 'collecting'), ('ready', 'cancelled'), ('open', 'signing'), ('open', 'cancelled'),
        ('signing', 'open'), ('signing', 'remediating'), ('remediating', 'closed')
    ) THEN
        RAISE EXCEPTION 'A campaign does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF NEW.round <> OLD.round + (CASE WHEN OLD.state = 'signing' AND NEW.state = 'open' THEN 1 ELSE 0 END) THEN
        RAISE EXCEPTION 'Reopening begins a new round, and nothing else does.' USING ERRCODE = 'UA010';
    END IF;
    IF NEW.state = 'ready' AND (
        NOT EXISTS (SELECT 1 FROM reviews_scopeline l WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id
                    AND l.snapshot_id IS NOT NULL)
        OR EXISTS (
            SELECT 1 FROM reviews_scopeline l LEFT JOIN identities_snapshot s
                ON s.tenant_id = l.tenant_id AND s.id = l.snapshot_id AND s.system_id = l.system_id AND s.complete
            WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id AND s.id IS NULL AND l.waiver_reason = ''
        )
    ) THEN
        RAISE EXCEPTION 'Every system in scope needs a complete snapshot or a waiver.' USING ERRCODE = 'UA011';
    END IF;
    IF OLD.state = 'ready' AND NEW.state = 'open' THEN
        SELECT coalesce(sum(s.row_total), 0) INTO total FROM reviews_scopeline l
            JOIN identities_snapshot s ON s.tenant_id = l.tenant_id AND s.id = l.snapshot_id
            WHERE l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id;
        SELECT count(*) INTO items FROM reviews_reviewitem WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id;
        SELECT count(*) INTO excluded FROM reviews_exclusion WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id;
        SELECT count(*) INTO covered FROM (
            SELECT row_id FROM reviews_reviewitem WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id
            UNION SELECT row_id FROM reviews_exclusion WHERE tenant_id = NEW.tenant_id AND campaign_id = NEW.id
        ) u JOIN identities_snapshotrow r ON r.tenant_id = NEW.tenant_id AND r.id = u.row_id
            JOIN reviews_scopeline l ON l.tenant_id = NEW.tenant_id AND l.campaign_id = NEW.id
                AND l.snapshot_id = r.snapshot_id;
        IF items + excluded <> total OR covered <> total THEN
            RAISE EXCEPTION 'The population does not balance: % rows, % items, % exclusions.', total, items, excluded
                USING ERRCODE = 'UA012';
        END IF;
        IF EXISTS (
            SELECT 1 FROM reviews_reviewitem i WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND NOT EXISTS (
                SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = i.tenant_id AND a.item_id = i.id AND a.until IS NULL)
        ) THEN
            RAISE EXCEPTION 'Every item needs a reviewer before the campaign opens.' USING ERRCODE = 'UA012';
        END IF;
    END IF;
    IF OLD.state = 'open' AND NEW.state = 'signing' AND EXISTS (
        SELECT 1 FROM reviews_reviewitem i WHERE i.tenant_id = NEW.tenant_id AND i.campaign_id = NEW.id AND NOT EXISTS (
            SELECT 1 FROM reviews_decision d WHERE d.tenant_id = i.tenant_id AND d.item_id = i.id)
    ) THEN
        RAISE EXCEPTION 'Items are undecided.' USING ERRCODE = 'UA013';
    END IF;
    IF NEW.state = 'remediating' AND EXISTS (
        SELECT 1 FROM reviews_head h WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id
            AND h.reviewer_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM reviews_signoff s WHERE s.tenant_id = h.tenant_id AND s.campaign_id = h.campaign_id
                    AND s.stage = h.stage AND s.round = NEW.round AND s.reviewer_id = h.reviewer_id)
    ) THEN
        RAISE EXCEPTION 'A reviewer has not signed.' USING ERRCODE = 'UA014';
    END IF;
    IF NEW.state = 'closed' AND EXISTS (
        SELECT 1 FROM reviews_head h LEFT JOIN reviews_remediation r ON r.tenant_id = h.tenant_id AND r.decision_id = h.id
        WHERE h.tenant_id = NEW.tenant_id AND h.campaign_id = NEW.id AND h.outcome IN ('revoke', 'modify')
            AND (r.id IS NULL OR NOT (r.state = 'verified'
                OR (r.state = 'risk_accepted' AND r.accepted_until > clock_timestamp())))
    ) THEN
        RAISE EXCEPTION 'A revocation is not verified.' USING ERRCODE = 'UA015';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_moves BEFORE INSERT OR UPDATE OR DELETE ON reviews_campaign
    FOR EACH ROW EXECUTE FUNCTION reviews_campaign_moves();
"""

FROZEN = """
CREATE FUNCTION reviews_population_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh f JOIN reviews_campaign c ON c.tenant_id = f.tenant_id AND c.id = f.campaign_id
        WHERE c.state <> 'ready'
    ) THEN
        RAISE EXCEPTION 'The population of the campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER item_is_frozen AFTER INSERT ON reviews_reviewitem
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();
CREATE TRIGGER exclusion_is_frozen AFTER INSERT ON reviews_exclusion
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION reviews_population_is_frozen();

CREATE FUNCTION reviews_scope_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE line record;
BEGIN
    line := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    IF EXISTS (
        SELECT 1 FROM reviews_campaign c WHERE c.tenant_id = line.tenant_id AND c.id = line.campaign_id
            AND c.state NOT IN ('draft', 'collecting')
    ) THEN
        RAISE EXCEPTION 'The scope of the campaign is frozen.' USING ERRCODE = 'UA001';
    END IF;
    RETURN line;
END $$;
CREATE TRIGGER scope_is_frozen BEFORE INSERT OR UPDATE OR DELETE ON reviews_scopeline
    FOR EACH ROW EXECUTE FUNCTION reviews_scope_is_frozen();
"""

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
    IF NEW.outcome = 'not_decided' THEN
        IF clock_timestamp() < c.due_at THEN
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
                SELECT 1 FROM reviews_decision d WHERE d.tenant_id = a.tenant_id AND d.item_id = a.item_id
                    AND d.stage = a.stage)
    ) THEN
        RAISE EXCEPTION 'Items of this reviewer are undecided.' USING ERRCODE = 'UA013';
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

REMEDIATION = """
CREATE FUNCTION reviews_remediation_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE d record; i record; s record;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A remediation is kept.' USING ERRCODE = 'UA006';
    END IF;
    SELECT outcome, decided_at INTO d FROM reviews_decision WHERE tenant_id = NEW.tenant_id AND id = NEW.decision_id;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR d.outcome NOT IN ('revoke', 'modify') THEN
            RAISE EXCEPTION 'A remediation begins open, from a revocation or reduction.' USING ERRCODE = 'UA010';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.decision_id <> OLD.decision_id OR NEW.item_id <> OLD.item_id THEN
        RAISE EXCEPTION 'A remediation stays with its decision.' USING ERRCODE = 'UA006';
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
        SELECT system_id, captured_at, complete INTO s FROM identities_snapshot
            WHERE tenant_id = NEW.tenant_id AND id = NEW.verified_snapshot_id;
        IF s.system_id IS NULL OR s.system_id <> i.system_id OR NOT s.complete OR s.captured_at <= d.decided_at THEN
            RAISE EXCEPTION 'Only a later complete snapshot of the same system verifies a revocation.'
                USING ERRCODE = 'UA007';
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

APPEND_ONLY = ("reviewitem", "exclusion", "decision", "signoff", "campaignmove")
STAYS = """
CREATE FUNCTION reviews_evidence_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is evidence: it is only ever added to.', TG_TABLE_NAME USING ERRCODE = 'UA006';
END $$;
""" + "".join(
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

CAMPAIGN_OF = ("campaign_id", "reviews_campaign")
PERSON = "identities_identity"
PROTECTED = [
    ProtectTable("reviews_campaignplan", app=READ_CHANGE, references=(("named_id", PERSON), ("fallback_id", PERSON))),
    ProtectTable(
        "reviews_plansystem", references=(("plan_id", "reviews_campaignplan"), ("system_id", "identities_system"))
    ),
    ProtectTable("reviews_campaign", app=READ_CHANGE, references=(("plan_id", "reviews_campaignplan"),)),
    ProtectTable("reviews_campaignmove", app=APPEND, references=(CAMPAIGN_OF,)),
    ProtectTable("reviews_campaignshare", references=(("content_object_id", "reviews_campaign"),)),
    ProtectTable(
        "reviews_scopeline",
        references=(CAMPAIGN_OF, ("system_id", "identities_system"), ("snapshot_id", "identities_snapshot")),
    ),
    ProtectTable(
        "reviews_reviewitem",
        app=APPEND,
        references=(
            CAMPAIGN_OF,
            ("system_id", "identities_system"),
            ("snapshot_id", "identities_snapshot"),
            ("row_id", "identities_snapshotrow"),
            ("account_id", "identities_account"),
            ("entitlement_id", "identities_entitlement"),
            ("subject_id", PERSON),
        ),
    ),
    ProtectTable("reviews_exclusion", app=APPEND, references=(CAMPAIGN_OF, ("row_id", "identities_snapshotrow"))),
    ProtectTable("reviews_assignment", app="SELECT, INSERT, UPDATE (until)", references=(("reviewer_id", PERSON),)),
    ProtectTable("reviews_decision", app=APPEND, references=(("reviewer_id", PERSON),)),
    ProtectTable("reviews_signoff", app=APPEND, references=(CAMPAIGN_OF, ("reviewer_id", PERSON))),
    ProtectTable(
        "reviews_remediation",
        app=READ_CHANGE,
        references=(
            CAMPAIGN_OF,
            ("decision_id", "reviews_decision"),
            ("item_id", "reviews_reviewitem"),
            ("executor_id", PERSON),
            ("verified_snapshot_id", "identities_snapshot"),
        ),
    ),
    ProtectTable(
        "reviews_finding",
        app="SELECT, INSERT, UPDATE (resolved_at, resolved_by, resolution)",
        references=(
            CAMPAIGN_OF,
            ("item_id", "reviews_reviewitem"),
            ("system_id", "identities_system"),
            ("account_id", "identities_account"),
            ("subject_id", PERSON),
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0001_plans_campaigns_and_decisions"),
        ("identities", "0002_protect_and_seal"),
        ("tenants", "0002_protect"),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.RunSQL(COPIED, NOT_COPIED),
        *PROTECTED,
        migrations.RunSQL(HEADS, "DROP VIEW reviews_head"),
        migrations.RunSQL(CAMPAIGN, "DROP FUNCTION reviews_campaign_moves() CASCADE"),
        migrations.RunSQL(
            FROZEN,
            "DROP FUNCTION reviews_population_is_frozen() CASCADE; DROP FUNCTION reviews_scope_is_frozen() CASCADE",
        ),
        migrations.RunSQL(DECISION, "DROP FUNCTION reviews_decision_is_allowed() CASCADE"),
        migrations.RunSQL(SIGNATURE, "DROP FUNCTION reviews_signature_covers_decisions() CASCADE"),
        migrations.RunSQL(REMEDIATION, "DROP FUNCTION reviews_remediation_moves() CASCADE"),
        migrations.RunSQL(STAYS, NOT_STAYS + "DROP FUNCTION reviews_evidence_stays()"),
    ]
