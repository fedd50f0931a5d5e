"""The manifest of a delivery: what is sealed about the whole of it, as the last leaf of its batch (ledger.md 2.2)."""

from collections.abc import Mapping

from ledger.entries import Json, canonical, leaf_hash, seal
from ledger.kinds import LeafKind
from logs.models import Delivery
from logs.places import made_on
from logs.sealing import Place


def seal_manifest(delivery: Delivery, place: Place, rejects: str, note: Mapping[str, Json]) -> bytes:
    """Seal the manifest into the delivery and return its leaf; ``rejects`` hashes the hashes of quarantined records."""
    delivery.core = core = canonical(
        {
            "batch": place.batch,
            "body_bytes": delivery.body_bytes,
            "body_sha256": bytes(delivery.body_sha256).hex(),
            "door": delivery.door,
            "duplicates": delivery.duplicates,
            "first_record": delivery.first_record,
            "ignored": delivery.ignored,
            "last_record": delivery.last_record,
            "parser": place.parser,
            "places_on": made_on().isoformat(),
            "previous_record": delivery.previous_record,
            "quarantined": delivery.quarantined,
            "quarantined_sha256": rejects,
            "received": delivery.received,
            "received_at": place.received_at,
            "source": place.source,
            "stored": delivery.stored,
            "tenant": place.tenant,
            "v": 1,
            **note,
        }
    )
    return leaf_hash(seal(LeafKind.MANIFEST, core, subj=None, raw=None, salts=bytes(delivery.salts)))
