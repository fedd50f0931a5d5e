"""What a page must not do: complain, fail, leave its host, break the policy, overflow, exclude anyone."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, Error, Page, Request, Response

from portal.vendor import ROOT, SHEET, WHOLE_SHEET

_HERE: Final = Path(__file__).parent
AXE: Final = (_HERE / "vendor/axe-core-4.14.1/axe.min.js").read_text(encoding="utf-8")
JUDGE: Final = (_HERE / "judge.js").read_text(encoding="utf-8")
CUT: Final = """
[...document.querySelectorAll('.table-responsive:not(:has(> .raw))')] // a list's own columns, as many as it has
  .filter(table => table.scrollWidth > table.clientWidth + 1)
  .map(table => `${table.getAttribute('aria-label')} (${table.scrollWidth} px in ${table.clientWidth})`)
"""
STYLED: Final = re.compile(r"\.([a-zA-Z][\w-]*)")
UNSTYLED: Final = [*set.difference(*(set(STYLED.findall((ROOT / path).read_text())) for path in (WHOLE_SHEET, SHEET)))]
"""Tabler's classes that were cut away."""
LOST: Final = "names => names.filter(name => document.getElementsByClassName(name).length)"
CSP_WATCH: Final = (
    "document.addEventListener('securitypolicyviolation',"
    " e => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"
)
FORMS: Final = (("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390))
OPPOSITES: Final = (("light", 1280), ("dark", 390))
RELOADED: Final = ("context was destroyed", "properties of null (reading 'dataset')")
"""What is said when the page goes under the look: its context, or already its document."""
WIDEST: Final = 1280
FURTHER_ROWS: Final = "tbody > tr:nth-child(n+13)"
"""What of long tables is judged in the first form alone: its rows are built like those before them."""
FRAME: Final = ["aside"]
"""What stands beside every page, and is judged once for each person (the demonstration)."""
SHOTS: Final = os.environ.get("COUNTERSIGN_SCREENSHOTS", "")


class StrictPage:
    """A page of a browser whose every complaint is kept as a fault."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.faults: list[str] = []
        self.allowed: set[int] = set()
        self.page: Page = context.new_page()
        self.page.add_init_script(CSP_WATCH)
        self.page.on("console", lambda told: self._console(told.type, told.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: script error: {error}"))
        self.page.on("response", self._response)
        self.page.on("request", self._request)

    def _console(self, kind: str, text: str) -> None:
        expected = any(f"status of {status}" in text for status in self.allowed)
        if kind in {"error", "warning"} and not expected:
            self.faults.append(f"{self.page.url}: console {kind}: {text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.faults.append(f"{response.url}: answered {response.status}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"{self.page.url}: asked another host: {request.url}")

    def go(self, path: str) -> Page:
        """Open a path of the portal and wait until it is loaded."""
        self.page.goto(self.url + path if path.startswith("/") else path, wait_until="load")
        return self.page

    def check_looks(self, name: str, forms: Sequence[tuple[str, int]] = FORMS, *, frame: bool = False) -> None:
        """Judge the open page in its four forms, light and dark at 1280 and 390 px, and its width at 320 px."""
        before = self.page.viewport_size or {"width": 1280, "height": 800}
        for number, form in enumerate(forms):
            asked = {"fresh": not number, "left": FURTHER_ROWS, "out": [] if frame else FRAME}
            try:
                self._look(name, form, asked)
            except Error as error:  # a page that waits for work loads itself again when the work is done
                if not any(words in str(error) for words in RELOADED):
                    raise
                self.page.wait_for_load_state("networkidle")
                self._look(name, form, asked)
        self._size(320)
        self._overflow(f"{name} 320")
        self.page.set_viewport_size(before)

    def check_state(self, name: str) -> None:
        """Judge a further state of a page that is judged in four forms elsewhere: both themes, both widths."""
        self.check_looks(name, FORMS if SHOTS else OPPOSITES)

    def _look(self, name: str, form: tuple[str, int], asked: dict[str, object]) -> None:
        theme, width = form
        self.page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
        self._size(width)
        if width == WIDEST:
            lost = self.page.evaluate(LOST, UNSTYLED) if theme == "light" else []
            self.faults += [f"{name}: .{one} was cut from {SHEET}" for one in lost]
            cut = self.page.evaluate(CUT)
            self.faults += [f"{name}: at {width} px the last columns of a table are out of sight: {one}" for one in cut]
        self._judge(f"{name} {theme} {width}", {**asked, "theme": theme, "width": width})
        self._shoot(f"{name}-{width}-{theme}")

    def check_fit(self, name: str) -> None:
        """Look at the open page once at 390 px: does it overflow, does it complain?"""
        self._size(390)
        self._overflow(f"{name} 390")
        self._size(1280)

    def _size(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": 800})

    def _judge(self, name: str, asked: dict[str, object]) -> None:
        self._overflow(name)
        if self.page.evaluate("typeof judge") == "undefined":
            self.page.evaluate(AXE)
            self.page.evaluate(JUDGE)
        self.faults += [f"{name}: {one}" for one in self.page.evaluate("asked => judge(asked)", asked)]

    def _overflow(self, name: str) -> None:
        width, seen = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        if width > seen:
            self.faults.append(f"{name}: the page is {width} px wide in a window of {seen} px")

    def shoot(self, name: str) -> None:
        """Keep a screenshot of the window as it is, where screenshots are asked for."""
        self._shoot(name, whole=False)

    def _shoot(self, name: str, *, whole: bool = True) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)


def told(faults: Sequence[str]) -> str:
    """Return the faults as one text for an assertion."""
    return "\n".join([f"{len(faults)} faults:", *faults])
