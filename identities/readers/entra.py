"""Reads what Microsoft Entra ID and Azure export: users, directory roles, and roles on Azure resources. Pure.

- Users: Users > All users > Download users (CSV).
- Directory roles: Privileged Identity Management > Microsoft Entra roles > Roles > Export (CSV), active and eligible;
  or `GET /roleManagement/directory/roleAssignments?$expand=principal` of Microsoft Graph (JSON, all pages).
- Roles on resources: Access control (IAM) > Download role assignments (CSV), and `Get-AzRoleAssignment | Export-Csv`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from identities.csvtable import BadFile, read_table
from identities.kinds import AccountKind, GrantRow
from identities.readers.jsonlist import Object, is_json, records, text_at
from identities.readers.population import Holder, Population, population

NOUN = "records"
USERS: Final = ("userprincipalname", "displayname", "usertype", "accountenabled")
PIM: Final = ("assignment state", "user group name", "role name", "principalname", "member type")
PIM_ALL: Final = (*PIM, "resource name", "assignment end time (utc)")
AZURE: Final = ("scope", "displayname", "signinname", "roledefinitionname", "objecttype")
KINDS: Final = {
    "user": AccountKind.HUMAN,
    "group": AccountKind.SHARED,
    "foreigngroup": AccountKind.SHARED,
    "serviceprincipal": AccountKind.SERVICE,
    "msi": AccountKind.SERVICE,
}
STRONGEST: Final = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
}
"""Ids of built-in roles by Microsoft's "Microsoft Entra built-in roles"; an export of Graph names a role by its id."""

Row = Callable[[int, Mapping[str, str]], GrantRow]
AZURE_STRONG: Final = frozenset({"owner", "user access administrator", "role based access control administrator"})


def read(body: bytes) -> Population:
    """Returns the grants of an Entra or Azure export; which one it is the names of its columns tell.

    Raises:
        BadFile: with one sentence for the first thing that is wrong.
    """
    if is_json(body):
        found = records(body)
        return population((_graph(number, one) for number, one in enumerate(found, start=1)), len(found), NOUN)
    header = body[:4000].split(b"\n", 1)[0].lower()
    if b"roledefinitionname" in header:
        return _table(body, AZURE, AZURE, _azure)
    if b"assignment state" in header or b"role name" in header:
        return _table(body, PIM, PIM_ALL, _pim)
    return _table(body, USERS, USERS, _user)


def _table(body: bytes, required: tuple[str, ...], known: tuple[str, ...], row: Row) -> Population:
    """Returns the population of a CSV export."""
    lines = read_table(body, required=required, known=known, others=True).lines
    return population((row(line, cells) for line, cells in lines), len(lines), NOUN)


def _user(line: int, cells: Mapping[str, str]) -> GrantRow:
    """Returns a user of the directory: a member or a guest."""
    if not cells["userprincipalname"]:
        raise BadFile(f"Line {line}, column 'userPrincipalName' is empty.", line)
    enabled = cells["accountenabled"].lower()
    if enabled not in {"true", "false"}:
        raise BadFile(f"Line {line}, column 'accountEnabled' is '{cells['accountenabled']}'; Entra writes true.", line)
    kind = cells["usertype"].lower() or "member"
    holder = Holder(line, cells["userprincipalname"], enabled=enabled == "true")
    return holder.holds(f"Entra {kind}", meaning="Signs in to the directory and to what it gives to everybody.")


def _pim(line: int, cells: Mapping[str, str]) -> GrantRow:
    """Returns an active or eligible assignment of a directory role."""
    name = cells["principalname"] or cells["user group name"]
    state, member = cells["assignment state"], cells["member type"].lower()
    if not name or not cells["role name"]:
        raise BadFile(f"Line {line} names no principal or no role. Export the roles again.", line)
    if state.lower() not in {"active", "eligible"}:
        raise BadFile(f"Line {line}, column 'Assignment State' is '{state}'; known are Active and Eligible.", line)
    eligible = state.lower() == "eligible"
    via = "" if member in {"", "direct", "user"} else cells["user group name"] or member
    role = f"{cells['role name']} (eligible)" if eligible else cells["role name"]
    meaning = "Can take the role when needed." if eligible else "Holds the role now."
    end = cells.get("assignment end time (utc)", "")
    if end and end.lower() != "permanent":
        meaning += f" Until {end} UTC."
    strong = cells["role name"] in STRONGEST.values()
    return Holder(line, name).holds(role, via=via, privileged=strong, meaning=meaning)


def _azure(line: int, cells: Mapping[str, str]) -> GrantRow:
    """Returns a role on an Azure resource; without the right to read the directory Azure leaves the names empty."""
    if not cells["displayname"] and not cells["signinname"]:
        raise BadFile(
            f"Line {line} does not say whose role it is. Azure leaves names empty for whoever may not read the "
            "directory: export again as a Directory Reader.",
            line,
        )
    kind = KINDS.get(cells["objecttype"].lower())
    if kind is None:
        raise BadFile(f"Line {line}, column 'ObjectType' is '{cells['objecttype']}', which is no principal.", line)
    role, scope = cells["roledefinitionname"], cells["scope"]
    if not role or not scope:
        raise BadFile(f"Line {line} lacks the role or its scope. Export it again.", line)
    holder = Holder(line, cells["signinname"] or cells["displayname"], kind)
    strong = role.lower() in AZURE_STRONG
    return holder.holds(f"{role} on {scope}", privileged=strong, title=f"{role} on {scope.rpartition('/')[2] or '/'}")


def _graph(number: int, one: Object) -> GrantRow:
    """Returns a role assignment of Microsoft Graph with its principal, or a user of `GET /users`."""
    if name := text_at(one, "userPrincipalName"):
        enabled = one.get("accountEnabled", True) is True
        kind = text_at(one, "userType").lower() or "member"
        return Holder(number, name, enabled=enabled).holds(f"Entra {kind}")
    role_id = text_at(one, "roleDefinitionId")
    role = text_at(one, "roleDefinition", "displayName") or STRONGEST.get(role_id, role_id)
    holder = text_at(one, "principal", "userPrincipalName") or text_at(one, "principal", "displayName")
    if not role or not holder:
        raise BadFile(
            f"Record {number} does not say who holds which role. Ask Microsoft Graph with '$expand=principal'."
        )
    type_ = text_at(one, "principal", "@odata.type").rpartition(".")[2].lower()
    scope = text_at(one, "directoryScopeId") or "/"
    enabled = not (isinstance(principal := one.get("principal"), dict) and principal.get("accountEnabled") is False)
    row = Holder(number, holder, KINDS.get(type_, AccountKind.HUMAN), enabled=enabled)
    key = role if scope == "/" else f"{role} on {scope}"
    return row.holds(key, privileged=role_id in STRONGEST, title=role)
