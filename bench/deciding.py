"""Measures how soon a decision is answered while 50 reviewers decide at the same time, over HTTP.

Each reviewer has a share of one campaign of 10,000 grants and decides an item every two seconds, which is faster than
anybody reads; kept when 95 % of the answers, with the next item in them, come within 100 ms.
"""

import http.client
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

from bench.intake import DATABASE, database, web_server
from bench.machine import describe

ITEMS, PEOPLE, REVIEWERS = 10_000, 2_500, 50
DECISIONS, PAUSE_S, LIMIT_MS = 15, 2.0, 100.0
NEXT = re.compile(rb'action="(/t/bench/review/[0-9]+/items/[0-9]+/decide/)"')
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="([^"]+)"')


def main() -> int:
    """Prints the median and the 95th percentile; returns how many limits are not held."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "COUNTERSIGN_HOSTS": "127.0.0.1"}
    print(f"deciding, on {describe()}")
    try:
        with database(directory / "data"):
            return measure()
    finally:
        shutil.rmtree(directory)


def measure() -> int:
    """Let everybody decide and print how long the answers took."""
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- needs the settings

    call_command("collectstatic", interactive=False, verbosity=0)
    path, sessions = prepare()
    with web_server() as web, ThreadPoolExecutor(REVIEWERS) as pool:
        started = time.perf_counter()
        times = sorted(one for took in pool.map(lambda key: decide(web.port, path, key), sessions) for one in took)
        seconds = time.perf_counter() - started
    median, high = statistics.median(times), times[int(len(times) * 0.95)]
    print(f"{len(times):,} decisions of {REVIEWERS} reviewers in {seconds:.0f} s, {len(times) / seconds:.0f} a second")
    print(f"a decision answered: median {median:.0f} ms, 95 % under {high:.0f} ms (limit {LIMIT_MS:.0f} ms)")
    return int(high > LIMIT_MS)


def prepare() -> tuple[str, list[str]]:
    """Open the campaign; give the path of the review screen and a session for each reviewer."""
    from django.conf import settings  # noqa: PLC0415 -- needs the settings
    from django.test import Client  # noqa: PLC0415 -- needs the settings

    from bench.pack_campaign import open_review  # noqa: PLC0415 -- needs the settings
    from reviews.models import Campaign  # noqa: PLC0415 -- needs the settings
    from tenants.models import User  # noqa: PLC0415 -- needs the settings
    from tenants.scope import tenant_scope  # noqa: PLC0415 -- needs the settings

    tenant, _officer, reviewers = open_review(ITEMS, PEOPLE, [f"lead{number}" for number in range(REVIEWERS)])
    with tenant_scope(tenant):
        path = f"/t/bench/review/{Campaign.objects.get().pk}/"
    sessions = []
    for email in reviewers:
        client = Client()
        client.force_login(User.objects.get(email=email))
        sessions.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    return path, sessions


def decide(port: int, path: str, session: str) -> list[float]:
    """Decide one item after the other as the page of a reviewer does; return the milliseconds of each answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    cookies = {"sessionid": session}
    chance = random.Random(session)  # noqa: S311 -- no secret
    time.sleep(chance.random() * PAUSE_S)
    page = ask(connection, "GET", path, cookies, None)
    token, times = found(TOKEN, page), []
    for _ in range(DECISIONS):
        time.sleep(PAUSE_S * (0.5 + chance.random()))
        form = {"outcome": "certify", "reason": "Works on the desk every day.", "seen_seconds": "5"}
        address = found(NEXT, page)
        started = time.perf_counter()
        page = ask(connection, "POST", address, cookies, form | {"csrfmiddlewaretoken": token})
        times.append(1000 * (time.perf_counter() - started))
    return times


def ask(
    connection: http.client.HTTPConnection, verb: str, path: str, cookies: dict[str, str], form: dict[str, str] | None
) -> bytes:
    """Send a request and return the answer's body; a refusal ends the measurement."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "HX-Request": "true"}
    headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    connection.request(verb, path, body=urlencode(form) if form else None, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (answer.status, body[-500:])
    for name, value in answer.getheaders():
        if name.lower() == "set-cookie":
            cookie, _, rest = value.partition("=")
            cookies[cookie] = rest.partition(";")[0]
    return body


def found(pattern: re.Pattern[bytes], page: bytes) -> str:
    """Return what a page holds at a place."""
    match = pattern.search(page)
    assert match, page[-500:]
    return match[1].decode()


if __name__ == "__main__":
    sys.exit(main())
