"""API of the identities room: the sealed lists of grants that systems reported."""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from identities.kinds import AccountKind
from identities.models import Snapshot
from identities.queries import snapshot_rows
from tenants.apipages import PAGE_PARAMETERS, page_of, paged
from tenants.apiview import NOT_HERE, TenantView
from tenants.kinds import Permission


class SnapshotFilters(serializers.Serializer[Any]):
    """What snapshots are narrowed to."""

    system = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    complete = serializers.BooleanField(required=False, allow_null=True, default=None)


class SnapshotShape(serializers.Serializer[Any]):
    """The sealed header of a system's list of grants."""

    id = serializers.IntegerField()
    system = serializers.IntegerField(source="system_id")
    captured_at = serializers.DateTimeField(help_text="When the system made the list.")
    recorded_at = serializers.DateTimeField(help_text="When the portal sealed it.")
    recorded_by = serializers.CharField()
    delivered_by = serializers.CharField()
    source_total = serializers.IntegerField(help_text="Rows that the system itself says it has.")
    row_total = serializers.IntegerField(help_text="Rows that were read.")
    complete = serializers.BooleanField(help_text="Whether both totals are equal.")
    digest = serializers.CharField(help_text="SHA-256 over the canonical rows, in hexadecimal.")
    raw_sha256 = serializers.CharField(help_text="SHA-256 of the file as it was delivered.")
    filters = serializers.CharField()


class SnapshotRowShape(serializers.Serializer[Any]):
    """One sealed row: an account holds an entitlement."""

    n = serializers.IntegerField(help_text="Number of the row, from 1.")
    account = serializers.IntegerField(source="account_id")
    account_name = serializers.CharField(source="account.name")
    account_ref = serializers.CharField(help_text="The account's name in evidence: a salted hash.")
    account_kind = serializers.ChoiceField(AccountKind.choices)
    identity = serializers.IntegerField(source="identity_id", allow_null=True)
    entitlement = serializers.CharField(source="entitlement.key")
    privileged = serializers.BooleanField()
    enabled = serializers.BooleanField()
    inherited_via = serializers.CharField()
    origin = serializers.CharField()


class Snapshots(TenantView):
    """Snapshots, newest first."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.REGISTER_VIEW,)
    filters = SnapshotFilters

    @extend_schema(
        operation_id="snapshots_list",
        summary="List the snapshots",
        parameters=[*PAGE_PARAMETERS, SnapshotFilters],
        responses=page_of(SnapshotShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of snapshots."""
        asked = self.asked()
        rows = Snapshot.objects.all()
        if "system" in asked:
            rows = rows.filter(system_id=asked["system"])
        if asked["complete"] is not None:
            rows = rows.filter(complete=asked["complete"])
        return paged(request, rows, keys=("-id",), shape=SnapshotShape)


class SnapshotRows(TenantView):
    """The sealed rows of a snapshot, in their order."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.REGISTER_VIEW,)

    @extend_schema(
        operation_id="snapshots_rows",
        summary="List the rows of a snapshot",
        parameters=[*PAGE_PARAMETERS],
        responses=page_of(SnapshotRowShape),
    )
    def get(self, request: Request, snapshot_id: int) -> Response:
        """Answer with a page of rows."""
        self.asked()
        found = Snapshot.objects.filter(pk=snapshot_id).first()
        if found is None:
            raise Http404(NOT_HERE)
        return paged(request, snapshot_rows(found), keys=("n",), shape=SnapshotRowShape)
