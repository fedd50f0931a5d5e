"""Examines an installation: each check answers with one sentence and whether it is well.

The checks read, as the role that serves pages; none of them mends anything.
"""

import ctypes
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.core.files.storage import storages
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from evidence.catalogue import load
from evidence.holders import TSA, HoldersError, read_holders
from evidence.packfolder import PackGoneError, StoreError
from evidence.timestamps import MISSING, is_installed
from ledger.queries import logs
from ledger.signer import is_separate
from ledger.signermemory import signed_logs
from logs.certificates import facts_of
from logs.partitions import missing_months, partition_name
from logs.syslog.ports import OFF
from logs.syslog.tls import OWN_CERTIFICATE

OLDEST_SERVER, NEWEST_SERVER = 15, 18
LEAST_FREE_BYTES = 500 * 1024**2
LITTLE_FREE_BYTES = 5 * 1024**3
LITTLE_TIME = timedelta(days=30)
# The clock-skew alert of the product itself is 120 s; between portal and database far less is normal.
MOST_SKEW_SECONDS = 2.0
_TIME_ERROR = 5
# Read before a scope can be open: who belongs to which tenant, and which logs the signer has to visit.
OPEN_ON_PURPOSE = frozenset({"tenants_membership", "ledger_log"})
# The alias without a pool: a pool waits 20 s for a server that is gone, and hides why.
ALIAS = "progress"


class State(StrEnum):
    """How a check came out."""

    WELL = "well"
    CARE = "care"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer: its name, how it came out, and a sentence that says what to do where something is wrong."""

    name: str
    state: State
    sentence: str


def examine() -> list[Finding]:
    """Runs all checks in order; those that need the database are left out when it does not answer."""
    findings = [_reachable()]
    checks = list(_DATABASE_CHECKS) if findings[0].state is not State.ILL else []
    return findings + [_guarded(name, check) for name, check in [*checks, *_MACHINE_CHECKS]]


def _guarded(name: str, check: Callable[[], tuple[State, str]]) -> Finding:
    """Runs one check; an error of the database is a finding and does not keep the others from running."""
    try:
        state, sentence = check()
    except DatabaseError as error:
        state, sentence = State.ILL, f"The database refuses this check: {str(error).splitlines()[0]}."
    return Finding(name, state, sentence)


def _rows(statement: str) -> list[tuple[str, ...]]:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _reachable() -> Finding:
    """Says whether the database answers, and whether its version is supported (15 to 18)."""
    try:
        version = int(_rows("SHOW server_version_num")[0][0]) // 10_000
    except DatabaseError as error:
        sentence = f"PostgreSQL does not answer: {str(error).strip().splitlines()[0]}."
        return Finding("database", State.ILL, sentence)
    known = OLDEST_SERVER <= version <= NEWEST_SERVER
    sentence = f"PostgreSQL {version} answers."
    if not known:
        sentence += f" Countersign is tested with {OLDEST_SERVER} to {NEWEST_SERVER} only."
    return Finding("database", State.WELL if known else State.CARE, sentence)


def _role() -> tuple[State, str]:
    """Checks that pages are served by a role that owns nothing and passes no policy."""
    name, is_super, bypasses, owns = _rows(
        "SELECT current_user, rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class c "
        "WHERE pg_has_role(current_user, c.relowner, 'MEMBER') AND c.relnamespace = 'public'::regnamespace) "
        "FROM pg_roles WHERE rolname = current_user"
    )[0]
    faults = [
        text
        for wrong, text in (
            (is_super, "is a superuser"),
            (bypasses, "bypasses row security"),
            (owns, f"owns {owns} relations"),
        )
        if wrong
    ]
    if faults:
        return State.ILL, f"The role {name} {' and '.join(faults)}: log in as countersign_app."
    return State.WELL, f"The role {name} is no superuser, owns no table and cannot bypass row security."


def _row_security() -> tuple[State, str]:
    """Checks that every table with a tenant or a log in it enforces row security, also for its owner."""
    tables = _rows(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, c.relispartition, "
        "has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('tenant_id', 'log_id') "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped"
    )
    bare = sorted({name for name, forced, partition, _ in tables if not forced and not partition} - OPEN_ON_PURPOSE)
    granted = sorted({name for name, forced, partition, may in tables if partition and may and not forced})
    if bare:
        return State.ILL, f"Row security is not forced on {', '.join(bare)}: run `manage.py migrate` as the owner."
    if granted:
        return (
            State.ILL,
            f"The partitions {', '.join(granted)} can be read past their parent's policy: revoke the grants.",
        )
    return (
        State.WELL,
        f"Row security is forced on all {len(tables) - len(OPEN_ON_PURPOSE)} tables that hold a tenant's rows.",
    )


def _migrations() -> tuple[State, str]:
    """Checks that the schema is the one this code expects."""
    executor = MigrationExecutor(connections[ALIAS])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        first = missing[0][0]
        return State.ILL, f"{len(missing)} migrations are missing, the first is {first}: `manage.py run` applies them."
    return State.WELL, f"All {len(executor.loader.applied_migrations)} migrations are applied."


def _months() -> tuple[State, str]:
    """Checks that the event table has this month's partition and the next ones: without one, intake stops."""
    now = timezone.now()
    missing = missing_months(connections[ALIAS], now=now)
    if not missing:
        return State.WELL, "The event table has this month and the next three."
    sentence = (
        f"The event table lacks {', '.join(missing)}: run `manage.py make_partitions` as the owner. "
        "`manage.py run` does it at every start and once a day."
    )
    return (State.ILL if partition_name(now.date()) in missing else State.CARE), sentence


def _clock() -> tuple[State, str]:
    """Compares this machine's clock with the database's, and asks the kernel whether it is kept in step."""
    before = timezone.now()
    theirs = datetime.fromisoformat(
        _rows("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')")[0][0]
    )
    skew = abs((theirs.replace(tzinfo=UTC) - before).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        return State.ILL, f"The clocks of portal and database differ by {skew:.1f} s: set both by NTP."
    if _kernel_says_unsynchronised():
        return State.CARE, "The kernel says that no time service keeps this clock: evidence is only as exact as it is."
    return State.WELL, f"Portal and database differ by {skew:.3f} s."


def _kernel_says_unsynchronised() -> bool:
    """Asks adjtimex(2), which sets nothing with modes 0; False where the system has no such call."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "adjtimex"):
        return False
    return int(library.adjtimex(ctypes.create_string_buffer(512))) == _TIME_ERROR


def _pango() -> tuple[State, str]:
    """Loads WeasyPrint in a process of its own, since a missing library may end the process that loads it."""
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import weasyprint; print(weasyprint.__version__)"],
        check=False,
        capture_output=True,
        text=True,
    )
    if loaded.returncode:
        return State.ILL, "Pango is missing, so no PDF can be drawn: install libpango-1.0-0 and libpangoft2-1.0-0."
    return State.WELL, f"WeasyPrint {loaded.stdout.strip()} and Pango are present."


def _signer() -> tuple[State, str]:
    """Checks that the signer has its state outside the database, and keeps it to itself."""
    if is_separate():
        return State.WELL, "The signer keeps its key under a system user of its own."
    directory = Path(settings.COUNTERSIGN_SIGNER)
    if not directory.is_dir():
        return State.CARE, "The signer has not signed yet: `manage.py run` starts it."
    closed = [path for path in directory.rglob("*") if path.is_file() and not os.access(path, os.R_OK)]
    if closed:
        return State.ILL, f"The signer's file {closed[0]} cannot be read by this user."
    open_ones = [path for path in directory.rglob("*") if path.is_file() and _open_to_others(path)]
    if open_ones:
        return State.ILL, f"The signer's file {open_ones[0]} is open to other users: run `chmod 600` on it."
    return State.WELL, "The signer's key and last state are readable by this user alone."


def _logs() -> tuple[State, str]:
    """Checks that the database has every log that the signer signed: an older copy lacks later tenants."""
    known = {log_id for log_id, _epoch, _origin in logs(using=ALIAS)}
    gone = [origin for log_id, origin in signed_logs() if log_id not in known]
    if gone:
        told = f"The signer has signed {gone[0]}{f' and {len(gone) - 1} more' if gone[1:] else ''}, which the database"
        return State.ILL, f"{told} does not have: it is an older copy. Restore a later backup; see `verify_ledger`."
    return State.WELL, f"The database has every log that the signer signed ({len(known)})."


def _holders() -> tuple[State, str]:
    """Reads who is to hold checkpoints."""
    try:
        rows = read_holders(settings.COUNTERSIGN_HOLDERS)
    except HoldersError as fault:
        return State.ILL, str(fault)
    if not rows:
        return State.WELL, "No witness and no time-stamping authority is set: the claim does not reach T4."
    if not is_installed() and any(row.kind == TSA for row in rows):
        return State.ILL, MISSING
    return (
        State.WELL,
        f"{len(rows)} witnesses and authorities are set: {', '.join(sorted({row.name for row in rows}))}.",
    )


def _frameworks() -> tuple[State, str]:
    """Says whether the operator's own frameworks are used."""
    if not settings.COUNTERSIGN_FRAMEWORKS:
        return State.WELL, "No framework of your own is set."
    found = load()
    if found.refused:
        return State.CARE, " ".join(f"{name} is not used. {faults}" for name, faults in found.refused)
    return State.WELL, f"{len(found.frameworks)} frameworks with {len(found.controls)} controls are used."


def _syslog() -> tuple[State, str]:
    """Says by which certificate senders know the syslog door, and whether its key is closed to others."""
    if settings.COUNTERSIGN_SYSLOG_LISTEN == OFF and not settings.COUNTERSIGN_SYSLOG_PORTS:
        return State.WELL, "The syslog door is switched off."
    given = settings.COUNTERSIGN_SYSLOG_CERTIFICATE
    file = Path(given) if given else Path(settings.COUNTERSIGN_DATA) / OWN_CERTIFICATE
    if not file.is_file() and not given:
        return State.WELL, "The syslog door has no certificate yet: its first start makes one, signed by itself."
    try:
        facts = facts_of(x509.load_pem_x509_certificate(file.read_bytes()))
    except (OSError, ValueError):
        return (
            State.ILL,
            f"{file} cannot be read as a PEM file with a certificate and its key: the syslog door is shut.",
        )
    if _open_to_others(file):
        return State.ILL, f"The syslog door's key in {file} is open to other users: run `chmod 600` on it."
    ends = facts.ends_at or timezone.now()
    what = "the certificate of COUNTERSIGN_SYSLOG_CERTIFICATE" if given else "a certificate signed by itself"
    sentence = f"The syslog door has {what}, SHA-256 {facts.fingerprint.hex(':').upper()}, until {ends:%Y-%m-%d}."
    return (State.WELL if ends > timezone.now() + LITTLE_TIME else State.CARE), sentence


def _open_to_others(path: Path) -> bool:
    """Says whether anybody but the owner may read a file, by its own mode and its directory's."""
    mode = path.stat().st_mode
    passable = path.parent.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
    return bool(passable and mode & (stat.S_IRWXG | stat.S_IRWXO))


def _disk() -> tuple[State, str]:
    """Checks the free space where events, tiles and packs go."""
    free = shutil.disk_usage(settings.COUNTERSIGN_DATA).free
    sentence = f"{free / 1024**3:.1f} GiB are free in {settings.COUNTERSIGN_DATA}."
    if free < LEAST_FREE_BYTES:
        return State.ILL, f"{sentence} Intake stops when the disk is full: make room now."
    return (State.CARE if free < LITTLE_FREE_BYTES else State.WELL), sentence


def _packs() -> tuple[State, str]:
    """Asks the store of packs for a pack that there never was."""
    try:
        storages["packs"].open("doctor/none.zip").close()
    except PackGoneError:
        return State.WELL, "The store of packs answers."
    except StoreError as fault:
        return State.ILL, f"{fault} Packs can be neither made nor downloaded: docs/packs.md says what it needs."
    return State.CARE, "The store of packs holds a file that no pack names."


_DATABASE_CHECKS: tuple[tuple[str, Callable[[], tuple[State, str]]], ...] = (
    ("role", _role),
    ("row security", _row_security),
    ("migrations", _migrations),
    ("months", _months),
    ("clock", _clock),
    ("logs", _logs),
)
_MACHINE_CHECKS: tuple[tuple[str, Callable[[], tuple[State, str]]], ...] = (
    ("pdf", _pango),
    ("signer", _signer),
    ("holders", _holders),
    ("frameworks", _frameworks),
    ("syslog", _syslog),
    ("disk", _disk),
    ("packs", _packs),
)
