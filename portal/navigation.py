"""The sidebar: which pages exist, in which order, and which permission shows each."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from tenants.kinds import Actor, Permission, Role


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the sidebar: its words, URL name, icon, the permission that shows it, and one that does so too.

    ``under`` are further beginnings of addresses, after the tenant's, at which the entry is where the reader is.
    """

    label: str
    name: str
    icon: str
    permission: Permission
    under: tuple[str, ...] = ()
    also: Permission | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as drawn: with its address, and whether the reader is there."""

    label: str
    url: str
    icon: str
    here: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of entries."""

    title: str
    links: list[Link]


P = Permission
SECTIONS: Final[tuple[tuple[str, tuple[Page, ...]], ...]] = (
    (
        "Today",
        (
            Page("Overview", "portal:overview", "layout-dashboard", P.AUDIT_VIEW),
            Page("Who touched our data", "portal:client", "eye", P.CLIENT_VIEW),
            Page("Your room", "portal:room", "briefcase", P.ROOM_VIEW),
            Page("Requests", "evidence:requests", "clipboard-list", P.ROOM_VIEW),
            Page("Populations", "evidence:populations", "table", P.ROOM_VIEW, ("room/samples/",)),
            Page("Inbox", "reviews:inbox", "inbox", P.ITEM_REVIEW, ("review/", "sign/"), P.ITEM_COSIGN),
            Page("Alerts", "alerts:alerts", "bell", P.ALERT_VIEW),
        ),
    ),
    (
        "Access",
        (
            Page("Campaigns", "reviews:campaigns", "clipboard-check", P.CAMPAIGN_VIEW, ("findings/",)),
            Page("Register", "identities:register", "key", P.REGISTER_VIEW),
        ),
    ),
    (
        "Logs",
        (
            Page("Search", "logs:search", "search", P.EVENT_VIEW, ("events/", "people/", "things/")),
            Page("Log reviews", "reviews:log_reviews", "checklist", P.CAMPAIGN_VIEW),
            Page("Attendance", "logs:attendance", "user-check", P.EVENT_VIEW, ("register/rosters/",)),
            Page("Approved places", "logs:approvals", "map-pin", P.EVENT_VIEW),
            Page("Sources", "logs:sources", "plug-connected", P.SOURCE_VIEW),
            Page("Coverage", "logs:coverage", "calendar", P.SOURCE_VIEW),
            Page("Quarantine", "logs:quarantine", "alert-triangle", P.SOURCE_MANAGE),
        ),
    ),
    (
        "Evidence",
        (
            Page("Controls", "evidence:controls", "checklist", P.CONTROL_VIEW),
            Page("Calendar", "evidence:calendar", "calendar", P.CONTROL_VIEW),
            Page("Packs", "evidence:packs", "file-certificate", P.PACK_VIEW),
            Page("Auditors", "evidence:auditors", "briefcase", P.SHARE_MANAGE),
            Page("Ledger", "evidence:ledger", "fingerprint", P.LEDGER_VIEW),
            Page("Retention", "logs:retention", "clock", P.LEDGER_VIEW, ("erasures/",)),
        ),
    ),
    (
        "Tenant",
        (
            Page("People and roles", "tenants:people", "users", P.TENANT_MANAGE),
            Page("Audit trail", "tenants:audit", "history", P.AUDIT_VIEW),
            Page("API tokens", "tenants:tokens", "lock", P.TOKEN_MANAGE),
        ),
    ),
)

HOMES: Final[tuple[tuple[Role, str], ...]] = (
    (Role.OFFICER, "portal:overview"),
    (Role.OPERATOR, "portal:overview"),
    (Role.REVIEWER, "reviews:inbox"),
    (Role.ANALYST, "logs:search"),
    (Role.AUDITOR, "portal:room"),
    (Role.CLIENT, "portal:client"),
)
"""The page on which each role starts; a person with several roles starts where the first of this order does."""


def sections(actor: Actor, slug: str, path: str) -> list[Section]:
    """Return the groups of pages that the actor may open in this tenant.

    ``path`` marks where the reader is: at the one entry whose address is its longest beginning.
    """
    groups = [(title, [page for page in pages if _may_open(actor, page)]) for title, pages in SECTIONS]
    near = {page.name: _nearness(page, slug, path) for _title, pages in groups for page in pages}
    most = max(near.values(), default=0)
    return [
        Section(title, [_link(page, slug, here=0 < most == near[page.name]) for page in pages])
        for title, pages in groups
        if pages
    ]


def _may_open(actor: Actor, page: Page) -> bool:
    return actor.may(page.permission) or (page.also is not None and actor.may(page.also))


def home_of(roles: frozenset[Role], slug: str) -> str:
    """Return the address on which a member with these roles starts."""
    return next(reverse(name, args=[slug]) for role, name in HOMES if role in roles)


def address(name: str, slug: str) -> str:
    """Return the address of a page of the tenant."""
    return reverse(name, args=[slug])


def _nearness(page: Page, slug: str, path: str) -> int:
    """Return how many characters of the path an entry stands for, 0 where the reader is elsewhere."""
    home = address("portal:home", slug)
    beginnings = (address(page.name, slug), *(f"{home}{one}" for one in page.under))
    return max((len(one) for one in beginnings if path.startswith(one)), default=0)


def _link(page: Page, slug: str, *, here: bool) -> Link:
    return Link(page.label, address(page.name, slug), page.icon, here)
