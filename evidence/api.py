"""API of the evidence room: controls with their newest results, and evidence packs with their files."""

from typing import Any, ClassVar

from django.http import FileResponse, Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.actions import download_pack
from evidence.catalogue import load
from evidence.languages import Language
from evidence.models import EvidencePack
from evidence.packfolder import StoreError
from evidence.queries import NOT_COMPUTED, control_lines, newest_run, packs
from evidence.signoffs.actions import retry_issue, withdraw_pack
from evidence.states import PackState, ResultState
from tenants.apipages import PAGE_PARAMETERS, page_of, paged, paged_list
from tenants.apiview import NOT_HERE, TenantView
from tenants.kinds import Permission

STATES = (*ResultState.choices, (NOT_COMPUTED, "Not computed yet"))


class ControlFilters(serializers.Serializer[Any]):
    """What controls are narrowed to."""

    framework = serializers.CharField(required=False, max_length=20, help_text="Its key in the catalogue.")
    state = serializers.ChoiceField(STATES, required=False)

    def validate_framework(self, value: str) -> str:
        """Refuse a framework that the catalogue does not have."""
        known = load().frameworks
        if value not in known:
            raise ValidationError(f"The catalogue has these frameworks: {', '.join(known)}.")
        return value


class ControlShape(serializers.Serializer[Any]):
    """A row of the catalogue with its newest result."""

    key = serializers.CharField(source="control.key")
    framework = serializers.CharField(source="control.framework")
    id = serializers.CharField(source="control.id", help_text="As the framework numbers it.")
    title = serializers.CharField(source="control.title")
    state = serializers.ChoiceField(STATES)
    reasons = serializers.ListField(source="result.reasons", child=serializers.JSONField(), default=list)
    metrics = serializers.JSONField(source="result.metrics", default=dict, help_text="A null metric is never good.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="Evidence that is not computed yet.")
    run = serializers.IntegerField(source="result.run_id", default=None, allow_null=True)
    period_start = serializers.DateTimeField(source="result.run.period_start", default=None, allow_null=True)
    period_end = serializers.DateTimeField(source="result.run.period_end", default=None, allow_null=True)
    computed_at = serializers.DateTimeField(source="result.run.computed_at", default=None, allow_null=True)
    proof = serializers.CharField(source="control.proof", help_text="What a pass proves.")
    limits = serializers.CharField(source="control.limits", help_text="What it does not prove.")


class PackFilters(serializers.Serializer[Any]):
    """What packs are narrowed to."""

    state = serializers.ChoiceField(PackState.choices, required=False)


class PackShape(serializers.Serializer[Any]):
    """An evidence pack; hashes and sizes are there once it is issued."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    title = serializers.CharField()
    state = serializers.ChoiceField(PackState.choices)
    period_start = serializers.DateTimeField()
    period_end = serializers.DateTimeField()
    zone = serializers.CharField()
    frameworks = serializers.ListField(child=serializers.CharField())
    recipient = serializers.CharField()
    language = serializers.ChoiceField(Language.choices, help_text="That the report is written in.")
    classification = serializers.CharField()
    requested_at = serializers.DateTimeField()
    requested_by = serializers.CharField()
    issued_at = serializers.DateTimeField(allow_null=True)
    parquet = serializers.BooleanField(help_text="Whether its tables lie in it as Parquet too.")
    volumes = serializers.BooleanField(help_text="Whether further volumes print the tables that its report cuts.")
    supersedes = serializers.IntegerField(source="supersedes_id", allow_null=True)
    file_name = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the zip, in hexadecimal.")
    manifest_sha256 = serializers.CharField()
    content_sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField(allow_null=True)
    pages = serializers.IntegerField(allow_null=True)
    tier = serializers.CharField(help_text="How far integrity can be shown, T0 to T4.")
    ledger_size = serializers.IntegerField(allow_null=True, help_text="Leaves under its checkpoint.")
    tally = serializers.JSONField()
    error = serializers.CharField()
    withdrawn_by = serializers.CharField()
    withdrawn_reason = serializers.CharField()


class Controls(TenantView):
    """The rows of the control catalogue in its order, with the results of the newest run."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.CONTROL_VIEW,)
    filters = ControlFilters

    @extend_schema(
        operation_id="controls_list",
        summary="List the controls with their results",
        parameters=[*PAGE_PARAMETERS, ControlFilters],
        responses=page_of(ControlShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of controls."""
        asked = self.asked()
        run = newest_run()
        lines = control_lines(run, framework=asked.get("framework", ""), state=asked.get("state", ""))
        for line in lines:
            if line.result is not None and run is not None:
                line.result.run = run
        return paged_list(request, lines, key=lambda line: line.control.key, shape=ControlShape)


class Packs(TenantView):
    """Evidence packs that the caller may see, newest first."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.PACK_VIEW,)
    filters = PackFilters

    @extend_schema(
        operation_id="packs_list",
        summary="List the evidence packs",
        parameters=[*PAGE_PARAMETERS, PackFilters],
        responses=page_of(PackShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of packs."""
        asked = self.asked()
        rows = packs(self.actor)
        if "state" in asked:
            rows = rows.filter(state=asked["state"])
        return paged(request, rows, keys=("-id",), shape=PackShape)


class Pack(TenantView):
    """One evidence pack."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.PACK_VIEW,)

    @extend_schema(operation_id="packs_read", summary="Read an evidence pack", responses=PackShape)
    def get(self, request: Request, pack_id: int) -> Response:  # noqa: ARG002 -- DRF's signature
        """Answer with the pack."""
        self.asked()
        return Response(PackShape(_pack(self, pack_id)).data)


class Unreachable(APIException):
    """The file of a pack cannot be read where packs are kept."""

    status_code = 503


class PackDownload(TenantView):
    """The zip of an issued evidence pack. Taking it is a deed: it leaves an entry in the audit trail."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.PACK_VIEW,)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 -- DRF's signature
        """Answer with the zip whatever is accepted, and with problems in JSON."""
        return JSONRenderer(), JSONRenderer.media_type

    @extend_schema(
        operation_id="packs_download",
        summary="Download an evidence pack",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pack_id: int) -> FileResponse:  # noqa: ARG002 -- DRF's signature
        """Answer with the file."""
        self.asked()
        found = _pack(self, pack_id)
        try:
            data = download_pack(pack=found, by=self.actor)
        except StoreError as fault:
            raise Unreachable(str(fault)) from fault
        return FileResponse(data, as_attachment=True, filename=found.file_name, content_type="application/zip")


class WithdrawShape(serializers.Serializer[Any]):
    """Why a draft is withdrawn."""

    reason = serializers.CharField(min_length=10, max_length=2000, help_text="The list of packs shows it.")


class PackIssue(TenantView):
    """Has the issue of a pack tried again that everybody has signed and whose last try failed."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.PACK_BUILD,)

    @extend_schema(
        operation_id="packs_issue", summary="Try to issue a pack again", request=None, responses={202: PackShape}
    )
    def post(self, request: Request, pack_id: int) -> Response:  # noqa: ARG002 -- DRF's signature
        """Hand it to the worker and answer with the pack as it stands."""
        self.asked()
        return Response(PackShape(retry_issue(pack=_pack(self, pack_id), by=self.actor)).data, status=202)


class PackWithdrawal(TenantView):
    """Withdraws a draft: it stays listed, and is never issued."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.PACK_BUILD,)

    @extend_schema(
        operation_id="packs_withdraw", summary="Withdraw a draft", request=WithdrawShape, responses=PackShape
    )
    def post(self, request: Request, pack_id: int) -> Response:
        """Withdraw it and answer with the pack."""
        self.asked()
        pack, shape = _pack(self, pack_id), WithdrawShape(data=request.data)
        shape.is_valid(raise_exception=True)
        told = withdraw_pack(pack=pack, reason=shape.validated_data["reason"], by=self.actor)
        return Response(PackShape(told).data)


def _pack(view: TenantView, pack_id: int) -> EvidencePack:
    """Return a pack that the caller may see; raises Http404 otherwise."""
    found = packs(view.actor).filter(pk=pack_id).first()
    if found is None:
        raise Http404(NOT_HERE)
    return found
