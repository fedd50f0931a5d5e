"""Every address of the URLconf, with what its view says about permissions and parameters."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tenants.kinds import Permission
from tests import house

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """One pattern: its name, route, its view's dotted name, and the permissions of which one opens it."""

    name: str
    route: str
    view: str
    permissions: tuple[Permission, ...] | None

    @property
    def own(self) -> bool:
        """Whether the view is the project's own and not a library's."""
        return self.view.startswith(house.ROOMS)

    @property
    def of_tenant(self) -> bool:
        """Whether the address belongs to a tenant."""
        return "<slug:slug>" in self.route

    @property
    def is_api(self) -> bool:
        """Whether the address belongs to the API."""
        return self.route.startswith("api/")

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters besides the tenant."""
        return [name for name in _PARAMETER.findall(self.route) if name != "slug"]

    def path(self, slug: str, values: Mapping[tuple[str, str], object]) -> str:
        """Return the path with the tenant and the values of its parameters."""
        return "/" + _PARAMETER.sub(lambda found: str(self._value(found[1], slug, values)), self.route)

    def _value(self, name: str, slug: str, values: Mapping[tuple[str, str], object]) -> object:
        if name == "slug":
            return slug
        room = self.view.split(".", maxsplit=1)[0]
        return values.get((self.view, name), values.get((room, name)))


def addresses(root: URLResolver | None = None) -> list[Address]:
    """Return every address of the URLconf, or of another root."""
    return list(_walk(root or get_resolver(), "", ""))


def _walk(resolver: URLResolver, before: str, space: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern).replace("^", "").replace("$", "").replace("\\Z", "")
        if isinstance(entry, URLPattern):
            view: Any = getattr(entry.callback, "view_class", entry.callback)
            yield Address(f"{space}{entry.name}", route, str(entry.lookup_str), getattr(view, "permissions", None))
        else:
            yield from _walk(entry, route, f"{entry.namespace}:" if entry.namespace else space)


def unguarded(found: Iterable[Address], listed: Collection[str]) -> list[str]:
    """Return the own addresses that name no permission and are not ``listed`` as open, and names listed in vain."""
    own = {one.name: one for one in found if one.own}
    loose = [one for name, one in own.items() if not one.permissions and name not in listed]
    faults = [f"{one.name} ({one.view}) names no permission" for one in loose]
    return faults + [f"{name} is listed and is no address" for name in sorted(set(listed) - set(own))]
