"""API of the tenants room: the audit trail."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.apipages import PAGE_PARAMETERS, page_of, paged
from tenants.apiview import TenantView
from tenants.kinds import Permission
from tenants.queries import audit_trail


class AuditFilters(serializers.Serializer[Any]):
    """What the trail is narrowed to."""

    verb = serializers.CharField(required=False, max_length=60, help_text="The start of the verb, such as `campaign.`")
    actor = serializers.CharField(required=False, max_length=320, help_text="A part of the name of who did it.")


class DeedShape(serializers.Serializer[Any]):
    """One deed."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField(help_text="When it was done, UTC.")
    verb = serializers.CharField(help_text="`noun.verb`, such as `campaign.open`.")
    actor = serializers.CharField(source="actor_name")
    target = serializers.CharField(help_text="To what, in words.")
    detail = serializers.JSONField()
    batch = serializers.UUIDField(source="batch_id", help_text="The batch of the ledger that holds its leaf.")
    ordinal = serializers.IntegerField(source="ord", help_text="Its place in the batch.")


class AuditTrail(TenantView):
    """Every deed of the tenant, newest first; each is a leaf of the tenant's ledger."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.AUDIT_VIEW,)
    filters = AuditFilters

    @extend_schema(
        operation_id="audit_trail_list",
        summary="List the audit trail",
        parameters=[*PAGE_PARAMETERS, AuditFilters],
        responses=page_of(DeedShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of deeds."""
        asked = self.asked()
        rows = audit_trail(verb=asked.get("verb", ""), actor=asked.get("actor", ""))
        return paged(request, rows, keys=("-at", "id"), shape=DeedShape)
