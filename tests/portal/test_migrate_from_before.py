"""An installation from before the migrations were gathered is up to date, and one that stopped half-way is refused."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader

from tests import database, house

FILES = {key: one for key, one in MigrationLoader(None).disk_migrations.items() if key[0] in house.ROOMS}
GATHERED = [key for key, one in FILES.items() if one.replaces]

NEVER_WAS = ("logs", 9)


def test_every_old_migration_is_replaced_once_and_the_first_and_the_last_of_a_room_by_its_tables() -> None:
    """Whoever stopped anywhere in a room has then applied a part of what `0001_initial` replaces."""
    for room in house.ROOMS:
        replaced = [old for key in GATHERED for old in FILES[key].replaces if key[0] == room]
        numbers = sorted(int(name[:4]) for _room, name in replaced)
        assert numbers == [n for n in range(1, numbers[-1] + 1) if (room, n) != NEVER_WAS]
        assert {min(replaced), max(replaced)} <= set(FILES[room, "0001_initial"].replaces)


def test_a_database_from_before_needs_nothing_and_one_half_way_is_refused(
    fresh_database: database.FreshDatabase,
) -> None:
    database.use_role("owner", fresh_database.name)
    with fresh_database.connect("owner") as connection:
        connection.cursor().executemany("DELETE FROM django_migrations WHERE app = %s AND name = %s", GATHERED)
        call_command("migrate", check_unapplied=True, verbosity=0)
        connection.execute("DELETE FROM django_migrations WHERE app = 'evidence'")
        with pytest.raises(SystemExit):  # a first start that was cut short between two migrations goes on
            call_command("migrate", check_unapplied=True, verbosity=0)
        connection.execute("DELETE FROM django_migrations WHERE app = 'reviews' AND name > '0014_remedies'")
    with pytest.raises(CommandError, match=r"middle of migrations that this version replaces \(reviews\): bring it"):
        call_command("migrate", verbosity=0)
