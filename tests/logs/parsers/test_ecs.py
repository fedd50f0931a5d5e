"""Elastic Common Schema: what category, type and action mean; nested and dotted names. Synthetic records."""

import json
from typing import Any

import pytest

from logs.kinds import Draft, Format
from tests.logs.parsers.reading import counted, one, read, reason

ECS = Format.ECS


def ecs(*, category: str = "authentication", kind: str | list[str] = "start", action: str = "", **members: Any) -> str:
    kinds = [kind] if isinstance(kind, str) else kind
    event: dict[str, Any] = {"category": [category], "type": kinds, "action": action, **members.pop("event", {})}
    record = {"@timestamp": "2026-08-04T10:00:01.250Z", "event": event, "user": {"name": "ana", "id": "7"}}
    return json.dumps(record | members)


def test_it_reads_a_log_in() -> None:
    event = one(ECS, ecs(
        event={"outcome": "success", "id": "e-1", "duration": 1_500_000_000, "dataset": "system.auth"},
        source={"ip": "::ffff:192.0.2.7", "port": 4711}, host={"name": "web"}, user_agent={"original": "curl/8"},
        service={"name": "sshd"}, session={"id": "s-1"}))  # fmt: skip
    assert (event.log_type, event.type_uid, event.status_id) == (1, 300201, 1)
    assert (event.actor_name, event.actor_uid, event.src_ip, event.src_port) == ("ana", "7", "192.0.2.7", 4711)
    assert (event.dst_host, event.user_agent, event.app, event.session_uid) == ("web", "curl/8", "sshd", "s-1")
    assert (event.native_id, event.duration_ms) == ("e-1", 1500)


def test_names_with_dots_mean_the_same() -> None:
    nested = ecs(event={"outcome": "failure", "reason": "bad password"}, source={"ip": "192.0.2.7"})
    dotted = {"@timestamp": "2026-08-04T10:00:01.250Z", "event.category": "authentication", "event.type": "start",
              "event.outcome": "failure", "event.reason": "bad password", "user.name": "ana", "user.id": "7",
              "source.ip": "192.0.2.7", "labels.x": 1}  # fmt: skip
    first, second = one(ECS, nested), one(ECS, json.dumps(dotted))
    for event in (first, second):
        assert (event.log_type, event.status_detail, event.src_ip, event.actor_uid) == (
            6,
            "bad_password",
            "192.0.2.7",
            "7",
        )


@pytest.mark.parametrize(
    ("category", "kind", "action", "expected"),
    [
        ("authentication", "end", "", (7, 300202)),
        ("session", "end", "", (7, 300202)),
        ("iam", ["user", "creation"], "", (5, 300101)),
        ("iam", ["user", "change"], "password-change", (5, 300103)),
        ("iam", ["group", "change"], "added-member-to-group", (5, 300603)),
        ("iam", ["group", "change"], "x", (5, 300699)),
        ("configuration", "change", "", (5, 300403)),
        ("database", "access", "", (3, 600504)),
        ("network", "start", "vpn-connected", (4, 401401)),
        ("file", "deletion", "", (7, 600604)),
        ("web", "access", "", (2, 600102)),
        ("process", "start", "report exported", (7, 600107)),
        ("process", "start", "", (2, 600399)),
    ],
)
def test_it_says_what_happened(category: str, kind: str | list[str], action: str, expected: tuple[int, int]) -> None:
    event = one(ECS, ecs(category=category, kind=kind, action=action))
    assert (event.log_type, event.type_uid) == expected


def test_it_reads_whose_account_was_changed() -> None:
    user = {"name": "adm", "roles": ["Domain Admins"], "target": {"name": "bob", "id": "8"}}
    event = one(ECS, ecs(category="iam", kind=["user", "change"], action="disabled-user-account", user=user))
    assert (event.actor_name, event.actor_type, event.target_name, event.target_uid) == ("adm", "admin", "bob", "8")
    assert event.type_uid == 300105


def test_a_record_without_an_actor_is_counted_and_what_is_none_is_kept_apart() -> None:
    assert counted(read(ECS, ecs(user={}), ecs())) == (1, 0, 1)
    assert "@timestamp" in reason(ECS, '{"event": {"category": "authentication"}}')
    assert "ECS" in reason(ECS, '{"@timestamp": "yesterday", "event": {}}')
    assert all(isinstance(found, Draft) for found in read(ECS, f"[{ecs()},{ecs()}]"))
