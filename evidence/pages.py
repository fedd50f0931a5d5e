"""Puts together what the evidence pages print: looks of states, facts of a row, the ledger's words."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from evidence.calendar import Due, due_dates, icalendar, months
from evidence.catalogue import load, parameters_of
from evidence.evaluate import barred, spell, spell_metric
from evidence.findings import FailureClass
from evidence.kinds import VERIFICATION, Control, Parameter
from evidence.models import ControlResult, ControlRun, KindResult
from evidence.packkey import pack_signer
from evidence.queries import ControlLine, ledger_facts, missing_kinds, settings_in_force
from evidence.report import STATE_WORDS
from evidence.states import RESULT_MEANINGS
from evidence.tiers import REMAINS, TIERS, UNPROVABLE
from evidence.verifier import digests
from evidence.verifier.primitives import fingerprint
from ledger import witness
from ledger.notes import NoteError, SignatureError, open_checkpoint, parse_vkey
from ledger.queries import key_links
from tenants.kinds import Role, WorkState
from tenants.models import Tenant, Work
from tenants.queries import members

LOOKS: Final[Mapping[str, str]] = {
    "pass": "good",
    "attention": "warn",
    "fail": "bad",
    "no_data": "info",
    "no_occurrence": "none",
    "not_applicable": "off",
    "not_computed": "wait",
}
WITNESS_FILE: Final = Path(witness.__file__)
"""The program that clients and auditors run; they get it as it is."""
LEADS: Final[Mapping[tuple[str, str], str]] = {
    ("alerts", "id"): "alerts:alert",
    ("incidents", "id"): "alerts:incident",
    ("incidents", "alert_id"): "alerts:alert",
    **{(kind, "account"): "logs:timeline" for kind in ("login_failures", "remote_access", "data_access", "dormant")},
    **{(kind, "account"): "logs:timeline" for kind in ("privileged", "grants", "revocations", "leavers", "emergency")},
    **{(kind, "system"): "identities:system" for kind in ("population", "identities", "privileged", "grants")},
}
"""Cells from which a page leads on: an alert or a person's timeline shows events, and an event its inclusion proof."""
SHOWN_ROWS: Final = 25
SHOWN_COLUMNS: Final = 7


def framework_tally(lines: Iterable[ControlLine]) -> list[dict[str, Any]]:
    """Return for each framework how many rows are in each state, states without a row left out."""
    counts: dict[str, dict[str, int]] = {}
    for line in lines:
        states = counts.setdefault(line.control.framework, {})
        states[line.state] = states.get(line.state, 0) + 1
    names = load().frameworks
    return [
        {
            "key": key,
            "name": names[key].name,
            "version": names[key].version,
            "states": [(LOOKS[state], word, states[state]) for state, word in STATE_WORDS.items() if state in states],
        }
        for key, states in counts.items()
    ]


def control_facts(
    control: Control, run: ControlRun | None, kinds: Sequence[KindResult], history: Sequence[ControlResult]
) -> dict[str, Any]:
    """Return what a row's page prints; a parameter that the run used looser than the catalogue's says so."""
    result = next((item for item in history if run and item.run_id == run.pk), None)
    state = result.state if result else "not_computed"
    criterion = control.criterion
    values = run.parameters if run else {}
    params = load().params
    parts = [("Needs", " and ".join(criterion.needs)), ("Acts on", criterion.occurrence)]
    parts += [("Pass", criterion.passing), ("Attention", criterion.attention)]
    return {
        "control": control,
        "framework": load().frameworks[control.framework],
        "run": run,
        "result": result,
        "look": LOOKS[state],
        "word": STATE_WORDS[state],
        "meaning": RESULT_MEANINGS.get(
            state, "The portal has no query for this control yet. It counts as nothing else."
        ),
        "criterion": [(label, text) for label, text in parts if text],
        "parameters": [
            _parameter(params[name], values.get(name, params[name].value)) for name in parameters_of(load(), control)
        ],
        "metrics": _metrics(result, kinds),
        "missing": missing_kinds(control),
        "barred": barred(load(), control),
        "kinds": [_shown(item) for item in kinds],
        "history": [(LOOKS[item.state], STATE_WORDS[item.state], item) for item in history],
    }


def _parameter(parameter: Parameter, value: float) -> tuple[str, str, Parameter, str]:
    """Return a parameter with the value that was used, and what it was loosened from, or nothing."""
    loosened = spell(parameter.value) if parameter.loosened(value) else ""
    return parameter.name, spell(value), parameter, loosened


def _metrics(result: ControlResult | None, kinds: Sequence[KindResult]) -> list[tuple[str, str]]:
    """Return the row's metrics in words, a null by what it means."""
    measured = {item.kind: item.metrics for item in kinds}
    spelled = []
    for dotted in result.metrics if result else ():
        kind, _, name = dotted.partition(".")
        spelled.append((dotted, spell_metric(load().kinds[kind], name, measured.get(kind, {}))))
    return spelled


def _shown(item: KindResult) -> dict[str, Any]:
    """Return the first rows and columns of what a query found; the pack holds all of them."""
    columns = item.columns[:SHOWN_COLUMNS]
    rows = [
        [(name, _short(cell), LEADS.get((item.kind, name), "") if cell else "", cell) for name, cell in pairs]
        for pairs in (list(zip(columns, row, strict=False)) for row in item.rows[:SHOWN_ROWS])
    ]
    hidden = len(item.columns) - len(columns)
    return {"title": load().kinds[item.kind].title, "kind": item, "columns": columns, "rows": rows, "hidden": hidden}


def _short(cell: str) -> str:
    """Return a cell for a page: a time without its fraction, and a word for nothing."""
    if len(cell) == 27 and cell[10] == "T" and cell.endswith("Z"):
        return f"{cell[:10]} {cell[11:19]} UTC"
    return cell or "none"


def parameters_in_force() -> list[tuple[Parameter, float, bool]]:
    """Return every parameter with the tenant's value, and whether it is looser than the catalogue's."""
    own = settings_in_force().parameters
    pairs = [(item, own.get(name, item.value)) for name, item in load().params.items()]
    return [(item, value, item.loosened(value)) for item, value in pairs]


def ledger_words(tenant: Tenant) -> dict[str, Any]:
    """Return what the ledger's page prints, with the fingerprints that people compare."""
    facts = ledger_facts(tenant)
    signer = pack_signer(tenant.uuid).verifier.vkey
    return {
        "facts": facts,
        "links": key_links(tenant.uuid),
        "ledger_fingerprint": fingerprint(facts.verifier_key) if facts.verifier_key else "",
        "pack_key": signer,
        "pack_fingerprint": fingerprint(signer),
        "verifiers": digests(),
        "witness_sha256": hashlib.sha256(WITNESS_FILE.read_bytes()).hexdigest(),
        "tier_look": "good" if facts.tier >= "T3" else "info" if facts.tier >= "T1" else "warn",
        "tier_meaning": TIERS[facts.tier],
        "tier_remains": REMAINS[facts.tier],
        "tiers": [_tier(key, facts.tier) for key in TIERS],
        "unprovable": UNPROVABLE,
    }


def _tier(key: str, reached: str) -> tuple[str, str, str, str, str]:
    """Return a tier with the look and word of whether it is reached, what it means, and who could still cheat."""
    look, word = ("good", "reached") if key <= reached else ("off", "not reached")
    return key, look, word, TIERS[key], REMAINS[key]


def key_answer(typed: str, words: dict[str, Any]) -> tuple[str, str]:
    """Return the look and the sentence that say whether a key from elsewhere is one of the keys in use here.

    The newest checkpoint's signature is checked with the typed key itself, not with the one that is stored.
    """
    try:
        verifier = parse_vkey(typed.strip())
        if verifier.vkey == words["pack_key"]:
            return "good", "This is the key that signs the evidence packs here."
        for link in words["links"]:
            if verifier.vkey == link.old:
                return (
                    "warn",
                    f"This key signed up to {link.size:,} entries; there it signed together with the next key.",
                )
        checkpoint = words["facts"].checkpoint
        if checkpoint is None:
            return "warn", "There is no checkpoint yet that the key could have signed."
        body = open_checkpoint(checkpoint.note, [verifier])
    except SignatureError:
        return "bad", "This key did not sign the newest checkpoint and is not the packs' key. Ask why before you go on."
    except NoteError as fault:
        return "bad", f"This is not a verifier key: copy it whole. {fault}"
    return "good", f"This key signed the newest checkpoint, over {body.size:,} entries."


def verification_words() -> dict[str, Any]:
    """Return the newest verification as the ledger's page prints it: its work, and each class of failure in words."""
    work = Work.objects.filter(kind=VERIFICATION).order_by("-id").first()
    done = work if work is not None and work.state == WorkState.DONE else None
    failures = done.result.get("failures", {}) if done else {}
    return {
        "verification": work,
        "verified": done.result if done else None,
        "failures": [(name, FailureClass(name).meaning, count) for name, count in failures.items()],
    }


def calendar_words(tenant: Tenant, framework: str) -> dict[str, Any]:
    """Return what is missing or overdue and what comes, by month, each with its page and its frameworks in words."""
    now = timezone.now()
    today = timezone.localtime(now, tenant.zone).date()
    lines = due_dates(tenant, now, framework=framework)
    late, coming = months(lines, today)
    names = {key: item.name for key, item in load().frameworks.items()}

    def shown(due: Due) -> dict[str, Any]:
        words = [names[key] for key in due.frameworks if key in names]
        return {"due": due, "url": reverse(due.page, args=[tenant.slug, *due.args]), "frameworks": words}

    groups: list[dict[str, Any]] = [{"month": None, "lines": [shown(due) for due in late]}]
    groups += [{"month": month, "lines": [shown(due) for due in found]} for month, found in sorted(coming.items())]
    return {"groups": groups, "late": len(late), "ahead": len(lines) - len(late)}


def calendar_ics(tenant: Tenant, root: str) -> bytes:
    """Return the calendar as an iCalendar file; `root` is the portal's address."""
    now = timezone.now()
    lines = due_dates(tenant, now)
    urls = {due.key: root.rstrip("/") + reverse(due.page, args=[tenant.slug, *due.args]) for due in lines}
    return icalendar(lines, name=f"Evidence of {tenant.name}", tenant=str(tenant.uuid), now=now, urls=urls)


def people_to_share(tenant: Tenant) -> list[tuple[str, str]]:
    """Return the current auditors and clients of the tenant, for a choice."""
    now = timezone.now()
    return [
        (str(row.user_id), f"{row.user} ({row.get_role_display()})")
        for row in members(tenant).filter(role__in=(Role.AUDITOR, Role.CLIENT))
        if row.is_current(now)
    ]
