"""Each kind of user's job, one after the other on the same campaign, as people do it in the browser."""

import hashlib
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.conftest import GivePasskey, Server, Visit
from tests.browser.seed import CRM
from tests.browser.signing import let_one_sign, sign_when_built
from tests.browser.strict import StrictPage

NAME = "Privileged access of the CRM"
LONG_MS = 90_000


def test_a_campaign_goes_from_the_officer_over_reviewers_to_its_end(
    server: Server, worker: None, visit: Visit, passkey: GivePasskey, tmp_path: Path
) -> None:
    slug = server.cast.bpo.slug
    carla, axel = visit("carla"), visit("axel")
    carla.go(f"/t/{slug}/campaigns/new/")
    plan(carla)
    desk, phone = visit("remy"), visit("rosa", viewport={"width": 390, "height": 800}, color_scheme="dark")
    for strict, name in ((desk, "remy"), (phone, "rosa"), (carla, "carla")):
        strict.go(f"/t/{slug}/inbox/" if strict is not carla else f"/t/{slug}/packs/")
        passkey(strict, name)
    decide_and_sign(desk, "Bob Lim", "Keep", "Leads the night shift of Acme claims.")
    decide_and_sign(phone, "Eli Brandt", "Revoke", "Moved to billing in October.")
    deliver_without_the_revoked(carla, f"{server.url}/t/{slug}", tmp_path)
    close(carla, f"{server.url}/t/{slug}")
    build_and_share_a_pack(carla, f"{server.url}/t/{slug}")
    verify_offline(axel.go(f"/t/{slug}/room/"), f"{server.url}/t/{slug}", tmp_path)
    axel.check_looks("job-room")
    axel.shoot("room")
    carla.go(f"/t/{slug}/overview/")
    carla.check_looks("job-overview")
    carla.shoot("overview")


def test_a_client_sees_who_touched_their_data(server: Server, visit: Visit) -> None:
    cleo = visit("cleo")
    page = cleo.go(f"/t/{server.cast.acme.slug}/client/")
    newest = page.locator("#feed tbody tr")
    refused = newest.filter(has_text="Refused").first
    expect(refused).to_contain_text("Bob Lim (bob.lim@example.org)")
    expect(refused).to_contain_text("Claims CRM")
    expect(refused).to_contain_text("203.0.113.9")
    expect(refused.locator("time").first).to_contain_text("-05:00")
    expect(page.locator("main")).to_contain_text("No source delivers this kind of log: Database access.")
    cleo.check_looks("job-client")
    cleo.shoot("client")


def plan(strict: StrictPage) -> None:
    """Plan a campaign on one page and open it; the opening is done by the worker."""
    page = strict.page
    strict.check_looks("job-plan")
    page.reload()
    page.get_by_label("Name of the campaign").fill(NAME)
    page.get_by_label("Claims CRM").check()
    page.get_by_label("Privileged access only").check()
    fallback = page.get_by_label("Fallback reviewer")
    fallback.press_sequentially("rosa del")
    found = page.locator("#id_fallback_people option")
    expect(found).to_have_count(1)
    fallback.fill(found.get_attribute("value") or "")
    fallback.press("Tab")
    expect(page.locator("#counts")).to_contain_text("2")
    page.get_by_role("button", name="Make this campaign").click()
    strict.check_looks("job-planned")
    page.get_by_role("button", name="Open campaign").click()
    expect(page.locator("main")).to_contain_text("Done", timeout=LONG_MS)
    strict.check_looks("job-opened")


def decide_and_sign(strict: StrictPage, subject: str, button: str, reason: str) -> None:
    """Decide the one item of the campaign, read the statement and sign it with a passkey."""
    page = strict.page
    strict.check_looks(f"job-inbox-{button}")
    page.get_by_role("row", name=NAME).get_by_role("link", name="Review 1 grant").click()
    expect(page.locator("#sheet")).to_contain_text(subject)
    strict.check_looks(f"job-review-{button}")
    page.reload()  # axe leaves empty style attributes behind, which a swap by htmx would run into the policy with
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("link", name="Read and sign").click()
    expect(page.locator("main table")).to_contain_text(reason)
    strict.check_looks(f"job-statement-{button}")
    page.get_by_role("button", name="Sign 1 decision with a passkey").click()
    expect(page.get_by_role("heading", name="Signature", exact=True)).to_be_visible()
    strict.check_looks(f"job-signature-{button}")


def deliver_without_the_revoked(strict: StrictPage, home: str, folder: Path) -> None:
    """Deliver the system's new list, which no longer holds what was revoked."""
    page = strict.page
    rows = [line for line in CRM.splitlines(keepends=True) if b"admin_export" not in line]
    file = folder / "crm.csv"
    file.write_bytes(b"".join(rows))
    page.goto(f"{home}/register/systems/crm/upload/")
    strict.check_looks("job-upload")
    page.locator("input[type=file]").set_input_files(file)
    page.locator("[name=source_total]").fill(str(len(rows) - 1))
    captured_at = timezone.now().astimezone(ZoneInfo("Europe/Madrid"))
    page.locator("[name=captured_at]").fill(captured_at.strftime("%Y-%m-%dT%H:%M:%S"))
    page.locator("[name=delivered_by]").fill("Ines Vidal, CRM team")
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.locator("main")).to_contain_text("The list is complete.")


def close(strict: StrictPage, home: str) -> None:
    """Verify the revocation against the new list, and close."""
    page = strict.page
    page.goto(f"{home}/campaigns/")
    page.get_by_role("link", name=NAME).first.click()
    page.get_by_role("button", name="Verify revocations").click()
    page.get_by_role("button", name="Close campaign").click()
    page.get_by_role("dialog").get_by_role("button", name="Close campaign").click()
    expect(page.locator("main")).to_contain_text("Closed")
    strict.check_looks("job-closed")


def build_and_share_a_pack(strict: StrictPage, home: str) -> None:
    """Build an evidence pack, sign it off, wait until the worker has issued it, and share it with the auditor."""
    page = strict.page
    let_one_sign(strict, home)
    page.goto(f"{home}/packs/new/")
    page.get_by_label("Recipient").fill("Axel Brandt, Brandt Assurance")
    page.get_by_role("main").get_by_role("button").last.click()
    sign_when_built(strict, LONG_MS)
    page.get_by_label("Share it with").select_option(label="Axel (External auditor)")
    page.get_by_role("button", name="Share this pack").click()
    strict.check_looks("job-pack")


def verify_offline(page: Page, home: str, folder: Path) -> None:
    """Download the pack, compare its hash, verify it with the standard library alone, and break one byte of it."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    pack, verifier = folder / "pack.zip", folder / "verify.py"
    download.value.save_as(pack)
    expect(page.locator("main")).to_contain_text(hashlib.sha256(pack.read_bytes()).hexdigest())
    verifier.write_bytes(page.request.get(f"{home}/ledger/verify.py").body())
    key = page.locator(".pack-key").first.inner_text()
    holds = run_verifier(verifier, pack, key)
    assert holds.returncode == 0, holds.stdout + holds.stderr
    changed = bytearray(pack.read_bytes())
    changed[len(changed) // 2] ^= 1
    pack.write_bytes(bytes(changed))
    assert run_verifier(verifier, pack, key).returncode != 0


def run_verifier(verifier: Path, pack: Path, key: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier as an outsider does: an isolated Python, no packages."""
    command = [sys.executable, "-I", str(verifier), str(pack), "--key", key]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=pack.parent)
