"""From a syslog message to the record that the source's format reads. Pure."""

import re
from typing import Final

from logs.kinds import Format

LINES: Final = frozenset(
    {
        *(Format.SSHD_SYSLOG, Format.AUDITD, Format.MYSQL_AUDIT, Format.CISCO_ASA, Format.OPENVPN, Format.FREERADIUS),
        *(Format.GLOBALPROTECT, Format.FORTINET, Format.CEF, Format.LEEF),
    }
)
"""Formats that read lines of syslog, with either header, themselves."""

UNFIT: Final = frozenset({Format.CSV})
"""Formats that need what a message alone has not: the line of column names before each batch."""

_HEAD: Final = re.compile(
    rb"<\d{1,3}>(?:"
    rb'1 \S{1,64} \S{1,255} \S{1,48} \S{1,128} \S{1,32} (?:-|(?:\[(?:[^"\]]|"(?:[^"\\]|\\.)*+")*+\])++)'  # RFC 5424
    rb"|(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{8,30}) \S{1,255} "
    rb"[^\s\[:]{1,200}(?:\[[^\]\s]{1,32}\])?:"
    rb") ?(?:\xef\xbb\xbf)?\s*(?:@cee:\s*)?(?=\{)"
)
"""Either header before a JSON object, with the mark that rsyslog's mmjsonparse sets before one."""


def record_of(form: Format, text: bytes) -> bytes:
    """Return the record inside a message, a line without line feeds.

    Line feeds inside a counted message are written ``#012`` as rsyslog and syslog-ng write them. A JSON object leaves
    its header where the source's format reads JSON; formats of text read the header themselves.
    """
    if b"\n" in text:
        text = text.replace(b"\n", b"#012")
    if form in LINES or text[:1] != b"<":
        return text
    head = _HEAD.match(text)
    return text[head.end() :] if head else text
