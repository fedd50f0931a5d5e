"""Two different people sign a pack before it is issued, and the verifiers check it without the portal."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from evidence.actions import download_pack, let_one_person_sign
from evidence.building import build_pack
from evidence.bundle import build, record_files
from evidence.models import EvidencePack, FileStage, PackFile
from evidence.signoffs.actions import share_pack
from evidence.signoffs.cover import issued
from evidence.signoffs.issuing import UnsignableError, issue_signed
from evidence.signoffs.kinds import MEANINGS, Signed, SignRole
from evidence.signoffs.statement import statement_text
from evidence.verifier.check import Pack
from evidence.verifier.primitives import archive, bag, unbag, unpack
from evidence.verifier.told import lines_of
from ledger.notes import sign_note
from ledger.signer import sign_now
from reviews.kinds import Authentication, Level
from tenants.kinds import Actor, Permission, Refused
from tenants.models import AuditEntry, Tenant, User
from tenants.scope import tenant_scope
from tenants.sharing import share
from tenants.work import Silent
from tests import database, make
from tests.evidence.packing import ISSUED, SIGNER, identity, parts, printed
from tests.evidence.signing import deputy_of, draft_by_hand, signs
from tests.openid.tokens import proved_by_provider

KEY = SIGNER.verifier.vkey


def draft(people: int = 2, reason: str = "") -> bytes:
    made = parts()
    made = replace(made, identity=replace(identity(), people=people, alone_reason=reason), bindings={})
    return build(made, record_files(made), printed(), SIGNER).data


def one(role: SignRole, digest: str, account: str, name: str = "") -> Signed:
    text = statement_text(role, pack={"manifest_sha256": digest}, signer={"account": account})
    said = hashlib.sha256(text.encode()).hexdigest()
    who = (role, name or account.title(), account, "Compliance officer", MEANINGS[role], "code", ("password", "code"))
    return Signed(*who, ISSUED, ISSUED, text.encode(), said, None, "")


def signed(data: bytes, *accounts: str) -> bytes:
    digest = hashlib.sha256(files_of(data)["manifest.json"]).hexdigest()
    people = [one(role, digest, account) for role, account in zip(SignRole, accounts, strict=False)]
    return issued(BytesIO(data), people, SIGNER, BytesIO()).data


def files_of(data: bytes) -> dict[str, bytes]:
    return dict(unbag(unpack(BytesIO(data))[0]))


def changed(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Change files of the sign-off and sign its note again, as whoever holds the key could."""
    files = files_of(data)
    change(files)
    if "sign-off/note.sig" in files:
        head = files["sign-off/note.sig"].decode().split("\n")[:3]
        listed = sorted(name for name in files if name.startswith("sign-off/") and not name.endswith("note.sig"))
        lines = [*head, *(f"{name} {hashlib.sha256(files[name]).hexdigest()}" for name in listed)]
        files["sign-off/note.sig"] = sign_note("\n".join(lines) + "\n", [SIGNER]).encode()
    return archive(bag(files, json.loads(files["manifest.json"])))


def told(data: bytes) -> tuple[list[tuple[str, str]], str]:
    pack = Pack(data)
    faults = pack.check(KEY)
    return faults, "" if faults else "\n".join(lines_of(pack))


def test_an_offline_reader_is_told_who_signed_and_that_a_draft_is_none() -> None:
    faults, said = told(draft())
    assert faults == []
    assert "DRAFT: nobody signed this pack off" in said
    faults, said = told(signed(draft(), "carla", "dora"))
    assert faults == []
    assert "preparer: Carla (carla, Compliance officer)" in said
    assert "approver: Dora (dora, Compliance officer)" in said
    faults, said = told(signed(draft(1, "A firm of one officer."), "carla"))
    assert faults == []
    assert "one person only, because: A firm of one officer." in said


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda files: files.update({"sign-off/approver.json": files["sign-off/approver.json"] + b" "}), "SHA-256"),
        (lambda files: files.pop("sign-off/note.sig"), "signed note"),
        (lambda files: files.update({"sign-off/more.txt": b"x"}), ""),
        (lambda files: [files.pop(name) for name in list(files) if name.startswith("sign-off/")], ""),
        (
            lambda files: files.update(
                {"sign-off/signatures.json": json.dumps(json.loads(files["sign-off/signatures.json"])[:1]).encode()}
            ),
            "asked for: preparer, approver",
        ),
    ],
)
def test_a_changed_sign_off_is_named(change: Callable[[dict[str, bytes]], None], what: str) -> None:
    faults, said = told(changed(signed(draft(), "carla", "dora"), change))
    assert (what in faults[0][1]) if what else ("DRAFT" in said or "approver: Dora" in said)


def test_a_sign_off_belongs_to_one_manifest_and_two_people() -> None:
    other = files_of(signed(draft(1, "Another pack, of one."), "carla"))
    faults, _said = told(
        changed(draft(), lambda files: files.update({k: v for k, v in other.items() if k.startswith("sign-off/")}))
    )
    assert "it signs another pack off." in faults[0][1]
    assert "one person signed in two roles" in told(signed(draft(), "carla", "carla"))[0][0][1]
    assert "asked for" in told(signed(draft(), "carla"))[0][0][1]


@pytest.mark.django_db
def test_a_draft_is_nobodys_outside_until_two_people_signed(
    bpo: Tenant, officer: Actor, axel: User, pack: Callable[..., EvidencePack]
) -> None:
    made, deputy = build_pack(bpo, pack(("pci",)).pk, Silent()), deputy_of(bpo)
    stays_inside(bpo, made, officer, axel)
    two_people_sign(bpo, made, officer, deputy)
    done = issue_signed(bpo, made.pk, Silent())
    assert (done.state, done.manifest_sha256) == ("issued", made.manifest_sha256)
    assert done.sha256 != made.sha256
    assert done.keep_until
    assert (done.keep_until - timezone.now()).days >= 6 * 365
    with tenant_scope(bpo):
        share_pack(pack=done, user=axel, by=officer)
        with download_pack(pack=done, by=make.actor(axel, bpo)) as stored:
            data = stored.read()
        assert PackFile.objects.filter(pack=done).count() == 2
        verbs = AuditEntry.objects.filter(target=f"pack {made.uuid}", verb__in=("pack.sign", "pack.issue"))
        assert sorted(verbs.values_list("verb", flat=True)) == ["pack.issue", "pack.sign", "pack.sign"]
    checked = Pack(data)
    assert checked.check(done.signer_key) == []
    assert checked.sign_off is not None
    assert [line.split(":")[0] for line in checked.sign_off.lines] == ["preparer", "approver"]


def stays_inside(bpo: Tenant, made: EvidencePack, officer: Actor, axel: User) -> None:
    """Neither the deed nor the database shares a draft, and nobody who only reads packs gets it."""
    with tenant_scope(bpo), pytest.raises(Refused, match="Only an issued pack"):
        share_pack(pack=made, user=axel, by=officer)
    with pytest.raises(DatabaseError, match="Only an issued pack"), tenant_scope(bpo), transaction.atomic():
        share(made, user=axel, by=officer)
    with tenant_scope(bpo):
        reader = replace(officer, permissions=frozenset({Permission.PACK_VIEW}))
        with pytest.raises(Refused, match="draft"):
            download_pack(pack=made, by=reader)
        download_pack(pack=made, by=officer).close()


def two_people_sign(bpo: Tenant, made: EvidencePack, officer: Actor, deputy: Actor) -> None:
    """A stale proof, the same person twice and an issue with one signature are refused; then another person signs."""
    late = Authentication(Level.CODE, ("password", "code"), timezone.now() - timedelta(minutes=9))
    with pytest.raises(DatabaseError, match="pack_signature_follows"):
        signs(bpo, made, officer, lambda _digest: late)
    nobody_signs_by_less(bpo, made, officer)
    first = signs(bpo, made, officer, proved_by_provider)
    with pytest.raises(Refused, match="another person approves"):
        signs(bpo, made, officer)
    first.pk, first.role = None, SignRole.APPROVER
    with pytest.raises(DatabaseError, match="different_people"), tenant_scope(bpo), transaction.atomic():
        first.save(force_insert=True)
    ended = {"ended_at": timezone.now(), "signed_off_at": timezone.now(), "keep_until": timezone.now()}
    with pytest.raises(DatabaseError, match="when 2 have signed"), tenant_scope(bpo), transaction.atomic():
        EvidencePack.objects.filter(pk=made.pk).update(state="issued", **ended)
    signs(bpo, made, deputy)


def nobody_signs_by_less(bpo: Tenant, made: EvidencePack, officer: Actor) -> None:
    """The database takes no signature below the minimum, nor of a provider that did not speak of this statement."""
    other = proved_by_provider("0" * 64)
    with tenant_scope(bpo), transaction.atomic():
        forged = signs(bpo, made, officer)
        transaction.set_rollback(True)
    right: dict[str, object] = {"pk": None, "level": Level.CODE, "methods": ["password", "code"], "authentication": {}}
    for words, change in (
        ("stronger proof", {"level": Level.SESSION}),
        ("stronger proof", {"level": "a"}),
        ("rests_on_two_components", {"methods": ["password"]}),
        ("another statement", {"level": Level.PROVIDER}),
        ("another statement", {"level": Level.PROVIDER, "authentication": dict(other.detail)}),
        ("passkey signed another", {"level": Level.PASSKEY}),
    ):
        for name, value in {**right, **change}.items():
            setattr(forged, name, value)
        with pytest.raises(DatabaseError, match=words), tenant_scope(bpo), transaction.atomic():
            forged.save(force_insert=True)


@pytest.mark.django_db
def test_one_person_is_enough_only_with_a_reason_and_the_pack_is_kept(
    bpo: Tenant, officer: Actor, pack: Callable[..., EvidencePack]
) -> None:
    with tenant_scope(bpo), pytest.raises(Refused, match="10 characters"):
        let_one_person_sign(alone=True, reason="small", by=officer)
    with tenant_scope(bpo):
        let_one_person_sign(alone=True, reason="One officer only, approved by the board.", by=officer)
    asked = pack(("pci",))
    assert (asked.people, asked.alone_reason) == (1, "One officer only, approved by the board.")
    with tenant_scope(bpo):
        let_one_person_sign(alone=False, reason="A second officer has come.", by=officer)
    assert pack(("pci",)).people == 2
    with pytest.raises(DatabaseError, match="never changed"), tenant_scope(bpo), transaction.atomic():
        EvidencePack.objects.filter(pk=asked.pk).update(people=2)
    with pytest.raises(DatabaseError, match="permission denied"), tenant_scope(bpo), transaction.atomic():
        EvidencePack.objects.filter(pk=asked.pk).delete()


@pytest.mark.django_db
def test_a_stored_draft_that_is_not_the_built_one_is_not_issued(
    bpo: Tenant, officer: Actor, pack: Callable[..., EvidencePack]
) -> None:
    asked = pack(("pci",))
    with tenant_scope(bpo):
        draft_by_hand(asked, b"as it was built")
        PackFile.objects.create(pack=asked, stage=FileStage.DRAFT, n=1, data=b", and more")
    sign_now(bpo.uuid)
    with pytest.raises(UnsignableError, match="not the one that was built"):
        issue_signed(bpo, asked.pk, Silent())
    with tenant_scope(bpo):
        EvidencePack.objects.update(sha256=hashlib.sha256(b"as it was built, and more").hexdigest())
        with pytest.raises(Refused, match="its SHA-256 differs"):
            download_pack(pack=EvidencePack.objects.get(), by=officer)
    with pytest.raises(UnsignableError, match="not the one that was built"):
        issue_signed(bpo, asked.pk, Silent())


@pytest.mark.django_db
def test_not_even_the_owner_of_the_tables_removes_a_pack_before_its_time() -> None:
    texts = dict.fromkeys(("title", "zone", "recipient", "classification", "requested_by", "kind"), "x")
    empty = dict.fromkeys(("sha256", "manifest_sha256", "content_sha256", "tier", "signer_key", "error"), "")
    row: dict[str, object] = {
        **texts,
        **empty,
        "alone_reason": "",
        "language": "en",
        "frameworks": "[]",
        "tally": "{}",
        "people": 2,
        "parquet": False,
        "volumes": False,
    }
    row |= {"tenant_id": 1, "uuid": UUID(int=7), "state": "requested", "requested_at": timezone.now()}
    row |= {"period_start": ISSUED, "period_end": timezone.now()}
    names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    with psycopg.connect(make_conninfo(database.admin_dsn(), dbname=connection.settings_dict["NAME"])) as owner:
        owner.execute(f"INSERT INTO evidence_evidencepack ({names}) VALUES ({values})", row)  # noqa: S608 -- names of our own
        with pytest.raises(psycopg.DatabaseError, match="kept for six years"):
            owner.execute("DELETE FROM evidence_evidencepack WHERE uuid = %s", [UUID(int=7)])
        owner.rollback()
