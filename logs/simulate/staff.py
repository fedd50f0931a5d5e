"""What administrators do: jump hosts (sshd, sudo) and the cloud account (CloudTrail)."""

import random
from collections.abc import Iterator

from logs.simulate.duties import HOUR, Duty
from logs.simulate.feeds import Made, Surroundings, starts, times, uid, within
from logs.simulate.native import cloudtrail, syslog

HOSTS = ("jump1", "jump2")

_NOISE_A_DAY = 1.5
"""Failed log-ins from the internet for each agent and day (30,000 for 20,000 agents)."""
_SUDO_AN_HOUR = 13.0
_CALLS_AN_HOUR = 28.0
_NAMES = ("admin", "test", "oracle", "ubuntu", "guest", "ftpuser", "postgres", "root", "git", "deploy")
_COMMANDS = (
    "/usr/bin/systemctl restart nginx",
    "/usr/bin/journalctl -u sshd",
    "/usr/bin/apt-get update",
    "/usr/sbin/usermod -aG support agent",
    "/bin/cat /etc/hosts",
    "/usr/bin/rsync -a /srv/export/ backup:/srv/",
)
_READS = (("ec2", "DescribeInstances"), ("iam", "ListUsers"), ("s3", "ListBuckets"), ("logs", "GetLogEvents"))
_CHANGES = (
    ("ec2", "RunInstances"),
    ("ec2", "AuthorizeSecurityGroupIngress"),
    ("iam", "AttachUserPolicy"),
    ("iam", "CreateAccessKey"),
    ("s3", "PutBucketPolicy"),
    ("rds", "ModifyDBInstance"),
)


class Ssh:
    """Writes /var/log/auth.log of the jump hosts; each person's work, and the noise of the internet."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._pid = 900

    def next_pid(self) -> int:
        """Give the next process id, as one machine counts them."""
        self._pid = self._pid + 3 if self._pid < 64000 else 1000
        return self._pid

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's log-ins, commands and noise."""
        roll = self._around.roll("ssh", since)
        for duty in self._around.on_duty(since):
            if duty.person.role in {"admin", "dba"}:
                yield from self._work(roll, duty, since)
        noise = _NOISE_A_DAY / 24 * len(self._around.world.agents) * self._around.activity
        for at in times(roll, noise, since, since + HOUR):
            yield from self._noise(roll, at)

    def _work(self, roll: random.Random, duty: Duty, since: int) -> Iterator[Made]:
        begin, end = within(duty, since)
        for at in times(roll, 0.5, begin, end):
            host = roll.choice(HOSTS)
            last = at + roll.randrange(600, 5000)
            pid = self.next_pid()
            yield from session(at, last, host, pid, duty.person.login, duty.address)
            for moment in times(roll, _SUDO_AN_HOUR * 2 * self._around.activity, at, min(last, end)):
                yield from sudo(moment, host, duty.person.login, roll.choice(_COMMANDS))

    def _noise(self, roll: random.Random, at: float) -> Iterator[Made]:
        host, pid, name = roll.choice(HOSTS), self.next_pid(), roll.choice(_NAMES)
        yield from failed(at, host, pid, name, f"203.0.113.{roll.randrange(2, 60)}", known=name == "root")


def session(at: float, last: float, host: str, pid: int, login: str, address: str) -> Iterator[Made]:
    """Write a log-in by key and the end of its session, each with PAM's twin."""
    tag, port = f"sshd-session[{pid}]", 30000 + pid % 30000
    key = f"ED25519 SHA256:{pid:06d}{login[:8]}"
    yield Made(at, syslog(at, host, tag, f"Accepted publickey for {login} from {address} port {port} ssh2: {key}"))
    pam = "pam_unix(sshd:session): session"
    yield Made(at + 0.01, syslog(at, host, tag, f"{pam} opened for user {login}(uid=1000) by {login}(uid=0)"))
    yield Made(last, syslog(last, host, tag, f"{pam} closed for user {login}"))


def sudo(at: float, host: str, login: str, command: str) -> Iterator[Made]:
    """Write one command run as root, with PAM's twins."""
    yield Made(
        at, syslog(at, host, "sudo", f"{login:>8} : TTY=pts/0 ; PWD=/home/{login} ; USER=root ; COMMAND={command}")
    )
    opened = f"pam_unix(sudo:session): session opened for user root(uid=0) by {login}(uid=1000)"
    yield Made(at + 0.01, syslog(at, host, "sudo", opened))
    yield Made(at + 0.4, syslog(at + 0.4, host, "sudo", "pam_unix(sudo:session): session closed for user root"))


def failed(at: float, host: str, pid: int, name: str, address: str, *, known: bool) -> Iterator[Made]:
    """Write one refused password the way sshd and PAM do: four or two lines about one attempt."""
    tag, port = f"sshd-session[{pid}]", 30000 + pid % 30000
    pam = f"authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={address} "
    if known:
        yield Made(at + 0.02, syslog(at, host, tag, f"pam_unix(sshd:auth): {pam} user={name}"))
    else:
        yield Made(at, syslog(at, host, tag, f"Invalid user {name} from {address} port {port}"))
        yield Made(at + 0.01, syslog(at, host, tag, "pam_unix(sshd:auth): check pass; user unknown"))
        yield Made(at + 0.02, syslog(at, host, tag, f"pam_unix(sshd:auth): {pam}"))
    whom = name if known else f"invalid user {name}"
    yield Made(at + 1.5, syslog(at + 1.5, host, tag, f"Failed password for {whom} from {address} port {port} ssh2"))


class Cloud:
    """Writes the CloudTrail of the BPO's account."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def hour(self, since: int) -> Iterator[Made]:
        """Give the hour's console log-ins and calls."""
        roll = self._around.roll("aws", since)
        for duty in self._around.on_duty(since):
            if duty.person.role != "admin":
                continue
            if starts(duty, since):
                yield console(duty.since + 60.0, uid(roll), duty.person.login, duty.address)
            for at in times(roll, _CALLS_AN_HOUR * self._around.activity, *within(duty, since)):
                yield self._call(roll, at, duty)

    def _call(self, roll: random.Random, at: float, duty: Duty) -> Made:
        reads = roll.random() < 0.2
        service, name = roll.choice(_READS if reads else _CHANGES)
        line = cloudtrail(
            at,
            uid(roll),
            name,
            duty.person.login,
            eventSource=f"{service}.amazonaws.com",
            sourceIPAddress=duty.address,
            readOnly=reads,
            requestParameters={"userName": "svc_report"} if service == "iam" and not reads else None,
        )
        return Made(at, line)


def console(at: float, number: str, login: str, address: str) -> Made:
    """Write a log-in to the AWS console with a second factor."""
    line = cloudtrail(
        at,
        number,
        "ConsoleLogin",
        login,
        eventSource="signin.amazonaws.com",
        sourceIPAddress=address,
        responseElements={"ConsoleLogin": "Success"},
        additionalEventData={"MFAUsed": "Yes"},
        eventType="AwsConsoleSignIn",
    )
    return Made(at, line)
