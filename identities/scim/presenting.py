"""Shows the directory's people and groups as SCIM resources, with the attributes that were asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scim2_models import (
    Context,
    InvalidFilterException,
    InvalidSyntaxException,
    ListResponse,
    Resource,
    SearchRequest,
)

from identities.scim.mapping import GroupFacts, Stamp, group_resource, person_resource
from identities.scim.models import DirectoryGroup, DirectoryPerson
from identities.scim.queries import directory_groups, directory_people, groups_of_people, members_of_groups
from identities.scim.resources import MOST_RESULTS, USUAL_RESULTS, Group, Person

LONGEST_FILTER: Final = 2000
_PARAMETERS: Final = ("attributes", "excludedAttributes", "filter", "sortBy", "sortOrder", "startIndex", "count")
Shown = dict[str, Any]


def asked(parameters: object, model: Any) -> SearchRequest[Any]:
    """Returns what the parameters ask of a resource model, or of a union of them; unknown parameters are ignored.

    Raises:
        ValidationError: pydantic's, where a value is wrong.
        InvalidFilterException: the filter is too long.
        InvalidSyntaxException: the body of a search is no object.
    """
    if not isinstance(parameters, Mapping):
        raise InvalidSyntaxException(detail="Send a JSON object.")
    known = {name: parameters[name] for name in _PARAMETERS if name in parameters}
    if len(str(known.get("filter", ""))) > LONGEST_FILTER or "\x00" in str(known.get("filter", "")):
        raise InvalidFilterException(detail=f"A filter has at most {LONGEST_FILTER} characters, none of them NUL.")
    request: Any = SearchRequest.__class_getitem__(model)
    found: SearchRequest[Any] = request.model_validate(known)
    return found


def show_people(rows: Sequence[DirectoryPerson], base: str, search: SearchRequest[Any] | None = None) -> list[Shown]:
    """Returns people as resources; one query for the groups of all of them."""
    groups = groups_of_people([row.pk for row in rows])
    return [
        _dumped(
            person_resource(
                row.said,
                Stamp(row.uid, row.created_at, row.changed_at, base),
                active=row.active,
                groups=groups.get(row.pk, ()),
            ),
            search,
        )
        for row in rows
    ]


def show_groups(rows: Sequence[DirectoryGroup], base: str, search: SearchRequest[Any] | None = None) -> list[Shown]:
    """Returns groups as resources; their members are only read where they are asked for."""
    members = members_of_groups([row.pk for row in rows]) if _wants_members(search) else {}
    return [
        _dumped(
            group_resource(
                GroupFacts(row.display_name, row.external_id),
                Stamp(row.uid, row.created_at, row.changed_at, base),
                members.get(row.pk, ()),
            ),
            search,
        )
        for row in rows
    ]


def page_of_people(search: SearchRequest[Any], base: str) -> Shown:
    """Returns a page of the people who fit the filter."""
    rows = directory_people(search.filter.ast if search.filter else None)
    first, last = _window(search)
    return _page(rows.count(), show_people(list(rows[first:last]), base, search), first)


def page_of_groups(search: SearchRequest[Any], base: str) -> Shown:
    """Returns a page of the groups that fit the filter."""
    rows = directory_groups(search.filter.ast if search.filter else None)
    first, last = _window(search)
    return _page(rows.count(), show_groups(list(rows[first:last]), base, search), first)


def page_of_all(search: SearchRequest[Any], base: str) -> Shown:
    """Returns a page of the people and groups that fit the filter, people first."""
    where = search.filter.ast if search.filter else None
    people, groups = directory_people(where, mixed=True), directory_groups(where, mixed=True)
    first, last = _window(search)
    known = people.count()
    shown = show_people(list(people[first:last]), base, search)
    shown += show_groups(list(groups[max(0, first - known) : max(0, last - known)]), base, search)
    return _page(known + groups.count(), shown, first)


def listed(resources: Sequence[Resource[Any]]) -> Shown:
    """Returns what describes the service itself as a list of one page."""
    return _page(len(resources), [_dumped(one, None) for one in resources], 0)


def _window(search: SearchRequest[Any]) -> tuple[int, int]:
    """Returns the places of the first row and after the last one; beyond 2**31 there is nothing."""
    first = min(search.start_index_0 or 0, 2**31)
    count = USUAL_RESULTS if search.count is None else min(search.count, MOST_RESULTS)
    return first, first + count


def _page(total: int, shown: list[Shown], first: int) -> Shown:
    head: Any = ListResponse.__class_getitem__(Person)
    members: Shown = head(total_results=total, start_index=first + 1, items_per_page=len(shown)).model_dump()
    return {**members, "Resources": shown}


def _wants_members(search: SearchRequest[Any] | None) -> bool:
    if search is None:
        return True
    left_out = {str(path).lower() for path in search.excluded_attributes or ()}
    wanted = {str(path).lower().split(":")[-1].split(".")[0] for path in search.attributes or ()}
    return "members" not in left_out and (not wanted or "members" in wanted)


def _dumped(resource: Person | Group | Resource[Any], search: SearchRequest[Any] | None) -> Shown:
    return resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=search)
