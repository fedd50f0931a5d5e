"""Linux writes two to five lines about one attempt; exactly one of them is the event."""

import pytest

from logs.kinds import Draft, Format, Ignored, SourceSettings
from tests.logs.parsers.reading import counted, drafts, one, read

SSH = Format.SSHD_SYSLOG
T = "Aug  4 10:00:0"

PAM = f"{T}1 web sshd[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost="
FAILED = f"{T}3 web sshd[7]: Failed password for invalid user bob from 192.0.2.7 port 4711 ssh2"


def test_it_counts_the_line_of_sshd_and_ignores_its_four_twins() -> None:
    outcomes = read(
        SSH,
        f"{T}1 web sshd[7]: Invalid user bob from 192.0.2.7 port 4711",
        f"{T}1 web sshd[7]: pam_unix(sshd:auth): check pass; user unknown",
        f"{PAM}192.0.2.7 ",
        FAILED,
        f"{T}4 web sshd[7]: Connection closed by invalid user bob 192.0.2.7 port 4711 [preauth]",
    )
    assert counted(outcomes) == (1, 0, 4)
    (event,) = drafts(outcomes)
    assert (event.action, event.actor_name, event.status_detail) == ("Failed", "bob", "unknown_user")
    assert (event.src_ip, event.src_port) == ("192.0.2.7", 4711)


def test_it_counts_the_pam_line_where_it_is_the_only_record() -> None:
    event = one(SSH, f"{PAM}192.0.2.7  user=root")
    assert (event.actor_name, event.src_ip, event.status_detail) == ("root", "192.0.2.7", "bad_password")


def test_it_takes_the_name_from_the_line_of_sshd_where_pam_gives_none() -> None:
    event = one(SSH, f"{T}1 web sshd[7]: Invalid user bob from 192.0.2.7 port 4711", f"{PAM}192.0.2.7 ")
    assert (event.action, event.actor_name) == ("authentication failure", "bob")


def test_it_counts_a_name_that_was_tried_without_a_password() -> None:
    event = one(SSH, f"{T}1 web sshd[7]: Invalid user bob from 192.0.2.7 port 4711")
    assert (event.status_id, event.status_detail) == (2, "unknown_user")


def test_it_raises_the_repeat_count_for_message_repeated() -> None:
    inner = "Failed password for root from 192.0.2.7 port 4711 ssh2"
    event = one(SSH, f"{T}1 web sshd[7]: message repeated 5 times: [ {inner}]")
    assert (event.repeat_count, event.actor_name, event.src_port) == (5, "root", 4711)


def test_it_repeats_the_line_before_for_last_message_repeated() -> None:
    events = drafts(read(SSH, FAILED, f"{T}9 web last message repeated 3 times"))
    assert [(event.actor_name, event.repeat_count) for event in events] == [("bob", 1), ("bob", 3)]


def test_it_adds_pam_s_sum_only_where_attempts_were_not_counted_one_by_one() -> None:
    more = (
        f"{T}8 web sshd[7]: PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 "
    )
    alone = drafts(read(SSH, f"{PAM}192.0.2.7  user=root", f"{more} user=root"))
    assert sorted(event.repeat_count for event in alone) == [1, 2]
    assert counted(read(SSH, FAILED, FAILED, FAILED, f"{more} user=root")) == (3, 0, 1)


def test_it_finds_the_twin_that_pam_wrote_in_another_process() -> None:
    pam = PAM.replace("sshd[7]", "sshd[8]")
    failed = f"{T}3 web sshd[7]: Failed keyboard-interactive/pam for root from 192.0.2.7 port 4711 ssh2"
    assert counted(read(SSH, f"{pam}192.0.2.7  user=root", failed)) == (1, 0, 1)


def test_it_does_not_take_another_address_for_a_twin() -> None:
    pam = PAM.replace("sshd[7]", "sshd[8]")
    assert counted(read(SSH, f"{pam}198.51.100.9  user=root", FAILED)) == (2, 0, 0)


def test_it_forgets_a_pam_failure_when_another_module_accepts() -> None:
    outcomes = read(
        SSH,
        f"{PAM}192.0.2.7  user=bob",
        f"{T}1 web sshd[7]: pam_sss(sshd:auth): authentication success; logname= uid=0 euid=0 tty=ssh ruser= "
        "rhost=192.0.2.7 user=bob",
        f"{T}2 web sshd[7]: Accepted password for bob from 192.0.2.7 port 4711 ssh2",
        f"{T}2 web sshd[7]: pam_unix(sshd:session): session opened for user bob(uid=1000) by (uid=0)",
    )
    assert [event.action for event in drafts(outcomes)] == ["Accepted"]
    assert counted(outcomes) == (1, 0, 3)


def test_it_measures_the_session_and_keeps_its_address() -> None:
    outcomes = read(
        SSH,
        f"{T}0 web sshd-session[7]: Accepted publickey for bob from 2001:db8::7 port 4711 ssh2: ED25519 SHA256:abc",
        f"{T}0 web sshd-session[7]: pam_unix(sshd:session): session opened for user bob(uid=1000) by bob(uid=0)",
        f"{T}9 web sshd-session[7]: pam_unix(sshd:session): session closed for user bob",
    )
    opened, closed = drafts(outcomes)
    assert (opened.log_type, opened.src_ip, opened.session_uid) == (1, "2001:db8::7", "web/sshd/7")
    assert (closed.log_type, closed.duration_ms, closed.src_ip) == (7, 9000, "2001:db8::7")
    assert closed.session_uid == opened.session_uid


def test_it_counts_sudo_once_and_names_both_accounts() -> None:
    outcomes = read(
        SSH,
        f"{T}0 db sudo:      bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/cat /etc/shadow ; id",
        f"{T}0 db sudo: pam_unix(sudo:session): session opened for user root(uid=0) by bob(uid=1000)",
        f"{T}1 db sudo: pam_unix(sudo:session): session closed for user root",
    )
    assert counted(outcomes) == (1, 0, 2)
    (event,) = drafts(outcomes)
    assert (event.actor_name, event.target_name, event.resource) == ("bob", "root", "/bin/cat /etc/shadow ; id")
    assert (event.log_type, event.class_uid, event.activity_id) == (5, 3002, 7)


def test_it_counts_three_wrong_passwords_of_sudo_as_three() -> None:
    pam = "pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 tty=/dev/pts/0 ruser=bob "
    pam += "rhost=  user=bob"
    line = "bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh"
    outcomes = read(SSH, f"{T}0 db sudo: {pam}", f"{T}7 db sudo:   {line}")
    (event,) = drafts(outcomes)
    assert (event.repeat_count, event.status_detail, event.log_type) == (3, "bad_password", 6)
    assert isinstance(next(o for o in outcomes if o.position == 0), Ignored)


def test_a_failed_authentication_is_always_a_failed_log_in() -> None:
    for event in drafts(
        read(SSH, FAILED, f"{T}0 db sudo:  eve : user NOT in sudoers ; TTY=pts/0 ; USER=root ; COMMAND=/x")
    ):
        assert isinstance(event, Draft)
        assert (event.log_type, event.status_id) == (6, 2)


def test_it_ignores_jobs_and_other_programs_with_a_reason() -> None:
    outcomes = read(
        SSH,
        f"{T}0 db CRON[9]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
        f"{T}0 db kernel: [12.3] eth0: link up",
    )
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Ignored)] == [
        "scheduled job or service session",
        "line of another program",
    ]


KEY = "Accepted publickey for bob from 192.0.2.7 port 4711 ssh2: ED25519 SHA256:abc"
SUDO = (
    "pam_unix(sudo:auth): authentication failure; logname=bob uid=1000 euid=0 tty=/dev/pts/0 ruser=bob rhost=  user=bob"
)
ATTEMPTS = {
    "a wrong password": (f"{PAM}192.0.2.7  user=root", FAILED.replace("invalid user bob", "root")),
    "an unknown name": (
        f"{T}1 web sshd[7]: Invalid user bob from 192.0.2.7 port 4711",
        f"{T}1 web sshd[7]: pam_unix(sshd:auth): check pass; user unknown",
        f"{PAM}192.0.2.7 ",
        FAILED,
        f"{T}4 web sshd[7]: Connection closed by invalid user bob 192.0.2.7 port 4711 [preauth]",
    ),
    "three, and the sum of PAM": (
        f"{PAM}192.0.2.7  user=root",
        *[FAILED.replace("invalid user bob", "root")] * 3,
        f"{T}8 web sshd[7]: PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
    ),
    "PAM in another process": (
        f"{PAM.replace('sshd[7]', 'sshd[6]')}192.0.2.7  user=root",
        FAILED.replace("invalid user bob", "root").replace("sshd[7]", "sshd-session[7]"),
        FAILED.replace("invalid user bob", "root").replace("sshd[7]", "sshd-session[7]"),
        f"{T}8 web sshd[6]: PAM 1 more authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
    ),
    "an unknown name, PAM in another process": (
        f"{T}1 web sshd[7]: Invalid user bob from 192.0.2.7 port 4711",
        f"{T}1 web sshd[6]: pam_unix(sshd:auth): check pass; user unknown",
        f"{PAM.replace('sshd[7]', 'sshd[6]')}192.0.2.7 ",
        FAILED,
        f"{PAM.replace('sshd[7]', 'sshd[6]').replace(f'{T}1', f'{T}4')}192.0.2.7 ",
        FAILED.replace(f"{T}3", f"{T}5"),
        f"{T}6 web sshd[7]: Connection closed by invalid user bob 192.0.2.7 port 4711 [preauth]",
    ),
    "PAM's line and the end": (
        f"{PAM}192.0.2.7  user=root",
        f"{T}4 web sshd[7]: error: maximum authentication attempts exceeded for root from 192.0.2.7 port 4711 ssh2",
    ),
    "repeated by syslog": (
        f"{PAM}192.0.2.7  user=root",
        f"{T}3 web sshd[7]: message repeated 3 times: [ Failed password for root from 192.0.2.7 port 4711 ssh2]",
    ),
    "a log-in": (
        f"{T}0 web sshd[7]: {KEY}",
        f"{T}0 web sshd[7]: pam_unix(sshd:session): session opened for user bob(uid=1000) by bob(uid=0)",
        f"{T}9 web sshd[7]: pam_unix(sshd:session): session closed for user bob",
    ),
    "sudo": (
        f"{T}0 db sudo: {SUDO}",
        f"{T}7 db sudo:   bob : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
    ),
}


@pytest.mark.parametrize("lines", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_it_counts_the_same_wherever_a_sender_cuts(lines: tuple[str, ...]) -> None:
    whole = sum(event.repeat_count for event in drafts(read(SSH, *lines)))
    for cut in range(1, len(lines)):
        settings = SourceSettings(year=2026)
        found = [*read(SSH, *lines[:cut], settings=settings), *read(SSH, *lines[cut:], settings=settings)]
        assert sum(event.repeat_count for event in drafts(found)) == whole, (cut, found)
        assert len(found) == len(lines)
    settings = SourceSettings(year=2026)
    each = [outcome for line in lines for outcome in read(SSH, line, settings=settings)]
    assert sum(event.repeat_count for event in drafts(each)) == whole, each


def test_another_attempt_is_never_taken_for_the_twin_of_an_earlier_body() -> None:
    trace = f"{PAM}192.0.2.7  user=root"
    for later in (
        FAILED.replace("sshd[7]", "sshd[9]").replace("192.0.2.7", "192.0.2.9"),
        FAILED.replace("sshd[7]", "sshd[9]").replace("10:00:03", "10:02:03"),
        FAILED.replace(" web ", " mail "),
        FAILED.replace("10:00:03", "10:20:03"),
    ):
        settings = SourceSettings(year=2026)
        assert counted(read(SSH, trace, settings=settings)) == (1, 0, 0)
        assert counted(read(SSH, later, settings=settings)) == (1, 0, 0), later
    named = SourceSettings(year=2026)
    assert counted(read(SSH, f"{T}1 web sshd[9]: Invalid user bob from 192.0.2.7 port 4711", settings=named)) == (
        1,
        0,
        0,
    )
    assert counted(read(SSH, trace, settings=named)) == (1, 0, 0), "PAM gives a name: it is about somebody else"
    assert counted(read(SSH, f"{PAM}192.0.2.7 ", settings=named)) == (0, 0, 1)
    assert counted(read(SSH, f"{PAM.replace('[7]', '[5]')}192.0.2.7 ", settings=named)) == (1, 0, 0), "used up"
    answered = FAILED.replace("invalid user bob", "root").replace("10:00:03", "10:00:01")
    ftp = f"{PAM.replace('sshd[7]', 'vsftpd[6]').replace('sshd:', 'vsftpd:')}192.0.2.7  user=root"
    assert counted(read(SSH, answered, ftp, settings=SourceSettings(year=2026))) == (2, 0, 0), "another program's"
    nameless = SourceSettings(year=2026)
    assert counted(read(SSH, f"{PAM.replace('[7]', '')}  user=root", settings=nameless)) == (1, 0, 0)
    assert counted(read(SSH, FAILED.replace("[7]", ""), settings=nameless)) == (1, 0, 0), "nothing joins them: no twin"
