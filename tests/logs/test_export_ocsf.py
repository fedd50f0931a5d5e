"""Events as OCSF 1.8: valid by the schema in every class, read back to the same event, and offered by the search."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import queries
from logs.actions import record_events
from logs.kinds import ActorType, Draft, Format, LogType, OcsfClass, SourceSettings, StatusDetail
from logs.models import AccessEvent, EventExport
from logs.ocsf import Kept, kept_of, ocsf_event, ocsf_lines
from logs.parsers import PARSERS
from logs.parsers.text import clean
from tenants.kinds import Actor
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.logs.ocsf_schema import faults
from tests.logs.parsers.reading import one, reason
from tests.logs.sources import SSHD_BAD, SSHD_OK, lines, source

AT = datetime(2026, 8, 4, 10, 0, 1, 250_123, tzinfo=UTC)
KEPT = Kept("1-2", AT, "7", "okta/1", "11111111-2222-4333-8444-555555555555", "b-1", 3, b"\x01" * 32, b"\x02" * 32, 9)
ACTIVITIES = {OcsfClass.AUTHENTICATION: 7, OcsfClass.API: 3, OcsfClass.USER_ACCESS: 2, OcsfClass.AUTHORIZE_SESSION: 2}

TEXT = st.text(max_size=20).map(clean)
WORD = st.one_of(TEXT, st.sampled_from(["ana", "-", "unknown", " x ", "192.0.2.7", "host/pc"]))
COUNT = st.one_of(st.none(), st.integers(0, 2**53))


def draft(class_uid: int = OcsfClass.AUTHENTICATION, **fields: Any) -> Draft:
    facts: dict[str, Any] = {"occurred_at": AT, "clock_quality": 2, "log_type": 2, "activity_id": 1, "raw": b"x"}
    return Draft(**{**facts, "class_uid": int(class_uid), "position": 0, **fields})


def full(class_uid: int) -> Draft:
    """Give an event that says everything it can."""
    texts = {name: f"the {name}" for name, kind in Draft.__annotations__.items() if kind is str}
    texts |= {"status_detail": "bad_password", "actor_type": "admin", "target_kind": "account"}
    numbers = dict.fromkeys(("duration_ms", "bytes_in", "bytes_out", "rows_count", "src_port", "repeat_count"), 7)
    rest = {"src_ip": "192.0.2.7", "mfa": True, "is_remote": False, "logon_type_id": 10, "auth_protocol_id": 2}
    more: dict[str, Any] = {
        "privileges": ("a", "b"),
        "extra": {"k": "v", "n": 1.5, "b": True, "l": ["x", 1]},
        "status_id": 2,
    }
    log_type = LogType.FAILED_LOGIN if class_uid == OcsfClass.AUTHENTICATION else LogType.ADMIN
    activity = ACTIVITIES.get(OcsfClass(class_uid), 1)
    return draft(class_uid, log_type=int(log_type), activity_id=activity, **texts, **numbers, **rest, **more)


def back(event: dict[str, Any]) -> Draft:
    return one(Format.OCSF, json.dumps(event))


def same(first: Draft, second: Draft) -> bool:
    return msgspec.structs.replace(first, raw=b"", position=0) == msgspec.structs.replace(second, raw=b"", position=0)


@pytest.mark.parametrize("class_uid", list(OcsfClass))
@pytest.mark.parametrize("make", [full, draft])
def test_every_class_is_valid_by_the_schema_full_and_empty(class_uid: int, make: Any) -> None:
    assert faults(ocsf_event(make(class_uid), KEPT)) == []


def test_the_validator_sees_a_fault() -> None:
    event = ocsf_event(full(OcsfClass.AUTHENTICATION), KEPT)
    assert faults(event | {"time": event["time"] // 1000})
    assert faults(event | {"severity_id": 77})
    assert faults(event | {"invented": 1})
    assert faults({name: value for name, value in event.items() if name != "user"})
    assert faults(event | {"src_endpoint": {"ip": 7}})


@pytest.mark.parametrize("class_uid", list(OcsfClass))
@pytest.mark.parametrize("make", [full, draft])
def test_every_class_reads_back_to_the_same_event(class_uid: int, make: Any) -> None:
    event = make(class_uid)
    assert same(back(ocsf_event(event, KEPT)), event)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_event_is_valid_and_reads_back(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(OcsfClass)))
    names = sorted(name for name, of in Draft.__annotations__.items() if of is str)
    texts = {name: data.draw(WORD) for name in data.draw(st.sets(st.sampled_from(names), max_size=8))}
    texts |= {"actor_type": data.draw(st.sampled_from(ActorType.values)), "status_detail": ""}
    status = data.draw(st.sampled_from([0, 1, 2]))
    if status == 2:
        texts["status_detail"] = data.draw(st.sampled_from(StatusDetail.values))
    failed = kind == OcsfClass.AUTHENTICATION and status == 2
    log_type = 6 if failed else data.draw(st.sampled_from([1, 2, 3, 4, 5, 7]))
    at = AT + timedelta(microseconds=data.draw(st.integers(-(10**14), 10**14)))
    extra = data.draw(st.dictionaries(TEXT.filter(bool), st.one_of(TEXT.filter(bool), st.integers(-9, 9)), max_size=3))
    counts = {name: data.draw(COUNT) for name in ("duration_ms", "bytes_in", "bytes_out", "rows_count")}
    event = draft(kind, log_type=log_type, occurred_at=at, status_id=status, extra=extra, **counts, **texts)
    found = ocsf_event(event, KEPT)
    assert [fault for fault in faults(found) if "time" not in fault] == []
    assert same(back(found), event)


def test_it_says_who_acted_on_whom_and_where_it_stands_in_the_ledger() -> None:
    event = draft(OcsfClass.ACCOUNT_CHANGE, log_type=5, actor_name="adm", actor_type="admin", target_name="bob",
                  target_kind="account", src_ip="192.0.2.7", action="user.lock", native_id="n-1")  # fmt: skip
    found = ocsf_event(event, KEPT)
    assert (found["actor"]["user"]["name"], found["user"]["name"]) == ("adm", "bob")
    assert found["time"] == 1_785_837_601_250
    metadata = found["metadata"]
    assert (metadata["version"], metadata["tenant_uid"], metadata["uid"]) == ("1.8.0", KEPT.chain_uid, "1-2")
    assert (metadata["event_code"], metadata["original_event_uid"]) == ("user.lock", "n-1")
    assert found["raw_data_hash"] == {"algorithm_id": 3, "algorithm": "SHA-256", "value": "02" * 32}
    (proof,) = found["unmapped"]["record_integrity"]["attestation_list"]
    assert (proof["chain_uid"], proof["fingerprint"]["value"]) == (KEPT.chain_uid, "01" * 32)


def test_it_reads_the_events_of_others() -> None:
    event = {"class_uid": 3002, "activity_id": 1, "time": 1_785_837_601_250, "status_id": 2, "severity_id": 1,
             "status_detail": "Wrong password given", "user": {"name": "ana", "uid": "7", "type_id": 2},
             "src_endpoint": {"ip": "::ffff:192.0.2.7", "port": 4711}, "is_mfa": False, "service": {"name": "vpn"},
             "metadata": {"uid": "e-1", "version": "1.3.0", "product": {"name": "X"}},
             "unmapped": {"a": {"b": 1}, "countersign": {"log_type": 1, "mfa": "yes", "src_port": -1}}}  # fmt: skip
    found = back(event)
    assert (found.log_type, found.status_detail, found.status_code) == (6, "bad_password", "Wrong password given")
    assert (found.actor_name, found.actor_uid, found.actor_type) == ("ana", "7", "admin")
    assert (found.src_ip, found.src_port, found.app, found.mfa) == ("192.0.2.7", 4711, "vpn", False)
    assert (found.native_id, found.extra) == ("e-1", {"a": '{"b":1}'})


def test_other_classes_are_counted_and_what_is_none_is_kept_apart() -> None:
    (finding,) = PARSERS[Format.OCSF].parse([b'{"class_uid": 2004, "time": 1785837601250}'], SourceSettings())
    assert "no access" in getattr(finding, "reason", "")
    assert "OCSF" in reason(Format.OCSF, '{"class_uid": 3002}')
    assert "OCSF" in reason(Format.OCSF, '{"class_uid": 3002, "time": 1e99}')


@pytest.mark.django_db
def test_the_search_gives_everything_as_ocsf_with_the_leaf_of_the_ledger(
    client: Client, carla: User, bpo: Tenant, system: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logs.exporting.WHOLE_PAGE", 1)
    with tenant_scope(bpo):
        record_events(source=source(), body=lines(SSHD_OK, SSHD_BAD), door="test", by=system)
    client.force_login(carla)
    address = "/t/northwind/search/export.ocsf.ndjson"
    assert address in client.get("/t/northwind/search/").content.decode()
    response = client.get(address)
    assert response["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert response["Content-Disposition"].endswith('.ocsf.ndjson"')
    body = b"".join(response.streaming_content)  # type: ignore[arg-type]  # streams
    found = [json.loads(line) for line in body.splitlines()]
    assert [event["actor"]["user"]["name"] for event in found] == ["root", "alice"]
    assert [fault for event in found for fault in faults(event)] == []
    assert found[0]["raw_data_hash"]["value"] == sha256(SSHD_BAD).hexdigest()
    with tenant_scope(bpo):
        first = queries.batch(bpo.uuid, AccessEvent.objects.all()[0].batch_id).first_index
        for event in found:
            (proof,) = event["unmapped"]["record_integrity"]["attestation_list"]
            assert queries.leaf(bpo.uuid, first + proof["number"]).hex() == proof["fingerprint"]["value"]
            assert proof["chain_uid"] == str(bpo.uuid)
        told = EventExport.objects.get()
    assert (told.form, told.rows, bytes(told.sha256)) == ("ocsf", 2, sha256(body).digest())


@pytest.mark.django_db
def test_an_erased_record_has_no_leaf_in_its_export(bpo: Tenant, system: Actor) -> None:
    with tenant_scope(bpo):
        record_events(source=source(), body=lines(SSHD_OK), door="test", by=system)
        (event,) = AccessEvent.objects.all()
        whole, event.raw, event.salts = kept_of(event, "c"), None, None
        erased = kept_of(event, "c")
    assert whole.leaf is not None
    assert (erased.leaf, erased.raw_sha256, erased.raw_bytes) == (None, None, None)
    (line,) = ocsf_lines([event], "c")
    assert "record_integrity" not in json.loads(line)["unmapped"]
