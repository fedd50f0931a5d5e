"""Terms, holds and removals: what may be removed is decided by functions that the role of removal alone may call."""

from django.db import migrations

from ledger.rowsecurity import APP, APPEND, READONLY, RETENTION, ProtectTable

# What a hold keeps: `h` is a hold, `e` an event, `d` a count or line, `p` the removal with the holds that it respects.
HOLDS = "h.tenant_id = app_tenant() AND (h.lifted_at IS NULL OR h.id = ANY (p.holds))"
HELD_EVENT = f"""EXISTS (SELECT FROM logs_legalhold h WHERE {HOLDS} AND (h.kind = 'tenant'
    OR (h.kind = 'source' AND h.source_id = e.source_id)
    OR (h.kind = 'person' AND (h.identity_id = e.identity_id OR e.actor_key = ANY (h.actor_keys)
        OR lower(e.target_name) = ANY (h.actor_keys)))))"""
HELD_NAME = f"""EXISTS (SELECT FROM logs_legalhold h WHERE {HOLDS}
    AND (h.kind = 'tenant' OR (h.kind = 'person' AND d.actor_key = ANY (h.actor_keys))))"""
HELD_SOURCE = f"""EXISTS (SELECT FROM logs_legalhold h WHERE {HOLDS}
    AND (h.kind = 'tenant' OR (h.kind = 'source' AND h.source_id = d.source_id)))"""
DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

FUNCTIONS = (
    ("retention_default(wanted int)", "int IMMUTABLE LANGUAGE sql", """
        SELECT CASE WHEN wanted = 7 THEN 3 WHEN wanted IN (2, 3) THEN 12 ELSE 36 END
    """),
    # The term in force: a longer one at once, a shorter one when it is 30 days old.
    ("retention_months(wanted int)", "int STABLE LANGUAGE sql", """
        SELECT greatest(
            coalesce(
                (SELECT months FROM logs_retentionterm WHERE tenant_id = app_tenant() AND log_type = wanted
                    AND set_at <= now() - interval '30 days' ORDER BY set_at DESC, id DESC LIMIT 1),
                retention_default(wanted)),
            (SELECT max(months) FROM logs_retentionterm WHERE tenant_id = app_tenant() AND log_type = wanted
                AND set_at > now() - interval '30 days'))
    """),
    ("retention_cut(wanted int)", "timestamptz STABLE LANGUAGE sql", """
        SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => retention_months(wanted)))
            AT TIME ZONE 'UTC'
    """),
    ("retention_begin(month date)", "timestamptz IMMUTABLE LANGUAGE sql", """
        SELECT month::timestamp AT TIME ZONE 'UTC'
    """),
    ("retention_end(month date)", "timestamptz IMMUTABLE LANGUAGE sql", """
        SELECT (month::timestamp + interval '1 month') AT TIME ZONE 'UTC'
    """),
    # Whether a removal may be carried out: announced in the ledger, under a checkpoint, and past every term by now.
    ("retention_due(p logs_retentionprune)", "boolean STABLE LANGUAGE sql", """
        SELECT p.removed_at IS NULL
            AND (SELECT bool_and(retention_end(p.month) <= retention_cut(kind)) FROM unnest(p.log_types) AS kind)
            AND EXISTS (
                SELECT FROM tenants_auditentry a
                JOIN ledger_batch b ON b.log_id = app_log() AND b.id = a.batch_id
                JOIN ledger_checkpoint c ON c.log_id = app_log() AND c.epoch = b.epoch AND c.size >= b.first_index + b.n
                WHERE a.tenant_id = app_tenant() AND a.batch_id = p.batch_id AND a.leaf_kind = 6
                    AND a.detail ->> 'prune' = p.id::text
                    AND a.detail ->> 'places_sha256' = encode(p.places_sha256, 'hex'))
    """),
    # What follows the events: counts by name and by kind, and the bytes of records that could not be read.
    ("retention_forget(p logs_retentionprune)", "void LANGUAGE plpgsql", f"""
        BEGIN
            DELETE FROM logs_usageday d WHERE tenant_id = app_tenant() AND log_type = ANY (p.log_types)
                AND day < p.month + interval '1 month' AND NOT {HELD_NAME};
            DELETE FROM logs_typeday d WHERE tenant_id = app_tenant() AND log_type = ANY (p.log_types)
                AND day < p.month + interval '1 month' AND NOT {HELD_SOURCE};
            IF cardinality(p.log_types) = 7 THEN
                DELETE FROM logs_lastuse d WHERE tenant_id = app_tenant() AND last_at < retention_end(p.month)
                    AND NOT {HELD_NAME};
                UPDATE logs_quarantinedline d SET raw = '', reason = 'The record was removed when its term had passed.'
                    WHERE tenant_id = app_tenant() AND p.quarantined > 0 AND octet_length(raw) > 0
                    AND received_at >= retention_begin(p.month) AND received_at < retention_end(p.month)
                    AND NOT {HELD_SOURCE};
            END IF;
        END
    """),
    # Removes the announced events of the open tenant, but for those under a hold; NULL where it is not due (yet).
    ("retention_remove(wanted uuid)", f"bigint LANGUAGE plpgsql {DEFINER}", f"""
        DECLARE
            p logs_retentionprune;
            gone bigint;
        BEGIN
            SELECT * INTO p FROM logs_retentionprune WHERE tenant_id = app_tenant() AND id = wanted FOR UPDATE;
            IF p.removed_at IS NOT NULL THEN
                RETURN p.removed;
            END IF;
            LOCK TABLE logs_legalhold IN SHARE MODE;
            IF p.id IS NULL OR NOT retention_due(p) THEN
                RETURN NULL;
            END IF;
            DELETE FROM logs_accessevent e USING ledger_batch b WHERE e.tenant_id = app_tenant()
                AND e.received_at >= retention_begin(p.month) AND e.received_at < retention_end(p.month)
                AND e.log_type = ANY (p.log_types)
                AND b.log_id = app_log() AND b.id = e.batch_id AND b.epoch = p.epoch AND NOT {HELD_EVENT};
            GET DIAGNOSTICS gone = ROW_COUNT;
            PERFORM retention_forget(p);
            UPDATE logs_retentionprune SET removed_at = now(), removed = gone
                WHERE tenant_id = app_tenant() AND id = p.id;
            RETURN gone;
        END
    """),
    # Drops a month whose every row is announced and due, in one transaction; says whether it did.
    ("retention_drop(month_of date)", f"boolean LANGUAGE plpgsql {DEFINER}", """
        DECLARE
            part text := 'logs_accessevent_' || to_char(month_of, 'YYYY_MM');
            owners int[] := '{}';
            t record;
            p logs_retentionprune;
        BEGIN
            IF retention_end(month_of) > date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
                    - interval '80 days'
                OR NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = 'public.logs_accessevent'::regclass
                    AND inhrelid = to_regclass('public.' || part)) THEN
                RETURN false;
            END IF;
            LOCK TABLE logs_legalhold IN SHARE MODE;
            FOR t IN EXECUTE format('SELECT n.id, n.uuid, count(*) AS events FROM public.%I e '
                    'JOIN public.tenants_tenant n ON n.id = e.tenant_id GROUP BY 1, 2', part) LOOP
                PERFORM set_config('app.tenant', t.id::text, true), set_config('app.log', t.uuid::text, true);
                IF t.events <> (SELECT coalesce(sum(count), 0) FROM logs_retentionprune d
                        WHERE d.tenant_id = app_tenant() AND d.month = month_of AND d.holds = '{}' AND retention_due(d))
                    OR EXISTS (SELECT FROM logs_legalhold WHERE tenant_id = app_tenant() AND lifted_at IS NULL) THEN
                    PERFORM set_config('app.tenant', '', true), set_config('app.log', '', true);
                    RETURN false;
                END IF;
                owners := owners || t.id::int;
            END LOOP;
            EXECUTE format('ALTER TABLE public.logs_accessevent DETACH PARTITION public.%I', part);
            EXECUTE format('DROP TABLE public.%I', part);
            FOR t IN SELECT id, uuid FROM tenants_tenant WHERE id = ANY (owners) LOOP
                PERFORM set_config('app.tenant', t.id::text, true), set_config('app.log', t.uuid::text, true);
                FOR p IN SELECT * FROM logs_retentionprune d WHERE d.tenant_id = app_tenant() AND d.month = month_of
                        AND d.holds = '{}' AND retention_due(d) LOOP
                    PERFORM retention_forget(p);
                    UPDATE logs_retentionprune SET removed_at = now(), removed = p.count
                        WHERE tenant_id = app_tenant() AND id = p.id;
                END LOOP;
            END LOOP;
            PERFORM set_config('app.tenant', '', true), set_config('app.log', '', true);
            RETURN true;
        END
    """),
)


def create(signature, returns, body):
    """Return the statements that make a function which nobody may call yet."""
    return f"CREATE FUNCTION {signature} RETURNS {returns} AS $${body}$$; REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"


CREATE = "; ".join(create(*function) for function in FUNCTIONS)
DROP = "; ".join(f"DROP FUNCTION {signature}" for signature, _returns, _body in reversed(FUNCTIONS))
READ_TERMS = "retention_default(int), retention_months(int), retention_cut(int)"
REMOVE = "retention_remove(uuid), retention_drop(date)"
RULES = f"""
-- A time that somebody could choose would let a shorter term hold at once.
CREATE POLICY terms_are_set_now ON logs_retentionterm AS RESTRICTIVE FOR INSERT WITH CHECK (set_at = statement_timestamp());
CREATE POLICY holds_are_set_now ON logs_legalhold AS RESTRICTIVE FOR INSERT
    WITH CHECK (set_at = statement_timestamp() AND lifted_at IS NULL);
CREATE POLICY holds_are_lifted_once ON logs_legalhold AS RESTRICTIVE FOR UPDATE
    USING (lifted_at IS NULL) WITH CHECK (lifted_at = statement_timestamp());
CREATE POLICY prunes_are_announced_first ON logs_retentionprune AS RESTRICTIVE FOR INSERT
    WITH CHECK (announced_at = statement_timestamp() AND removed_at IS NULL);
GRANT UPDATE (lifted_at, lifted_by, lift_reason) ON logs_legalhold TO {APP};
"""
UNRULES = f"""
REVOKE UPDATE (lifted_at, lifted_by, lift_reason) ON logs_legalhold FROM {APP};
DROP POLICY prunes_are_announced_first ON logs_retentionprune;
DROP POLICY holds_are_lifted_once ON logs_legalhold;
DROP POLICY holds_are_set_now ON logs_legalhold;
DROP POLICY terms_are_set_now ON logs_retentionterm;
"""


class Migration(migrations.Migration):
    replaces = [("logs", "0015_keep_terms_and_holds")]
    dependencies = [("ledger", "0002_rules"), ("logs", "0002_rules")]

    operations = [
        ProtectTable("logs_retentionterm", app=APPEND),
        ProtectTable("logs_legalhold", app=APPEND),
        ProtectTable("logs_retentionprune", app=APPEND),
        migrations.RunSQL(RULES, UNRULES),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(
            f"GRANT EXECUTE ON FUNCTION {READ_TERMS} TO {APP}, {READONLY}; "
            f"GRANT EXECUTE ON FUNCTION {REMOVE} TO {RETENTION}; GRANT USAGE ON SCHEMA public TO {RETENTION}",
            f"REVOKE EXECUTE ON FUNCTION {READ_TERMS} FROM {APP}, {READONLY}; "
            f"REVOKE EXECUTE ON FUNCTION {REMOVE} FROM {RETENTION}; REVOKE USAGE ON SCHEMA public FROM {RETENTION}",
        ),
    ]
