r"""CEF and LEEF of vendors without a map of their own: escapes, labels, times, actors, outcomes. Synthetic records."""

import pytest

from logs.kinds import Format, SourceSettings
from tests.logs.parsers.reading import counted, one, read, reason

CEF, LEEF = Format.CEF, Format.LEEF


def cef(extension: str, name: str = "User login", header: str = "Vendor|Product|1.0|100") -> str:
    return f"Aug  4 10:00:02 web CEF:0|{header}|{name}|3|{extension}"


def test_it_maps_the_fields_of_the_dictionary() -> None:
    event = one(CEF, cef(
        "rt=1785837601250 src=192.0.2.7 spt=4711 dst=192.0.2.1 dhost=crm shost=nb7 suser=ana suid=7 act=allowed "
        "outcome=success requestClientApplication=Mozilla/5.0 (X11) request=https://crm.example.test/a?b\\=c "
        "cs1Label=Policy cs1=Staff and admins cn1Label=Tries cn1=3 externalId=e-1 in=10 out=20"))  # fmt: skip
    assert (event.log_type, event.type_uid, event.status_id) == (1, 300201, 1)
    assert (event.actor_name, event.actor_uid, event.src_ip, event.src_port) == ("ana", "7", "192.0.2.7", 4711)
    assert (event.dst_host, event.src_host, event.app) == ("crm", "nb7", "Product")
    assert (event.user_agent, event.resource) == ("Mozilla/5.0 (X11)", "https://crm.example.test/a?b=c")
    assert (event.native_id, event.bytes_in, event.bytes_out) == ("e-1", 10, 20)
    assert event.extra == {"Policy": "Staff and admins", "Tries": "3", "vendor": "Vendor", "signature": "100"}
    assert event.occurred_at.isoformat() == "2026-08-04T10:00:01.250000+00:00"


def test_it_takes_the_escapes_off() -> None:
    event = one(CEF, cef(r"suser=a\=b\\c msg=one\ntwo|three cs1=x", r"Login \| with \\ signs", r"Ven\|dor|P\\|1|9"))
    assert event.actor_name == "a=b\\c"
    assert event.action == "Login | with \\ signs"
    assert (event.extra["vendor"], event.app) == ("Ven|dor", "P\\")


@pytest.mark.parametrize(
    ("stated", "at"),
    [
        ("rt=1785837601250", "2026-08-04T10:00:01.250000+00:00"),
        ("rt=1785837601", "2026-08-04T10:00:01+00:00"),
        ("rt=Aug 04 2026 10:00:01.250 UTC", "2026-08-04T10:00:01.250000+00:00"),
        ("rt=Aug 04 2026 12:00:01", "2026-08-04T10:00:01+00:00"),
        ("rt=2026-08-04T10:00:01Z", "2026-08-04T10:00:01+00:00"),
        ("end=1785837601250 start=1785837600250", "2026-08-04T10:00:01.250000+00:00"),
        ("x=1", "2026-08-04T08:00:02+00:00"),
        ("rt=nonsense", "2026-08-04T08:00:02+00:00"),
    ],
)
def test_it_reads_every_time(stated: str, at: str) -> None:
    zone = SourceSettings(year=2026, time_zone="Europe/Warsaw")
    event = one(CEF, cef(f"{stated} suser=ana"), settings=zone)
    assert event.occurred_at.isoformat() == at


def test_start_and_end_give_the_duration() -> None:
    assert one(CEF, cef("suser=ana start=1785837601000 end=1785837661000", "Session end")).duration_ms == 60_000


def test_the_source_user_acts_on_the_destination_user() -> None:
    event = one(CEF, cef("suser=adm duser=bob dpriv=Administrator outcome=success", "Role granted to user"))
    assert (event.log_type, event.type_uid) == (5, 300501)
    assert (event.actor_name, event.target_name, event.privileges) == ("adm", "bob", ("Administrator",))
    alone = one(CEF, cef("duser=bob outcome=failure reason=Account locked"))
    assert (alone.actor_name, alone.target_name, alone.status_detail) == ("bob", "", "locked")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("User logged out", (7, 300202)),
        ("VPN tunnel up", (4, 401401)),
        ("VPN session disconnected", (4, 401402)),
        ("Password reset by admin", (5, 300104)),
        ("Account locked", (5, 300109)),
        ("Account unlocked", (5, 300112)),
        ("User created", (5, 300101)),
        ("Member added to group Admins", (5, 300603)),
        ("Audit policy changed", (5, 300403)),
        ("SELECT on customers", (3, 600504)),
        ("File downloaded", (7, 600602)),
        ("Report exported", (7, 600107)),
        ("Something else", (2, 600399)),
    ],
)
def test_the_words_say_what_happened(name: str, expected: tuple[int, int]) -> None:
    event = one(CEF, cef("suser=ana", name))
    assert (event.log_type, event.type_uid) == expected


def test_a_record_without_an_actor_is_counted_and_what_is_none_is_kept_apart() -> None:
    assert counted(read(CEF, cef("src=192.0.2.7 act=deny", "Packet dropped"), "Aug  4 10:00:01 h cron[1]: x")) == (
        0,
        0,
        2,
    )
    assert "CEF record" in reason(CEF, "hello")
    assert "seven fields" in reason(CEF, r"CEF:0|a|b|c|d|e\|f")
    assert "no time" in reason(CEF, "CEF:0|a|b|c|d|User login|3|suser=ana")


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [("LEEF:1.0|V|P|1|login|", "\t"), ("LEEF:2.0|V|P|1|login|^|", "^"), ("LEEF:2.0|V|P|1|login|x5E|", "^"),
     ("LEEF:2.0|V|P|1|login|0x09|", "\t"), ("LEEF:2.0|V|P|1|login||", "\t")],
)  # fmt: skip
def test_it_reads_leef_with_every_delimiter(head: str, delimiter: str) -> None:
    parts = ("usrName=ana=k", "src=192.0.2.7", "srcPort=4711", "devTime=1785837601250", "result=failed", "sev=8")
    event = one(LEEF, f"<13>Aug  4 10:00:02 web {head}{delimiter.join(parts)}")
    assert (event.log_type, event.actor_name, event.src_ip, event.src_port) == (6, "ana=k", "192.0.2.7", 4711)
    assert (event.severity_id, event.occurred_at.microsecond) == (4, 250_000)


@pytest.mark.parametrize(
    ("stated", "java"),
    [
        ("2026-08-04 12:00:01.250 +0200", "yyyy-MM-dd HH:mm:ss.SSS Z"),
        ("Aug 04 2026 10:00:01.250 UTC", "MMM dd yyyy HH:mm:ss.SSS z"),
        ("2026-08-04T10:00:01.250+0000", "yyyy-MM-dd'T'HH:mm:ss.SSSZ"),
    ],
)
def test_it_reads_the_time_format_that_a_record_names(stated: str, java: str) -> None:
    event = one(LEEF, f"LEEF:1.0|V|P|1|login|usrName=ana\tdevTime={stated}\tdevTimeFormat={java}")
    assert (event.occurred_at.isoformat(), event.clock_quality) == ("2026-08-04T10:00:01.250000+00:00", 1)


def test_a_time_that_leef_does_not_explain_is_kept_apart() -> None:
    line = "LEEF:1.0|V|P|1|login|usrName=ana\tdevTime=04.08.26\tdevTimeFormat=qq"
    assert "devTimeFormat" in reason(LEEF, line)
    assert "too few" in reason(LEEF, "LEEF:2.0|V|P|1")


def test_a_record_without_a_field_and_a_format_with_a_letter_twice_are_kept_apart() -> None:
    assert counted(read(CEF, "Aug  4 10:00:02 web CEF:0|Vendor|Product|1.0|100|User login|3|")) == (0, 0, 1)
    line = "LEEF:1.0|V|P|1|login|usrName=ana\tdevTime=AM AM\tdevTimeFormat=a a"
    assert "devTimeFormat" in reason(LEEF, line)
