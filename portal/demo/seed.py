"""Seeds the demonstration once: a BPO, two clients, their logs and grants, reviews, alerts and a pack."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from django.utils import timezone

from alerts.watch import look_round
from evidence.actions import PackRequest, request_pack
from evidence.building import build_pack
from evidence.kinds import Period
from evidence.models import EvidencePack
from evidence.packtypes import PackKind
from evidence.signoffs.actions import sign_pack
from evidence.signoffs.issuing import issue_signed
from evidence.signoffs.queries import open_role, pack_statement, sign_offs_of
from identities.actions import upsert_identities
from identities.models import Identity
from logs.models import LogSource
from logs.simulate import BPO, Scenario
from logs.simulate.sources import DIRECTORY
from portal.demo import campaign, feeds, logreviews, places, register, sharing
from portal.demo.cast import AUDITOR_DAYS, Part, SignIns, join
from reviews.actions import find_causes
from tenants.actions import open_tenant, set_purposes
from tenants.audit import audit
from tenants.kinds import Actor, Role, TenantKind
from tenants.models import Tenant, User
from tenants.queries import actor_for, audit_trail, tenant_by_slug
from tenants.scope import tenant_scope
from tenants.sharing import share
from tenants.work import Progress

DAYS: Final = 100
ACTIVITY: Final = 0.03
"""Share of the volume model: enough to look at, and seeded within a minute."""
WORKFORCE: Final = 1000
"""People beside the floor: they hold access and are in no log, so that a campaign is of a real size."""
CLIENTS: Final = ("acme", "zenith")
HEAD: Final = "M00001"
"""Badge number of the head of operations, who reviews what has no other reviewer."""
DOMAIN: Final = "harbour.example"
HOME: Final = "harbour"
FINISHED: Final = "demo.finish"
CAST: Final = (
    Part(f"olga@{DOMAIN}", "Olga Brandt", Role.OPERATOR, HOME, "Platform operator of the BPO"),
    Part(f"carla@{DOMAIN}", "Carla Reyes", Role.OFFICER, HOME, "Compliance officer of the BPO"),
    Part(f"dario@{DOMAIN}", "Dario Conti", Role.OFFICER, HOME, "Deputy compliance officer, approves packs"),
    Part(f"ana@{DOMAIN}", "Ana Lindqvist", Role.ANALYST, HOME, "Analyst of the BPO"),
    Part(f"rosa@{DOMAIN}", "Rosa Marin", Role.REVIEWER, HOME, "Reviewer: head of operations"),
    Part("axel@auditors.example", "Axel Nordmann", Role.AUDITOR, HOME, "External auditor, 30 days"),
    Part("cleo@acme.example", "Cleo Park", Role.CLIENT, "acme", "Client: Acme"),
    Part(f"carla@{DOMAIN}", "Carla Reyes", Role.OFFICER, "acme", "the same officer, at Acme"),
    Part(f"dario@{DOMAIN}", "Dario Conti", Role.OFFICER, "acme", "the same deputy, at Acme"),
    Part("zoe@zenith.example", "Zoe Adler", Role.CLIENT, "zenith", "Client: Zenith"),
    Part(f"carla@{DOMAIN}", "Carla Reyes", Role.OFFICER, "zenith", "the same officer, at Zenith"),
)
READERS: Final = (
    (HOME, "axel@auditors.example", PackKind.CONTROLS),
    ("acme", "cleo@acme.example", PackKind.CLIENT),
)
PURPOSES: Final = ("Monitoring of access", "Investigation of an incident", "Access review", "Request of a person")
FRAMEWORKS: Final = ("gdpr", "hipaa", "soc2", "iso27001")


class Seed:
    """One run over an empty installation; every step goes through the actions that pages and commands use."""

    def __init__(
        self,
        data: Path,
        progress: Progress,
        *,
        agents: int = 40,
        days: int = DAYS,
        workforce: int = WORKFORCE,
        frameworks: tuple[str, ...] = FRAMEWORKS,
    ) -> None:
        self.progress = progress
        self.frameworks = frameworks
        self.sign_ins = SignIns(data)
        start = timezone.now().date() - timedelta(days=days)
        self.scenario = Scenario(
            seed=7,
            agents=agents,
            days=days,
            start=start,
            clients=CLIENTS,
            activity=ACTIVITY,
            workforce=workforce,
        )
        self.tenants: dict[str, Tenant] = {}

    def run(self) -> None:
        """Seed everything, step by step."""
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("Opening the BPO and its two clients", self.open_tenants),
            ("Adding people, systems and grants", self.fill_register),
            ("Delivering the access logs", self.deliver_logs),
            ("Reviewing access to the cloud account, from opening to verification", self.review_to_the_end),
            ("Opening a review that is half decided", self.review_half),
            ("Opening a review of everything, over 2,000 grants", self.review_all),
            ("Judging the events for alerts", self.raise_alerts),
            ("Reviewing two weeks of logs: one signed, one begun", self.review_logs),
            ("Building an evidence pack for the auditor and one for a client", self.build_packs),
        )
        for number, (title, step) in enumerate(steps, start=1):
            self.progress.step(number, len(steps), title)
            step()
        with tenant_scope(self.tenants[HOME]):
            audit(FINISHED, by=self.by(HOME), target=HOME)

    def by(self, key: str) -> Actor:
        """Return the actor that seeds a tenant."""
        return Actor.system("demo", self.tenants[key].pk)

    def open_tenants(self) -> None:
        """Open the tenants and let the cast join them."""
        bpo = open_tenant(slug=HOME, name="Harbour Outsourcing", kind=TenantKind.BPO, time_zone="Asia/Manila")
        self.tenants = {HOME: bpo}
        for client in self.scenario.world.clients:
            zone = "America/New_York" if client.key == "acme" else "Europe/Madrid"
            self.tenants[client.key] = open_tenant(
                slug=client.key, name=client.name, kind=TenantKind.CLIENT, time_zone=zone, parent=bpo
            )
        for key, tenant in self.tenants.items():
            with tenant_scope(tenant):
                set_purposes(names=PURPOSES, by=self.by(key))
        for part in CAST:
            with tenant_scope(self.tenants[part.tenant]):
                days = AUDITOR_DAYS if part.role == Role.AUDITOR else None
                join(part, self.tenants[part.tenant], self.sign_ins, until_days=days)

    def fill_register(self) -> None:
        """Upload people, then each system's grants, and approve places; whoever leads others becomes a reviewer."""
        for key, tenant in self.tenants.items():
            with tenant_scope(tenant):
                if key == HOME:
                    self._reviewers(tenant)
                    upsert_identities(body=self._people(), by=self.by(key))
                    register.bring_roster(self.scenario, tenant, self.by(key))
                else:
                    register.bring_people(self.scenario, key, self.by(key))
        for system in self.scenario.systems():
            with tenant_scope(self._tenant(system.tenant_key)):
                first = () if system.key == DIRECTORY else self._earlier()
                register.bring_system(self.scenario, system, self.by(self._key(system.tenant_key)), first=first)
        with tenant_scope(self.tenants[HOME]):
            register.bring_conflicts(self.scenario, self.by(HOME))
        for key, tenant in self.tenants.items():
            with tenant_scope(tenant):
                places.approve_places(tenant, self.scenario.days, self.by(key))

    def _earlier(self) -> tuple[date, date]:
        """Return the days of the lists before the last: the first day, and some days after the middle of the span."""
        start, days = self.scenario.start, self.scenario.days
        return start, start + timedelta(days=days // 2 + days // 8)

    def _reviewers(self, tenant: Tenant) -> None:
        world = self.scenario.world
        for person in (world.admins[0], world.dbas[0], *world.leads):
            part = Part(person.email, person.name, Role.REVIEWER, HOME, "Reviewer: leads a team")
            join(part, tenant, self.sign_ins)

    def _people(self) -> bytes:
        """Return the HR list with the head of operations, to whom everybody without a manager reports."""
        rows = self.scenario.people(BPO)
        head = dict.fromkeys(rows[0], "")
        head |= {
            "external_id": HEAD,
            "name": "Rosa Marin",
            "email": f"rosa@{DOMAIN}",
            "kind": "human",
            "site": "manila",
        }
        for row in rows:
            if row["kind"] == "human" and not row["manager"]:
                row["manager"] = HEAD
        return register.as_csv([head, *rows])

    def deliver_logs(self) -> None:
        """Add each source and deliver what it wrote."""
        stored = 0
        for sim in self.scenario.sources():
            tenant, by = self._tenant(sim.tenant_key), self.by(self._key(sim.tenant_key))
            with tenant_scope(tenant):
                feeds.bring_source(sim, by)
            stored += feeds.deliver(self.scenario, sim, tenant, by, self.progress)
        clients = {key: self.tenants[key] for key in CLIENTS}
        with tenant_scope(self.tenants[HOME]):
            sharing.bring_gateway(clients, self.by(HOME))
        stored += sharing.deliver_gateway(self.tenants[HOME], clients, self.scenario.days, self.by(HOME))
        self.progress.step(stored, stored, "events stored, sealed and counted")

    def review_to_the_end(self) -> None:
        """Run a small campaign to its end: decided, signed, carried out, verified by a later list, closed."""
        tenant, by = self.tenants[HOME], self.by(HOME)
        what = campaign.Round("Cloud account (AWS), privileged and standard access", ("aws",), due_days=14)
        with tenant_scope(tenant):
            round_one = campaign.open_round(what, tenant, self._head(), by, self.progress)
            campaign.decide_items(round_one, tenant, share=1.0)
            campaign.sign_all(round_one, tenant, self.sign_ins)
            revoked = campaign.claim_all(round_one, by)
        with tenant_scope(tenant):
            register.bring_later_list(self.scenario, "aws", revoked, by)
            share(campaign.finish(round_one, by), user=User.objects.get(email="axel@auditors.example"), by=by)

    def review_half(self) -> None:
        """Open a larger campaign and let its reviewers decide half."""
        tenant, by = self.tenants[HOME], self.by(HOME)
        what = campaign.Round(
            "Servers, database and VPN, fourth quarter", ("jump-hosts", "warehouse", "vpn"), due_days=10
        )
        with tenant_scope(tenant):
            half = campaign.open_round(what, tenant, self._head(), by, self.progress)
            campaign.decide_items(half, tenant, share=0.5)
            campaign.ask_about_one(half, tenant)

    def review_all(self) -> None:
        """Open a campaign over every system, let its reviewers begin, and look for what is wrong."""
        tenant, by = self.tenants[HOME], self.by(HOME)
        systems = tuple(sim.key for sim in self.scenario.systems() if self._key(sim.tenant_key) == HOME)
        what = campaign.Round("All access, yearly", systems, due_days=30)
        with tenant_scope(tenant):
            whole = campaign.open_round(what, tenant, self._head(), by, self.progress)
            campaign.decide_items(whole, tenant, share=0.03)
        for key, each in self.tenants.items():
            with tenant_scope(each):
                find_causes(by=self.by(key))

    def raise_alerts(self) -> None:
        """Judge what was delivered, as the alerts' worker does."""
        look_round()

    def review_logs(self) -> None:
        """Review two weeks of the BPO's logs."""
        with tenant_scope(self.tenants[HOME]):
            logreviews.review_weeks(self.tenants[HOME], self._head(), self.sign_ins, self.by(HOME))

    def build_packs(self) -> None:
        """Build a pack for each reader and share it with them, and the clients' sources with the clients."""
        for key, email, kind in READERS:
            with tenant_scope(self.tenants[key]):
                asked = self._asked(email, kind)
                pack = request_pack(tenant=self.tenants[key], asked=asked, by=self.by(key), queue=False)
            build_pack(self.tenants[key], pack.pk, self.progress)
            with tenant_scope(self.tenants[key]):
                pack.refresh_from_db()
                self._sign_off(pack, self.tenants[key])
            pack = issue_signed(self.tenants[key], pack.pk, self.progress)
            with tenant_scope(self.tenants[key]):
                share(pack, user=User.objects.get(email=email), by=self.by(key))
        for key, email in (("acme", "cleo@acme.example"), ("zenith", "zoe@zenith.example")):
            with tenant_scope(self.tenants[key]):
                for source in LogSource.objects.all():
                    share(source, user=User.objects.get(email=email), by=self.by(key))

    def _sign_off(self, pack: EvidencePack, tenant: Tenant) -> None:
        """Let the officer and her deputy sign, each with a password and a code."""
        for name in ("carla", "dario"):
            user = User.objects.get(email=f"{name}@{DOMAIN}")
            actor, proof = actor_for(user, tenant), campaign.proof_of(user, self.sign_ins.password(user.email))
            role = open_role(pack, sign_offs_of(pack))
            if actor is None or role is None or proof is None:
                raise RuntimeError(f"{user.name} cannot sign the pack {pack}.")
            _text, digest = pack_statement(pack, role, actor)
            sign_pack(pack=pack, by=actor, printed_name=user.name, shown_digest=digest, proof=proof, queue=False)

    def _asked(self, email: str, kind: PackKind) -> PackRequest:
        until = timezone.now()
        period = Period(until - timedelta(days=30), until, "UTC")
        return PackRequest(period=period, frameworks=self.frameworks, recipient=email, kind=kind)

    def _head(self) -> Identity:
        return Identity.objects.get(external_id=HEAD)

    def _key(self, tenant_key: str) -> str:
        return HOME if tenant_key == BPO else tenant_key

    def _tenant(self, tenant_key: str) -> Tenant:
        return self.tenants[self._key(tenant_key)]


def is_begun() -> bool:
    """Whether the demonstration was begun."""
    return tenant_by_slug(HOME) is not None


def is_finished() -> bool:
    """Whether the demonstration is there to its last step."""
    tenant = tenant_by_slug(HOME)
    if tenant is None:
        return False
    with tenant_scope(tenant):
        return audit_trail(verb=FINISHED).exists()
