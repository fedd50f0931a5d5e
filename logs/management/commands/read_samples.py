"""Reads files of logs without storing them, and reports what became of their lines."""

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logs.kinds import Format, SourceSettings
from logs.samples import Sample, files, read_sample

SHOWN = 8
"""Reasons that are shown of one file; the others are summed up."""


class Command(BaseCommand):
    """Prints for each file its guessed format, lines, events, and why the others are no events; stores nothing."""

    help = "Read files of logs, store nothing, and report for each: format, lines, events, ignored and quarantined."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, help="files, or folders of files")
        parser.add_argument("--format", choices=Format.values, help="format of every file, instead of a guess")
        parser.add_argument("--member", default="", help="each line is a JSON object whose member of this name is read")
        parser.add_argument("--year", type=int, help="year of the first record, for formats without one")
        parser.add_argument("--time-zone", default="UTC", help="IANA zone of records without one")

    def handle(self, *_args: Any, **options: Any) -> None:
        year, zone = options["year"], options["time_zone"]
        settings = SourceSettings(time_zone=zone, year=year, received_at=timezone.now())
        wanted = Format(options["format"]) if options["format"] else None
        total = Sample(Path())
        number = 0
        for path in (found for given in options["paths"] for found in files(given)):
            try:
                sample = read_sample(path, settings, wanted=wanted, member=options["member"])
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
            self.show(sample)
            number += 1
            total = add(total, sample)
        self.stdout.write(f"Files {number:,}: {counts(total)}.")

    def show(self, sample: Sample) -> None:
        """Print one file."""
        if sample.trouble:
            self.stdout.write(f"{sample.path}: not read, for {sample.trouble}")
            return
        self.stdout.write(f"{sample.path}: {sample.format}, {counts(sample)}")
        self.reasons("ignored", sample.ignored)
        self.reasons("quarantined", sample.quarantined)

    def reasons(self, word: str, found: Counter[str]) -> None:
        """Print the commonest reasons, and how many records have others."""
        for reason, number in found.most_common(SHOWN):
            self.stdout.write(f"    {number:,} {word}: {reason}")
        others = found.total() - sum(number for _, number in found.most_common(SHOWN))
        if others:
            self.stdout.write(f"    {others:,} {word} for {len(found) - SHOWN:,} other reasons")


def counts(sample: Sample) -> str:
    """Give the numbers of a file in words."""
    lines = f"lines {sample.lines:,}, " if sample.lines else ""
    return (
        f"{lines}records {sample.records:,}, events {sample.events:,}, "
        f"ignored {sample.ignored.total():,}, quarantined {sample.quarantined.total():,}"
    )


def add(total: Sample, sample: Sample) -> Sample:
    """Give the sums of both."""
    total.lines += sample.lines
    total.records += sample.records
    total.events += sample.events
    total.ignored += sample.ignored
    total.quarantined += sample.quarantined
    return total
