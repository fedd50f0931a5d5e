"""Reading Linux machines and LDAP directories: groups in groups, sudo, disabled accounts, and each trap."""

import io
import tarfile
import zipfile

import pytest

from identities.csvtable import BadFile
from identities.readers import read_population
from tests.identities.readers.test_read_cloud_lists import grants

PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
toor:x:0:0:second root:/root:/bin/sh
ana:x:1001:1001:Ana Ruiz,,,:/home/ana:/bin/bash
bob:x:1002:1001::/home/bob:/bin/zsh
cy:x:1003:1001::/home/cy:/usr/sbin/nologin
"""
GROUP = "root:x:0:\ndaemon:x:1:\nsudo:x:27:ana,zoe\nstaff:x:1001:\ndocker:x:999:bob\n"
SUDOERS = r"""Defaults env_reset
User_Alias  OPS = bob, \
    cy
Cmnd_Alias RESTART = /usr/bin/systemctl restart crm, /usr/bin/systemctl reload crm
root    ALL=(ALL:ALL) ALL
%sudo   ALL=(ALL:ALL) ALL  # the admins
OPS, !cy ALL=(root) NOPASSWD: RESTART, PASSWD: /usr/bin/less /var/log/syslog
@includedir /etc/sudoers.d
"""
EXTRA = b"#1003 web01=(postgres) /usr/bin/psql, !/bin/su\n"
FILES = {
    "population/passwd": PASSWD.encode(),
    "population/group": GROUP.encode(),
    "population/sudoers": SUDOERS.encode(),
    "population/sudoers.d/dba": EXTRA,
    "population/sudoers.d/README.old": b"ana ALL = ALL\n",
}
LDIF = r"""# extended LDIF
dn: CN=Ana Ruiz,OU=Staff,DC=bpo,DC=example
objectClass: top
objectClass: person
objectClass: user
sAMAccountName: ana
userAccountControl: 512
primaryGroupID: 513
memberOf: CN=Payroll Clerks,OU=Groups,DC=bpo,DC=exa
 mple

dn:: Q049Qm9iIEzDrW0sT1U9U3RhZmYsREM9YnBvLERDPWV4YW1wbGU=
objectClass: user
sAMAccountName: bob
userAccountControl: 66050
primaryGroupID: 513
adminCount: 1

dn: CN=backup,OU=Services,DC=bpo,DC=example
objectClass: user
objectClass: msDS-GroupManagedServiceAccount
sAMAccountName: backup$
userAccountControl: 4096
memberOf: CN=Domain Admins,CN=Users,DC=bpo,DC=example

dn: CN=Payroll Clerks,OU=Groups,DC=bpo,DC=example
objectClass: group
sAMAccountName: Payroll Clerks
memberOf: CN=Payroll,OU=Groups,DC=bpo,DC=example

dn: CN=Payroll,OU=Groups,DC=bpo,DC=example
objectClass: group
member: cn=payroll clerks, ou=Groups, dc=bpo, dc=example
memberOf: CN=Payroll Clerks,OU=Groups,DC=bpo,DC=example

dn: CN=Domain Admins,CN=Users,DC=bpo,DC=example
objectClass: group
objectSid:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAAIAAA==

dn: CN=Domain Users,CN=Users,DC=bpo,DC=example
objectClass: group
objectSid: S-1-5-21-1-2-3-513

# search result
search: 2
result: 0 Success
# numResponses: 8
# numEntries: 7
"""
OPENLDAP = """dn: uid=ana,ou=people,dc=bpo
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ana
employeeNumber: E1

dn: uid=bob,ou=people,dc=bpo
objectClass: inetOrgPerson
uid: bob
pwdAccountLockedTime: 000001010000Z

dn: cn=ops,ou=groups,dc=bpo
objectClass: posixGroup
memberUid: ana
"""


def tape(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return held.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return held.getvalue()


def test_a_machine_gives_log_ins_groups_and_what_sudo_allows() -> None:
    found = grants("linux", tape(FILES))
    sudo = "sudo ALL as ALL:ALL"
    assert {key for key, words in found.items() if "privileged" in words} == {
        *(("root", one) for one in ("root", "group root", sudo)),
        *(("toor", one) for one in ("root", "group root")),
        *(("ana", one) for one in ("group sudo", sudo)),
        *(("zoe", one) for one in ("group sudo", sudo)),
        ("bob", "group docker"),
    }
    assert found["ana", sudo] == "human privileged group sudo"
    assert found["bob", "sudo /usr/bin/systemctl restart crm as root"] == "human OPS"
    assert found["bob", "sudo /usr/bin/less /var/log/syslog as root"] == "human OPS"
    assert found["cy", "sudo /usr/bin/psql as postgres on web01"] == "human off"
    assert found["daemon", "account"] == "service off"
    assert {entitlement for account, entitlement in found if account == "cy"} == {
        *("account", "group staff", "sudo /usr/bin/psql as postgres on web01")
    }
    meanings = {(row.account, row.entitlement): row.meaning for row in read_population("linux", tape(FILES)).rows}
    assert meanings["bob", "sudo /usr/bin/systemctl restart crm as root"].endswith("as root without a password.")
    assert meanings["bob", "sudo /usr/bin/less /var/log/syslog as root"].endswith("as root with their password.")
    assert grants("linux", zipped(FILES)) == found
    assert read_population("linux", tape(FILES)).records == 6


def test_a_directory_gives_groups_through_groups_and_the_primary_group() -> None:
    found = grants("ldap", LDIF)
    clerks, payroll = (f"CN={one},OU=Groups,DC=bpo,DC=example" for one in ("Payroll Clerks", "Payroll"))
    admins, users = (f"CN={one},CN=Users,DC=bpo,DC=example" for one in ("Domain Admins", "Domain Users"))
    assert found == {
        ("ana", clerks): "human",
        ("ana", payroll): "human Payroll Clerks",
        ("ana", users): "human",
        ("bob", users): "human off",
        ("bob", "adminCount"): "human privileged off",
        ("backup$", admins): "service privileged",
    }
    assert grants("ldap", OPENLDAP) == {("ana", "cn=ops,ou=groups,dc=bpo"): "human", ("bob", "account"): "human off"}
    assert read_population("ldap", OPENLDAP.encode()).rows[0].person == "E1"


def without(name: str, **changed: bytes) -> bytes:
    kept = {path: content for path, content in FILES.items() if not path.endswith(name)}
    return tape(kept | {f"population/{key}": content for key, content in changed.items()})


TRAPS = {
    "no sudoers": ("linux", without("/sudoers"), "lacks the file 'sudoers'"),
    "hashes beside": ("linux", without("-", shadow=b"root:$6$x:1::::::"), "Leave it out"),
    "two machines": ("linux", zipped(FILES | {"other/passwd": b""}), "holds the file 'passwd' twice"),
    "a hash": ("linux", without("/passwd", passwd=b"root:$6$abcdef:0:0::/:/bin/sh\n"), "the hash of a password"),
    "another directory": ("linux", without("/passwd", passwd=b"+::::::\n"), "getent passwd"),
    "half a line": ("linux", without("/group", group=b"sudo:x:2"), "has 3 fields; it must have 4"),
    "an include": ("linux", without("/sudoers", sudoers=b"@include /etc/sudoers.site\n"), "is not in the archive"),
    "a cut rule": ("linux", without("/sudoers", sudoers=b"ana ALL = \\\n"), "is cut off"),
    "no rule": ("linux", without("/sudoers", sudoers=b"ana may do all\n"), "is no rule of sudoers"),
    "two cases": ("linux", without("/passwd", passwd=(PASSWD + "Ana:x:5:5::/:/bin/sh\n").encode()), "a second time"),
    "a bomb": ("linux", zipped({"passwd": b"\0" * 21_000_000}), "unpacks to more than 20,000,000 bytes"),
    "no archive": ("linux", PASSWD.encode(), "no readable tar or zip"),
    "a size limit": ("ldap", LDIF.replace("0 Success", "4 Size limit exceeded").encode(), "pr=1000/noprompt"),
    "entries lost": ("ldap", LDIF.replace("numEntries: 7", "numEntries: 9").encode(), "has 9 entries and holds 7"),
    "a range": ("ldap", LDIF.replace("member: cn", "member;range=0-1499: cn").encode(), "cuts long lists off"),
    "a change": ("ldap", b"dn: cn=a\nchangetype: add\n", "is a change, not an entry"),
    "one name twice": ("ldap", LDIF.replace("sAMAccountName: bob", "sAMAccountName: ANA").encode(), "both describe"),
    "no LDIF": ("ldap", b"cn=a\n", "is no line of LDIF"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_told_in_one_sentence(trap: str) -> None:
    form, body, sentence = TRAPS[trap]
    with pytest.raises(BadFile) as refusal:
        read_population(form, body)
    assert sentence in refusal.value.sentence
