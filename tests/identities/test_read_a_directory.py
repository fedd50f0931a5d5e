"""A directory is read over the network: a real slapd with 2,500 people, TLS, pages, nested groups; and what it refuses.

Active Directory's ranges of members are spoken by a server of the test: OpenLDAP gives all values at once.
"""

import io
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from sansldap import LDAPServer, PartialAttribute, SearchRequest

from identities.csvtable import BadFile
from identities.directories import Asked, ask_directory
from identities.kinds import AccountKind
from identities.ldapclient import Connection, Place
from identities.models import Snapshot, SnapshotFile, SnapshotRow, System
from identities.readers import read_population
from identities.readers.ldif import entries, written
from tenants.models import AuditEntry, Tenant
from tests.identities.slapd import Directory, directory
from tests.logs.collectors import ABSENT, SLAPD

MANY: Final = 2_500
BASE: Final = "dc=bpo,dc=example"
READER, NARROW, PASSWORD = f"cn=reader,{BASE}", f"cn=narrow,{BASE}", "only for the tests"


def entry(dn: str, *classes: str, **values: str | list[str]) -> str:
    """Return one entry as LDIF."""
    told = [("objectClass", list(classes)), *((name, [v] if isinstance(v, str) else v) for name, v in values.items())]
    return "\n".join([f"dn: {dn},{BASE}", *(f"{name}: {value}" for name, held in told for value in held)]) + "\n"


def population() -> str:
    """Return 2,500 people in two groups, of which one is in a third, a POSIX account, two readers and a robot."""
    people = [f"uid=p{n},ou=people" for n in range(MANY)]
    full = [f"{one},{BASE}" for one in people]
    return "\n".join(
        [
            f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: BPO\ndc: bpo\n",
            *(entry(f"ou={name}", "organizationalUnit", ou=name) for name in ("people", "groups", "robots")),
            *(
                entry(one, "inetOrgPerson", uid=f"p{n}", cn=f"Pérson {n}", sn="x", employeeNumber=f"E{n}")
                for n, one in enumerate(people)
            ),
            entry("uid=posy,ou=people", "account", "posixAccount", uid="posy", cn="P", uidNumber="7", gidNumber="50")
            + "homeDirectory: /\n",
            entry("cn=clerks,ou=groups", "groupOfNames", cn="clerks", member=full[:-1]),
            entry(
                "cn=payroll,ou=groups", "groupOfNames", cn="payroll", member=[f"cn=clerks,ou=groups,{BASE}", full[-1]]
            ),
            entry("cn=ops,ou=groups", "posixGroup", cn="ops", gidNumber="50", memberUid=["p7"]),
            *(
                entry(f"cn={n}", "organizationalRole", "simpleSecurityObject", cn=n, userPassword=PASSWORD)
                for n in ("reader", "narrow")
            ),
            entry("uid=r2,ou=robots", "robot", uid="r2"),
            entry("uid=r1,ou=robots", "account", uid="r1"),
        ]
    )


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    if SLAPD is None:
        pytest.skip(f"slapd {ABSENT}")
    with directory(tmp_path_factory.mktemp("slapd"), population(), NARROW) as one:
        yield one


def place(slapd: Directory, url: str = "", bind: str = READER, password: str = PASSWORD, ca: str = "") -> Place:
    return Place(url or slapd.ldaps, bind, password, ca or slapd.ca_file)


@pytest.mark.django_db
def test_a_directory_is_sealed_with_its_groups_and_its_own_total(
    slapd: Directory, socket_enabled: None, in_bpo: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    System.objects.create(name="Directory", key="dir", privileged_rule="cn=payroll*")
    (tmp_path / "secret").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("COUNTERSIGN_LDAP_PASSWORD_FILE", str(tmp_path / "secret"))
    told = {"tenant": "northwind", "system": "dir", "bind": READER, "ca_file": slapd.ca_file}
    said = io.StringIO()
    call_command("read_grants", slapd.ldaps, base=f"ou=people,{BASE}", stdout=said, **told)
    # Without the groups, everybody holds the account alone; posy's group is a number that nothing explains.
    people = Snapshot.objects.get()
    assert (people.complete, people.source_total, people.counted) == (True, MANY + 1, MANY + 1)
    assert f"base: ou=people,{BASE}\nscope: subtree" in people.query
    assert "filter: (|(|(objectClass=person)" in people.query
    assert people.delivered_by == f"read_grants as {READER} on localhost"
    kept = [str(AuditEntry.objects.values_list("detail", "target")), str(Snapshot.objects.values()), said.getvalue()]
    assert not [text for text in kept if PASSWORD in text]
    # The robot is an account of a class that the reader does not know: the list lacks it, and the count tells.
    call_command("read_grants", slapd.ldap, base=f"ou=robots,{BASE}", stdout=said, **told)
    robots = Snapshot.objects.latest("pk")
    assert (robots.complete, robots.source_total, robots.counted) == (False, 2, 1)
    assert "sealed, incomplete" in said.getvalue()
    assert SnapshotFile.objects.count() == 2
    assert SnapshotRow.objects.filter(snapshot=robots, account__kind=AccountKind.HUMAN).count() == 1


def test_groups_in_groups_and_numbered_groups_are_followed_over_starttls(
    slapd: Directory, socket_enabled: None
) -> None:
    answer = ask_directory(place(slapd, slapd.ldap))
    read = read_population("ldap", answer.body)
    payroll, clerks, ops = (f"cn={one},ou=groups,{BASE}" for one in ("payroll", "clerks", "ops"))
    held = {(row.account, row.entitlement): row.inherited_via for row in read.rows}
    assert (answer.rows, read.records) == (MANY + 3, MANY + 2)
    assert sum(entitlement == payroll for _account, entitlement in held) == MANY
    assert (held["p7", payroll], held["p7", clerks], held["p7", ops], held["posy", ops]) == ("clerks", "", "", "")
    assert ("p2499", clerks) not in held
    assert read.rows[1].person == "E0"
    assert "Pérson 0" in {one.text("cn") for one in entries(answer.body)}


def test_a_directory_that_is_not_what_it_says_is_refused_without_the_password(
    slapd: Directory, socket_enabled: None
) -> None:
    refused = {
        "certificate is not trusted": Place(slapd.ldaps, READER, PASSWORD),
        "IP address mismatch": place(slapd, slapd.ldaps.replace("localhost", "127.0.0.1")),
        "refused the log-in: invalid credentials": place(slapd, password=f"{PASSWORD}!"),
        "COUNTERSIGN_LDAP_PASSWORD": place(slapd, password=""),
        "ldaps://host": place(slapd, slapd.ldap.replace("ldap", "http")),
        "Connection refused": place(slapd, "ldaps://localhost:1"),
        "cut its answer off: size limit exceeded": place(slapd, bind=NARROW),
        "holds no certificate": place(slapd, ca=__file__),
    }
    for sentence, where in refused.items():
        with pytest.raises(BadFile, match=sentence) as refusal:
            ask_directory(where)
        assert PASSWORD not in f"{refusal.value} {where!r}"
    with pytest.raises(BadFile, match="not one of LDAP"):
        ask_directory(place(slapd), Asked(accounts="(uid=p"))
    with pytest.raises(BadFile, match="no such object"):
        ask_directory(place(slapd), Asked(base="dc=elsewhere"))


def active_directory(stream: socket.socket, members: int, given: int) -> None:
    """Answer searches as Active Directory does: at most 1,500 values of a list at once, and only `given` in all."""
    ldap = LDAPServer()
    while part := stream.recv(65536):
        for asked in ldap.receive(part):
            assert isinstance(asked, SearchRequest)
            found = re.search(r"range=(\d+)-", " ".join(asked.attributes))
            first = int(found[1]) if found else 0
            last = min(first + 1500, members, given)
            end = "*" if last == members else last - 1
            values = [f"CN=p{n},DC=bpo".encode() for n in range(first, last)]
            told = [PartialAttribute("member", []), PartialAttribute(f"member;range={first}-{end}", values)]
            ldap.search_result_entry(asked.message_id, "CN=Big,DC=bpo", told if values else told[:1])
            ldap.search_result_done(asked.message_id)
        stream.sendall(ldap.data_to_send())


def test_a_long_list_of_members_is_fetched_range_after_range(socket_enabled: None) -> None:
    for told in (4_000, 3_000):
        ours, theirs = socket.socketpair()
        with ThreadPoolExecutor(1) as beside, theirs, ours:  # ours closes first, and ends the server
            answering = beside.submit(active_directory, theirs, 4_000, told)
            search = Connection(ours).search("DC=bpo", "(objectClass=group)", ["member"])
            if told == 4_000:
                (group,) = search
                assert group.texts("member") == [f"CN=p{n},DC=bpo" for n in range(4_000)]
            else:
                with pytest.raises(BadFile, match="gave only 3,000 values of 'member' of CN=Big,DC=bpo"):
                    list(search)
            ours.shutdown(socket.SHUT_RDWR)
            answering.result()


@settings(max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.text(min_size=1, max_size=20))
def test_what_is_written_as_ldif_is_read_again(values: list[bytes], name: str) -> None:
    dn = f"cn={name.strip()},dc=bpo".replace("\0", "")
    try:
        (read,) = entries(written([(dn, [("member", values)])]))
    except BadFile as bad:
        pytest.fail(bad.sentence)
    assert (read.dn, read.values.get("member", [])) == (dn, values)
