"""The key that signs evidence packs: the portal's own, apart from the key that signs the ledger.

The ledger's signer may run under a system user of its own; packs are built by the portal's worker.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings

from ledger.notes import Signer
from ledger.signerstate import SignerFiles


def pack_signer(log_id: UUID) -> Signer:
    """Returns the key of one tenant's packs, derived from a master key in `<data>/packs`."""
    files = SignerFiles(Path(settings.COUNTERSIGN_DATA) / "packs")
    return files.signer(f"{settings.COUNTERSIGN_INSTANCE}/t/{log_id}/packs")
