"""Linux auditd: log-ins, refusals, account switches, commands of sudo, changes of accounts and of the audit itself.

One attempt leaves several records (USER_AUTH, USER_ACCT, USER_LOGIN, USER_START, CRED_*); exactly one of them is the
event. Records of one system call share "audit(time:serial)" and are joined by it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from logs.kinds import ActorType, Ignored, LogType, OcsfClass, Outcome, Quarantined, Severity, SourceSettings, Status
from logs.kinds import StatusDetail as Why
from logs.parsers.auditd_deeds import DEEDS, Fields, succeeded
from logs.parsers.auditd_records import MAX_RECORD_BYTES, UNSET, AuditRecord, fields_of, plain, read_record
from logs.parsers.facts import SWITCH, Facts, Parser, bounded, deed, logoff, logon, make_draft, put_source, refused
from logs.parsers.framing import Record, numbered_lines
from logs.parsers.text import address, clean, record_id, sentence

_KEPT = 65536
_SURELY_SMALL = 1000
"""Characters whose JSON fits `MAX_EXTRA_BYTES` however they are escaped."""
_OPEN_CALLS = 64
"""System calls whose records may be interleaved; auditd writes them nearly in one piece."""

_CALL = frozenset(
    {"SYSCALL", "EXECVE", "PATH", "CWD", "PROCTITLE", "SOCKADDR", "EOE", "BPRM_FCAPS", "OBJ_PID", "CONFIG_CHANGE"}
)
_LAST = frozenset({"PROCTITLE", "EOE"})
_ATTEMPTS = frozenset({"USER_AUTH", "USER_ACCT", "USER_LOGIN", "USER_LOGOUT", "USER_START", "USER_END", "USER_CMD"})
_LOGINS = ("sshd", "login", "gdm", "lightdm", "sddm", "kdm", "xdm", "systemd-logind")
"""Programs that write USER_LOGIN for each log-in; their session records are its twins."""
_JOBS = ("cron", "crond", "atd", "anacron", "systemd", "systemd-executor", "fcron", "runuser")
_NOBODY = frozenset({"(unknown)", "(unknown user)", "(invalid user)", "unset", ""})
_COUNTED = "part of a log-in that is counted"


Value = TypeVar("Value")


class _Line(NamedTuple):
    """A line of the body, taken apart."""

    record: AuditRecord
    raw: bytes
    position: int


def _program(fields: Fields) -> str:
    return plain(fields.get("exe")).rpartition("/")[2]


class _Reader:
    """Reads the records of one body in order; remembers names, failures of a process, and when sessions began."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, list[_Line]] = OrderedDict()
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._failed: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._begun: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._ended: OrderedDict[tuple[str, str], int] = OrderedDict()

    def read(self, record: Record) -> Iterator[Outcome]:
        """Read one line; give what has become certain by it."""
        try:
            found = read_record(record.raw)
        except ValueError as error:
            why = f"The line is no audit record that can be read. {sentence(error)}"
            yield Quarantined(record.raw, why, record.position)
            return
        line = _Line(found, record.raw, record.position)
        if found.kind in _CALL:
            yield from self._call(line)
        elif found.kind in _ATTEMPTS:
            fields = fields_of(found.text)
            yield self._outcome(line, fields, self._attempt(found, fields))
        elif found.kind in DEEDS:
            fields = fields_of(found.text)
            yield self._outcome(line, fields, DEEDS[found.kind](found.kind, found.text, fields))
        else:
            yield Ignored(record.raw, "audit record that is no access", record.position)

    def finish(self) -> Iterator[Outcome]:
        """Give the system calls that are still open."""
        for lines in self._calls.values():
            yield from self._closed(lines)
        self._calls.clear()

    def _call(self, line: _Line) -> Iterator[Outcome]:
        """Join the records of one system call."""
        stamp = line.record.stamp
        self._calls.setdefault(stamp, []).append(line)
        if line.record.kind in _LAST or len(self._calls[stamp]) > _OPEN_CALLS:
            yield from self._closed(self._calls.pop(stamp))
        elif len(self._calls) > _OPEN_CALLS:
            yield from self._closed(self._calls.popitem(last=False)[1])

    def _closed(self, lines: list[_Line]) -> Iterator[Outcome]:
        """Give the event of a system call, and its other records as parts of it."""
        by_kind = {line.record.kind: line for line in reversed(lines)}
        main = by_kind.get("CONFIG_CHANGE") or by_kind.get("SYSCALL")
        fields: Fields = {}
        facts: Facts | str = "system call without a rule's key"
        if main:
            call = by_kind.get("SYSCALL")
            fields = (fields_of(call.record.text) if call else {}) | fields_of(main.record.text)
            kind = main.record.kind
            facts = DEEDS[kind](kind, main.record.text, fields) if kind in DEEDS else _watched(fields, by_kind)
        for line in lines:
            if line is main:
                yield self._outcome(line, fields, facts)
            else:
                part = facts if isinstance(facts, str) else "part of an event that is counted"
                yield Ignored(line.raw, part, line.position)

    def _attempt(self, record: AuditRecord, fields: Fields) -> Facts | str:
        """Read the records that one log-in, switch or command leaves."""
        program, good = _program(fields), succeeded(fields) is not False
        if record.kind == "USER_CMD":
            return self._command(record, fields, good)
        if program in _JOBS:
            return "scheduled job or service session"
        process = (record.node, fields.get("pid", ""))
        account = plain(fields.get("acct"))
        if not good:
            return self._refusal(record, process, account, program)
        if account and account not in _NOBODY:
            _keep(self._names, process, account)
        return self._success(record, fields, program, account)

    def _success(self, record: AuditRecord, fields: Fields, program: str, account: str) -> Facts | str:
        if record.kind == "USER_LOGIN":
            return self._login(record, fields)
        if record.kind == "USER_START":
            return self._session(record, fields, program, account)
        if record.kind in {"USER_END", "USER_LOGOUT"}:
            return self._end(record, fields, program, account)
        return _COUNTED

    def _refusal(self, record: AuditRecord, process: tuple[str, str], account: str, program: str) -> Facts | str:
        """Count a failed attempt once: the USER_LOGIN or USER_START after PAM's record is its twin."""
        if record.kind in {"USER_END", "USER_LOGOUT"}:
            return "end of a session that failed to close"
        if record.kind not in {"USER_AUTH", "USER_ACCT"} and self._failed.get(process, 0) > 0:
            self._failed[process] -= 1
            return "twin of a refusal that is counted"
        if record.kind in {"USER_AUTH", "USER_ACCT"}:
            _keep(self._failed, process, self._failed.get(process, 0) + 1)
        unknown = account in _NOBODY
        why = Why.UNKNOWN_USER if unknown else Why.BAD_PASSWORD if record.kind == "USER_AUTH" else Why.OTHER
        facts = refused(Why.POLICY_DENIED if record.kind == "USER_ACCT" else why, record.kind)
        if program in {"su", "sudo"}:
            facts["activity_id"] = SWITCH
            facts["target_name"], facts["target_kind"] = "" if unknown else account, "account"
        else:
            facts["actor_name"] = "" if unknown else account
        return facts

    def _login(self, record: AuditRecord, fields: Fields) -> Facts:
        facts = logon(LogType.SYSTEM_LOGIN)
        number = fields.get("id") or fields.get("auid", "")
        process = (record.node, fields.get("pid", ""))
        name = plain(fields.get("acct")) or plain(fields.get("ID")) or self._names.get(process, "")
        facts["actor_name"] = name or self._name(record.node, number, fields)
        facts["actor_uid"] = clean(number)
        if name:
            _keep(self._names, (record.node, f"uid {number}"), name)
        self._begin(record, fields)
        return facts

    def _begin(self, record: AuditRecord, fields: Fields) -> None:
        session = fields.get("ses", "")
        if session not in UNSET:
            self._begun.setdefault((record.node, session), record.moment[0])
            if len(self._begun) > _KEPT:
                self._begun.popitem(last=False)

    def _session(self, record: AuditRecord, fields: Fields, program: str, account: str) -> Facts | str:
        if program == "sudo":
            return "twin of a command that is counted"
        if program == "su":
            facts = deed(LogType.ADMIN, OcsfClass.AUTHENTICATION, SWITCH)
            facts["severity_id"] = Severity.LOW
            facts["target_name"], facts["target_kind"] = account, "account"
            return facts
        if fields.get("auid", "") not in UNSET and account:
            _keep(self._names, (record.node, f"uid {fields['auid']}"), account)
        self._begin(record, fields)
        if program.startswith(_LOGINS):
            return _COUNTED
        facts = logon(LogType.SYSTEM_LOGIN)
        facts["actor_name"] = account
        return facts

    def _end(self, record: AuditRecord, fields: Fields, program: str, account: str) -> Facts | str:
        if program in {"su", "sudo"}:
            return "end of an account switch"
        session = (record.node, fields.get("ses", ""))
        if session[1] not in UNSET and self._ended.get(session):
            return "twin of an end that is counted"
        _keep(self._ended, session, 1)
        facts = logoff()
        facts["actor_name"] = account
        begun = self._begun.pop(session, None)
        if begun is not None:
            facts["duration_ms"] = max(0, (record.moment[0] - begun) // timedelta(milliseconds=1))
        return facts

    def _command(self, record: AuditRecord, fields: Fields, good: bool) -> Facts | str:  # noqa: FBT001 -- an outcome
        process = (record.node, fields.get("pid", ""))
        if not good and self._failed.pop(process, 0):
            return "twin of a refusal that is counted"
        facts = logon(LogType.ADMIN) if good else refused(Why.POLICY_DENIED, record.kind)
        facts["activity_id"] = SWITCH
        facts["severity_id"] = Severity.LOW if good else Severity.MEDIUM
        facts["target_name"], facts["target_kind"] = plain(fields.get("acct")) or "root", "account"
        facts["resource"] = plain(fields.get("cmd"))
        return facts

    def _name(self, node: str, number: str, fields: Fields) -> str:
        """Give the name of a user number: the enriched one, one that this body told, or the number itself."""
        if number in UNSET:
            return ""
        for field in ("AUID", "UID", "ID"):
            if fields.get(field.lower()) == number and plain(fields.get(field)) not in _NOBODY:
                return plain(fields.get(field))
        return "root" if number == "0" else self._names.get((node, f"uid {number}"), f"uid:{clean(number)}")

    def _outcome(self, line: _Line, fields: Fields, facts: Facts | str) -> Outcome:
        """Give a record's outcome; write what every record says: who, where, from where, in which session."""
        if isinstance(facts, str):
            return Ignored(line.raw, facts, line.position)
        record = line.record
        number = fields.get("auid", "")
        number = fields.get("uid", "") if number in UNSET else number
        if not facts.get("actor_name") and not (facts["status_id"] == Status.FAILURE and "target_name" not in facts):
            facts["actor_name"], facts["actor_uid"] = self._name(record.node, number, fields), clean(number)
        facts["actor_type"] = ActorType.ADMIN if facts.get("actor_name") == "root" else ActorType.USER
        program, session = _program(fields), fields.get("ses", "")
        facts["app"], facts["dst_host"], facts["action"] = program or "auditd", record.node, record.kind
        if session not in UNSET:
            facts["session_uid"] = f"{record.node}/{clean(session)}"
        source = address(plain(fields.get("addr")) or plain(fields.get("hostname")))
        put_source(facts, source)
        facts["is_remote"] = source.ip is not None
        facts["native_id"] = record_id(f"{record.stamp}/{record.kind}")
        shown = {name: text for name in ("terminal", "op", "key") if (text := plain(fields.get(name)))}
        facts["extra"] = {**shown} if sum(map(len, shown.values())) < _SURELY_SMALL else bounded({**shown})
        return make_draft(record.moment, line.raw, line.position, facts)


def _keep(memory: OrderedDict[tuple[str, str], Value], key: tuple[str, str], value: Value) -> None:
    """Remember at most so many, the oldest goes first."""
    memory[key] = value
    if len(memory) > _KEPT:
        memory.popitem(last=False)


def _watched(fields: Fields, by_kind: dict[str, _Line]) -> Facts | str:
    """Read a system call that a rule with a key watches, made by somebody who had logged in."""
    if plain(fields.get("key")) == "" or fields.get("auid", "") in UNSET:
        return "system call without a rule's key or a person"
    as_root = fields.get("euid") == "0" and fields.get("auid") != "0"
    status = Status.SUCCESS if succeeded(fields) is not False else Status.FAILURE
    facts = deed(LogType.ADMIN if as_root else LogType.SESSION, OcsfClass.API, 99, status)
    facts["severity_id"] = Severity.LOW if as_root else Severity.INFORMATIONAL
    command, path = by_kind.get("EXECVE"), by_kind.get("PATH")
    if command:
        arguments = fields_of(command.record.text)
        words = (plain(arguments.get(f"a{number}")) for number in range(20))
        facts["resource"] = clean(" ".join(word for word in words if word))
    elif path:
        facts["resource"] = plain(fields_of(path.record.text).get("name"))
    return facts


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:  # noqa: ARG001 -- one shape for all
    """Read a body of audit records; every line gives one draft, one quarantined or one ignored record."""
    reader = _Reader()
    for record in numbered_lines(body, MAX_RECORD_BYTES):
        if isinstance(record, Record):
            yield from reader.read(record)
        else:
            yield record
    yield from reader.finish()


PARSER = Parser("auditd", "3", "Linux auditd", parse)
