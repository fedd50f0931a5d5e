"""`manage.py simulate DIRECTORY`: write the logs, lists and planted incidents of a made-up BPO as native files."""

import json
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from logs.simulate import BPO, Scenario, SimSource

_REPORT_SECONDS = 1.0
_FLUSH_LINES = 2000


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2026-08-01.") from error


class Command(BaseCommand):
    """Writes one file a source, the lists of people and grants, the roster, the settings and the truth."""

    help = (
        "Writes the access logs of a made-up BPO in the vendors' formats, with planted incidents and a truth file. "
        "The same options give the same bytes."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="An empty or new directory.")
        parser.add_argument("--seed", type=int, default=1, help="Another number gives another BPO (default 1).")
        parser.add_argument("--agents", type=int, default=60, help="Number of agents (default 60).")
        parser.add_argument("--days", type=int, default=14, help="Number of days (default 14).")
        parser.add_argument("--start", type=_day, help="First UTC day, such as 2026-08-01 (default: ends yesterday).")
        parser.add_argument("--clients", default="acme,zenith", help="Keys of the client programmes, by commas.")
        parser.add_argument(
            "--workforce", type=int, default=1000, help="People who hold access and are in no log (default 1000)."
        )
        parser.add_argument(
            "--activity", type=float, default=1.0, help="How much people do: 1.0 is a real BPO, 0.05 is a taste."
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        directory: Path = options["directory"]
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise CommandError(f"{directory} is not an empty directory. Name a new one; nothing was written.")
        start = options["start"] or timezone.now().date() - timedelta(days=options["days"])
        clients = [key.strip() for key in options["clients"].split(",") if key.strip()]
        numbers = {name: options[name] for name in ("seed", "agents", "days", "activity", "workforce")}
        try:
            scenario = Scenario(start=start, clients=clients, **numbers)
        except ValueError as error:
            raise CommandError(str(error)) from error
        directory.mkdir(parents=True, exist_ok=True)
        self._write(scenario, directory)

    def _write(self, scenario: Scenario, directory: Path) -> None:
        sources = scenario.sources()
        total = 0
        for number, source in enumerate(sources, start=1):
            label = f"{number} of {len(sources)}  {source.title}"
            total += self._write_source(scenario, source, directory / source.file_name, label)
        self._write_lists(scenario, directory)
        _write_json(directory / "sources.json", [_settings(source) for source in sources])
        _write_json(directory / "truth.json", scenario.truth())
        self.stdout.write(self.style.SUCCESS(f"{total:,} lines from {len(sources)} sources are in {directory}."))
        self.stdout.write("sources.json says how to read them, truth.json what was planted in which lines.")

    def _write_source(self, scenario: Scenario, source: SimSource, path: Path, label: str) -> int:
        """Write one file; say once a second how far it is."""
        count, said = 0, time.monotonic()
        with path.open("xb") as file:
            for chunk in _chunks(scenario.lines(source)):
                file.writelines(chunk)
                count += len(chunk)
                if time.monotonic() - said > _REPORT_SECONDS:
                    said = time.monotonic()
                    self.stdout.write(f"  {label}: {count:,} lines so far")
        self.stdout.write(f"  {label}: {count:,} lines in {path.name}")
        return count

    def _write_lists(self, scenario: Scenario, directory: Path) -> None:
        tenants = [BPO, *(client.key for client in scenario.world.clients)]
        for tenant in tenants:
            (directory / f"people-{tenant}.csv").write_bytes(scenario.people_csv(tenant))
        systems = []
        for system in scenario.systems():
            sheet = scenario.grants(system.key)
            (directory / f"grants-{system.key}.csv").write_bytes(sheet.csv)
            named = {name: getattr(system, name) for name in system.__slots__}
            systems.append(named | {"total": sheet.total, "captured_at": sheet.captured_at.isoformat()})
        _write_json(directory / "systems.json", systems)
        with (directory / "roster.csv").open("xb") as file:
            file.writelines(scenario.roster())


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) >= _FLUSH_LINES:
            yield held
            held = []
    yield held


def _settings(source: SimSource) -> dict[str, object]:
    """Give a source as JSON values."""
    return {name: getattr(source, name) for name in source.__slots__} | {"format": source.format.value}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
