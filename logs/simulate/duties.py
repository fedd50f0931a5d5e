"""Who works when: each person's duty on each day, from the roster alone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from logs.simulate.world import Person, World, dice

HOUR = 3600
_ABSENT = 0.06
"""Share of planned duties that are not worked (leave, illness)."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One worked shift: from and until as Unix seconds, and the address that the person comes from."""

    person: Person
    since: int
    until: int
    address: str
    remote: bool


def _address(person: Person, day: date, *, remote: bool) -> str:
    """Give the day's address: a documentation range from home, the site's private network at work."""
    if remote:
        number = (person.number * 7 + day.toordinal() // 30) % 240
        return f"{('192.0.2', '198.51.100')[person.number % 2]}.{number + 10}"
    return f"10.{person.site.octet}.{person.number // 250 % 250}.{person.number % 250 + 2}"


class Roster:
    """The duties of a world, by local day; the last days asked for are kept."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._days: dict[date, list[Duty]] = {}

    def day(self, day: date) -> list[Duty]:
        """Give all duties that begin on a day, local to each site, in the order of the people."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) > 4:
                self._days.pop(next(iter(self._days)))
            found = self._days[day] = self._plan(day)
        return found

    def planned(self, day: date) -> list[tuple[Person, datetime, datetime]]:
        """Give who is planned to work on a day and when, also those who will be absent or late."""
        found = []
        for person in self._world.people:
            if day.weekday() not in person.rest_days and person.employed(day):
                begin = datetime.combine(day, time(person.shift_from), ZoneInfo(person.site.zone)).astimezone(UTC)
                found.append((person, begin, begin + timedelta(hours=9)))
        return found

    def between(self, since: int, until: int) -> list[Duty]:
        """Give the duties that overlap a span of Unix seconds."""
        first = datetime.fromtimestamp(since, UTC).date() - timedelta(days=1)
        days = [first + timedelta(days=n) for n in range(3)]
        return [duty for day in days for duty in self.day(day) if duty.since < until and duty.until > since]

    def _plan(self, day: date) -> list[Duty]:
        roll = dice(self._world.seed, "roster", day)
        found: list[Duty] = []
        for person in self._world.people:
            absent, late, longer = roll.random() < _ABSENT, roll.randrange(-600, 600), roll.randrange(-300, 1500)
            if absent or day.weekday() in person.rest_days or not person.employed(day):
                continue
            begin = datetime.combine(day, time(person.shift_from), ZoneInfo(person.site.zone))
            since = int(begin.timestamp()) + late
            until = int(begin.timestamp()) + 9 * HOUR + longer
            found.append(Duty(person, since, until, _address(person, day, remote=person.remote), person.remote))
        return found
