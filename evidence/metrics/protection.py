"""Measures protection: over which doors records came without TLS, and whether the stores are encrypted at rest."""

from __future__ import annotations

from django.conf import settings

from evidence.atrest import Store, stores
from evidence.kinds import KindEvidence
from evidence.languages import said
from evidence.metrics.frame import Asked, Frame, Row
from logs.queries.sources import source_by_token
from logs.syslog.ports import PortError, read_ports

HTTP = ("http", "hec", "elastic", "otlp", "journal")
SOURCES = """
SELECT s.id, s.key AS source, s.name, d.door, count(*) AS deliveries, count(*) FILTER (WHERE d.address IS NOT NULL
        AND NOT (d.address <<= '127.0.0.0/8'::inet OR d.address = '::1'::inet)) AS from_elsewhere,
    max(d.received_at) AS last_at
FROM logs_delivery d JOIN logs_logsource s ON s.tenant_id = d.tenant_id AND s.id = d.source_id
WHERE d.tenant_id = %(tenant)s AND d.received_at >= %(since)s AND d.received_at < %(until)s
GROUP BY s.id, s.key, s.name, d.door ORDER BY s.key, d.door
"""
LEFT = """
SELECT (SELECT count(*) FROM logs_eventexport x WHERE x.tenant_id = %(tenant)s AND x.ended_at >= %(since)s
        AND x.ended_at < %(until)s) AS exports,
    (SELECT count(*) FROM evidence_evidencepack p WHERE p.tenant_id = %(tenant)s AND p.state = 'issued'
        AND p.issued_at >= %(since)s AND p.issued_at < %(until)s) AS packs
"""
COLUMNS = ("what", "name", "door", "protected", "how", "deliveries", "from_elsewhere", "last_at")


def measure(frame: Frame) -> KindEvidence:
    """Return the doors that were really used and what is known of the stores; an unknown store is not measured."""
    asked = Asked(frame)
    found = asked.rows(SOURCES)
    left = asked.one(LEFT)
    plain = plain_sources()
    doors = [_door(row, plain) for row in found]
    held = stores()
    unknown = [store.name for store in held if store.encrypted is None]
    open_stores = [store for store in held if store.encrypted is False]
    packs_open = None if unknown else (left["packs"] if open_stores else 0)
    metrics = {
        "sources_without_tls": len({row["name"] for row in doors if row["protected"] is False}),
        "stores_not_encrypted": None if unknown else len(open_stores),
        "packs_not_encrypted": packs_open if left["packs"] else 0,
        "exports_with_clear_identifiers": left["exports"],
        "stores": len(held),
    }
    notes = (
        said("Not known whether encrypted: {names}.", names=", ".join(unknown))
        if unknown
        else said("Of every store it is known."),
        said(
            "Packs lie where the stores say, those from before December 2026 in the database. Exports hold names and "
            "addresses in clear text."
        ),
        said(
            "A door counts as protected when TLS ends at it or at the proxy that COUNTERSIGN_URL names, or when "
            "records came from this machine only."
        ),
    )
    rows = [*doors, *(_store(store) for store in held)]
    return asked.answer("protection", metrics, rows, columns=COLUMNS, notes=notes, title=said("Doors and stores"))


def plain_sources() -> frozenset[int]:
    """Return the sources of the open tenant whose own syslog port is without TLS and reachable from elsewhere."""
    try:
        ports = read_ports(settings.COUNTERSIGN_SYSLOG_LISTEN, settings.COUNTERSIGN_SYSLOG_PORTS)
    except PortError:
        return frozenset()  # such a door does not listen at all
    opened = [source_by_token(port.token) for port in ports if not port.tls]
    return frozenset(found.source.pk for found in opened if found is not None)


def _door(row: Row, plain: frozenset[int]) -> Row:
    """Return the table's row of a source and door: whether what came over it was protected on its way."""
    https = settings.PORTAL_URL.startswith("https://")
    if not row["from_elsewhere"]:
        protected, how = True, "from this machine only"
    elif row["door"] == "syslog":
        protected = row["id"] not in plain
        how = "syslog over TLS" if protected else "syslog over TCP without TLS"
    elif row["door"] in HTTP:
        protected, how = https, "HTTPS" if https else "HTTP without TLS"
    else:
        protected, how = https, "uploaded to the portal over HTTPS" if https else "uploaded over HTTP without TLS"
    return {"what": "source", "name": row["name"], "protected": protected, "how": how} | {
        key: row[key] for key in ("door", "deliveries", "from_elsewhere", "last_at")
    }


def _store(store: Store) -> Row:
    """Return the table's row of a store."""
    nothing = dict.fromkeys(("door", "deliveries", "from_elsewhere", "last_at"))
    return {**nothing, "what": "store", "name": store.name, "protected": store.encrypted, "how": store.how}
