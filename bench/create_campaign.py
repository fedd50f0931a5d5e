# ruff: noqa: PLC0415 -- models need the set-up
"""Measures how an officer makes a campaign on its one page, in a real Chromium: seconds, inputs, page loads.

The limits are those of the product: four inputs at most, under 60 s scripted, and no page load between the first
input and the button. Each character is typed by itself, with the live counts asked for as a person would see them.
`CHROMIUM` names the browser.
"""

import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.intake import DATABASE, database
from bench.machine import describe

SYSTEMS, HOLDERS = 50, int(os.environ.get("BENCH_HOLDERS", "100"))
"""With four grants of each holder: 20,000 grants by default."""
INPUTS, SECONDS = 4, 60.0
KEY_MS = 30
PATIENCE_SECONDS = 120.0
"""The server may start on a busy machine; its start is not measured."""


def main() -> int:
    """Prints seconds, inputs and page loads; returns how many limits were not held."""
    directory = Path(tempfile.mkdtemp(prefix="cs-bench-"))
    directory.chmod(0o755)
    os.environ |= {"COUNTERSIGN_DATA": str(directory / "data"), "COUNTERSIGN_DATABASE": DATABASE}
    os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
    print(f"create_campaign, on {describe()}")
    try:
        with database(directory / "data"):
            return measure(directory)
    finally:
        shutil.rmtree(directory)


def measure(directory: Path) -> int:
    """Fill, serve, and drive the page once for all systems and once for one of them."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections
    from django.test import Client

    from bench.pages_data import make_officer, make_systems
    from tests.browser.serving import serving

    tenant, _systems, by = make_systems(SYSTEMS, HOLDERS)
    client = Client()
    client.force_login(make_officer(tenant, by), backend=settings.AUTHENTICATION_BACKENDS[0])
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    connections.close_all()
    missed = 0
    with serving(DATABASE, directory, PATIENCE_SECONDS) as (url, _log), sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(locale="en-GB").new_page()
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        for systems in ("All systems", "Helpdesk 7"):
            missed += drive(page, f"{url}/t/bench/campaigns/new/", systems)
        browser.close()
    return missed


def drive(page: Page, address: str, systems: str) -> int:
    """Make one campaign and print what it took; returns how many limits were not held."""
    page.goto(address, wait_until="load")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    started, inputs = time.perf_counter(), 0
    page.get_by_label("Name of the campaign").press_sequentially(f"Round over {systems}", delay=KEY_MS)
    page.get_by_label(systems, exact=True).check()
    page.get_by_label("Fallback reviewer").press_sequentially("Manager (M1)", delay=KEY_MS)
    inputs += 3
    page.get_by_label("Fallback reviewer").press("Tab")
    page.locator("#counts strong").first.wait_for()
    shown = page.locator("#counts .counts-line").inner_text()
    between, made = len(loads), time.perf_counter()
    page.get_by_role("button", name="Make this campaign").click()
    page.wait_for_url(re.compile(r"/campaigns/\d+/$"))
    took, button = time.perf_counter() - started, time.perf_counter() - made
    print(f"{systems}: {inputs} inputs, {took:.1f} s ({button:.1f} s of it after the button), {between} page loads")
    print(f"  counts shown before the button: {shown}")
    return (inputs > INPUTS) + (took > SECONDS) + (between > 0)


if __name__ == "__main__":
    sys.exit(main())
