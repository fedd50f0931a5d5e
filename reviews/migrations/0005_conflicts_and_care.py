"""The rules of conflicts of duties, second looks, control items and questions."""

from django.db import migrations

from ledger.rowsecurity import drop_functions

CONFLICT = """
CREATE FUNCTION reviews_conflict_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION 'A conflict is ended once and kept.' USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conflict_ends_once BEFORE UPDATE OR DELETE ON reviews_dutyconflict
    FOR EACH ROW EXECUTE FUNCTION reviews_conflict_ends_once();

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

CASES = """
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

SECOND_LOOK = """
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

# Control items and questions about them take their numbers from the sequences of real ones, so that no number tells.
CONTROL_ITEM = """
ALTER TABLE reviews_controlitem ALTER COLUMN id DROP IDENTITY;
ALTER TABLE reviews_controlitem ALTER COLUMN id SET DEFAULT nextval('reviews_reviewitem_id_seq');
GRANT USAGE ON SEQUENCE reviews_reviewitem_id_seq TO countersign_app;
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

ALTER TABLE reviews_controlquestion ALTER COLUMN id DROP IDENTITY;
ALTER TABLE reviews_controlquestion ALTER COLUMN id SET DEFAULT nextval('reviews_itemquestion_id_seq');
GRANT USAGE ON SEQUENCE reviews_itemquestion_id_seq TO countersign_app;
CREATE FUNCTION reviews_control_question_is_of_its_reviewer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reviews_controlitem i JOIN reviews_campaign c ON c.tenant_id = i.tenant_id AND c.id = i.campaign_id
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.item_id AND i.campaign_id = NEW.campaign_id
            AND i.reviewer_id = NEW.asker_id AND c.state = 'open'
    ) THEN
        RAISE EXCEPTION 'This item is put to another reviewer, or the campaign is not open.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER control_question_is_of_its_reviewer BEFORE INSERT ON reviews_controlquestion
    FOR EACH ROW EXECUTE FUNCTION reviews_control_question_is_of_its_reviewer();
"""

QUESTION = """
CREATE FUNCTION reviews_question_is_asked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
    SELECT c.state INTO state FROM reviews_campaign c WHERE c.tenant_id = NEW.tenant_id AND c.id = NEW.campaign_id
        FOR SHARE;
    IF state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'Questions are asked only while the campaign is open.' USING ERRCODE = 'UA002';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM reviews_assignment a WHERE a.tenant_id = NEW.tenant_id AND a.item_id = NEW.item_id
            AND a.campaign_id = NEW.campaign_id AND a.reviewer_id = NEW.asker_id AND a.until IS NULL
    ) THEN
        RAISE EXCEPTION 'This item is put to another reviewer.' USING ERRCODE = 'UA009';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER question_is_asked BEFORE INSERT ON reviews_itemquestion
    FOR EACH ROW EXECUTE FUNCTION reviews_question_is_asked();
ALTER TABLE reviews_itemanswer ADD CONSTRAINT answer_is_of_whom_it_asked
    FOREIGN KEY (tenant_id, question_id, answerer_id) REFERENCES reviews_itemquestion (tenant_id, id, asked_id);
"""


class Migration(migrations.Migration):
    replaces = [
        ("reviews", "0005_findings_with_evidence_and_duties"),
        ("reviews", "0015_quality"),
        ("reviews", "0022_comment_and_drop_what_nobody_measured"),
    ]
    dependencies = [("reviews", "0004_decisions")]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.RunSQL(
            CONFLICT,
            drop_functions("reviews_conflict_ends_once", "reviews_conflict_is_whole", "reviews_conflict_has_its_sides"),
        ),
        migrations.RunSQL(
            CASES,
            drop_functions("reviews_case_is_of_one_campaign", "reviews_conflict_answer_is_allowed"),
        ),
        migrations.RunSQL(SECOND_LOOK, drop_functions("reviews_second_look_is_blind_and_once")),
        migrations.RunSQL(
            CONTROL_ITEM,
            drop_functions("reviews_control_item_is_decided", "reviews_control_question_is_of_its_reviewer"),
        ),
        migrations.RunSQL(
            QUESTION,
            "ALTER TABLE reviews_itemanswer DROP CONSTRAINT answer_is_of_whom_it_asked;"
            + drop_functions("reviews_question_is_asked"),
        ),
    ]
