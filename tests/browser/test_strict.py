"""The judge of pages is judged: a fault that shows in one form alone is found in that form, and nowhere else."""

import re

from playwright.sync_api import Browser

from tests.browser.conftest import Server
from tests.browser.strict import StrictPage

PALE = "html[data-bs-theme=dark] h1 { color: #101010 !important; }"
PALE_AND_NARROW = "@media (width < 400px) { html[data-bs-theme=light] h1 { color: #f0f0f0 !important; } }"
NARROW_ALONE = ".narrow { display: none } @media (width < 400px) { .narrow { display: block } }"
SMALL = "@media (width < 400px) { .narrow { inline-size: 9px; block-size: 9px; padding: 0 } }"
ROWS = f"<ul>{'<li>Alike</li>' * 5}</ul>"
BUTTONS = '<p><button class="narrow" type="button"></button><button class="narrow" type="button">Go</button></p>'
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


def forms(found: list[str], rule: str) -> set[str]:
    """Return the forms in which a rule was found broken."""
    return {form for form, _, fault in (one.partition(": ") for one in found) if fault.startswith(f"{rule} at ")}


def test_words_that_are_unreadable_in_one_form_alone_are_found(server: Server, chromium: Browser) -> None:
    assert forms(faults(server, chromium, ADD, PALE), "color-contrast") == {"spoilt dark 1280"}
    assert forms(faults(server, chromium, ADD, PALE_AND_NARROW), "color-contrast") == {"spoilt light 390"}


def test_of_many_texts_that_look_alike_the_one_on_another_ground_is_found(server: Server, chromium: Browser) -> None:
    add = f"css => {{ ({ADD})(css); document.querySelector('main').insertAdjacentHTML('beforeend', '{ROWS}') }}"
    found = faults(server, chromium, add, "li { color: #333 } li:last-child { background: #222 }")
    places = [re.findall(r"li:nth-child\(\d\)", one) for one in found]
    assert places == [["li:nth-child(5)"], *[[f"li:nth-child({n})"] for n in (1, 2, 5)]], "all of them fail in the dark"


def test_a_button_that_shows_on_a_phone_alone_is_judged_there(server: Server, chromium: Browser) -> None:
    add = f"css => {{ ({ADD})(css); document.querySelector('main').insertAdjacentHTML('beforeend', '{BUTTONS}') }}"
    found = faults(server, chromium, add, NARROW_ALONE + SMALL)
    assert forms(found, "button-name") == {"spoilt dark 390", "spoilt light 390"}
    assert forms(found, "target-size") == {"spoilt dark 390", "spoilt light 390"}


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
