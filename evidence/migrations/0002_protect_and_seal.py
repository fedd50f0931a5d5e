from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable

OF_RUN = ("run_id", "evidence_controlrun")

MOVES = """
CREATE FUNCTION evidence_pack_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('issued', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'The pack is %: it is never changed, a later pack supersedes it.', OLD.state USING ERRCODE = 'UA006';
    END IF;
    IF OLD.state = 'building' AND NEW.state = 'requested' OR OLD.state = 'requested' AND NEW.state = 'issued' THEN
        RAISE EXCEPTION 'A pack does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF (OLD.uuid, OLD.period_start, OLD.period_end, OLD.zone, OLD.frameworks, OLD.recipient, OLD.requested_at, OLD.requested_by)
        IS DISTINCT FROM
       (NEW.uuid, NEW.period_start, NEW.period_end, NEW.zone, NEW.frameworks, NEW.recipient, NEW.requested_at, NEW.requested_by) THEN
        RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pack_moves BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW EXECUTE FUNCTION evidence_pack_moves();
"""
NO_MOVES = "DROP TRIGGER pack_moves ON evidence_evidencepack; DROP FUNCTION evidence_pack_moves();"


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_settings_runs_and_packs"), ("tenants", "0002_protect")]

    operations = [
        ProtectTable("evidence_controlsetting", app=APPEND),
        ProtectTable("evidence_controlrun", app=APPEND),
        ProtectTable("evidence_controlresult", app=APPEND, references=(OF_RUN,)),
        ProtectTable("evidence_kindresult", app=APPEND, references=(OF_RUN,)),
        ProtectTable(
            "evidence_evidencepack",
            app="SELECT, INSERT, UPDATE",
            references=(OF_RUN, ("supersedes_id", "evidence_evidencepack")),
        ),
        ProtectTable("evidence_packfile", app=APPEND, references=(("pack_id", "evidence_evidencepack"),)),
        ProtectTable("evidence_packshare", references=(("content_object_id", "evidence_evidencepack"),)),
        migrations.RunSQL(MOVES, NO_MOVES),
    ]
