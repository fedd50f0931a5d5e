"""What each format gets of a syslog message: with RFC 5424's header, with RFC 3164's, and counted with a line feed."""

import pytest

from logs.kinds import Draft, Format
from logs.syslog.records import LINES, record_of
from tests.logs.parsers.device_lines import WRAPPED
from tests.logs.parsers.reading import one
from tests.logs.parsers.test_auditd import attempt
from tests.logs.parsers.test_gateways import forti, gp
from tests.logs.sources import okta

SD = '[x@32473 a="b \\"]\\" c"]'
NEW = "<86>1 2026-08-04T10:00:01.25Z gate {} 77 - {} \ufeff"
OLD = "<86>Aug  4 10:00:01 gate {}[77]: "
SAID: dict[Format, tuple[str, str]] = {
    Format.SSHD_SYSLOG: ("sshd", "Accepted password for ana from 192.0.2.7 port 50022 ssh2"),
    Format.AUDITD: ("audispd", attempt("USER_LOGIN", "login", "failed")),
    Format.MYSQL_AUDIT: ("mysql-server_auditing", "db1,ana,192.0.2.7,12,0,FAILED_CONNECT,,,1045"),
    Format.CISCO_ASA: ("asa", WRAPPED[Format.CISCO_ASA].partition("gate ")[2]),
    Format.OPENVPN: ("openvpn", WRAPPED[Format.OPENVPN].partition("]: ")[2]),
    Format.FREERADIUS: ("radiusd", WRAPPED[Format.FREERADIUS].partition("]: ")[2]),
    Format.GLOBALPROTECT: ("pan", gp("gateway-auth").partition("PA-1 ")[2]),
    Format.FORTINET: ("forti", forti(subtype="vpn", action="tunnel-up", user="ana").removeprefix("<189>")),
    Format.CEF: ("cef", "CEF:0|Vendor|Product|1.0|100|User login|3|suser=ana src=192.0.2.7 outcome=success"),
    Format.LEEF: ("leef", "LEEF:1.0|V|P|1|login|usrName=ana\tdevTime=1785837601250"),
}


def received(form: Format, text: str) -> Draft:
    return one(form, record_of(form, text.encode()))


@pytest.mark.parametrize("form", sorted(LINES))
def test_formats_of_lines_are_read_behind_either_header(form: Format) -> None:
    program, said = SAID[form]
    new, old = received(form, NEW.format(program, SD) + said), received(form, OLD.format(program) + said)
    assert (new.actor_name, old.actor_name) == ("ana", "ana")
    assert new.occurred_at.replace(microsecond=0) == old.occurred_at.replace(microsecond=0)


def test_every_format_that_reads_lines_is_tried() -> None:
    assert set(SAID) == LINES


@pytest.mark.parametrize("head", [NEW.format("okta", "-"), NEW.format("okta", SD), OLD.format("okta"), "@", ""])
def test_a_json_object_leaves_its_header_where_the_format_reads_json(head: str) -> None:
    head = OLD.format("okta") + "@cee: " if head == "@" else head
    assert record_of(Format.OKTA, head.encode() + okta(1)) == okta(1)
    assert record_of(Format.SSHD_SYSLOG, head.encode() + okta(1)) == head.encode() + okta(1)


def test_a_line_feed_inside_of_a_counted_message_is_visible_and_makes_no_second_record() -> None:
    assert record_of(Format.SSHD_SYSLOG, b"<86>one\nNov 20 two") == b"<86>one#012Nov 20 two"
