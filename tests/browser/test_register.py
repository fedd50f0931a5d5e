"""The register in a browser: a system's own export by a mapping, the difference of two snapshots, and who moved."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.strict import StrictPage

EXPORT = "User Name;Role(s);Emp No;Active\nana;Agent, Supervisor;E1;yes\nbob.lim;Agent;E2;yes\nold.joe;;;no\n"
PEOPLE = "external_id,name,department,kind,employed_until\nC9,Kim Contractor,Claims,contractor,2030-01-31\n"


def test_an_export_is_mapped_sealed_and_compared(visit: Visit, server: Server, tmp_path: Path) -> None:
    strict, slug = visit("carla"), server.cast.bpo.slug
    page = strict.go(f"/t/{slug}/register/systems/new/")
    page.get_by_label("Name of the system").fill("Payroll")
    page.get_by_label("Short key").fill("payroll")
    page.get_by_label("Which entitlements are privileged").fill("Super*")
    page.locator("main button[type=submit]").click()
    page.get_by_role("link", name="Compare snapshots").click()
    expect(page.get_by_text("Nothing to compare yet")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Columns of its export").click()
    file = tmp_path / "payroll.csv"
    file.write_text(EXPORT, encoding="utf-8")
    page.get_by_label("A file that the system exported").set_input_files(file)
    page.get_by_role("button", name="Show what the lines become").click()
    page.locator("#id_entitlement").select_option("role(s)")
    page.get_by_label("Several entitlements in one cell").select_option("Separated by ,")
    page.get_by_role("button", name="Show what the lines become").click()
    expect(page.get_by_text("3 lines of the sample, 4 grants. Nothing is stored yet.")).to_be_visible()
    strict.check_state("register-columns")
    page.get_by_role("button", name="Save the mapping").click()
    seal_twice(strict, f"/t/{slug}/register/systems/payroll/upload/", file)
    strict.check_state("register-snapshot")
    strict.go(f"/t/{slug}/register/systems/payroll/difference/")
    expect(page.get_by_role("cell", name="Super Admin")).to_be_visible()
    strict.check_state("register-difference")


def seal_twice(strict: StrictPage, upload: str, file: Path) -> None:
    """Deliver the export and, captured a minute later, one in which a role is another one."""
    page = strict.page
    for minute, text in enumerate((EXPORT, EXPORT.replace("ana;Agent, Supervisor", "ana;Agent, Super Admin"))):
        strict.go(upload)
        if not minute:
            page.get_by_text("PostgreSQL: roles and rights").last.click()
            strict.check_state("register-upload")
        file.write_text(text, encoding="utf-8")
        page.get_by_label("File, as the system wrote it").set_input_files(file)
        page.get_by_label("Total that the system itself shows").fill("3")
        captured = (timezone.localtime() - timedelta(days=1)).replace(hour=9, minute=minute, second=0)
        page.get_by_label("When the system produced the list").fill(captured.strftime("%Y-%m-%dT%H:%M:%S"))
        page.get_by_role("button", name="Seal this snapshot").click()
        expect(page.get_by_text("Lines in the file")).to_be_visible()


def test_a_new_list_of_people_tells_what_changed(visit: Visit, server: Server, tmp_path: Path) -> None:
    strict, slug = visit("carla"), server.cast.bpo.slug
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    page = strict.go(f"/t/{slug}/register/people/upload/")
    page.get_by_label("List of people (CSV or Excel)").set_input_files(file)
    page.get_by_role("button", name="Import these people").click()
    page.get_by_role("link", name="What the list told").click()
    expect(page.get_by_role("cell", name="Joined", exact=True)).to_be_visible()
    strict.check_state("register-changes")
