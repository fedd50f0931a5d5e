"""Answers SCIM 2.0 requests of a tenant's directory (RFC 7644): fetch, one query or deed, and the answer."""

from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response
from scim2_models import Context, NotFoundException, NotImplementedException

from identities.scim.actions import (
    NOT_HERE,
    deprovision_group,
    deprovision_person,
    move_members,
    provision_group,
    provision_person,
    update_group,
    update_person,
)
from identities.scim.door import ScimView
from identities.scim.habits import created, member_moves, patch_of, patched, replaced
from identities.scim.mapping import facts_of_group, facts_of_person
from identities.scim.presenting import (
    asked,
    listed,
    page_of_all,
    page_of_groups,
    page_of_people,
    show_groups,
    show_people,
)
from identities.scim.queries import directory_groups, directory_people
from identities.scim.resources import CONFIG, PROVIDER, Group, Person


class Config(ScimView):
    """What the service can do."""

    def get(self, _request: Request) -> Response:
        """Answer with the service provider's configuration."""
        return Response(CONFIG.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


class Described(ScimView):
    """What describes the service: its resource types or schemas, as the address says."""

    kind = ""

    def get(self, _request: Request, name: str = "") -> Response:
        """Answer with all, or with the one of the name."""
        found: Any = PROVIDER.schemas if self.kind == "schemas" else PROVIDER.resource_types
        if not name:
            return Response(listed(found))
        one = next((one for one in found if one.id == name), None)
        if one is None:
            raise Http404(NOT_HERE)
        return Response(listed([one])["Resources"][0])


class People(ScimView):
    """The directory's people."""

    def get(self, request: Request) -> Response:
        """Answer with a page of people."""
        return Response(page_of_people(asked(request.query_params.dict(), Person), self.base))

    def post(self, request: Request) -> Response:
        """Take a person in."""
        search, facts = asked(request.query_params.dict(), Person), facts_of_person(created(request.data, Person))
        person = provision_person(tenant=self.tenant, facts=facts, by=self.actor)
        shown = show_people([person], self.base, search)[0]
        return Response(shown, status=201, headers={"Location": f"{self.base}/Users/{person.uid}"})


class OnePerson(ScimView):
    """One of the directory's people."""

    def get(self, request: Request, uid: UUID) -> Response:
        """Answer with the person."""
        rows = list(directory_people().filter(uid=uid))
        if not rows:
            raise Http404(NOT_HERE)
        return Response(show_people(rows, self.base, asked(request.query_params.dict(), Person))[0])

    def put(self, request: Request, uid: UUID) -> Response:
        """Replace what is said of the person."""
        return self._changed(request, uid, replaced(request.data, Person))

    def patch(self, request: Request, uid: UUID) -> Response:
        """Change what is said of the person."""
        return self._changed(request, uid, patched(patch_of(request.data, Person)))

    def delete(self, _request: Request, uid: UUID) -> Response:
        """Take the person out."""
        deprovision_person(tenant=self.tenant, uid=uid, by=self.actor)
        return Response(status=204)

    def _changed(self, request: Request, uid: UUID, change: Any) -> Response:
        search = asked(request.query_params.dict(), Person)
        person = update_person(tenant=self.tenant, uid=uid, change=change, by=self.actor)
        return Response(show_people([person], self.base, search)[0])


class Groups(ScimView):
    """The directory's groups."""

    def get(self, request: Request) -> Response:
        """Answer with a page of groups."""
        return Response(page_of_groups(asked(request.query_params.dict(), Group), self.base))

    def post(self, request: Request) -> Response:
        """Take a group in."""
        search = asked(request.query_params.dict(), Group)
        group = provision_group(facts=facts_of_group(created(request.data, Group)), by=self.actor)
        shown = show_groups([group], self.base, search)[0]
        return Response(shown, status=201, headers={"Location": f"{self.base}/Groups/{group.uid}"})


class OneGroup(ScimView):
    """One of the directory's groups."""

    def get(self, request: Request, uid: UUID) -> Response:
        """Answer with the group."""
        rows = list(directory_groups().filter(uid=uid))
        if not rows:
            raise Http404(NOT_HERE)
        return Response(show_groups(rows, self.base, asked(request.query_params.dict(), Group))[0])

    def put(self, request: Request, uid: UUID) -> Response:
        """Replace the group, with its members."""
        search = asked(request.query_params.dict(), Group)
        group = update_group(uid=uid, change=replaced(request.data, Group), by=self.actor)
        return Response(show_groups([group], self.base, search)[0])

    def patch(self, request: Request, uid: UUID) -> Response:
        """Change the group; who moves members alone is answered without the list of all the others (204)."""
        search, patch = asked(request.query_params.dict(), Group), patch_of(request.data, Group)
        moves = member_moves(patch)
        if moves is not None and not search.attributes:
            move_members(uid=uid, moves=moves, by=self.actor)
            return Response(status=204)
        group = update_group(uid=uid, change=patched(patch), by=self.actor)
        return Response(show_groups([group], self.base, search)[0])

    def delete(self, _request: Request, uid: UUID) -> Response:
        """Take the group out; its people stay."""
        deprovision_group(uid=uid, by=self.actor)
        return Response(status=204)


class PeopleSearch(ScimView):
    """The search for people by a body, for filters that shall not stand in addresses (RFC 7644 3.4.3)."""

    def post(self, request: Request) -> Response:
        """Answer with a page of people."""
        return Response(page_of_people(asked(request.data, Person), self.base))


class GroupSearch(ScimView):
    """The search for groups by a body."""

    def post(self, request: Request) -> Response:
        """Answer with a page of groups."""
        return Response(page_of_groups(asked(request.data, Group), self.base))


class Search(ScimView):
    """The search for people and groups at once."""

    def post(self, request: Request) -> Response:
        """Answer with a page of both."""
        return Response(page_of_all(asked(request.data, Person | Group), self.base))


class Bulk(ScimView):
    """Many changes in one request: known to SCIM and not offered."""

    def post(self, _request: Request) -> Response:
        """Refuse it as RFC 7644 3.12 says."""
        raise NotImplementedException(detail="Send changes one by one.")


class Nothing(ScimView):
    """Every other address of the service."""

    def get(self, _request: Request, **_address: str) -> Response:
        """Say that there is nothing."""
        raise NotFoundException(detail=NOT_HERE)

    post = put = patch = delete = get
