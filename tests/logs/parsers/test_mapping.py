"""CSV and JSON with a saved mapping: refused without time or actor, and never guessed."""

import json
from datetime import UTC, datetime

import pytest

from logs.kinds import Format, ParseError, Quarantined, SourceSettings
from logs.parsers import PARSERS, check_mapping
from tests.logs.parsers.reading import counted, drafts, one, read, reason

VPN: dict[str, object] = {
    "columns": {
        "Time": "occurred_at",
        "User": "actor_name",
        "Event": "action",
        "Result": "outcome",
        "Client": "src_ip",
        "Seconds": "duration_s",
        "Bytes": "bytes_out",
        "Gateway": "extra.gateway",
    },
    "time_format": "%d/%m/%Y %H:%M:%S",
    "time_zone": "Asia/Manila",
    "log_type": "remote",
    "outcomes": {"OK": "success", "BADPW": "bad_password"},
    "activities": {"connect": [4014, 1], "disconnect": [4014, 2], "auth": [3002, 1]},
    "app": "VPN",
}
HEADER = "Time,User,Event,Result,Client,Seconds,Bytes,Gateway"
SETTINGS = SourceSettings(mapping=VPN)


def test_it_reads_a_vpn_log() -> None:
    body = [HEADER, '04/08/2026 18:00:00,"Doe, B",disconnect,OK,[2001:db8::7]:443,90.5,1024,gw-1']
    event = one(Format.CSV, *body, settings=SETTINGS)
    assert event.occurred_at == datetime(2026, 8, 4, 10, 0, tzinfo=UTC)
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == (4, 4014, 2, 1)
    assert (event.actor_name, event.src_ip, event.src_port, event.duration_ms) == ("Doe, B", "2001:db8::7", 443, 90500)
    assert (event.app, event.bytes_out, event.extra) == ("VPN", 1024, {"gateway": "gw-1"})


def test_a_refused_authentication_becomes_a_failed_log_in() -> None:
    event = one(Format.CSV, HEADER, "04/08/2026 18:00:00,bob,AUTH,badpw,192.0.2.7,,,", settings=SETTINGS)
    assert (event.log_type, event.class_uid, event.status_id, event.status_detail) == (6, 3002, 2, "bad_password")


def test_a_value_that_no_map_names_is_kept_and_not_guessed() -> None:
    event = one(Format.CSV, HEADER, "04/08/2026 18:00:00,bob,connect,MAYBE,192.0.2.7,x,-5,", settings=SETTINGS)
    assert (event.status_id, event.status_code) == (0, "MAYBE")
    assert (event.duration_ms, event.bytes_out, event.extra) == (None, None, {"bytes_out": "-5"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"columns": {"User": "actor_name"}}, "No column is mapped to the time"),
        ({"columns": {"Time": "occurred_at"}}, "No column is mapped to the actor"),
        ({"columns": {"Time": "occurred_at", "User": "password"}}, "no field of an event"),
        ({"columns": {"Time": "occurred_at", "User": "actor_name", "Name": "actor_name"}}, "Two columns"),
        ({"time_format": "%H:%M"}, "hold a year"),
        ({"time_zone": "Mars/Olympus"}, "no time zone named"),
        ({"log_type": "teleport"}, "is no log type"),
        ({"log_type": ""}, "Neither a log type"),
        ({"outcomes": {"x": "great"}}, "is no outcome"),
        ({"activities": {"x": [1, 1]}}, "no class of access events"),
        ({"delimiter": ";;"}, "one character"),
        ({"colums": {}}, "wrong shape"),
    ],
)
def test_it_refuses_a_mapping_with_a_sentence(change: dict[str, object], sentence: str) -> None:
    assert any(sentence in problem for problem in check_mapping(VPN | change))
    with pytest.raises(ParseError, match=r"\."):
        list(PARSERS[Format.CSV].parse([b"x"], SourceSettings(mapping=VPN | change)))


def test_a_good_mapping_has_no_problem() -> None:
    assert check_mapping(VPN) == []


def test_it_names_the_columns_that_a_header_lacks() -> None:
    with pytest.raises(ParseError, match="lacks the columns 'Event', 'Result'"):
        read(Format.CSV, "Time,User,Client,Seconds,Bytes,Gateway", settings=SETTINGS)


def test_it_counts_the_header_and_keeps_broken_rows_apart() -> None:
    outcomes = read(
        Format.CSV,
        "\ufeff" + HEADER + "\r\n",
        "04/08/2026 18:00:00,bob,connect,OK,192.0.2.7,,,\r\n",
        "04/08/2026 18:00:00,bob,connect\r\n",
        "yesterday,bob,connect,OK,192.0.2.7,,,\r\n",
        "04/08/2026 18:00:00,-,connect,OK,192.0.2.7,,,\r\n",
        settings=SETTINGS,
    )
    assert counted(outcomes) == (1, 3, 1)
    assert drafts(outcomes)[0].raw.endswith(b"\r")


def test_a_field_may_hold_line_ends_and_a_quote_that_never_closes_spoils_one_line() -> None:
    good = '04/08/2026 18:00:00,"b\n\no""b",connect,OK,192.0.2.7,,,'
    event = one(Format.CSV, (HEADER + "\n" + good + "\n"), settings=SETTINGS)
    assert (event.actor_name, event.raw.decode()) == ('b\\x0a\\x0ao"b', good)
    rows = [f"04/08/2026 18:00:00,user{n},connect,OK,192.0.2.7,,," for n in range(500)]
    outcomes = read(Format.CSV, HEADER, '04/08/2026 18:00:00,"open,connect,OK,192.0.2.7,,,', *rows, settings=SETTINGS)
    assert counted(outcomes) == (500, 1, 1)


def test_a_body_without_a_header_line_uses_the_saved_names() -> None:
    mapping = VPN | {"header": HEADER.split(",")}
    row = "04/08/2026 18:00:00,bob,connect,OK,192.0.2.7,,,"
    assert one(Format.CSV, row, settings=SourceSettings(mapping=mapping)).actor_name == "bob"
    assert counted(read(Format.CSV, HEADER, row, settings=SourceSettings(mapping=mapping))) == (1, 0, 1)


CRM: dict[str, object] = {
    "columns": {
        "ts": "occurred_at",
        "user.email": "actor_name",
        "user.roles": "privileges",
        "what": "kind",
        "verb": "action",
        "ip.v4": "src_ip",
        "id": "native_id",
    },
    "time_format": "epoch_ms",
    "log_types": {"app": 2, "session": "session"},
    "outcome": "success",
    "activities": {"export": [6001, 7]},
}


def test_it_follows_paths_in_json() -> None:
    row = {
        "ts": 1785837600123,
        "user": {"email": "bob", "roles": ["agent", "lead"]},
        "what": "session",
        "verb": "Export",
    }
    row |= {"ip.v4": "::ffff:192.0.2.7", "id": 99}
    event = one(Format.JSON, json.dumps(row), settings=SourceSettings(mapping=CRM))
    assert (event.actor_name, event.privileges, event.src_ip) == ("bob", ("agent", "lead"), "192.0.2.7")
    assert (event.log_type, event.class_uid, event.activity_id, event.native_id) == (7, 6001, 7, "99")
    assert (event.status_id, event.occurred_at.microsecond) == (1, 123000)


@pytest.mark.parametrize(
    "row",
    [
        {"ts": True, "user": {"email": "bob"}, "what": "app"},
        {"ts": "soon", "user": {"email": "bob"}, "what": "app"},
        {"ts": 1785837600123, "user": [], "what": "app"},
        {"ts": 1785837600123, "user": {"email": "bob"}, "what": "new"},
    ],
)
def test_a_record_without_time_actor_or_kind_is_kept_apart(row: dict[str, object]) -> None:
    assert reason(Format.JSON, json.dumps(row), settings=SourceSettings(mapping=CRM)).endswith(".")


def test_records_that_are_read_together_keep_their_places_and_their_own_reasons() -> None:
    good = "04/08/2026 18:00:00,bob,AUTH,badpw,192.0.2.7,,,"
    bad = {3: ("soon,bob,AUTH,OK,,,,", "time"), 499: (good.replace("bob", "-"), "no actor"), 502: ("a,b", "2 fields")}
    body = [HEADER, *(bad[at][0] if at in bad else good.replace(".7", f".{at % 7}") for at in range(1, 1204))]
    outcomes = read(Format.CSV, *body, settings=SETTINGS)
    assert [(found.position, found.raw.decode()) for found in outcomes] == list(enumerate(body))
    assert {found.position for found in outcomes if isinstance(found, Quarantined)} == bad.keys()
    assert all(bad[found.position][1] in found.reason for found in outcomes if isinstance(found, Quarantined))
    assert [found.src_ip for found in drafts(outcomes)][-1] == f"192.0.2.{1203 % 7}"
