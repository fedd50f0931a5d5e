"""Pages of API lists: by a cursor on an immutable unique key, never by offset, 1,000 rows at most."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError as FieldError
from django.db.models import Model, Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from tenants.purposes import HEADER, LONGEST

MOST: Final = 1000
USUAL: Final = 100
M = TypeVar("M", bound=Model)
T = TypeVar("T")

PAGE_PARAMETERS: Final = (
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"Rows on a page, 1 to {MOST}; {USUAL} when left out."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="`next_cursor` of the page before."),
)
"""For ``extend_schema(parameters=[...])`` of every list."""
LOOK_PARAMETERS: Final = (
    OpenApiParameter(
        HEADER,
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description="What the events are looked at for: one of the tenant's purposes, kept with the look.",
    ),
    OpenApiParameter(
        f"{HEADER}-Reference",
        OpenApiTypes.STR,
        OpenApiParameter.HEADER,
        description=f"A ticket or case, {LONGEST} characters at most.",
    ),
)
"""For every request that is a look at logs."""


def page_of(shape: type[Serializer[Any]]) -> Serializer[Any]:
    """Return the shape of a page of rows, for the schema."""
    return inline_serializer(
        name=f"{shape.__name__.removesuffix('Shape')}Page",
        fields={
            "items": shape(many=True),
            "next_cursor": serializers.CharField(
                allow_null=True, help_text="Send it as `cursor` for the next page; null on the last page."
            ),
        },
    )


def paged(
    request: Request,
    rows: QuerySet[M],
    *,
    keys: Sequence[str],
    shape: type[Serializer[Any]],
    prepare: Callable[[list[M]], Sequence[Any]] | None = None,
) -> Response:
    """Answer with one page of the rows.

    Args:
        request: holds ``limit`` and ``cursor``.
        rows: the rows without an order.
        keys: columns of the order, the last one unique, a minus for descending; none of them ever changes.
        shape: the shape of a row.
        prepare: what to show of the found rows, when it is not the rows themselves.

    Raises:
        ValidationError: the limit or the cursor is wrong.
    """
    limit = read_limit(request.query_params.get("limit", ""))
    text = request.query_params.get("cursor", "")
    if text:
        rows = rows.filter(_after(keys, _read_cursor(text, keys, rows.model)))
    found = list(rows.order_by(*keys)[: limit + 1])
    shown = found[:limit]
    cursor = write_cursor([getattr(shown[-1], key.lstrip("-")) for key in keys]) if len(found) > limit else None
    items = shape(prepare(shown) if prepare else shown, many=True).data
    return Response({"items": items, "next_cursor": cursor})


def paged_list(
    request: Request, rows: Sequence[T], *, key: Callable[[T], str], shape: type[Serializer[Any]]
) -> Response:
    """Answer with one page of a list that is not in the database, such as the catalogue; ``key`` is unique.

    Raises:
        ValidationError: the limit or the cursor is wrong.
    """
    limit, text = read_limit(request.query_params.get("limit", "")), request.query_params.get("cursor", "")
    keys = [key(row) for row in rows]
    (after,) = _texts_of(text, 1) if text else ("",)
    if text and after not in keys:
        raise _wrong_cursor()
    start = keys.index(after) + 1 if text else 0
    shown = rows[start : start + limit]
    cursor = write_cursor([key(shown[-1])]) if start + limit < len(rows) else None
    return Response({"items": shape(shown, many=True).data, "next_cursor": cursor})


def read_limit(text: str) -> int:
    """Return the number of rows that were asked for.

    Raises:
        ValidationError: it is not a number from 1 to 1,000.
    """
    if not text:
        return USUAL
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MOST):
        raise ValidationError({"limit": [f"Send a number from 1 to {MOST}."]})
    return int(text)


def write_cursor(values: Sequence[Any]) -> str:
    """Return the key of a row as a cursor: opaque to callers, and free of secrets."""
    plain = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _wrong_cursor() -> ValidationError:
    return ValidationError({"cursor": ["This is no cursor of this list. Start again without one."]})


def _texts_of(text: str, count: int) -> list[str]:
    """Return the texts that a cursor holds."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as fault:
        raise _wrong_cursor() from fault
    if not isinstance(values, list) or len(values) != count or not all(isinstance(value, str) for value in values):
        raise _wrong_cursor()
    return values


def _read_cursor(text: str, keys: Sequence[str], model: type[Model]) -> Mapping[str, Any]:
    values = _texts_of(text, len(keys))
    try:
        return {key: _value(model, key.lstrip("-"), value) for key, value in zip(keys, values, strict=True)}
    except (FieldError, ValueError, OverflowError) as fault:
        raise _wrong_cursor() from fault


def _value(model: type[Model], name: str, text: str) -> Any:
    field = model._meta.get_field(name)
    value = field.to_python(text)  # type: ignore[union-attr]  # a key is a concrete field
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(text)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(text)
    return value


def _after(keys: Sequence[str], values: Mapping[str, Any]) -> Q:
    """Return the condition for rows after a key, in the order of the keys."""
    steps = []
    for place, key in enumerate(keys):
        same = {before.lstrip("-"): values[before] for before in keys[:place]}
        beyond = "lt" if key.startswith("-") else "gt"
        steps.append(Q(**same, **{f"{key.lstrip('-')}__{beyond}": values[key]}))
    first = keys[0]
    bound = Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') else 'gte'}": values[first]})
    return bound & reduce(or_, steps)
