"""Windows' own numbers: NTSTATUS and Kerberos codes of refused log-ins, and the order of values in events.

Sources: Microsoft, "Audit logon events" (4625, 4768, 4769, 4771, 4776); RFC 4120 section 7.5.9; RFC 4556.
"""

from logs.kinds import StatusDetail as Why

NTSTATUS: dict[int, Why] = {
    0xC0000022: Why.POLICY_DENIED,
    0xC0000064: Why.UNKNOWN_USER,
    0xC000006A: Why.BAD_PASSWORD,
    0xC000006E: Why.POLICY_DENIED,
    0xC000006F: Why.OUTSIDE_HOURS,
    0xC0000070: Why.WORKSTATION_RESTRICTION,
    0xC0000071: Why.EXPIRED_PASSWORD,
    0xC0000072: Why.DISABLED,
    0xC0000133: Why.CLOCK_SKEW,
    0xC000015B: Why.POLICY_DENIED,
    0xC0000193: Why.EXPIRED_ACCOUNT,
    0xC0000224: Why.EXPIRED_PASSWORD,
    0xC0000234: Why.LOCKED,
    0xC0000413: Why.POLICY_DENIED,
}
"""NTSTATUS of a refused log-in; any other is `other`."""

KERBEROS: dict[int, Why] = {
    0x01: Why.EXPIRED_ACCOUNT,
    0x06: Why.UNKNOWN_USER,
    0x0C: Why.POLICY_DENIED,
    0x12: Why.DISABLED,
    0x17: Why.EXPIRED_PASSWORD,
    0x18: Why.BAD_PASSWORD,
    0x25: Why.CLOCK_SKEW,
    0x3E: Why.CERT_INVALID,
    0x3F: Why.CERT_INVALID,
    0x40: Why.CERT_INVALID,
    0x46: Why.CERT_INVALID,
    0x47: Why.CERT_INVALID,
    0x48: Why.CERT_INVALID,
    0x4B: Why.CERT_INVALID,
}
"""Kerberos error of a refused ticket. 0x12 (client revoked) also stands for locked and expired accounts."""

ROUTINE = frozenset({0x19, 0x20})
"""Kerberos answers that are part of every exchange: more proof is wanted, an expired ticket is about to be renewed."""

ACTIONS: dict[int, str] = {
    104: "log cleared",
    1100: "event logging stopped",
    1102: "audit log cleared",
    4616: "system time changed",
    4624: "log-on",
    4625: "log-on refused",
    4634: "log-off",
    4647: "log-off by the user",
    4648: "log-on with explicit credentials",
    4672: "special privileges assigned",
    4719: "audit policy changed",
    4720: "account created",
    4722: "account enabled",
    4723: "password changed",
    4724: "password reset",
    4725: "account disabled",
    4726: "account deleted",
    4728: "member added to global group",
    4729: "member removed from global group",
    4732: "member added to local group",
    4733: "member removed from local group",
    4738: "account changed",
    4740: "account locked out",
    4756: "member added to universal group",
    4757: "member removed from universal group",
    4767: "account unlocked",
    4768: "Kerberos ticket-granting ticket",
    4769: "Kerberos service ticket",
    4771: "Kerberos pre-authentication refused",
    4776: "NTLM credentials validated",
    4778: "session reconnected",
    4779: "session disconnected",
    4800: "workstation locked",
    4801: "workstation unlocked",
}
"""The events of the Security channel that are access, with the word that `action` stores."""

_SUBJECT = ("SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId")
_WHO = ("TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId")
_HOW = ("LogonType", "LogonProcessName", "AuthenticationPackageName", "WorkstationName")
_PROCESS = ("TransmittedServices", "LmPackageName", "KeyLength", "ProcessId", "ProcessName", "IpAddress", "IpPort")
_ACCOUNT = ("TargetUserName", "TargetDomainName", "TargetSid", *_SUBJECT, "PrivilegeList")
_MEMBER = ("MemberName", "MemberSid", *_ACCOUNT)
_SESSION = ("AccountName", "AccountDomain", "LogonID", "SessionName", "ClientName", "ClientAddress")
_CERT = ("CertIssuerName", "CertSerialNumber", "CertThumbprint")

INSERTS: dict[int, tuple[str, ...]] = {
    1102: _SUBJECT,
    4616: (*_SUBJECT, "PreviousTime", "NewTime", "ProcessId", "ProcessName"),
    4624: (*_SUBJECT, *_WHO, *_HOW, "LogonGuid", *_PROCESS),
    4625: (*_SUBJECT, *_WHO[:3], "Status", "FailureReason", "SubStatus", *_HOW, *_PROCESS),
    4634: (*_WHO, "LogonType"),
    4647: _WHO,
    4648: (
        *_SUBJECT,
        "LogonGuid",
        "TargetUserName",
        "TargetDomainName",
        "TargetLogonGuid",
        "TargetServerName",
        "TargetInfo",
        "ProcessId",
        "ProcessName",
        "IpAddress",
        "IpPort",
    ),
    4672: (*_SUBJECT, "PrivilegeList"),
    4719: (*_SUBJECT, "CategoryId", "SubcategoryId", "SubcategoryGuid", "AuditPolicyChanges"),
    **dict.fromkeys((4720, 4722, 4723, 4724, 4725, 4726, 4740, 4767), _ACCOUNT),
    4738: ("Dummy", *_ACCOUNT),
    **dict.fromkeys((4728, 4729, 4732, 4733, 4756, 4757), _MEMBER),
    4768: (
        "TargetUserName",
        "TargetDomainName",
        "TargetSid",
        "ServiceName",
        "ServiceSid",
        "TicketOptions",
        "Status",
        "TicketEncryptionType",
        "PreAuthType",
        "IpAddress",
        "IpPort",
        *_CERT,
    ),
    4769: (
        "TargetUserName",
        "TargetDomainName",
        "ServiceName",
        "ServiceSid",
        "TicketOptions",
        "TicketEncryptionType",
        "IpAddress",
        "IpPort",
        "Status",
        "LogonGuid",
        "TransmittedServices",
    ),
    4771: (
        "TargetUserName",
        "TargetSid",
        "ServiceName",
        "TicketOptions",
        "Status",
        "PreAuthType",
        "IpAddress",
        "IpPort",
        *_CERT,
    ),
    4776: ("PackageName", "TargetUserName", "Workstation", "Status"),
    **dict.fromkeys((4778, 4779), _SESSION),
    **dict.fromkeys((4800, 4801), (*_WHO, "SessionId")),
}
"""The names of an event's values in their order: collectors that send "StringInserts" leave the names out."""


def code(text: str) -> int:
    """Read a status as Windows writes it ("0xC000006A", "-1073741718"); 0 where there is none."""
    value = text.strip()
    try:
        number = int(value, 16) if value[:2].lower() == "0x" else int(value)
    except ValueError:
        return 0
    return number & 0xFFFFFFFF


def why_refused(status: int) -> Why:
    """Give the reason of a status, of NTSTATUS or of Kerberos."""
    return (NTSTATUS if status > 0xFFFF else KERBEROS).get(status, Why.OTHER)
