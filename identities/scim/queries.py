"""Finds the directory's people and groups by SCIM filters, in the database and never by reading all rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from scim2_models import InvalidFilterException
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from identities.scim.mapping import comparable
from identities.scim.models import DirectoryGroup, DirectoryMember, DirectoryPerson
from identities.scim.resources import ENTERPRISE

_PARTS: Final = {CompareOperator.co: "contains", CompareOperator.sw: "startswith", CompareOperator.ew: "endswith"}
_ORDER: Final = {
    CompareOperator.gt: "gt",
    CompareOperator.ge: "gte",
    CompareOperator.lt: "lt",
    CompareOperator.le: "lte",
}


_NONE: Final = Q(pk__in=())


@dataclass(frozen=True, slots=True)
class Column:
    """Says where an attribute is stored and how it is compared: key (lower case), exact, text, id, flag or time."""

    name: str
    compared: str


def _said(*path: str) -> Column:
    return Column("__".join(("said", *path)), "text")


_ALWAYS: Final[Mapping[str, Column]] = {
    "id": Column("uid", "id"),
    "externalid": Column("external_id", "exact"),
    "meta.created": Column("created_at", "time"),
    "meta.lastmodified": Column("changed_at", "time"),
}
PERSON_COLUMNS: Final[Mapping[str, Column]] = {
    **_ALWAYS,
    "username": Column("user_name_key", "key"),
    "displayname": Column("display_name", "text"),
    "active": Column("active", "flag"),
    "emails": Column("email_keys", "value"),
    "emails.value": Column("email_keys", "value"),
    "name.familyname": _said("name", "familyName"),
    "name.givenname": _said("name", "givenName"),
    "title": _said("title"),
    f"{ENTERPRISE}:employeenumber".lower(): _said(ENTERPRISE, "employeeNumber"),
    f"{ENTERPRISE}:department".lower(): _said(ENTERPRISE, "department"),
}
GROUP_COLUMNS: Final[Mapping[str, Column]] = {
    **_ALWAYS,
    "displayname": Column("display_name", "text"),
    "members": Column("members__person__uid", "member"),
    "members.value": Column("members__person__uid", "member"),
}


class _Where(FilterVisitor[Q]):
    """Turns a filter into a condition over columns.

    Raises:
        InvalidFilterException: the attribute or the comparison is none that the service offers.
    """

    def __init__(self, columns: Mapping[str, Column], *, mixed: bool = False) -> None:
        self.known, self.mixed = columns, mixed

    def visit_comparison(self, node: Comparison) -> Q:
        """Returns the condition of one comparison."""
        column = self._column(node.attr_path)
        if column is None:
            return _NONE
        if node.value is None:
            raise InvalidFilterException(detail=f"Ask for {node.attr_path} with the operator pr, and not with null.")
        if node.op == CompareOperator.ne:
            return ~self.visit_comparison(Comparison(node.attr_path, CompareOperator.eq, node.value))
        found = _condition(column, node.op, node.value)
        if found is not None and column.name.startswith("said__"):
            # What is absent from JSON is NULL, whose opposite is NULL as well: `ne` and `not` would find nobody.
            found &= Q(**{f"{column.name}__isnull": False})
        if found is None:
            raise InvalidFilterException(detail=f"The operator {node.op} is not offered for {node.attr_path}.")
        return found

    def visit_present(self, node: Present) -> Q:
        """Returns the condition that an attribute has a value."""
        column = self._column(node.attr_path)
        if column is None:
            return _NONE
        if column.compared == "member":
            return Q(pk__in=DirectoryMember.objects.values("group_id"))
        empty: Any = [] if column.compared == "value" else ""
        if column.compared in {"id", "flag", "time"}:
            return Q(pk__isnull=False)
        return Q(**{f"{column.name}__isnull": False}) & ~Q(**{column.name: empty})

    def visit_not(self, node: Not) -> Q:
        """Returns the opposite."""
        return ~self.visit(node.expr)

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        """Returns terms joined by and, or by or."""
        found = [self.visit(term) for term in node.terms]
        joined = found[0]
        for one in found[1:]:
            joined = joined & one if node.op == LogicalOperator.and_ else joined | one
        return joined

    def visit_value_path(self, node: ValuePath) -> Q:
        """Returns the condition that one e-mail address, or one member, has all the values."""
        wanted = _wanted(node.val_filter)
        name = str(node.attr_path).lower()
        if self.mixed and name not in self.known:
            return _NONE
        if name == "emails" and wanted and wanted.keys() <= {"type", "value"}:
            return Q(email_keys__contains=[wanted])
        if name == "members" and wanted and wanted.keys() == {"value"}:
            return self.visit_comparison(Comparison(AttrPath("members"), CompareOperator.eq, wanted["value"]))
        raise InvalidFilterException(detail=f"The filter {node} is not offered; ask for the attribute alone.")

    def _column(self, path: AttrPath) -> Column | None:
        """Returns the column; None in a search of several types for what this one does not have (RFC 7644 3.4.2.1)."""
        core = (path.uri or "").lower().startswith("urn:ietf:params:scim:schemas:core:")
        name = str(path if not core else AttrPath(path.attr, path.sub_attr)).lower()
        column = self.known.get(name)
        if column is None and not self.mixed:
            names = ", ".join(sorted(self.known))
            raise InvalidFilterException(detail=f"There is no filter by {path}. Offered are {names}.")
        return column


def _wanted(node: FilterNode) -> dict[str, str] | None:
    """Returns what an inner filter asks of one value by `eq`, joined by `and`; None for any other filter."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_ else (node,)
    found = {}
    for term in terms:
        if not isinstance(term, Comparison) or term.op != CompareOperator.eq or not isinstance(term.value, str):
            return None
        found[str(term.attr_path).lower()] = comparable(term.value)
    return found if len(found) == len(terms) else None


def _condition(column: Column, op: CompareOperator, value: Any) -> Q | None:
    """Returns the condition; None where the operator is not offered for such a column."""
    if op in _ORDER:
        at = parse_datetime(str(value)) if column.compared == "time" else None
        return Q(**{f"{column.name}__{_ORDER[op]}": at}) if at is not None and at.tzinfo else None
    if op in _PARTS:
        return _part(column, _PARTS[op], str(value))
    return _equal(column, value)


def _part(column: Column, lookup: str, text: str) -> Q | None:
    if column.compared == "key":
        return Q(**{f"{column.name}__{lookup}": comparable(text)})
    if column.compared == "exact":
        return Q(**{f"{column.name}__{lookup}": text})
    return Q(**{f"{column.name}__i{lookup}": text}) if column.compared == "text" else None


def _equal(column: Column, value: Any) -> Q | None:
    text = str(value)
    if column.compared in {"id", "member"}:
        return _same_id(column, _uid(text))
    if column.compared == "time":
        at = parse_datetime(text)
        return Q(**{column.name: at}) if at is not None and at.tzinfo else None
    lookup, wanted = {
        "key": ("exact", comparable(text)),
        "exact": ("exact", text),
        "text": ("iexact", text),
        "value": ("contains", [{"value": comparable(text)}]),
        "flag": ("exact", text.lower() == "true"),
    }[column.compared]
    return Q(**{f"{column.name}__{lookup}": wanted})


def _same_id(column: Column, uid: UUID | None) -> Q:
    if uid is None:
        return _NONE
    if column.compared == "member":
        return Q(pk__in=DirectoryMember.objects.filter(person__uid=uid).values("group_id"))
    return Q(**{column.name: uid})


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def directory_people(where: FilterNode | None = None, *, mixed: bool = False) -> QuerySet[DirectoryPerson]:
    """Returns the directory's people who are not removed, in the order in which they came.

    In a `mixed` search, of several types, an attribute that people do not have is one without a value.

    Raises:
        InvalidFilterException: the filter asks for what the service does not offer.
    """
    rows = DirectoryPerson.objects.filter(removed_at=None).order_by("id")
    return rows if where is None else rows.filter(_Where(PERSON_COLUMNS, mixed=mixed).visit(where))


def directory_groups(where: FilterNode | None = None, *, mixed: bool = False) -> QuerySet[DirectoryGroup]:
    """Returns the directory's groups in the order in which they came; as `directory_people`."""
    rows = DirectoryGroup.objects.order_by("id")
    return rows if where is None else rows.filter(_Where(GROUP_COLUMNS, mixed=mixed).visit(where))


def groups_of_people(person_ids: Collection[int]) -> dict[int, list[tuple[UUID, str]]]:
    """Returns the groups of people, by the person: id and name, by name."""
    rows = DirectoryMember.objects.filter(person_id__in=person_ids).order_by("group__display_name", "group_id")
    found: dict[int, list[tuple[UUID, str]]] = {}
    for person_id, uid, name in rows.values_list("person_id", "group__uid", "group__display_name"):
        found.setdefault(person_id, []).append((uid, name))
    return found


def members_of_groups(group_ids: Collection[int]) -> dict[int, list[UUID]]:
    """Returns the ids of the users in groups, by the group, in the order in which they came."""
    rows = DirectoryMember.objects.filter(group_id__in=group_ids).order_by("id")
    found: dict[int, list[UUID]] = {}
    for group_id, uid in rows.values_list("group_id", "person__uid"):
        found.setdefault(group_id, []).append(uid)
    return found
