# ruff: noqa: S608 -- fixed statements, put together from fixed parts
"""What somebody with the owner's rights could do to the tables, by the class of failure that must be found."""

from evidence.findings import FailureClass

EVENT = "(SELECT id FROM logs_accessevent ORDER BY id OFFSET 300 LIMIT 1)"
DEED = "(SELECT id FROM tenants_auditentry WHERE verb = 'test.deed' ORDER BY batch_id, ord LIMIT 1)"
FLIP = "{0} = set_byte({0}, 5, get_byte({0}, 5) # 1)"
EVENT_SET = "UPDATE logs_accessevent SET {} WHERE id = " + EVENT
DEED_SET = "UPDATE tenants_auditentry SET {} WHERE id = " + DEED
EVENT_COLUMNS = (
    "tenant_id, received_at, source_id, position, occurred_at, clock_quality, log_type, class_uid, activity_id,"
    "status_id, severity_id, repeat_count, status_code, status_detail, actor_key, actor_uid, actor_name, actor_type,"
    "target_uid, target_name, target_kind, src_host,"
    " device_uid, user_agent, dst_host, app, resource, database, table_name, action,"
    "session_uid, ticket_ref, native_id, parser, privileges, extra, core, subj, raw, salts"
)
EVENT_COPY = "INSERT INTO logs_accessevent ({0}, batch_id, ord) SELECT {0}, {1} FROM logs_accessevent WHERE id = "
DEED_COLUMNS = "tenant_id, leaf_kind, at, verb, actor_name, actor_user_id, target, detail, core, subj, salts"
DEED_COPY = (
    "INSERT INTO tenants_auditentry ({0}, id, batch_id, ord) SELECT {0}, {1} FROM tenants_auditentry WHERE id = "
)
FAULTS: dict[FailureClass, list[str]] = {
    FailureClass.CONTENT_CHANGED: [
        EVENT_SET.format(FLIP.format("raw")),
        EVENT_SET.format(FLIP.format("subj")),
        EVENT_SET.format(FLIP.format("core")),
        EVENT_SET.format(FLIP.format("salts")),
        EVENT_SET.format("raw = NULL"),
        DEED_SET.format(FLIP.format("subj")),
        DEED_SET.format("leaf_kind = 11"),
        "UPDATE logs_delivery SET " + FLIP.format("core") + " WHERE stored = 100",
        "UPDATE logs_quarantinedline SET raw = raw || '\\x00', raw_bytes = raw_bytes + 1",
        "DELETE FROM logs_quarantinedline",
    ],
    FailureClass.LEAF_MISSING: [
        "DELETE FROM logs_accessevent WHERE id = " + EVENT,
        "DELETE FROM tenants_auditentry WHERE id = " + DEED,
        "DELETE FROM tenants_auditentry WHERE batch_id = (SELECT batch_id FROM tenants_auditentry WHERE id = "
        + DEED
        + ")",
    ],
    FailureClass.ROW_UNSEALED: [
        EVENT_COPY.format(EVENT_COLUMNS, "gen_random_uuid(), 0") + EVENT,
        EVENT_COPY.format(EVENT_COLUMNS, "batch_id, 9999") + EVENT,
        EVENT_COPY.format(EVENT_COLUMNS, "batch_id, ord") + EVENT,
        DEED_COPY.format(DEED_COLUMNS, "gen_random_uuid(), gen_random_uuid(), 0") + DEED,
    ],
    FailureClass.PROJECTION_DIFFERS: [
        EVENT_SET.format("actor_name = 'someone else'"),
        EVENT_SET.format("actor_key = 'nobody'"),
        EVENT_SET.format("status_id = 1"),
        EVENT_SET.format("occurred_at = occurred_at - interval '1 microsecond'"),
        DEED_SET.format("target = 'x'"),
        DEED_SET.format("detail = '{}'"),
        "UPDATE logs_delivery SET ignored = ignored + 1, received = received + 1 WHERE stored = 100",
    ],
    FailureClass.TREE_INCONSISTENT: [
        "UPDATE ledger_tile SET " + FLIP.format("hashes") + " WHERE level = 0 AND n = 0",
        "UPDATE ledger_partialtile SET " + FLIP.format("hashes") + " WHERE level = 0",
        "UPDATE ledger_partialtile SET " + FLIP.format("hashes") + " WHERE level = 1",
        "DELETE FROM ledger_tile WHERE n = 1",
        "UPDATE ledger_head SET root = decode(repeat('00', 32), 'hex')",
    ],
    FailureClass.SIGNATURE_INVALID: [
        "UPDATE ledger_checkpoint SET note = replace(note, E'\\n— ', E'\\n— x')",
        "UPDATE ledger_checkpoint SET vkey = 'x+' || vkey",
        "UPDATE ledger_checkpoint SET root = decode(repeat('00', 32), 'hex')",
    ],
}
EVENT_GONE = FAULTS[FailureClass.LEAF_MISSING][0]
EVENT_RENAMED = FAULTS[FailureClass.PROJECTION_DIFFERS][0]
REMOVES = {FAULTS[FailureClass.LEAF_MISSING][2]: 3}
"""Statements that change more than one row."""
