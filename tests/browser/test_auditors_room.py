"""An auditor from the invitation mail to an accepted request, and a client from the alert to the pack; one story."""

import hashlib
import re
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import Page, expect

from tests.browser.conftest import GivePasskey, Server, Visit
from tests.browser.signing import let_one_sign, sign_when_built
from tests.browser.strict import StrictPage
from tests.browser.test_own_pages import code_now
from tests.mailing import Sink

EMAIL = "nora@auditors.example"
LONG_MS = 90_000


def test_from_the_invitation_to_an_accepted_request_and_from_the_alert_to_the_pack(
    server: Server, worker: None, mailbox: tuple[Sink, int], visit: Visit, passkey: GivePasskey, tmp_path: Path
) -> None:
    home = f"/t/{server.cast.acme.slug}"
    carla, nora = visit("carla"), visit(viewport={"width": 390, "height": 800}, color_scheme="dark")
    invite(carla, home)
    enter(nora, letter(carla.page, mailbox[0], EMAIL, r"/invitation/\S+/"), home)
    ask(nora, home)
    freeze(carla, home)
    draw(nora, home)
    passkey(carla, "carla")
    title = build_a_pack(carla, home)
    request = letter(carla.page, mailbox[0], "carla@example.org", rf"{home}/room/requests/\d+/")
    page = carla.go(request)
    page.get_by_label("Provide evidence").check()
    page.get_by_label("Attach").select_option(label=f"Pack: {title}")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main")).to_contain_text("Provided")
    accept(nora, request, title, tmp_path)
    client(visit("cleo"), home, title, tmp_path)


def invite(strict: StrictPage, home: str) -> None:
    """Invite an auditor to a room that shows names."""
    page = strict.go(f"{home}/auditors/invite/")
    strict.check_state("room-invite")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Audit firm").fill("Nordmann Assurance")
    page.get_by_label("Full: names and addresses").check()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.locator("main table")).to_contain_text("Invited")
    strict.check_state("room-auditors")


def letter(page: Page, sink: Sink, address: str, link: str) -> str:
    """Wait for the newest mail to the address that holds the link; return the link's path."""
    for _ in range(LONG_MS // 100):
        for mail in reversed(sink.mails):
            found = re.search(link, str(mail.get_payload(decode=True), "utf-8"))  # type: ignore[arg-type]  # a text mail
            if mail["To"] == address and found:
                return found[0]
        page.wait_for_timeout(100)
    message = f"No mail with {link} came to {address}."
    raise AssertionError(message)


def enter(strict: StrictPage, path: str, home: str) -> None:
    """Make an account from the mail, then the second factor; nothing is seen before."""
    strict.allowed = {403}
    page = strict.go(path)
    strict.check_state("room-invitation")
    page.get_by_label("Your name").fill("Nora Nordmann")
    page.get_by_label("Password").fill("seven green lanterns at sea")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A second factor first")
    strict.check_state("room-second-factor")
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.locator("#id_code").fill(code_now(page.get_by_label("Secret").input_value()))
    page.get_by_role("button", name="Switch the app on").click()
    page.get_by_role("link", name="Go on to your work").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your room")
    strict.check_state("room-room")


def ask(strict: StrictPage, home: str) -> None:
    """Ask for the evidence of the quarter."""
    page = strict.go(f"{home}/room/requests/new/")
    strict.check_state("room-ask")
    page.get_by_label("What you need").fill("The evidence pack of the last 90 days, with its manifest.")
    page.get_by_label("Due on").fill(timezone.localdate().isoformat())
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("main")).to_contain_text("Open")


def freeze(strict: StrictPage, home: str) -> None:
    """Freeze the items of the campaign for the room."""
    page = strict.go(f"{home}/auditors/")
    page.get_by_role("link", name="Freeze a population").first.click()
    page.get_by_label("Population").select_option(label="Items of CRM access, fourth quarter")
    page.get_by_role("button", name="Freeze it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("CRM access, fourth quarter")


def draw(strict: StrictPage, home: str) -> None:
    """Draw two things by a seed of one's own, and flag one."""
    page = strict.go(f"{home}/room/populations/")
    strict.check_state("room-populations")
    page.locator("main table a").first.click()
    strict.check_state("room-population")
    page.get_by_label("How many").fill("2")
    page.get_by_label("Your own seed").fill("dice 4 2 6 6 1")
    page.get_by_role("button", name="Draw the sample").click()
    page.get_by_placeholder("Note").first.fill("The ticket is missing.")
    page.get_by_role("button", name="Flag").first.click()
    expect(page.locator("main")).to_contain_text("The ticket is missing.")
    strict.check_state("room-sample")


def build_a_pack(strict: StrictPage, home: str) -> str:
    """Build the client's pack, sign it off, and share it with the client; returns its title."""
    let_one_sign(strict, strict.url + home)
    page = strict.go(f"{home}/packs/new/")
    page.get_by_label("Recipient").fill("Nora Nordmann, Nordmann Assurance")
    page.get_by_role("main").get_by_role("button").last.click()
    sign_when_built(strict, LONG_MS)
    page.get_by_label("Share it with").select_option(label="Cleo (Client)")
    page.get_by_role("button", name="Share this pack").click()
    return page.get_by_role("heading", level=1).inner_text()


def accept(strict: StrictPage, path: str, title: str, folder: Path) -> None:
    """Take the pack from the thread, compare its hash, and accept the request."""
    page = strict.go(path)
    strict.check_state("room-request")
    expect(page.locator("main")).to_contain_text(title)
    shown = re.search("[0-9a-f]{64}", page.locator("main").inner_text())
    page.get_by_role("link", name=title).click()
    assert shown is not None
    assert shown[0] == fetched(page, folder / "auditors.zip")
    page = strict.go(path)
    page.get_by_label("Accept").check()
    page.get_by_label("Words").fill("The manifest holds; all rows were reperformed.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main")).to_contain_text("Accepted")


def client(strict: StrictPage, home: str, title: str, folder: Path) -> None:
    """Open the alert, come back, see who looked, and take the pack."""
    page = strict.go(f"{home}/client/")
    page.locator("section", has_text="Unresolved alerts").locator("ul a").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page = strict.go(f"{home}/client/")
    expect(page.locator("main")).to_contain_text(f"{EMAIL} downloaded the evidence")
    expect(page.locator("main")).to_contain_text(f"{EMAIL} read request 1 of Nordmann Assurance")
    strict.check_state("room-client")
    page.get_by_role("link", name=title).first.click()
    taken = fetched(page, folder / "clients.zip")
    expect(page.locator("main")).to_contain_text(taken)


def fetched(page: Page, file: Path) -> str:
    """Download the pack of the open page; returns its SHA-256."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the pack").click()
    download.value.save_as(file)
    return hashlib.sha256(file.read_bytes()).hexdigest()
