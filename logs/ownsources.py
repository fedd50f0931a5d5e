"""The portal's own logs as sources: where their files lie, and who in them is a program of the portal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.rowsecurity import APP, INTAKE, OWNER, READONLY
from logs.kinds import Format, LogType

PROGRAMS: Final = "countersign-"
"""How the database sessions of the portal's programs name themselves; `manage.py run` gives the names."""

APPLICATION: Final = f"{PROGRAMS}shipper"
"""The name under which the shipper's own database sessions are known, so that they are left out."""

ROLES: Final = frozenset({OWNER, APP, INTAKE, READONLY, "countersign_admin"})
"""The database's roles that the portal itself logs in with; the last is the embedded server's administrator."""

HOME_FILE: Final = "postgres-home"
"""The file in the data directory that says where the embedded server lies when it lies elsewhere."""


ROTATED_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OwnSource:
    """One of the portal's own logs: where its files lie, and what source they belong to.

    ``aside`` are files that the same program opens beside them and that hold nothing to deliver; ``grows`` says
    that its file is renamed by nobody else. ``services`` are accounts that are services when a session also names
    itself a program of the portal: a person with the same account and another client is watched like anybody.
    """

    key: str
    name: str
    format: Format
    log_types: tuple[int, ...]
    directory: str
    pattern: str
    aside: str = ""
    grows: bool = False
    services: frozenset[str] = frozenset()

    def place(self, data: Path) -> Path:
        """Return the directory of the files, given the data directory."""
        home = data / HOME_FILE
        if self.format == Format.POSTGRES_JSONLOG and home.is_file():
            return Path(home.read_text(encoding="utf-8")) / self.directory
        return data / self.directory

    def files(self, data: Path) -> list[Path]:
        """Return the files, oldest first; none where the portal does not run that server itself."""
        return _by_age(self.place(data), self.pattern)

    def files_aside(self, data: Path) -> list[Path]:
        """Return the files beside them, oldest first."""
        return _by_age(self.place(data), self.aside) if self.aside else []

    def rotate(self, data: Path, limit: int = ROTATED_BYTES) -> None:
        """Rename the file that grows when it is longer than the limit; its writers open it anew by themselves."""
        path = self.place(data) / self.pattern.rstrip("*")
        if self.grows and path.is_file() and path.stat().st_size > limit:
            path.rename(path.with_name(f"{path.name}.{path.stat().st_mtime_ns}"))


def _by_age(directory: Path, pattern: str) -> list[Path]:
    found = [path for path in directory.glob(pattern) if path.is_file()]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


OWN_SOURCES: Final = (
    OwnSource(
        "countersign-portal",
        "Countersign portal",
        Format.PORTAL,
        (LogType.APPLICATION, LogType.ADMIN, LogType.FAILED_LOGIN, LogType.SESSION),
        "portal-log",
        "portal.ndjson*",
        grows=True,
    ),
    OwnSource(
        "countersign-database",
        "Countersign database",
        Format.POSTGRES_JSONLOG,
        (LogType.DATABASE, LogType.ADMIN, LogType.FAILED_LOGIN, LogType.SESSION),
        "postgres/pg_jsonlog",
        "*.json",
        aside="*.log",
        services=ROLES,
    ),
)


def services_of(key: str) -> frozenset[str]:
    """Return the accounts of a source that are services in the sessions of the portal's programs."""
    return next((own.services for own in OWN_SOURCES if own.key == key), frozenset())
