"""Takes one log file through the whole loop, to a verified evidence pack, and prints what it did."""

import os
import subprocess
import sys
import tempfile
import zipfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from logs.kinds import Format
from portal import installation
from portal.loop import stages
from portal.loop.bpo import review_bpo
from portal.loop.reading import UnreadableFileError, look_into
from portal.postgres import Embedded
from tenants.work import Printed

READY = "COUNTERSIGN_LOOP_READY"


class Command(BaseCommand):
    """From an access log to a pack that an outsider can verify, without a browser."""

    help = "Take a log file through the whole loop: store, seal, review, pack, verify."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="an access log, such as /var/log/auth.log")
        parser.add_argument("--format", default="", choices=["", *Format.values], help="when it cannot be guessed")
        parser.add_argument("--year", type=int, help="year of the first record, for formats without one")
        parser.add_argument("--time-zone", default="UTC", help="IANA zone of records without one")
        parser.add_argument("--no-bpo", action="store_true", help="leave the simulated BPO with over 2,000 grants out")
        parser.add_argument("--out", type=Path, default=Path(), help="folder for the pack (default: here)")

    def handle(self, *_args: Any, **options: Any) -> None:
        path: Path = options["file"].expanduser()
        if not path.is_file():
            message = f"There is no file {path}."
            raise CommandError(message)
        try:
            options["out"].mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"The pack cannot be put into {options['out']}: {error.strerror}.") from error
        if os.environ.get(READY) != "1":
            self._in_a_ready_installation()
            return
        self._loop(path, options)

    def _in_a_ready_installation(self) -> None:
        """Start the database if it is down, prepare it, run the loop in a fresh process, and leave all as it was."""
        data = Path(settings.COUNTERSIGN_DATA)
        external = bool(os.environ.get("DATABASE_URL"))
        was_running = external or Embedded(data).running()
        try:
            server = installation.start_database(data, log_statement="mod")
            with installation.preparing():
                pass
        except installation.NotReadyError as error:
            raise CommandError(str(error)) from error
        try:
            ended = subprocess.run([sys.executable, *sys.argv], env={**os.environ, READY: "1"}, check=False)  # noqa: S603 -- ours
        finally:
            if server is not None and not was_running:
                server.stop()
        if ended.returncode:
            sys.exit(ended.returncode)

    def _loop(self, path: Path, options: dict[str, Any]) -> None:
        data, zone, year = Path(settings.COUNTERSIGN_DATA), options["time_zone"], options["year"]
        try:
            shown = look_into(path, wanted=options["format"], zone=zone, year=year)
        except UnreadableFileError as error:
            raise CommandError(str(error)) from error
        kinds = ", ".join(f"{count:,} {kind.label.lower()}" for kind, count in shown.kinds.most_common())
        self.stdout.write(
            f"{path.name} is {shown.format.label}: {kinds}; {shown.first:%Y-%m-%d} to {shown.last:%Y-%m-%d}."
        )
        tenant = stages.open_place(data)
        loop = stages.Loop(tenant, path, shown, data, zone, year, self.stdout.write, Printed(self.stdout))
        system = stages.seal_grants(loop)
        stages.store_log(loop, system)
        stages.review(loop, system)
        pack, content = stages.make_pack(loop)
        target = options["out"] / f"countersign-pack-{pack.uuid}.zip"
        target.write_bytes(content)
        self.stdout.write(f"The pack is {target}.")
        self._verify(target, pack.signer_key)
        if not options["no_bpo"]:
            for line in review_bpo(loop.progress):
                self.stdout.write(line)

    def _verify(self, target: Path, key: str) -> None:
        """Verify the pack with the verifier inside it, apart from the portal; then damage it and verify again."""
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(target) as bag:
            verifier = Path(folder) / "verify.py"
            name = next(name for name in bag.namelist() if name.endswith("verify.py"))
            verifier.write_bytes(bag.read(name))
            good = _run(verifier, target, key)
            self.stdout.write(f"\nverify.py says:\n{good.stdout}{good.stderr}")
            if good.returncode:
                message = "The pack does not hold."
                raise CommandError(message)
            damaged = Path(folder) / "damaged.zip"
            damaged.write_bytes(_with_one_byte_changed(target.read_bytes()))
            bad = _run(verifier, damaged, key)
            self.stdout.write(f"With one byte changed it says:\n{bad.stdout}{bad.stderr}")
            if not bad.returncode:
                message = "The verifier did not notice the changed byte."
                raise CommandError(message)


def _run(verifier: Path, pack: Path, key: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", str(verifier), str(pack), "--key", key]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- ours


def _with_one_byte_changed(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
