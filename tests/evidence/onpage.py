"""Where a PDF's page draws its text: each run from its left to its right end, by the widths that its fonts state."""

from collections.abc import Iterator
from typing import Any

from pypdf import PageObject


def runs(page: PageObject) -> Iterator[tuple[float, float, float]]:
    """Yield the left end, the right end and the height over the page's lower edge of each run of text, in points."""
    found: list[tuple[float, float, float]] = []
    fonts = page["/Resources"]["/Font"]
    state: dict[str, Any] = {}

    def before(operator: bytes, operands: list[Any], cm: list[float], tm: list[float]) -> None:
        if operator == b"Tf":
            state["widths"], state["size"] = _widths(fonts[operands[0]].get_object()), float(operands[1])
        if operator in {b"Tj", b"TJ"}:
            pieces = operands[0] if operator == b"TJ" else operands
            wide = sum(_wide(piece, state["widths"]) for piece in pieces) / 1000 * state["size"]
            across = tm[0] * cm[0] + tm[1] * cm[2]
            left = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            found.append((left, left + wide * across, tm[4] * cm[1] + tm[5] * cm[3] + cm[5]))

    page.extract_text(visitor_operand_before=before)
    yield from found


def _wide(piece: Any, widths: dict[int, float]) -> float:
    """Return how far a string of two-byte glyphs, or an adjustment between two, goes on."""
    if isinstance(piece, int | float):
        return -float(piece)
    data = getattr(piece, "original_bytes", piece)
    return sum(widths.get(int.from_bytes(data[at : at + 2]), 0) for at in range(0, len(data), 2))


def _widths(font: Any) -> dict[int, float]:
    """Return the width of each glyph in thousandths of the size (ISO 32000-1, 9.7.4.3)."""
    found: dict[int, float] = {}
    listed = list(font["/DescendantFonts"][0].get_object()["/W"])
    while listed:
        first, second = int(listed.pop(0)), listed.pop(0)
        if isinstance(second, list):
            found |= {first + place: float(width) for place, width in enumerate(second)}
        else:
            found |= dict.fromkeys(range(first, int(second) + 1), float(listed.pop(0)))
    return found
