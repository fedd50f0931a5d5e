"""What reaches the databases (PostgreSQL jsonlog): services, and database administrators in each of their duties."""

import random
from collections.abc import Iterator

from logs.simulate.duties import HOUR
from logs.simulate.feeds import Made, Surroundings, starts, times, within
from logs.simulate.native import Connection, jsonlog
from logs.simulate.world import SERVICES

_ROWS_A_DAY = 7.75
"""Lines of database access for each agent and day (155,000 for 20,000 agents), over all databases."""
_STATEMENTS = 10
_LOAD_AT = 1
"""Hour (UTC) of the nightly load."""
_BY_SERVICE = (
    "SELECT id, status FROM contact WHERE updated_at > $1",
    "INSERT INTO contact_daily SELECT * FROM contact_stage",
    "UPDATE contact SET synced = true WHERE id = $1",
    "COPY contact TO STDOUT",
)
_BY_ADMIN = (
    "SELECT * FROM customer WHERE id = 4711",
    "SELECT count(*) FROM customer",
    "UPDATE customer SET blocked = false WHERE id = 815",
    "ANALYZE customer",
    "CREATE INDEX CONCURRENTLY ON contact (agent)",
)


class Database:
    """Writes the log of one server; `share` is its part of all database access."""

    def __init__(self, around: Surroundings, name: str, share: float) -> None:
        self._around, self._name, self._share = around, name, share
        self._number = 0

    def connection(self, at: float, user: str, address: str, application: str = "psql") -> Connection:
        """Open the next session: PostgreSQL names it by start time and process id."""
        self._number += 1
        return Connection(
            user=user,
            database=self._name.replace("-", "_"),
            address=address,
            session=f"{int(at):x}.{0x1000 + self._number % 0x7000:x}",
            port=40000 + self._number % 20000,
            application=application,
        )

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's sessions."""
        roll = self._around.roll(self._name, since)
        rate = _ROWS_A_DAY / 24 * len(self._around.world.agents) * self._share * self._around.activity
        for at in times(roll, rate / (_STATEMENTS + 2), since, since + HOUR):
            service = roll.choice(SERVICES)
            link = self.connection(at, service, "10.20.250.9", "etl")
            yield from conversation(at, link, [roll.choice(_BY_SERVICE) for _ in range(_STATEMENTS)])
        if since // HOUR % 24 == _LOAD_AT:
            yield from conversation(since, self.connection(since, SERVICES[0], "10.20.250.9", "etl"), [_BY_SERVICE[1]])
        for duty in self._around.on_duty(since):
            if duty.person.role == "dba":
                if starts(duty, since):
                    yield from self._admin(roll, duty.since + 300.0, duty.person.login, duty.address)
                for at in times(roll, 0.5 * self._around.activity, *within(duty, since)):
                    yield from self._admin(roll, at, duty.person.login, duty.address)

    def _admin(self, roll: random.Random, at: float, login: str, address: str) -> Iterator[Made]:
        link = self.connection(at, login, address)
        if roll.random() < 0.04:
            words = f'password authentication failed for user "{login}"'
            yield Made(at - 5, jsonlog(at - 5, link, 2, words, error_severity="FATAL", state_code="28P01"))
            link = self.connection(at, login, address)
        yield from conversation(at, link, roll.sample(_BY_ADMIN, 3))


def conversation(at: float, link: Connection, statements: list[str]) -> Iterator[Made]:
    """Write a whole session: received, authenticated, authorized, statements two seconds apart, its end."""
    host = f"host={link.address} port={link.port}"
    opening = [
        f"connection received: {host}",
        f'connection authenticated: identity="{link.user}" method=scram-sha-256 (/data/pg_hba.conf:12)',
        f"connection authorized: user={link.user} database={link.database} application_name={link.application}",
    ]
    messages = [*opening, *(f"statement: {statement}" for statement in statements)]
    for number, message in enumerate(messages):
        moment = at + (0.001 * number if number < len(opening) else 2.0 * (number - len(opening) + 1))
        yield Made(moment, jsonlog(moment, link, number + 1, message))
    seconds = 2 * len(statements) + 1
    last = at + seconds
    spent = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000"
    words = f"disconnection: session time: {spent} user={link.user} database={link.database} {host}"
    yield Made(last, jsonlog(last, link, len(messages) + 1, words))
