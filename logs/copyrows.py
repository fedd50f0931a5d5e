"""Events as lines of COPY text: one % template a row, escaped only where a row needs it.

Own text is as fast as a prepared block and three times as fast as the driver's row writer (postgres.md 4.3). Fields are
set apart by the unit separator and NULL is the record separator, so that ordinary log text needs no escaping at all.
"""

from typing import Final, NamedTuple

from logs.devices import device_of
from logs.kinds import Draft
from logs.places import place_of

STAGE_COLUMNS: Final = (
    ("ord", "integer"),
    ("position", "integer"),
    ("account_id", "bigint"),
    ("identity_id", "bigint"),
    ("occurred_at", "timestamptz"),
    ("clock_quality", "smallint"),
    ("log_type", "smallint"),
    ("class_uid", "integer"),
    ("activity_id", "smallint"),
    ("status_id", "smallint"),
    ("severity_id", "smallint"),
    ("src_ip", "inet"),
    ("src_port", "integer"),
    ("duration_ms", "bigint"),
    ("bytes_in", "bigint"),
    ("bytes_out", "bigint"),
    ("rows_count", "bigint"),
    ("logon_type_id", "smallint"),
    ("auth_protocol_id", "smallint"),
    ("mfa", "boolean"),
    ("is_remote", "boolean"),
    ("repeat_count", "integer"),
    ("out_of_hours", "boolean"),
    ("src_asn", "bigint"),
    ("status_code", "text"),
    ("status_detail", "text"),
    ("actor_key", "text"),
    ("actor_uid", "text"),
    ("actor_name", "text"),
    ("actor_type", "text"),
    ("target_uid", "text"),
    ("target_name", "text"),
    ("target_kind", "text"),
    ("src_host", "text"),
    ("src_country", "text"),
    ("device_uid", "text"),
    ("user_agent", "text"),
    ("client", "text"),
    ("dst_host", "text"),
    ("app", "text"),
    ("resource", "text"),
    ("database", "text"),
    ("table_name", "text"),
    ("action", "text"),
    ("session_uid", "text"),
    ("ticket_ref", "text"),
    ("native_id", "text"),
    ("privileges", "text[]"),
    ("extra", "jsonb"),
    ("core", "bytea"),
    ("subj", "bytea"),
    ("raw", "bytea"),
    ("salts", "bytea"),
)
DELIMITER: Final = "\x1f"
NULL: Final = "\x1e"
_PLAIN: Final = len(STAGE_COLUMNS) - 4
_TEMPLATE: Final = DELIMITER.join(["%s"] * _PLAIN + [r"\\x%s"] * 4) + "\n"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t", DELIMITER: r"\037", NULL: r"\036"})
_BOOLEAN: Final = {True: "t", False: "f", None: NULL}

BIGINT_LIMIT: Final = 2**53
INTEGER_LIMIT: Final = 2**31
SMALLINT_LIMIT: Final = 2**15


class Who(NamedTuple):
    """Whom the register knows the actor as, at intake."""

    key: str
    account_id: int | None = None
    identity_id: int | None = None


class Sealed(NamedTuple):
    """The stored bytes of one event."""

    core: bytes
    subj: bytes
    raw: bytes
    salts: bytes


def row_text(draft: Draft, who: Who, number: int, when: str, sealed: Sealed, rest: tuple[str, bool | None]) -> str:
    """Return one COPY line; ``when`` is the event's time as text, ``rest`` its unmapped JSON and out-of-hours flag."""
    place = place_of(draft.src_ip or "")
    texts = _texts(draft, who.key, place.country, rest[0])
    together = "".join(texts)
    if "\\" in together or not together.isprintable():
        texts = tuple([text.translate(_ESCAPES) for text in texts])
    return _TEMPLATE % (
        number,
        draft.position,
        NULL if who.account_id is None else who.account_id,
        NULL if who.identity_id is None else who.identity_id,
        when,
        draft.clock_quality,
        draft.log_type,
        draft.class_uid,
        draft.activity_id,
        draft.status_id,
        draft.severity_id,
        draft.src_ip or NULL,
        NULL if draft.src_port is None else draft.src_port,
        NULL if draft.duration_ms is None else draft.duration_ms,
        NULL if draft.bytes_in is None else draft.bytes_in,
        NULL if draft.bytes_out is None else draft.bytes_out,
        NULL if draft.rows_count is None else draft.rows_count,
        NULL if draft.logon_type_id is None else draft.logon_type_id,
        NULL if draft.auth_protocol_id is None else draft.auth_protocol_id,
        _BOOLEAN[draft.mfa],
        _BOOLEAN[draft.is_remote],
        draft.repeat_count,
        _BOOLEAN[rest[1]],
        NULL if place.asn is None else place.asn,
        *texts,
        sealed.core.hex(),
        sealed.subj.hex(),
        sealed.raw.hex(),
        sealed.salts.hex(),
    )


def _texts(draft: Draft, actor_key: str, country: str, extra: str) -> tuple[str, ...]:
    """Return the text columns of a row, in the order of `STAGE_COLUMNS`."""
    return (
        draft.status_code,
        draft.status_detail,
        actor_key,
        draft.actor_uid,
        draft.actor_name,
        draft.actor_type,
        draft.target_uid,
        draft.target_name,
        draft.target_kind,
        draft.src_host,
        country,
        draft.device_uid,
        draft.user_agent,
        device_of(draft.user_agent),
        draft.dst_host,
        draft.app,
        draft.resource,
        draft.database,
        draft.table,
        draft.action,
        draft.session_uid,
        draft.ticket_ref,
        draft.native_id,
        array_text(draft.privileges) if draft.privileges else "{}",
        extra or "{}",
    )


def array_text(values: tuple[str, ...]) -> str:
    """Return a text array as PostgreSQL writes it."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def misfit(draft: Draft) -> str:
    """Return the sentence that says which number of the event no column holds, "" when all fit."""
    numbers = (draft.duration_ms, draft.bytes_in, draft.bytes_out, draft.rows_count)
    if any(number is not None and not -BIGINT_LIMIT < number < BIGINT_LIMIT for number in numbers):
        return "A duration, size or row count is larger than 2^53."
    port, repeats = draft.src_port, draft.repeat_count
    if not (port is None or 0 <= port < INTEGER_LIMIT) or not 1 <= repeats < INTEGER_LIMIT:
        return "The port or the repeat count is out of range."
    small = (draft.activity_id, draft.severity_id, draft.status_id, draft.logon_type_id, draft.auth_protocol_id)
    if any(number is not None and not -SMALLINT_LIMIT <= number < SMALLINT_LIMIT for number in small):
        return "An OCSF number is out of range."
    return ""
