"""The people, sites and systems of a made-up BPO; all of it follows from the seed.

Names are made of syllables and mean nobody; addresses come from the documentation ranges of RFC 5737 and from private
networks; domains end in `.example` (RFC 2606).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

HOME_ZONE = "Asia/Manila"
"""The zone of the BPO's head office; shifts in the list of people are written in it."""

DOMAIN = "harbour.example"

_SYLLABLES = (
    "ba",
    "de",
    "ki",
    "lo",
    "mu",
    "na",
    "pe",
    "ri",
    "so",
    "ta",
    "ve",
    "wi",
    "yo",
    "za",
    "cha",
    "dri",
    "len",
    "mor",
)
_AGENTS_PER_LEAD = 15
_AGENTS_PER_ADMIN = 133
_LEAVERS_A_DAY = 0.0016
"""Share of agents that join, and that leave, on one day (32 of 20,000)."""


def dice(*parts: object) -> random.Random:
    """Give random numbers that follow from the parts alone, on every machine and in every process."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 -- reproducible, protects nothing


@dataclass(frozen=True, slots=True)
class Site:
    """A place of work: IANA zone, second octet of its private network, share of the agents."""

    key: str
    zone: str
    octet: int
    share: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the BPO; the shift is in the site's own zone, from hour to hour (it may pass midnight)."""

    number: int
    name: str
    login: str
    role: str
    site: Site
    programme: str
    manager: str
    shift_from: int
    joined_on: date
    left_on: date | None
    rest_days: tuple[int, int]
    remote: bool

    @property
    def external_id(self) -> str:
        """The number on the badge."""
        return f"E{self.number:05d}"

    @property
    def email(self) -> str:
        """Log-in name of single sign-on and of the clients' applications."""
        return f"{self.login}@{DOMAIN}"

    @property
    def shift_until(self) -> int:
        """Hour at which the shift of nine hours ends."""
        return (self.shift_from + 9) % 24

    def employed(self, day: date) -> bool:
        """Tell whether the person works here on a day."""
        return self.joined_on <= day and (self.left_on is None or day <= self.left_on)


@dataclass(frozen=True, slots=True)
class Client:
    """A client whose customers the BPO serves, with its programme, CRM and database."""

    key: str
    name: str


SITES = (
    Site("manila", "Asia/Manila", 20, 0.55),
    Site("cebu", "Asia/Manila", 30, 0.25),
    Site("krakow", "Europe/Warsaw", 40, 0.12),
    Site("bogota", "America/Bogota", 50, 0.08),
)
_SHIFTS = ((8, 0.55), (16, 0.25), (22, 0.20))
SERVICES = ("svc_etl", "svc_backup", "svc_report")
BREAK_GLASS = "breakglass"


def client_of(key: str) -> Client:
    """Give the client with this key."""
    return Client(key, key.capitalize())


def _word(roll: random.Random, syllables: int) -> str:
    return "".join(roll.choice(_SYLLABLES) for _ in range(syllables)).capitalize()


def _pick(roll: random.Random, pairs: Sequence[tuple[int, float]]) -> int:
    return roll.choices([value for value, _ in pairs], [weight for _, weight in pairs])[0]


class World:
    """Everybody and everything of one seed, `days` days from `start`.

    The `workforce` are people besides the floor: they stand in the list of people and in the directory's grants,
    and in no log.
    """

    def __init__(
        self, seed: int, agents: int, start: date, days: int, clients: Sequence[str], workforce: int = 0
    ) -> None:
        self.seed, self.start, self.days = seed, start, days
        self.clients = tuple(client_of(key) for key in clients)
        self._roll = dice(seed, "world")
        self._taken: set[str] = set()
        self.admins = self._staff("admin", max(3, agents // _AGENTS_PER_ADMIN))
        self.dbas = self._staff("dba", max(2, agents // (3 * _AGENTS_PER_ADMIN)))
        self.leads = self._leads(max(2, agents // _AGENTS_PER_LEAD))
        self.agents = self._agents(agents)
        self.people: tuple[Person, ...] = (*self.admins, *self.dbas, *self.leads, *self.agents)
        self.workforce = tuple(
            self._person("staff", 50001 + n, manager=self.leads[n % len(self.leads)].external_id)
            for n in range(workforce)
        )

    def of_programme(self, client: str) -> Iterator[Person]:
        """Give leads and agents of a client's programme."""
        return (person for person in (*self.leads, *self.agents) if person.programme == client)

    def _person(self, role: str, number: int, programme: str = "", manager: str = "") -> Person:
        roll = self._roll
        name = f"{_word(roll, 2)} {_word(roll, 3)}"
        login = name.lower().replace(" ", ".")
        if login in self._taken:
            login = f"{login}{number}"
        self._taken.add(login)
        site = roll.choices(SITES, [place.share for place in SITES])[0] if role in {"agent", "lead"} else SITES[0]
        shift = _pick(roll, _SHIFTS) if role in {"agent", "lead"} else 8
        rest = roll.randrange(7) if role in {"agent", "lead"} else 5
        return Person(
            number=number,
            name=name,
            login=login,
            role=role,
            site=site,
            programme=programme,
            manager=manager,
            shift_from=shift,
            joined_on=self.start - timedelta(days=roll.randrange(40, 1500)),
            left_on=None,
            rest_days=(rest, (rest + 1) % 7),
            remote=roll.random() < 0.35,
        )

    def _staff(self, role: str, count: int) -> tuple[Person, ...]:
        first = {"admin": 1, "dba": 401}[role]
        chief = f"E{first:05d}"
        return tuple(self._person(role, first + n, manager="" if n == 0 else chief) for n in range(count))

    def _leads(self, count: int) -> tuple[Person, ...]:
        programmes = [client.key for client in self.clients]
        chief = self.admins[0].external_id
        return tuple(
            self._person("lead", 1001 + n, programmes[n % len(programmes)] if programmes else "", chief)
            for n in range(count)
        )

    def _agents(self, count: int) -> tuple[Person, ...]:
        moving = max(1, round(count * _LEAVERS_A_DAY * self.days))
        people: list[Person] = []
        for n in range(count):
            lead = self.leads[n % len(self.leads)]
            person = self._person("agent", 10001 + n, lead.programme, lead.external_id)
            if n < moving:
                person = _changed(person, left_on=self.start + timedelta(days=n * self.days // (2 * moving)))
            elif n < 2 * moving:
                joined = self.start + timedelta(days=(n - moving) * self.days // moving)
                person = _changed(person, joined_on=joined)
            people.append(person)
        return tuple(people)


def _changed(person: Person, *, joined_on: date | None = None, left_on: date | None = None) -> Person:
    return Person(
        **{name: getattr(person, name) for name in Person.__slots__ if name not in {"joined_on", "left_on"}},
        joined_on=joined_on or person.joined_on,
        left_on=left_on or person.left_on,
    )


def home_hours(person: Person, day: date) -> tuple[time, time]:
    """Give the person's shift in the zone of the head office, as it is on the day given."""
    begin = datetime.combine(day, time(person.shift_from), ZoneInfo(person.site.zone)).astimezone(ZoneInfo(HOME_ZONE))
    return begin.time().replace(tzinfo=None), (begin + timedelta(hours=9)).time().replace(tzinfo=None)
