"""Row security of this room, and the rules of a pack: how it moves, what is signed, how long it is kept."""

from django.db import migrations

from ledger.rowsecurity import APPEND, ProtectTable, drop_functions

OF_RUN = ("run_id", "evidence_controlrun")
OF_PACK = ("pack_id", "evidence_evidencepack")
OF_ROOM = ("engagement_id", "tenants_engagement")
OF_POPULATION = ("population_id", "evidence_population")
OF_SAMPLE = ("sample_id", "evidence_sample")

MOVES = """
CREATE FUNCTION evidence_pack_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signatures integer;
BEGIN
    IF OLD.state IN ('issued', 'failed', 'cancelled', 'withdrawn') THEN
        RAISE EXCEPTION 'The pack is %: it is never changed, a later pack supersedes it.', OLD.state USING ERRCODE = 'UA006';
    END IF;
    IF OLD.state = 'building' AND NEW.state IN ('requested', 'issued') OR OLD.state = 'requested' AND NEW.state IN ('draft', 'issued')
        OR OLD.state = 'draft' AND NEW.state NOT IN ('draft', 'issued', 'withdrawn')
        OR OLD.state IN ('requested', 'building') AND NEW.state = 'withdrawn' THEN
        RAISE EXCEPTION 'A pack does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'UA010';
    END IF;
    IF (OLD.uuid, OLD.period_start, OLD.period_end, OLD.zone, OLD.frameworks, OLD.recipient, OLD.requested_at, OLD.requested_by,
        OLD.kind, OLD.incident_id, OLD.people, OLD.alone_reason)
        IS DISTINCT FROM
       (NEW.uuid, NEW.period_start, NEW.period_end, NEW.zone, NEW.frameworks, NEW.recipient, NEW.requested_at, NEW.requested_by,
        NEW.kind, NEW.incident_id, NEW.people, NEW.alone_reason) THEN
        RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
    END IF;
    IF OLD.state = 'draft' THEN
        IF (OLD.manifest_sha256, OLD.content_sha256, OLD.run_id, OLD.issued_at) IS DISTINCT FROM
           (NEW.manifest_sha256, NEW.content_sha256, NEW.run_id, NEW.issued_at) THEN
            RAISE EXCEPTION 'What is signed is never changed.' USING ERRCODE = 'UA006';
        END IF;
        SELECT count(*) INTO signatures FROM evidence_packsignoff s
            WHERE s.tenant_id = NEW.tenant_id AND s.pack_id = NEW.id AND s.manifest_sha256 = NEW.manifest_sha256;
        IF NEW.state = 'issued' AND signatures < greatest(NEW.people, 1) THEN
            RAISE EXCEPTION 'A pack is issued when % have signed it.', greatest(NEW.people, 1) USING ERRCODE = 'UA010';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pack_moves BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW EXECUTE FUNCTION evidence_pack_moves();
CREATE FUNCTION evidence_pack_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'requested' OR NEW.people NOT IN (1, 2) THEN
        RAISE EXCEPTION 'A pack begins as a request, signed by one or two people.' USING ERRCODE = 'UA010';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pack_begins BEFORE INSERT ON evidence_evidencepack FOR EACH ROW EXECUTE FUNCTION evidence_pack_begins();
CREATE FUNCTION evidence_pack_is_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'evidence_packshare' THEN
        PERFORM 1 FROM evidence_evidencepack p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.content_object_id AND p.state = 'issued';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Only an issued pack is shared.' USING ERRCODE = 'UA010';
        END IF;
    ELSE
        PERFORM 1 FROM evidence_evidencepack p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.pack_id
            AND p.state = 'draft' AND p.manifest_sha256 = NEW.manifest_sha256;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Only the manifest of a draft is signed.' USING ERRCODE = 'UA010';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER pack_is_issued BEFORE INSERT OR UPDATE ON evidence_packshare FOR EACH ROW EXECUTE FUNCTION evidence_pack_is_at();
CREATE TRIGGER pack_is_a_draft BEFORE INSERT ON evidence_packsignoff FOR EACH ROW EXECUTE FUNCTION evidence_pack_is_at();
CREATE FUNCTION evidence_pack_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'evidence_evidencepack' THEN
        until := coalesce(OLD.keep_until, OLD.requested_at + interval '6 years');
    ELSE
        SELECT coalesce(p.keep_until, p.requested_at + interval '6 years') INTO until FROM evidence_evidencepack p
            WHERE p.tenant_id = OLD.tenant_id AND p.id = OLD.pack_id;
    END IF;
    IF now() < until THEN
        RAISE EXCEPTION 'A pack is kept for six years, this one until %.', until USING ERRCODE = 'UA006';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER pack_is_kept BEFORE DELETE ON evidence_evidencepack FOR EACH ROW EXECUTE FUNCTION evidence_pack_is_kept();
CREATE TRIGGER pack_file_is_kept BEFORE DELETE ON evidence_packfile FOR EACH ROW EXECUTE FUNCTION evidence_pack_is_kept();
CREATE TRIGGER pack_signature_is_kept BEFORE DELETE ON evidence_packsignoff FOR EACH ROW EXECUTE FUNCTION evidence_pack_is_kept();
ALTER TABLE evidence_evidencepack ADD CONSTRAINT pack_is_about_an_incident_of_the_tenant
    FOREIGN KEY (tenant_id, incident_id) REFERENCES alerts_incident (tenant_id, id);
"""
ASKED = """
CREATE FUNCTION evidence_pack_language_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER pack_language_stays BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.language IS DISTINCT FROM NEW.language) EXECUTE FUNCTION evidence_pack_language_stays();
CREATE FUNCTION evidence_pack_keeps_its_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'What a pack was asked for is never changed.' USING ERRCODE = 'UA006';
END $$;
CREATE TRIGGER pack_keeps_its_files BEFORE UPDATE ON evidence_evidencepack FOR EACH ROW
    WHEN (OLD.parquet IS DISTINCT FROM NEW.parquet OR OLD.volumes IS DISTINCT FROM NEW.volumes)
    EXECUTE FUNCTION evidence_pack_keeps_its_files();
"""
OVER = """
CREATE FUNCTION evidence_request_is_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('accepted', 'withdrawn') THEN
        RAISE EXCEPTION 'The request is %: a new one is asked instead.', OLD.state USING ERRCODE = 'UA006';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER request_is_over BEFORE UPDATE ON evidence_auditrequest
    FOR EACH ROW EXECUTE FUNCTION evidence_request_is_over();
"""


NO_MOVES = drop_functions(
    "evidence_pack_is_kept", "evidence_pack_is_at", "evidence_pack_begins", "evidence_pack_moves"
) + "ALTER TABLE evidence_evidencepack DROP CONSTRAINT pack_is_about_an_incident_of_the_tenant;"


class Migration(migrations.Migration):
    replaces = [
        ("evidence", "0002_protect_and_seal"),
        ("evidence", "0003_registers_and_sheets"),
        ("evidence", "0005_making"),
        ("evidence", "0006_pack_types"),
        ("evidence", "0007_language"),
        ("evidence", "0008_storage"),
        ("evidence", "0009_volumes"),
        ("evidence", "0010_withdrawing"),
    ]
    dependencies = [
        ("alerts", "0002_rules"),
        ("evidence", "0001_initial"),
        ("logs", "0002_rules"),
        ("tenants", "0002_rules"),
    ]

    operations = [
        # Foreign keys to tables under forced row security are checked when they are made: in no tenant's scope.
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        ProtectTable("evidence_controlsetting", app=APPEND),
        ProtectTable("evidence_controlrun", app=APPEND),
        ProtectTable("evidence_controlresult", app=APPEND, references=(OF_RUN,)),
        ProtectTable("evidence_kindresult", app=APPEND, references=(OF_RUN,)),
        ProtectTable(
            "evidence_evidencepack",
            app="SELECT, INSERT, UPDATE",
            references=(OF_RUN, ("supersedes_id", "evidence_evidencepack")),
        ),
        ProtectTable("evidence_packfile", app=APPEND, references=(OF_PACK,)),
        ProtectTable("evidence_packshare", references=(("content_object_id", "evidence_evidencepack"),)),
        ProtectTable("evidence_packsignoff", app=APPEND, references=(OF_PACK,)),
        ProtectTable("evidence_document", app=APPEND),
        ProtectTable("evidence_processingrecord", app=APPEND),
        ProtectTable("evidence_controlresponse", app=APPEND, references=(("result_id", "evidence_controlresult"),)),
        ProtectTable("evidence_gapnote", app=APPEND, references=(("source_id", "logs_logsource"),)),
        ProtectTable("evidence_operatingreport", app=APPEND),
        ProtectTable("evidence_population", app=APPEND, references=(OF_ROOM,)),
        ProtectTable("evidence_sample", app=APPEND, references=(OF_ROOM, OF_POPULATION)),
        ProtectTable("evidence_samplemark", app=APPEND, references=(OF_ROOM, OF_SAMPLE)),
        ProtectTable("evidence_auditrequest", app="SELECT, INSERT, UPDATE (state)", references=(OF_ROOM,)),
        ProtectTable(
            "evidence_requestentry",
            app=APPEND,
            references=(OF_ROOM, ("request_id", "evidence_auditrequest"), OF_PACK, OF_POPULATION, OF_SAMPLE),
        ),
        migrations.RunSQL(MOVES, NO_MOVES),
        migrations.RunSQL(ASKED, drop_functions("evidence_pack_language_stays", "evidence_pack_keeps_its_files")),
        migrations.RunSQL(OVER, drop_functions("evidence_request_is_over")),
    ]
