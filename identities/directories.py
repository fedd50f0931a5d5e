"""Asks a directory for its accounts, its groups and who is in what; the answer is the LDIF that is sealed."""

from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from identities.connecting import ServerAnswer
from identities.csvtable import MAX_BYTES, BadFile
from identities.kinds import ListFormat
from identities.ldapclient import PAGE, Connection, Place, connected
from identities.readers.ldap import ATTRIBUTES
from identities.readers.ldif import written

ACTIVE_DIRECTORY: Final = "1.2.840.113556.1.4.800"
NO_ATTRIBUTE: Final = "1.1"
"""Asks for names alone (RFC 4511 4.5.1.8)."""

COUNT_PAGE: Final = 450
"""Other pages than those of the reading, so that what a server loses between two pages is missed in one of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Holds which entries are read: the filters of accounts and of groups, and the base, the server's own if empty."""

    accounts: str = ""
    groups: str = ""
    base: str = ""


MICROSOFT: Final = Asked(
    "(|(&(objectCategory=person)(objectClass=user))(objectClass=msDS-GroupManagedServiceAccount)"
    "(objectClass=msDS-ManagedServiceAccount))",
    "(objectClass=group)",
)
ANY: Final = Asked(
    "(|(objectClass=person)(objectClass=account)(objectClass=posixAccount))",
    "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
)


def ask_directory(place: Place, asked: Asked | None = None) -> ServerAnswer:
    """Returns what a directory says about accounts and groups, and how many accounts it has by a second search.

    The second search asks for the names of the accounts alone, in other pages. A snapshot is complete where both agree.

    Raises:
        BadFile: with one sentence, without the password, where the directory cannot be read or answers in part.
    """
    began = timezone.now()
    with connected(place) as connection:
        asked = _asked(connection, asked or Asked())
        everything = f"(|{asked.accounts}{asked.groups})"
        found = list(connection.search(asked.base, everything, ATTRIBUTES))
        counted = sum(1 for _one in connection.search(asked.base, asked.accounts, [NO_ATTRIBUTE], page=COUNT_PAGE))
    body = written((one.dn, one.attributes) for one in found)
    if len(body) > MAX_BYTES:
        raise BadFile(f"The directory answers {len(body):,} bytes; at most {MAX_BYTES:,} are read. Narrow the base.")
    others = ", ".join(sorted(connection.references))[:1000]
    return ServerAnswer(
        body,
        counted,
        began,
        f"{place.bind_dn} on {place.host}",
        form=ListFormat.LDAP,
        file_name="directory.ldif",
        query=(
            f"{place.scheme}://{place.host}:{place.port}\nbase: {asked.base}\nscope: subtree, pages of {PAGE}\n"
            f"filter: {everything}\nattributes: {' '.join(ATTRIBUTES)}\n"
            f"total: entries of {asked.accounts} in a second search, without attributes, in pages of {COUNT_PAGE}"
        ),
        filters=f"Only entries under {asked.base}." + (f" Not followed: {others}." if others else ""),
    )


def _asked(connection: Connection, told: Asked) -> Asked:
    """Returns the whole question: what was not told follows from what the server says of itself (RFC 4512 5.1)."""
    names = ["namingContexts", "defaultNamingContext", "supportedCapabilities"]
    root = connection.entry("", names)
    usual = MICROSOFT if root and ACTIVE_DIRECTORY in root.texts("supportedCapabilities") else ANY
    bases = (root.texts("defaultNamingContext") or root.texts("namingContexts")) if root else []
    if not told.base and len(bases) != 1:
        raise BadFile(f"Name the base to read from (--base). The directory has {', '.join(bases) or 'told none'}.")
    return Asked(told.accounts or usual.accounts, told.groups or usual.groups, told.base or bases[0])
