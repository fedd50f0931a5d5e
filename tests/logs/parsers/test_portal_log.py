"""Countersign's own log."""

import msgspec
import pytest

from logs.kinds import Format
from logs.parsers.portal import PortalRow
from tests.logs.parsers.reading import one, reason


def line(kind: str, **members: object) -> bytes:
    base = {"id": "a1", "at": "2026-08-04T10:00:00+00:00", "kind": kind, "user": "ana@example.test", "ip": "192.0.2.7"}
    return msgspec.json.encode(msgspec.convert(base | members, PortalRow))


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("login", {"mfa": True}, (2, 3002, 1, 1)),
        ("failure", {"reason": "bad_password"}, (6, 3002, 1, 2)),
        ("logout", {"duration_ms": 5}, (7, 3002, 2, 1)),
        ("deed", {"verb": "membership.add"}, (5, 6001, 1, 1)),
        ("deed", {"verb": "role.grant"}, (5, 3005, 1, 1)),
        ("deed", {"verb": "source.token_revoke"}, (5, 6001, 4, 1)),
        ("deed", {"verb": "alert.configure"}, (5, 6001, 3, 1)),
        ("deed", {"verb": "item.decide"}, (7, 6001, 3, 1)),
        ("looked", {"verb": "event.search", "rows": 50}, (7, 6001, 5, 1)),
        ("looked", {"verb": "event.export", "rows": 50, "outcome": "failure"}, (7, 6001, 7, 2)),
    ],
)
def test_it_reads_each_kind_of_line(kind: str, members: dict[str, object], expected: tuple[int, ...]) -> None:
    event = one(Format.PORTAL, line(kind, **members))
    assert (event.log_type, event.class_uid, event.activity_id, event.status_id) == expected
    assert (event.actor_name, event.app, event.native_id) == ("ana@example.test", "countersign", "a1")


def test_it_says_why_a_line_is_kept_apart() -> None:
    assert "no kind of line" in reason(Format.PORTAL, line("dance"))
    assert "is broken" in reason(Format.PORTAL, b'{"id": "a1"}')
