"""The portal's own web server and database, for tests that kill them: everything in a directory of its own."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from portal.postgres import Embedded, bootstrap

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "killed"
OPEN_SOURCE = """
from tenants.actions import open_tenant
from tenants.kinds import Actor, TenantKind
from tenants.scope import tenant_scope
from logs.actions import SourcePlan, add_source, issue_source_token
from logs.kinds import Format
tenant = open_tenant(slug="bench", name="Bench", kind=TenantKind.BPO, time_zone="UTC", parent=None)
by = Actor.system("tests", tenant.pk)
with tenant_scope(tenant):
    plan = SourcePlan(name="Okta", key="okta", format=Format.OKTA, log_types=(1,))
    print("TOKEN", issue_source_token(source=add_source(plan=plan, by=by), by=by))
"""


@dataclass
class Installation:
    """One embedded server with a tenant, a source and its token, and the web server when it runs."""

    data: Path
    server: Embedded
    token: str = ""
    port: int = 0
    web: "subprocess.Popen[bytes] | None" = None
    environment: dict[str, str] = field(default_factory=dict)

    def start_web(self) -> None:
        """Start granian with two workers, as `run` does, and wait until it answers."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-W", "ignore", "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1", "--blocking-threads", "4", "--log-level", "error"]
        self.web = subprocess.Popen(
            [*command, "portal.wsgi:application"], cwd=ROOT, env=self.environment, start_new_session=True
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self.ask("GET", b"", {})
            except OSError:
                continue
            return
        raise RuntimeError("The web server does not answer.")

    def kill_web(self) -> None:
        """Kill the web server with everything it started, as a power cut would."""
        if self.web is not None:
            os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    def kill_database(self) -> None:
        """Kill the postmaster and leave it to its children to notice."""
        pid = int((self.server.cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(pid, signal.SIGKILL)

    def ask(self, method: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        """Send one request to the door; an iterable body is sent chunked."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(
                method,
                "/api/v1/t/bench/ingest/okta",
                body=body,
                headers=headers,
                encode_chunked=not isinstance(body, bytes),
            )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, body: Any, **headers: str) -> tuple[int, bytes]:
        """Post one body with the source's token."""
        return self.ask("POST", body, {"Authorization": f"Bearer {self.token}", **headers})

    def number(self, statement: str) -> int:
        """Return one number from the database, read as its superuser."""
        with psycopg.connect(make_conninfo(self.server.admin_dsn(), dbname=DATABASE)) as connection:
            row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
        return int(row[0] or 0)


@contextmanager
def installation() -> Iterator[Installation]:
    """Make an installation with a running web server, and remove it."""
    directory = Path(tempfile.mkdtemp(prefix="cs-kill-"))
    directory.chmod(0o755)
    made = Installation(directory / "data", Embedded(directory / "data"))
    made.environment = {**os.environ, "COUNTERSIGN_DATA": str(made.data), "COUNTERSIGN_DATABASE": DATABASE}
    made.environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "127.0.0.1,localhost"}
    try:
        made.server.start()
        bootstrap(made.server.admin_dsn(), made.data, DATABASE)
        _manage(made, "prepare", COUNTERSIGN_ROLE="owner")
        said = _manage(made, "shell", "-v0", "-c", OPEN_SOURCE)
        made.token = said.partition("TOKEN ")[2].strip()
        made.start_web()
        yield made
    finally:
        made.kill_web()
        made.server.stop()
        shutil.rmtree(directory)


def _manage(made: Installation, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-W", "ignore", str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**made.environment, **environment}, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
