"""API of the logs room: sources with their freshness, and events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from logs.actions import look_at_events
from logs.kinds import Format, LogType, StatusDetail
from logs.models import AccessEvent
from logs.queries import Filters, condition, coverage, event_by_key, visible_source_ids
from logs.queries.again import links_of
from logs.queries.erasures import why_gone
from logs.queries.search import HEAVY, by_session, matching
from logs.queries.sources import visible_sources
from logs.querylang import MOST_CHARS, Query, QueryError, parse, span, term
from tenants.apipages import LOOK_PARAMETERS, PAGE_PARAMETERS, page_of, paged
from tenants.apiview import NOT_HERE, TenantView
from tenants.kinds import Permission

USUAL_WINDOW: Final = timedelta(days=1)
COVERAGE_DAYS: Final = 7


class SourceShape(serializers.Serializer[Any]):
    """A log source."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    system = serializers.IntegerField(source="system_id", allow_null=True)
    format = serializers.ChoiceField(Format.choices)
    log_types = serializers.ListField(child=serializers.IntegerField(), help_text="Kinds of log, 1 to 7.")
    time_zone = serializers.CharField(help_text="IANA name, for records without a zone.")
    enabled = serializers.BooleanField()
    expected = serializers.JSONField(help_text="When records must arrive; empty when nothing is expected.")
    routing_version = serializers.IntegerField(help_text="Version of its routing rules; 0 for a source without any.")
    fed_by_name = serializers.CharField(help_text="The operator's source that feeds it; empty for most.")
    last_received_at = serializers.DateTimeField(allow_null=True)
    last_occurred_at = serializers.DateTimeField(allow_null=True)


class CoverageShape(serializers.Serializer[Any]):
    """How much of what a source should have delivered is there, over the last 7 days."""

    expected_hours = serializers.IntegerField()
    received_hours = serializers.IntegerField()
    ratio = serializers.FloatField(allow_null=True, help_text="Null where nothing was expected: that is no good sign.")
    quarantined_ratio = serializers.FloatField(allow_null=True)
    gaps = serializers.ListField(child=serializers.ListField(child=serializers.DateTimeField()))


class SourceDetailShape(SourceShape):
    """A log source with its coverage."""

    coverage = CoverageShape()


class EventFilters(serializers.Serializer[Any]):
    """What events are narrowed to."""

    since = serializers.DateTimeField(required=False, help_text="Event time from; the last 24 hours when left out.")
    until = serializers.DateTimeField(required=False, help_text="Event time up to, not included; now when left out.")
    actor = serializers.CharField(required=False, max_length=400, help_text="The account's name, any case.")
    address = serializers.IPAddressField(required=False, help_text="Source address.")
    source = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)  # type: ignore[assignment]  # hides DRF's `source`
    system = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    log_type = serializers.ChoiceField(LogType.choices, required=False)
    outcome = serializers.ChoiceField((("allowed", "Allowed"), ("denied", "Denied")), required=False)
    text = serializers.CharField(required=False, max_length=200, help_text="Words that the event's texts all hold.")
    q = serializers.CharField(
        required=False,
        max_length=MOST_CHARS,
        help_text="A query in the language of the search page; times in it take the place of `since` and `until`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an empty window."""
        until = attrs.setdefault("until", timezone.now())
        since = attrs.setdefault("since", until - USUAL_WINDOW)
        if since >= until:
            raise serializers.ValidationError({"since": ["The window is empty: send a time before `until`."]})
        return attrs


class EventShape(serializers.Serializer[Any]):
    """An access event; numbers mean what OCSF 1.8.0 says."""

    key = serializers.CharField(help_text="The event's name in addresses.")
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    source = serializers.IntegerField(source="source_id")  # type: ignore[assignment]  # hides DRF's `source`
    system = serializers.IntegerField(source="system_id", allow_null=True)
    account = serializers.IntegerField(source="account_id", allow_null=True)
    identity = serializers.IntegerField(source="identity_id", allow_null=True)
    log_type = serializers.ChoiceField(LogType.choices)
    class_uid = serializers.IntegerField()
    activity_id = serializers.IntegerField()
    status_id = serializers.IntegerField()
    status_detail = serializers.ChoiceField((*StatusDetail.choices, ("", "None")))
    actor_name = serializers.CharField()
    actor_type = serializers.CharField()
    target_name = serializers.CharField()
    src_ip = serializers.IPAddressField(allow_null=True)
    src_host = serializers.CharField()
    src_country = serializers.CharField(help_text="Where the address is registered: two letters, empty when not known.")
    src_asn = serializers.IntegerField(allow_null=True, help_text="Number of the network that announces the address.")
    client = serializers.CharField(help_text="What the user agent means in words.")
    app = serializers.CharField()
    resource = serializers.CharField()
    action = serializers.CharField()
    mfa = serializers.BooleanField(allow_null=True)
    repeat_count = serializers.IntegerField(help_text="Attempts that the record stands for.")
    out_of_hours = serializers.BooleanField(allow_null=True)
    batch = serializers.UUIDField(source="batch_id", help_text="The batch of the ledger that holds its leaf.")
    ordinal = serializers.IntegerField(source="ord", help_text="Its place in the batch.")


class EventDetailShape(EventShape):
    """An access event with its older and newer readings: a record that is read again becomes another event."""

    supersedes = serializers.CharField(help_text="The event whose place it takes; empty for none.")
    superseded_by = serializers.CharField(help_text="The event that takes its place; empty for none.")
    first_received_at = serializers.DateTimeField(
        allow_null=True, help_text="When its record came in, where that was read again later; else null."
    )


class Sources(TenantView):
    """The log sources that the caller may see."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.SOURCE_VIEW,)

    @extend_schema(
        operation_id="sources_list",
        summary="List the log sources",
        parameters=[*PAGE_PARAMETERS],
        responses=page_of(SourceShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of sources."""
        self.asked()
        return paged(request, visible_sources(self.actor), keys=("id",), shape=SourceShape)


class Source(TenantView):
    """One log source, with its coverage of the last 7 days."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.SOURCE_VIEW,)

    @extend_schema(operation_id="sources_read", summary="Read a log source", responses=SourceDetailShape)
    def get(self, request: Request, source_id: int) -> Response:  # noqa: ARG002 -- DRF's signature
        """Answer with the source."""
        self.asked()
        found = visible_sources(self.actor).filter(pk=source_id).first()
        if found is None:
            raise Http404(NOT_HERE)
        now = timezone.now()
        (covered,) = coverage(since=now - timedelta(days=COVERAGE_DAYS), until=now, source_ids=[found.pk])
        return Response({**SourceShape(found).data, "coverage": CoverageShape(covered).data})


class Events(TenantView):
    """Events by event time, newest first. Reading events is a deed: it leaves an entry in the audit trail."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.EVENT_VIEW,)
    filters = EventFilters

    @extend_schema(
        operation_id="events_list",
        summary="List events",
        parameters=[*PAGE_PARAMETERS, *LOOK_PARAMETERS, EventFilters],
        responses=page_of(EventShape),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of events."""
        asked = self.asked()
        filters = _filters(asked, self)
        with by_session(filters):
            rows = matching(filters).defer(*HEAVY)
            answer = paged(request, rows, keys=("-occurred_at", "-id"), shape=EventShape)
        look_at_events(what="Events, by the API", asked=asked, shown=len(answer.data["items"]), by=self.actor)
        return answer


class GoneError(APIException):
    """The event was removed when its term had passed, or erased; its page names the ledger's entries."""

    status_code = 410
    default_detail = "This event was removed or erased: its page names the ledger entries that say so."


class Event(TenantView):
    """One event. Reading it is a deed: it leaves an entry in the audit trail."""

    permissions: ClassVar[tuple[Permission, ...]] = (Permission.EVENT_VIEW,)

    @extend_schema(
        operation_id="events_read",
        summary="Read an event",
        parameters=[*LOOK_PARAMETERS],
        responses=EventDetailShape,
    )
    def get(self, request: Request, key: str) -> Response:  # noqa: ARG002 -- DRF's signature
        """Answer with the event."""
        self.asked()
        found: AccessEvent | None = event_by_key(key, visible_source_ids(self.actor))
        if found is None:
            if self.actor.sees_all_shareable and why_gone(key):
                raise GoneError
            raise Http404(NOT_HERE)
        look_at_events(what=f"Event {key}, by the API", asked={}, shown=1, by=self.actor)
        links = links_of(found)
        told = {name: getattr(links, name) for name in ("supersedes", "superseded_by", "first_received_at")}
        return Response({**EventShape(found).data, **told})


def _filters(asked: Mapping[str, Any], view: TenantView) -> Filters:
    """Return what is looked for.

    Raises:
        ValidationError: the query cannot be read; the sentence says where.
    """
    ids = visible_source_ids(view.actor)
    try:
        query = _query(asked)
        times = span(query, zone=view.tenant.zone, now=timezone.now(), usual=USUAL_WINDOW)
        where = condition(query, ids)
    except QueryError as wrong:
        raise serializers.ValidationError({"q": [wrong.sentence]}) from wrong
    since, until = times or (asked["since"], asked["until"])
    return Filters(since, until, where, source_id=asked.get("source"), system_id=asked.get("system"), source_ids=ids)


def _query(asked: Mapping[str, Any]) -> Query:
    """Return the typed query with what the plain parameters add to it."""
    query = parse(asked.get("q", ""))
    plain = {"user": "actor", "ip": "address", "outcome": "outcome"}
    terms = [term(name, asked[field]) for name, field in plain.items() if asked.get(field)]
    terms += [term("", word) for word in asked.get("text", "").split()]
    if "log_type" in asked:
        terms.append(term("type", str(asked["log_type"])))
    return Query((*query.terms, *terms))
