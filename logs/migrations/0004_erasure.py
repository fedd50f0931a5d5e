"""Deeds of erasure (GDPR Art. 17): two officers, the leaves they name, and the one function that carries them out."""

from django.db import migrations

from ledger.rowsecurity import APP, APPEND, READONLY, RETENTION, NarrowTable, ProtectTable

DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
TARGETS = """logs_erasedleaf t JOIN logs_accessevent e ON e.tenant_id = t.tenant_id AND e.received_at = t.received_at
    AND e.id = t.event_id AND e.batch_id = t.batch_id AND e.ord = t.ord
    WHERE t.tenant_id = app_tenant() AND t.erasure_id = p.id"""

FUNCTIONS = (
    # The hash of the leaves that a deed names; `logs.erasedset.digest_of` writes the same lines.
    ("erasure_digest(wanted uuid)", "bytea STABLE LANGUAGE sql", """
        SELECT sha256(convert_to(string_agg(format('%s/%s %s-%s %s', batch_id, ord,
            (extract(epoch FROM received_at) * 1000000)::bigint, event_id, extract(epoch FROM quarter)::bigint),
            E'\\n' ORDER BY batch_id, ord), 'UTF8'))
        FROM logs_erasedleaf WHERE tenant_id = app_tenant() AND erasure_id = wanted
    """),
    # Whether a deed may be carried out: of two people, announced under a checkpoint, over exactly these leaves, unheld.
    ("erasure_due(p logs_erasure)", "boolean STABLE LANGUAGE sql", f"""
        SELECT p.removed_at IS NULL AND p.answer = 'confirmed' AND p.asker_user <> p.answerer_user
            AND erasure_digest(p.id) = p.places_sha256
            AND EXISTS (
                SELECT FROM tenants_auditentry a
                JOIN ledger_batch b ON b.log_id = app_log() AND b.id = a.batch_id
                JOIN ledger_checkpoint c ON c.log_id = app_log() AND c.epoch = b.epoch AND c.size >= b.first_index + b.n
                WHERE a.tenant_id = app_tenant() AND a.batch_id = p.batch_id AND a.leaf_kind = 5
                    AND a.detail ->> 'erasure' = p.id::text
                    AND a.detail ->> 'places_sha256' = encode(p.places_sha256, 'hex'))
            AND NOT EXISTS (
                SELECT FROM {TARGETS} AND EXISTS (SELECT FROM logs_legalhold h
                    WHERE h.tenant_id = app_tenant() AND h.lifted_at IS NULL AND (h.kind = 'tenant'
                        OR (h.kind = 'source' AND h.source_id = e.source_id)
                        OR (h.kind = 'person' AND (h.identity_id = e.identity_id OR e.actor_key = ANY (h.actor_keys)
                            OR lower(e.target_name) = ANY (h.actor_keys))))))
    """),
    # Removes the rows of a deed, and what shows the person by name; NULL where it is not due (yet).
    ("erasure_remove(wanted uuid)", f"bigint LANGUAGE plpgsql {DEFINER}", f"""
        DECLARE
            p logs_erasure;
            gone bigint;
            systems bigint[];
            names text[];
        BEGIN
            SELECT * INTO p FROM logs_erasure WHERE tenant_id = app_tenant() AND id = wanted FOR UPDATE;
            IF p.removed_at IS NOT NULL THEN
                RETURN p.removed;
            END IF;
            LOCK TABLE logs_legalhold IN SHARE MODE;
            IF p.id IS NULL OR NOT erasure_due(p) THEN
                RETURN NULL;
            END IF;
            SELECT array_agg(who.s), array_agg(who.n) INTO systems, names FROM (
                SELECT DISTINCT coalesce(e.system_id, 0) AS s, e.actor_key AS n FROM {TARGETS} AND e.actor_key <> ''
                ORDER BY 1, 2) AS who;
            UPDATE logs_usageday k SET events = k.events - less.events, ok_count = k.ok_count - less.ok,
                denied_count = k.denied_count - less.denied, out_of_hours_count = k.out_of_hours_count - less.outside,
                rows_count = greatest(0, k.rows_count - less.rows), bytes_out = greatest(0, k.bytes_out - less.bytes)
            FROM (
                SELECT coalesce(e.system_id, 0) AS system_id, e.actor_key, (e.occurred_at AT TIME ZONE 'UTC')::date AS day,
                    e.log_type, left(e.action, 64) AS action, sum(e.repeat_count) AS events,
                    coalesce(sum(e.repeat_count) FILTER (WHERE e.status_id = 1), 0) AS ok,
                    coalesce(sum(e.repeat_count) FILTER (WHERE e.status_id = 2), 0) AS denied,
                    coalesce(sum(e.repeat_count) FILTER (WHERE e.out_of_hours AND e.status_id = 1), 0) AS outside,
                    coalesce(sum(e.rows_count), 0) AS rows, coalesce(sum(e.bytes_out), 0) AS bytes
                FROM {TARGETS} AND e.actor_key <> '' AND NOT EXISTS (SELECT FROM logs_superseded s
                    WHERE s.tenant_id = e.tenant_id AND s.received_at = e.received_at AND s.event_id = e.id)
                GROUP BY 1, 2, 3, 4, 5
            ) AS less
            WHERE k.tenant_id = app_tenant() AND k.system_id = less.system_id AND k.actor_key = less.actor_key
                AND k.day = less.day AND k.log_type = less.log_type AND k.action = less.action;
            UPDATE logs_quarantinedline q SET raw = '', reason = 'The record was erased.'
                FROM logs_resolvedline r JOIN logs_erasedleaf t ON t.tenant_id = r.tenant_id AND t.batch_id = r.batch_id
                    AND t.event_id = r.event_id
                WHERE q.tenant_id = app_tenant() AND r.tenant_id = app_tenant() AND r.line_id = q.id
                    AND t.erasure_id = p.id AND octet_length(q.raw) > 0;
            DELETE FROM logs_accessevent x USING logs_erasedleaf t
                WHERE x.tenant_id = app_tenant() AND t.tenant_id = app_tenant() AND t.erasure_id = p.id
                    AND x.received_at = t.received_at AND x.id = t.event_id AND x.batch_id = t.batch_id AND x.ord = t.ord;
            GET DIAGNOSTICS gone = ROW_COUNT;
            DELETE FROM logs_usageday k USING unnest(systems, names) AS who (s, n) WHERE k.tenant_id = app_tenant()
                AND k.system_id = who.s AND k.actor_key = who.n AND k.events <= 0;
            DELETE FROM logs_lastuse k USING unnest(systems, names) AS who (s, n)
                WHERE k.tenant_id = app_tenant() AND k.system_id = who.s AND k.actor_key = who.n;
            INSERT INTO logs_lastuse (tenant_id, system_id, actor_key, first_at, last_at, last_ok_at)
                SELECT app_tenant(), who.s, who.n, min(e.occurred_at), max(e.occurred_at),
                    max(e.occurred_at) FILTER (WHERE e.status_id = 1)
                FROM unnest(systems, names) AS who (s, n) JOIN logs_currentevent e ON e.tenant_id = app_tenant()
                    AND e.actor_key = who.n AND coalesce(e.system_id, 0) = who.s
                GROUP BY 1, 2, 3 ORDER BY 2, 3;
            UPDATE logs_erasure SET removed_at = now(), removed = gone, subject = ''
                WHERE tenant_id = app_tenant() AND id = p.id;
            RETURN gone;
        END
    """),
)


def create(signature, returns, body):
    """Return the statements that make a function which nobody may call yet."""
    return f"CREATE FUNCTION {signature} RETURNS {returns} AS $${body}$$; REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"


CREATE = "; ".join(create(*function) for function in FUNCTIONS)
DROP = "; ".join(f"DROP FUNCTION {signature}" for signature, _returns, _body in reversed(FUNCTIONS))
GRANTS = f"""
GRANT EXECUTE ON FUNCTION erasure_digest(uuid) TO {APP}, {READONLY};
GRANT EXECUTE ON FUNCTION erasure_remove(uuid) TO {RETENTION};
GRANT UPDATE (answer, answered_at, answered_by, answerer_user, answerer_key, answer_note, batch_id, subject)
    ON logs_erasure TO {APP};
-- Times that somebody could choose, or a deed that comes answered, would make one person enough. A deed that repeats
-- one from before a restore comes answered: by the same two people, as the ledger of then says.
CREATE POLICY erasures_are_asked_for_first ON logs_erasure AS RESTRICTIVE FOR INSERT WITH CHECK (
    asked_at = statement_timestamp() AND removed_at IS NULL AND (repeats IS NOT NULL OR (answer = '' AND EXISTS (
        SELECT FROM tenants_membership m WHERE m.tenant_id = logs_erasure.tenant_id AND m.user_id = asker_user
            AND m.role = 'officer' AND m.starts_at <= statement_timestamp()
            AND (m.ends_at IS NULL OR m.ends_at > statement_timestamp())))));
CREATE POLICY erasures_are_answered_once ON logs_erasure AS RESTRICTIVE FOR UPDATE
    USING (answer = '' OR current_user <> '{APP}')
    WITH CHECK (current_user <> '{APP}' OR (answered_at = statement_timestamp() AND EXISTS (
        SELECT FROM tenants_membership m WHERE m.tenant_id = logs_erasure.tenant_id AND m.user_id = answerer_user
            AND m.role = 'officer' AND m.starts_at <= statement_timestamp()
            AND (m.ends_at IS NULL OR m.ends_at > statement_timestamp()))));
"""
UNGRANTS = f"""
DROP POLICY erasures_are_answered_once ON logs_erasure;
DROP POLICY erasures_are_asked_for_first ON logs_erasure;
REVOKE UPDATE (answer, answered_at, answered_by, answerer_user, answerer_key, answer_note, batch_id, subject)
    ON logs_erasure FROM {APP};
"""


class Migration(migrations.Migration):
    replaces = [("logs", "0016_erasure")]
    dependencies = [("ledger", "0002_rules"), ("logs", "0003_retention")]

    operations = [
        ProtectTable("logs_erasure", app=APPEND),
        ProtectTable("logs_erasedleaf", app=APPEND, references=(("erasure_id", "logs_erasure"),)),
        NarrowTable("logs_erasure", "FALSE"),
        NarrowTable("logs_erasedleaf", "FALSE"),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunSQL(GRANTS, UNGRANTS),
    ]
