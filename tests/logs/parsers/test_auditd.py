"""Linux auditd: own records in the shape that the kernel, PAM, OpenSSH, sudo and shadow write them."""

import pytest

from logs.kinds import Draft, Format, Ignored
from tests.logs.parsers.reading import counted, drafts, one, read, reason

AUDIT = Format.AUDITD
SSHD = 'exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh'


def line(
    kind: str,
    inner: str,
    *,
    serial: int = 7,
    pid: int = 50,
    auid: str = "1000",
    ses: str = "3",
    uid: int = 0,
    second: int = 0,
) -> str:
    head = f"type={kind} msg=audit(17858376{second:02d}.123:{serial}): pid={pid} uid={uid} auid={auid} ses={ses} "
    return f"{head}subj=unconfined msg='{inner}'"


def attempt(kind: str, op: str, res: str, *, acct: str = '"ana"', **members: object) -> str:
    nobody = {"auid": "4294967295", "ses": "4294967295"} if res == "failed" else {}
    return line(kind, f"op={op} acct={acct} {SSHD} res={res}", **(nobody | members))  # type: ignore[arg-type]  # members


def test_one_log_in_of_six_records_is_one_event_and_its_end_has_a_duration() -> None:
    outcomes = read(
        AUDIT,
        attempt("USER_AUTH", "pubkey_auth", "success", auid="4294967295", ses="4294967295"),
        attempt("USER_ACCT", "PAM:accounting", "success", auid="4294967295", ses="4294967295"),
        attempt("CRED_ACQ", "PAM:setcred", "success", auid="4294967295", ses="4294967295"),
        line("USER_LOGIN", f"op=login id=1000 {SSHD} res=success", serial=8),
        attempt("USER_START", "PAM:session_open", "success", serial=9),
        attempt("USER_END", "PAM:session_close", "success", serial=10, second=9),
        line("USER_LOGOUT", f"op=login id=1000 {SSHD} res=success", serial=11, second=9),
    )
    opened, closed = drafts(outcomes)
    assert counted(outcomes) == (2, 0, 5)
    assert (opened.log_type, opened.class_uid, opened.activity_id, opened.status_id) == (1, 3002, 1, 1)
    assert (opened.actor_name, opened.actor_uid, opened.src_ip, opened.is_remote) == ("ana", "1000", "192.0.2.7", True)
    assert (closed.log_type, closed.activity_id, closed.duration_ms) == (7, 2, 9000)
    assert (closed.actor_name, closed.session_uid) == ("ana", opened.session_uid)


def test_each_refused_attempt_is_counted_once() -> None:
    outcomes = read(
        AUDIT,
        attempt("USER_AUTH", "PAM:authentication", "failed"),
        attempt("USER_LOGIN", "login", "failed", serial=8),
        attempt("USER_AUTH", "PAM:authentication", "failed", serial=9),
        attempt("USER_LOGIN", "login", "failed", serial=10),
        attempt("USER_LOGIN", "login", "failed", serial=11, acct="28756E6B6E6F776E207573657229"),
    )
    events = drafts(outcomes)
    assert [(event.log_type, event.status_id, event.status_detail) for event in events] == [
        (6, 2, "bad_password"),
        (6, 2, "bad_password"),
        (6, 2, "unknown_user"),
    ]
    assert [event.actor_name for event in events] == ["ana", "ana", ""]


def test_it_reads_a_hexadecimal_name() -> None:
    event = one(AUDIT, attempt("USER_AUTH", "PAM:authentication", "failed", acct="61206220726573"))
    assert event.actor_name == "a b res"


@pytest.mark.parametrize("name", ['"616E61"', "ana", '"ana"'])
def test_a_quoted_name_is_never_hexadecimal(name: str) -> None:
    assert one(AUDIT, attempt("USER_AUTH", "PAM:authentication", "failed", acct=name)).actor_name == name.strip('"')


def test_it_reads_a_command_of_sudo_once() -> None:
    sudo = 'exe="/usr/bin/sudo" hostname=? addr=? terminal=pts/0'
    outcomes = read(
        AUDIT,
        attempt("USER_START", "PAM:session_open", "success"),
        line("USER_AUTH", f'op=PAM:authentication acct="ana" {sudo} res=success', serial=8, uid=1000),
        line("USER_CMD", f'cwd="/root" cmd=636174202F6574632F736861646F77 {sudo} res=success', serial=9, uid=1000),
        line("USER_START", f'op=PAM:session_open acct="root" {sudo} res=success', serial=10),
        line("USER_END", f'op=PAM:session_close acct="root" {sudo} res=success', serial=11),
    )
    (event,) = drafts(outcomes)
    assert (event.log_type, event.activity_id, event.resource) == (5, 7, "cat /etc/shadow")
    assert (event.actor_name, event.target_name, event.app) == ("ana", "root", "sudo")


def test_a_refused_sudo_and_su_are_counted_once() -> None:
    sudo = 'exe="/usr/bin/sudo" hostname=? addr=? terminal=pts/0'
    wrong = line("USER_AUTH", f'op=PAM:authentication acct="ana" {sudo} res=failed', uid=1000)
    command = line("USER_CMD", f'cwd="/" cmd="id" {sudo} res=failed', serial=8, uid=1000)
    (event,) = drafts(read(AUDIT, wrong, command))
    assert (event.log_type, event.status_detail, event.activity_id) == (6, "bad_password", 7)
    assert one(AUDIT, command).status_detail == "policy_denied"
    su = line("USER_AUTH", f'op=PAM:authentication acct="root" {sudo.replace("sudo", "su")} res=failed AUID="ana"')
    assert (one(AUDIT, su).target_name, one(AUDIT, su).actor_name) == ("root", "ana")


def test_it_reads_a_switch_by_su() -> None:
    text = 'op=PAM:session_open acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success'
    event = one(AUDIT, line("USER_START", text) + '\x1dUID="root" AUID="ana"')
    assert (event.log_type, event.activity_id, event.actor_name, event.target_name) == (5, 7, "ana", "root")


@pytest.mark.parametrize(
    ("kind", "inner", "class_uid", "activity", "target", "group"),
    [
        ("ADD_USER", 'op=add-user acct="bob"', 3001, 1, "bob", ()),
        ("DEL_USER", 'op=deleting user acct="bob" id=1001', 3001, 6, "bob", ()),
        ("ADD_GROUP", 'op=add-group acct="ops" id=1001', 3006, 6, "", ("ops",)),
        ("USER_MGMT", 'op=add-user-to-group grp="wheel" acct="bob"', 3006, 3, "bob", ("wheel",)),
        ("USER_MGMT", 'op=deleting user from group grp="wheel" acct="bob"', 3006, 4, "bob", ("wheel",)),
        ("USER_MGMT", 'op=changing home directory acct="bob"', 3001, 99, "bob", ()),
        ("USER_CHAUTHTOK", 'op=PAM:chauthtok acct="bob"', 3001, 4, "bob", ()),
        ("USER_CHAUTHTOK", 'op=lock password acct="bob"', 3001, 9, "bob", ()),
        ("USER_CHAUTHTOK", 'op=unlock password acct="bob"', 3001, 12, "bob", ()),
        ("USER_CHAUTHTOK", 'op=change-age acct="bob"', 3001, 99, "bob", ()),
        ("ACCT_LOCK", 'op=locked acct="bob"', 3001, 9, "bob", ()),
        ("ROLE_ASSIGN", 'op=login-sename acct="bob"', 3005, 3, "bob", ()),
    ],
)
def test_it_reads_changes_of_accounts(
    kind: str, inner: str, class_uid: int, activity: int, target: str, group: tuple[str, ...]
) -> None:
    text = f'{inner} exe="/usr/sbin/useradd" hostname=? addr=? terminal=pts/0 res=success'
    event = one(AUDIT, line(kind, text) + '\x1dAUID="ana"')
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == (5, class_uid, activity, 1)
    assert (event.actor_name, event.target_name, event.privileges) == ("ana", target, group)


def test_a_change_of_ones_own_password_is_no_reset() -> None:
    text = 'op=PAM:chauthtok acct="ana" exe="/usr/bin/passwd" hostname=? addr=? terminal=pts/0 res=success'
    assert one(AUDIT, line("USER_CHAUTHTOK", text) + '\x1dAUID="ana"').activity_id == 3


def test_records_of_one_call_are_joined() -> None:
    stamp = "msg=audit(1785837600.123:70):"
    call = f'type=SYSCALL {stamp} syscall=44 success=yes auid=1000 uid=0 euid=0 ses=3 exe="/usr/sbin/auditctl"'
    change = f'type=CONFIG_CHANGE {stamp} op=remove_rule key="identity" list=4 res=1'
    other = "type=SYSCALL msg=audit(1785837600.123:71): syscall=2 success=yes auid=1000 key=(null)"
    outcomes = read(AUDIT, change, other, call, f"type=PROCTITLE {stamp} proctitle=61")
    (event,) = drafts(outcomes)
    assert counted(outcomes) == (1, 0, 3)
    assert (event.class_uid, event.severity_id, event.actor_uid, event.app) == (3004, 5, "1000", "auditctl")
    assert {outcome.reason for outcome in outcomes if isinstance(outcome, Ignored)} == {
        "part of an event that is counted",
        "system call without a rule's key or a person",
    }


def test_it_reads_what_a_rule_with_a_key_watches() -> None:
    stamp = "msg=audit(1785837600.123:70):"
    call = f'type=SYSCALL {stamp} success=yes auid=1000 uid=0 euid=0 ses=3 exe="/usr/bin/cat" key="root_cmd"'
    event = one(AUDIT, call, f'type=EXECVE {stamp} argc=2 a0="cat" a1=2F612062', f"type=EOE {stamp} ")
    assert (event.log_type, event.class_uid, event.resource, event.extra["key"]) == (5, 6003, "cat /a b", "root_cmd")


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("type=DAEMON_END msg=audit(1785837600.123:1): op=terminate auid=0 pid=1 subj=x res=success", 4),
        ("type=SERVICE_STOP msg=audit(1785837600.123:1): pid=1 uid=0 auid=4294967295 msg='unit=auditd res=success'", 4),
        ("type=CONFIG_CHANGE msg=audit(1785837600.123:1): audit_enabled=0 old=1 auid=1000 ses=3 res=1", 5),
        ("type=CONFIG_CHANGE msg=audit(1785837600.123:1): op=add_rule auid=4294967295 ses=4294967295 res=1", 2),
    ],
)
def test_it_marks_changes_of_the_audit_itself(text: str, severity: int) -> None:
    event = one(AUDIT, text)
    assert (event.log_type, event.class_uid, event.severity_id) == (5, 3004, severity)


@pytest.mark.parametrize(
    "before",
    [
        "node=web ",
        "Aug  4 10:00:00 web audisp-syslog[7]: ",
        "<13>1 2026-08-04T10:00:00Z web audisp-syslog 7 - - ",
        "<13>1 2026-08-04T10:00:00Z web audisp-syslog 7 - -  ",
        "Aug  4 10:00:00 web kernel: [ 12.3456] audit: ",
    ],
)
def test_it_reads_nodes_and_headers(before: str) -> None:
    text = attempt("USER_AUTH", "PAM:authentication", "failed")
    event = one(AUDIT, before + (text.replace("USER_AUTH msg=", "1100 ") if "kernel" in before else text))
    assert (event.dst_host, event.actor_name, event.action) == ("web", "ana", "USER_AUTH")
    assert event.native_id == "web/1785837600.123:7/USER_AUTH"


def test_a_name_in_another_programs_line_is_no_record() -> None:
    text = "Aug  4 10:00:00 web sshd[7]: Invalid user " + attempt("USER_LOGIN", "login", "success")
    assert "audit record" in reason(AUDIT, text)


def test_jobs_and_other_records_are_ignored() -> None:
    job = 'op=PAM:session_open acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'
    outcomes = read(AUDIT, line("USER_START", job), line("AVC", "x"), line("SERVICE_START", "unit=cups res=success"))
    assert not [outcome for outcome in outcomes if isinstance(outcome, Draft)]
    assert counted(outcomes) == (0, 0, 3)
