"""Linux log-ins over syslog: sshd, PAM, sudo, su, login and the account tools; lines of other programs are counted."""

import re
from collections.abc import Iterable, Iterator

from logs.kinds import Outcome, Quarantined, SourceSettings
from logs.parsers.facts import Parser
from logs.parsers.pam import family, from_pam, read_pam
from logs.parsers.privilege import READERS
from logs.parsers.signs import Sign, dull
from logs.parsers.sshd import read_sshd
from logs.parsers.syslog import Line, read_lines
from logs.parsers.twins import Twins

_REPEATED = re.compile(r"message repeated (\d{1,6}) times(?:: \[ ?(.*)\])?$", re.DOTALL)
_OTHER = dull("line of another program")
_MAX_HOSTS = 4096


def read_sign(line: Line) -> tuple[str, Sign]:
    """Give the program whose attempt or session the line is about, and what the line says."""
    pam = from_pam(line)
    if pam is not None:
        inner, module = pam
        program = family(inner.program)
        return program, read_pam(inner._replace(program=program), module)
    program = family(line.program)
    if program == "sshd":
        return program, read_sshd(line)
    reader = READERS.get(program)
    if reader is None:
        return program, _OTHER
    return ("login" if program == "root" else program), reader(line)


def _unrepeated(line: Line, before: dict[str, Line]) -> Line:
    """Put the message that repeats in place of "message repeated N times", which syslog writes for equal lines."""
    found = _REPEATED.match(line.message) if "message repeated" in line.message[:24] else None
    if found is None:
        if len(before) > _MAX_HOSTS:
            before.clear()
        before[line.host] = line
        return line
    times = max(1, int(found[1]))
    if found[2] is not None:
        return line._replace(message=found[2], repeat=times)
    last = before.get(line.host)
    if line.program != "last" or last is None:
        return line
    return line._replace(program=last.program, pid=last.pid, message=last.message, repeat=times)


def parse(body: Iterable[bytes], settings: SourceSettings) -> Iterator[Outcome]:
    """Read a body of syslog lines; every line gives one draft, one quarantined or one ignored record."""
    twins = Twins(settings.memory)
    before: dict[str, Line] = {}
    for line in read_lines(body, settings):
        if isinstance(line, Quarantined):
            yield line
            continue
        plain = _unrepeated(line, before)
        program, sign = read_sign(plain)
        yield from twins.feed(plain, program, sign)
    yield from twins.finish()


PARSER = Parser("sshd_syslog", "1", "Linux log-ins (sshd, PAM, sudo, su; syslog)", parse, remembers=True)
