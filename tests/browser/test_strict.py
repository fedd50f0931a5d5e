"""The judge of pages is judged: a fault that shows in one form alone is found in that form, and nowhere else."""

from playwright.sync_api import Browser

from tests.browser.conftest import Server
from tests.browser.strict import StrictPage

PALE = "html[data-bs-theme=dark] h1 { color: #101010 !important; }"
WIDE = "@media (width < 400px) { h1 { min-inline-size: 900px !important; } }"
TABLE = (
    '<div class="table-responsive" role="region" aria-label="Wide" tabindex="0"><table class="table"><tbody><tr><td>'
    f"{'x' * 400}</td></tr></tbody></table></div>"
)
ADD = """
css => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
"""


def faults(server: Server, chromium: Browser, script: str, argument: str) -> list[str]:
    """Return what the judge says of the log-in page after a script has spoilt it."""
    context = chromium.new_context(reduced_motion="reduce")
    strict = StrictPage(context, server.url)
    strict.go("/accounts/login/").evaluate(script, argument)
    strict.check_looks("spoilt")
    context.close()
    return strict.faults


def test_words_that_are_unreadable_in_the_dark_alone_are_found(server: Server, chromium: Browser) -> None:
    found = faults(server, chromium, ADD, PALE)
    assert {one.split(":")[0] for one in found} == {"spoilt dark 390", "spoilt dark 1280"}


def test_a_page_too_wide_for_a_phone_alone_is_found(server: Server, chromium: Browser) -> None:
    found = faults(server, chromium, ADD, WIDE)
    names = {one.split(":")[0] for one in found}
    assert names == {"spoilt light 390", "spoilt dark 390", "spoilt 320"}


def test_a_table_whose_last_columns_are_out_of_sight_is_found(server: Server, chromium: Browser) -> None:
    found = faults(
        server, chromium, "html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", TABLE
    )
    assert any("out of sight: Wide (" in one for one in found), found


def test_an_error_on_the_console_and_a_breach_of_the_policy_are_found(server: Server, chromium: Browser) -> None:
    assert any("console error: lost" in one for one in faults(server, chromium, "word => console.error(word)", "lost"))
    styled = "css => document.querySelector('h1').setAttribute('style', css)"
    assert any("CSP style-src" in one for one in faults(server, chromium, styled, "color: red"))


def test_a_class_that_was_cut_from_the_style_sheet_is_found(server: Server, chromium: Browser) -> None:
    found = faults(server, chromium, "name => document.querySelector('main').classList.add(name)", "carousel-item")
    assert found == ["spoilt: .carousel-item was cut from portal/static/portal/css/tabler.css"]
