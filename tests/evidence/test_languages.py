"""A report in German: no message is missing, and what a table or a manifest holds does not depend on the language."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Message
from django.utils.translation import gettext, pgettext

from evidence.catalogue import load
from evidence.evaluate import evaluate_all, spell
from evidence.languages import Language, day, figure, joined, minute, percent, said, spoken, told, whole, zoned
from evidence.metricwords import metric_words, with_unit
from evidence.sections import body
from evidence.words import word
from tests import messages
from tests.evidence.facts import good

SECTIONS = Path(body.__file__).parent
KEY = re.compile(r"\b[a-z]+_[a-z_]+\b|\b[a-z]+\.[a-z]+\b")
PLACE = re.compile(r"\{(\w*)\}")


def test_every_message_is_said_in_german_and_compiled() -> None:
    catalog = messages.read("de")
    kept = {(item.context, item.id): item for item in catalog if item.id}
    wanted = set(messages.messages())
    assert wanted - kept.keys() == set(), "make messages, then say them in evidence/locale/de"
    assert kept.keys() - wanted == set(), "nothing prints these any more: make messages"
    for (_context, english), item in kept.items():
        forms = item.string if isinstance(item.string, tuple) else (item.string,)
        assert all(forms), f"not said in German yet: {english}"
        assert not item.fuzzy, f"only guessed at: {english}"
        names = set(PLACE.findall(english if isinstance(english, str) else english[1]))
        assert all(set(PLACE.findall(form)) == names for form in forms), f"other values in German: {english}"
    compiled = messages.po_file("de").with_suffix(".mo").read_bytes()
    assert compiled == messages.compiled(catalog), "the .mo is not that of the .po: make messages"


def test_the_sections_print_no_words_past_the_messages() -> None:
    """In evidence/sections every text that begins like one (a capital, or words apart) stands in a message."""
    found = [place for path in sorted(SECTIONS.glob("*.py")) for place in _bare_texts(path)]
    assert found == [], "wrap it in _() and run make messages"


def _bare_texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"_", "said", "widths", "noop"}
        for part in ast.walk(node)
    }
    inside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if re.search(r"^[A-Z][a-z]|[a-z]{3} [a-z]{2}", text) and id(node) not in inside:
                yield f"{path.name}:{node.lineno}: {text}"


def test_a_sentence_is_stored_in_english_and_told_in_the_language_of_the_pack() -> None:
    name = said("Failed log-ins")
    sentence = said("{metric} is 0 in the period.", metric=joined(": ", (name, "Acme {x}")))
    numbers = joined("; ", (whole(12345), figure("0.375"), percent(0.9375), day(datetime(2026, 3, 31, tzinfo=UTC))))
    with spoken(Language.GERMAN):
        assert json.dumps(sentence) == '"Failed log-ins: Acme {x} is 0 in the period."'
        assert told(sentence) == "Fehlgeschlagene Anmeldungen: Acme {x} = 0 im Zeitraum."
        assert told("Failed log-ins") == "Failed log-ins", "a plain text is somebody's data"
        assert told(numbers) == "12.345; 0,375; 93,8\u00a0%; 31.03.2026"
        assert zoned(datetime(2026, 3, 31, 21, 59, 1, tzinfo=UTC), "Europe/Berlin") == "31.03.2026 23:59:01 +02:00"
        assert word("outcome", "not_decided") == "nicht entschieden"
        assert word("reason", "revoke") == "revoke", "typed by a person"
        assert word("month", "2026-03") == "03.2026"
        assert word("log_types", "login, mystery") == "Anmeldung, mystery"
    with spoken(Language.ENGLISH):
        assert told(sentence) == sentence
        assert told(numbers) == "12,345; 0.375; 93.8%; 2026-03-31"
        assert told(minute(datetime(2026, 3, 31, 9, 5, tzinfo=UTC))) == "2026-03-31 09:05"


def test_reasons_name_metrics_in_words_with_their_units() -> None:
    """And by no key, in either language."""
    bad = {f"{kind.name}.{name}": 70.5 for kind in load().kinds.values() for name in kind.metrics}
    bad |= {"leavers.feed_age_days": 12, "coverage.coverage_ratio": 0.62, "client_access.packs_issued": 1}
    reasons = [line for item in evaluate_all(load(), good(bad)) for line in item.reasons]
    with spoken(Language.GERMAN):
        german = [told(line) for line in reasons]
    assert len(german) > 100
    assert [line for line in (*reasons, *german) if KEY.search(line)] == []
    for line in (
        "The attention criterion does not hold either.",
        "Needed, and not shown: “covered share of the expected hours” ≥ 90.0% (Collection coverage by source and log "
        "type: covered share of the expected hours = 62.0%).",
        "Needed, and not shown: “age of the list of leavers” ≤ 7 (Leavers: age of the list of leavers = 12 days).",
    ):
        assert line in reasons
    assert (
        "Benötigt, aber nicht nachgewiesen: „Alter der Liste der Ausgeschiedenen“ ≤ 7 (Ausgeschiedene: Alter der Liste "
        "der Ausgeschiedenen = 12 Tage)."
    ) in german
    assert {metric_words(name) for name in ("still_enabled", "attempts")} == {"still enabled", "attempts"}
    assert [with_unit("last_good_hours", hours, spell(hours)) for hours in (1.0, 1.5)] == ["1 hour", "1.5 hours"]
    assert with_unit("client_notify_over_60_days", 2, spell(2)) == "2", "notices, not days"


def test_no_other_package_says_it_for_us() -> None:
    """Django and allauth have messages of their own, in English too: none of them takes the place of ours."""
    ours = [item for item in messages.read("de") if item.id and isinstance(item.id, str)]
    with spoken(Language.GERMAN):
        assert [item.id for item in ours if _spoken(item) != item.string] == []
    with spoken(Language.ENGLISH):
        assert [item.id for item in ours if _spoken(item) != item.id] == []


def _spoken(item: Message) -> str:
    return pgettext(item.context, str(item.id)) if item.context else gettext(str(item.id))
