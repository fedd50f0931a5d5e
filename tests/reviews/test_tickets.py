"""Tickets about revocations: written once, posted and mailed, tried again, given up aloud, and never to the inside."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from reviews import jobs
from reviews.actions import carry_out_now, claim_remediation, decide, verify_remediations, write_tickets
from reviews.actions.tickets import MAX_TRIES
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Remediation, Ticket, TicketRoute, TicketTry
from reviews.outward import OutwardError, post, target_of
from reviews.webhooks import SecretLost, signed_headers, unsealed
from tenants.models import Tenant, User
from tenants.work import Silent
from tests import make
from tests.mailing import Sink
from tests.reviews.conftest import CRM, KEEP, REVOKE, Cast, deliver, fall_late, item
from tests.reviews.test_pages import page
from tests.reviews.test_sign import decide_all, sign

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Desk(HTTPServer):
    """Another system: keeps what is posted to it, and answers what it was told to, 204 in the end."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.posts: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?key=1"


class Answering(BaseHTTPRequestHandler):
    """Answers one post of the desk."""

    server: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://169.254.169.254/latest/meta-data")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    """Another system on this machine, which the operator allows."""
    server = Desk()
    settings.COUNTERSIGN_TICKET_HOSTS = [f"127.0.0.1:{server.server_address[1]}"]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fix(campaign: Campaign, cast: Cast) -> Remediation:
    """A revocation that is to be carried out."""
    decide_all(campaign, cast)
    sign(campaign, cast.remy, "M1")
    return Remediation.objects.get()


def route(carla: User, **told: str) -> str:
    """Set where tickets go on the page; return the page."""
    return make.login(carla).post(page("tickets"), told).content.decode()


def rounds(tenant: Tenant, n: int = 1) -> None:
    """Let the regular job run, the waits between its rounds being over."""
    for _ in range(n):
        Ticket.objects.update(next_try_at=timezone.now())
        jobs.send_tickets(Silent(), tenant)


def test_a_revocation_is_told_of_from_its_opening_to_its_verification(
    fix: Remediation, cast: Cast, carla: User, in_bpo: Tenant, desk: Desk, sink: Sink
) -> None:
    said = route(carla, url=desk.url, mail="desk@example.org")
    rounds(in_bpo, 2)
    fall_late()
    rounds(in_bpo, 2)
    claim_remediation(remediation=fix, ticket="CHG-7", by=cast.officer)
    deliver(cast, days_ago=0)
    verify_remediations(by=cast.officer)
    rounds(in_bpo, 2)
    deliver(cast, CRM.replace(b"bob,admin_all,E2,human\n", b""), days_ago=0)
    verify_remediations(by=cast.officer)
    rounds(in_bpo, 2)
    told = [json.loads(body) for _headers, body in desk.posts]
    assert [one["type"].removeprefix("remediation.") for one in told] == [
        *("opened", "overdue", "reopened", "overdue", "verified")
    ]
    assert (told[0]["data"]["account"], told[0]["data"]["entitlement"]) == ("bob", "admin_all")
    assert told[0]["data"]["owner"] == "Rosa"
    assert [str(mail["Subject"]).split(": ")[0].removeprefix("[Countersign] ") for mail in sink.mails] == [
        *("To be revoked", "Late", "Open again", "Late", "Verified")
    ]
    assert not any("bob" in mail.as_string() for mail in sink.mails)
    secret = said.split('hash">whsec_')[1].split("<")[0]
    for headers, body in desk.posts:
        message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(base64.b64decode(secret), message, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert Remediation.objects.get().verified_snapshot is not None


def test_a_changed_decision_is_told_to_whom_the_revocation_was_told(
    campaign: Campaign, cast: Cast, carla: User, in_bpo: Tenant, desk: Desk, sink: Sink
) -> None:
    told, untold, mixed = (item(campaign, "ana"), item(campaign, "bob", "admin_all"), item(campaign, "bob", "agent"))
    route(carla, url=desk.url, mail="desk@example.org")
    for one in (told, mixed):
        decide(item=one, choice=REVOKE, by=cast.remy)
        carry_out_now(item=one, by=cast.remy)
    rounds(in_bpo)
    decide(item=untold, choice=REVOKE, by=cast.remy)
    carry_out_now(item=untold, by=cast.remy)
    write_tickets(by=cast.officer)
    for one in (told, untold):
        decide(item=one, choice=KEEP, by=cast.remy)
    decide(item=mixed, choice=Choice(Outcome.MODIFY, "The export goes alone."), by=cast.remy)
    rounds(in_bpo, 2)
    types = [json.loads(body)["type"].removeprefix("remediation.") for _headers, body in desk.posts]
    assert types == ["opened", "opened", "changed", "changed"], "what was never told is dropped, and not taken back"
    first, second = (json.loads(body)["data"] for _headers, body in desk.posts[2:])
    assert (first["item"], first["changed_to"]) == (told.n, {"outcome": "certify", "reason": KEEP.reason})
    assert "gives it back" in first["note"]
    assert "in another one once it is signed" in second["note"]
    assert set(Ticket.objects.filter(remediation__item=untold).values_list("state", flat=True)) == {"dropped"}
    words = sink.mails[2].as_string()
    assert "Carry out no more of this" in words
    assert KEEP.reason not in words


def test_it_signs_as_the_specification_does() -> None:
    """The vector of the reference libraries (standard-webhooks, test of signing)."""
    at = timezone.datetime.fromtimestamp(1614265330, tz=timezone.get_fixed_timezone(0))
    made = signed_headers(secret=SECRET, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", at=at, body=b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_tried_again_with_the_same_words_and_each_attempt_stays(
    fix: Remediation, carla: User, in_bpo: Tenant, desk: Desk
) -> None:
    route(carla, url=desk.url)
    desk.answers = [500, 500]
    waits = []
    for _ in range(3):
        rounds(in_bpo)
        waits.append(round((Ticket.objects.get().next_try_at - timezone.now()).total_seconds() / 60))
    assert (waits, Ticket.objects.get().state) == ([5, 10, 20], "sent")
    assert [one.status for one in TicketTry.objects.order_by("n")] == [500, 500, 204]
    assert len({(headers["webhook-id"], body) for headers, body in desk.posts}) == 1
    for statement in ("UPDATE reviews_tickettry SET error = ''", "DELETE FROM reviews_tickettry"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_it_is_given_up_aloud_and_tried_again_when_asked(
    fix: Remediation, carla: User, in_bpo: Tenant, desk: Desk, sink: Sink
) -> None:
    route(carla, url=desk.url)
    desk.answers = [302] + [503] * (MAX_TRIES - 1)
    rounds(in_bpo, MAX_TRIES + 2)
    assert Ticket.objects.get(way="webhook").state == "given_up"
    assert len(desk.posts) == MAX_TRIES
    assert "a redirect is not followed" in TicketTry.objects.filter(ticket__way="webhook").earliest("n").error
    assert [(mail["To"], "could not be handed over" in str(mail["Subject"])) for mail in sink.mails] == [
        ("carla@example.org", True)
    ]
    client = make.login(carla)
    shown = client.get(page("tickets")).content.decode()
    assert "1 ticket could not be handed over in 8 attempts" in shown
    client.post(page("tickets_again"))
    rounds(in_bpo)
    assert Ticket.objects.get(way="webhook").state == "sent"
    assert Remediation.objects.get().state == "open"


INSIDE = ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "10.0.0.1", "100.64.0.1", "64:ff9b::a00:1"]
INSIDE += ["224.0.0.1", "0.0.0.0", "fd00:ec2::254", "fe80::1", "168.63.129.16", "2002:7f00:1::", "ff02::1", "::7f00:1"]  # noqa: S104 -- an address to refuse


def answering(monkeypatch: pytest.MonkeyPatch, *ips: str) -> None:
    """Let the machine's resolver answer these addresses for every name."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ips]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: found)


def test_a_name_that_leads_inside_is_refused_when_it_is_set(
    carla: User, in_bpo: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ip in INSIDE:
        answering(monkeypatch, "93.184.215.14", ip)
        with pytest.raises(OutwardError, match="inside of a network"):
            target_of("https://desk.example.org/hook", inside=[])
    for ip in INSIDE[:4]:
        answering(monkeypatch, "93.184.215.14", ip)
        assert "an address inside of a network" in route(carla, url="https://desk.example.org/hook"), ip
    answering(monkeypatch, "93.184.215.14")
    for url in ("http://desk.example.org/", "ftp://desk.example.org/", "https://a:b@desk.example.org/", "https:///x"):
        assert "https://" in route(carla, url=url)
        assert not TicketRoute.objects.exists(), url
    assert "Copy the secret now" in route(carla, url="https://desk.example.org/hook")


def test_a_name_that_leads_inside_later_is_refused_when_it_is_sent_to(
    fix: Remediation, carla: User, in_bpo: Tenant, desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    route(carla, url=desk.url)
    settings.COUNTERSIGN_TICKET_HOSTS = []
    rounds(in_bpo)
    assert "begins with https://" in TicketTry.objects.get().error
    settings.COUNTERSIGN_TICKET_HOSTS = ["127.0.0.1"]
    for ip in ("169.254.169.254", "224.0.0.1", "168.63.129.16"):  # not even for a host that is allowed
        answering(monkeypatch, ip)
        with pytest.raises(OutwardError, match="inside of a network"):
            post(desk.url, b"", {}, inside=settings.COUNTERSIGN_TICKET_HOSTS)
    answering(monkeypatch, "::ffff:127.0.0.1")
    assert target_of("https://127.0.0.1/", inside=["127.0.0.1"]).ip == "::ffff:127.0.0.1"
    assert desk.posts == []


def test_a_system_that_hangs_or_drips_is_left(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        dripping = threading.Thread(target=_drip, args=(silent,), daemon=True)
        dripping.start()
        with pytest.raises(OutwardError, match=r"no answer within 0\.5 s"):
            post(f"http://{where}/", b"{}", {}, inside=[where], seconds=0.5)
        dripping.join(5)
    assert not dripping.is_alive()


def _drip(server: socket.socket) -> None:
    """Send one byte of a header ten times a second, until the other side hangs up."""
    peer, _address = server.accept()
    peer.settimeout(0.1)
    with peer:
        for _ in range(50):
            try:
                peer.sendall(b"H")
                if peer.recv(4096) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return


def test_a_secret_is_read_by_its_own_tenant_and_key_alone(
    carla: User, desk: Desk, in_bpo: Tenant, settings: Settings
) -> None:
    shown = route(carla, url=desk.url)
    kept = TicketRoute.objects.get().secret
    own = {"key": settings.SECRET_KEY, "owner": str(in_bpo.uuid)}
    assert unsealed(kept, **own) in shown
    assert kept not in shown
    assert "Copy the secret" not in make.login(carla).get(page("tickets")).content.decode()
    for other in ({**own, "owner": "another"}, {**own, "key": "another"}):
        with pytest.raises(SecretLost, match="Make a new one"):
            unsealed(kept, **other)
