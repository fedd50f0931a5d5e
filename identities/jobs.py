"""Imports big files in the background."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from identities.kinds import ListFormat, SnapshotUpload
from identities.models import System
from identities.staging import import_staged
from tenants.models import Tenant, User
from tenants.queries import actor_for
from tenants.scope import tenant_scope
from tenants.work import Progress


def import_snapshot_file(
    progress: Progress, tenant: Tenant, system_id: int, file_id: int, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Imports a stored file as a snapshot of a system, for the person who delivered it."""
    with tenant_scope(tenant):
        actor = actor_for(User.objects.get(pk=facts["user_id"]), tenant)
        if actor is None:
            raise PermissionError("The person who delivered the file is no longer a member of this tenant.")
        upload = SnapshotUpload(
            body=b"",
            captured_at=datetime.fromisoformat(facts["captured_at"]),
            source_total=facts["source_total"],
            file_name=facts["file_name"],
            filters=facts["filters"],
            query=facts["query"],
            delivered_by=facts["delivered_by"],
            form=facts.get("form", ListFormat.TABLE),
            mapping=facts.get("mapping"),
        )
        system = System.objects.get(pk=system_id)
        snapshot = import_staged(system=system, file_id=file_id, upload=upload, by=actor, progress=progress)
        return {"snapshot": snapshot.pk, "rows": snapshot.row_total, "complete": snapshot.complete}
