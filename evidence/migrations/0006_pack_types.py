"""What a pack is about, and who signed it off; a draft and an issued file; kept for six years."""

import datetime

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import tenants.scope
from ledger.rowsecurity import APPEND, NarrowTable, ProtectTable

SIGNING = """
CREATE OR REPLACE FUNCTION evidence_pack_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signatures integer;
BEGIN
    IF OLD.state IN ('issued', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'The pack is %: it is never changed, a later pack supersedes it.', OLD.state USING ERRCODE = 'UA006';
    END IF;
    IF OLD.state = 'building' AND NEW.state IN ('requested', 'issued') OR OLD.state = 'requested' AND NEW.state IN ('draft', 'issued')
        OR OLD.state = 'draft' AND NEW.state NOT IN ('draft', 'issued') THEN
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
UNSIGNED = """
ALTER TABLE evidence_evidencepack DROP CONSTRAINT pack_is_about_an_incident_of_the_tenant;
DROP TRIGGER pack_signature_is_kept ON evidence_packsignoff;
DROP TRIGGER pack_file_is_kept ON evidence_packfile;
DROP TRIGGER pack_is_kept ON evidence_evidencepack;
DROP FUNCTION evidence_pack_is_kept();
DROP TRIGGER pack_is_a_draft ON evidence_packsignoff;
DROP TRIGGER pack_is_issued ON evidence_packshare;
DROP FUNCTION evidence_pack_is_at();
DROP TRIGGER pack_begins ON evidence_evidencepack;
DROP FUNCTION evidence_pack_begins();
CREATE OR REPLACE FUNCTION evidence_pack_moves() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0003_incidents'),
        ('evidence', '0005_making'),
        ('tenants', '0003_name_each_tenant_with_its_parent'),
    ]

    operations = [
        migrations.RunSQL("SET LOCAL app.tenant = '0'", "SET LOCAL app.tenant = '0'"),
        migrations.CreateModel(
            name='PackSignOff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('preparer', 'Preparer'), ('approver', 'Approver')], max_length=8)),
                ('signer', models.BigIntegerField()),
                ('identity', models.BigIntegerField(default=0)),
                ('account', models.CharField(max_length=320)),
                ('capacity', models.CharField(max_length=200)),
                ('printed_name', models.CharField(max_length=200)),
                ('meaning', models.TextField()),
                ('level', models.CharField(choices=[('session', 'Password again, after a log-in with a second factor'), ('code', 'Password and a code of the authenticator app'), ('passkey', 'Passkey over this very statement')], max_length=8)),
                ('methods', models.JSONField()),
                ('authentication', models.JSONField(default=dict)),
                ('authenticated_at', models.DateTimeField()),
                ('signed_at', models.DateTimeField()),
                ('manifest_sha256', models.CharField(max_length=64)),
                ('statement', models.TextField()),
                ('digest', models.CharField(max_length=64)),
                ('pack', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_offs', to='evidence.evidencepack')),
                ('tenant', models.ForeignKey(default=tenants.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('tenant', 'pack', 'role'), name='pack_is_signed_once_in_a_role'),
                    models.UniqueConstraint(fields=('tenant', 'pack', 'signer'), name='pack_is_signed_by_different_people'),
                    models.UniqueConstraint(condition=models.Q(('identity', 0), _negated=True), fields=('tenant', 'pack', 'identity'), name='pack_is_signed_by_different_identities'),
                    models.CheckConstraint(condition=models.Q(('role__in', ['preparer', 'approver'])), name='pack_is_signed_in_a_known_role'),
                    models.CheckConstraint(condition=models.Q(models.Q(('printed_name', ''), _negated=True), models.Q(('meaning', ''), _negated=True), models.Q(('capacity', ''), _negated=True)), name='pack_signature_says_who_and_what'),
                    models.CheckConstraint(condition=models.Q(('signed_at__gte', models.F('authenticated_at')), ('signed_at__lte', django.db.models.expressions.CombinedExpression(models.F('authenticated_at'), '+', models.Value(datetime.timedelta(seconds=300))))), name='pack_signature_follows_its_authentication'),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name='evidencepack',
            name='only_an_issued_pack_has_a_seal',
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='alone_reason',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='incident',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='alerts.incident'),
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='keep_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='kind',
            field=models.CharField(choices=[('controls', 'Control matrix of a period'), ('access_review', 'Access review'), ('log_review', 'Log review'), ('client', 'Client report'), ('incident', 'Incident')], default='controls', max_length=14),
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='people',
            field=models.PositiveSmallIntegerField(default=0),  # packs from before packs were signed off
        ),
        migrations.AlterField(
            model_name='evidencepack',
            name='people',
            field=models.PositiveSmallIntegerField(default=2),
        ),
        migrations.AddField(
            model_name='evidencepack',
            name='signed_off_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.RemoveConstraint(
            model_name='packfile',
            name='pack_has_one_part_at_a_place',
        ),
        migrations.AddField(
            model_name='packfile',
            name='stage',
            field=models.CharField(choices=[('draft', 'As it was built and signed over'), ('issued', 'With the sign-off')], default='issued', max_length=6),
        ),
        migrations.AlterField(
            model_name='packfile',
            name='stage',
            field=models.CharField(choices=[('draft', 'As it was built and signed over'), ('issued', 'With the sign-off')], default='draft', max_length=6),
        ),
        migrations.AlterField(
            model_name='controlsetting',
            name='kind',
            field=models.CharField(choices=[('parameter', 'Parameter'), ('log_type', 'Log type out of scope'), ('row', 'Row not applicable'), ('sign_off', 'One person signs packs off')], max_length=10),
        ),
        migrations.AlterField(
            model_name='evidencepack',
            name='state',
            field=models.CharField(choices=[('requested', 'Requested'), ('building', 'Building'), ('draft', 'To be signed'), ('issued', 'Issued'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='requested', max_length=10),
        ),
        migrations.AddConstraint(
            model_name='evidencepack',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('draft', 'issued')), ('sha256', ''), _connector='OR'), name='only_a_built_pack_has_a_seal'),
        ),
        migrations.AddConstraint(
            model_name='evidencepack',
            constraint=models.CheckConstraint(condition=models.Q(('people__in', (0, 2)), models.Q(('alone_reason__length__gte', 10), ('people', 1)), _connector='OR'), name='one_person_signs_a_pack_with_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='evidencepack',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('incident__isnull', False), ('kind', 'incident')), models.Q(models.Q(('kind', 'incident'), _negated=True), ('incident__isnull', True)), _connector='OR'), name='incident_pack_names_its_incident'),
        ),
        migrations.AddConstraint(
            model_name='evidencepack',
            constraint=models.CheckConstraint(condition=models.Q(('people', 0), models.Q(('state', 'issued'), _negated=True), models.Q(('keep_until__isnull', False), ('signed_off_at__isnull', False)), _connector='OR'), name='issued_pack_is_signed_off_and_kept'),
        ),
        migrations.AddConstraint(
            model_name='packfile',
            constraint=models.UniqueConstraint(fields=('tenant', 'pack', 'stage', 'n'), name='pack_stage_has_one_part_at_a_place'),
        ),
        ProtectTable("evidence_packsignoff", app=APPEND, references=(("pack_id", "evidence_evidencepack"),)),
        NarrowTable("evidence_packsignoff", "pack_id IN (SELECT id FROM evidence_evidencepack)"),
        migrations.RunSQL(SIGNING, UNSIGNED),
    ]
