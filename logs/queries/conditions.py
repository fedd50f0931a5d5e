"""Terms of a query as conditions on events. Values are parameters always; names are looked up in the register."""

from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import or_
from typing import Final, TypeVar

from django.db.models import Model, Q, QuerySet

from identities.models import Identity, System
from logs.kinds import MACHINES
from logs.models import LogSource
from logs.qualifiers import QUALIFIERS, TYPES
from logs.querylang import Form, Query, QueryError, Term, Value, address_of, network_of
from logs.watched import actor_key

M = TypeVar("M", bound=Model)
MOST_ACCOUNTS: Final = 200
"""Accounts of one person that a query looks for."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "action": ("action",),
    "app": ("app",),
    "object": ("resource", "table", "database", "target_name", "dst_host"),
    "resource": ("resource",),
    "database": ("database",),
    "table": ("table",),
    "target": ("target_name", "target_uid"),
    "device": ("device_uid", "client", "user_agent"),
    "host": ("src_host", "dst_host"),
    "ticket": ("ticket_ref",),
}
"""Columns that a qualifier of free text looks into; letters' case makes no difference."""

_INDEXED: Final = frozenset({"user", "person", "ip", "session"})
_PARTIAL: Final = frozenset({("outcome", ("denied",)), ("type", ("admin",))})
_FACTS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "type": ("log_type", {word: int(kind) for word, kind in TYPES.items()}),
    "hours": ("out_of_hours", {"out": True, "in": False}),
    "mfa": ("mfa", {"yes": True, "no": False}),
}


def reads_all(query: Query) -> bool:
    """Return whether a query may have to read every event of its window: no term of it has an index in order of time.

    A person, a name, an address and a session have one, as have privileged and denied access taken alone.
    """
    terms = [one for one in query.terms if not (one.name in QUALIFIERS and QUALIFIERS[one.name].is_time)]
    if any(one.name in _INDEXED and not one.negated and _exact(one) for one in terms):
        return False
    return not all(_is_partial(one) for one in terms)


def _exact(one: Term) -> bool:
    return all(value.form is Form.IS and "/" not in value.text for value in one.values)


def _is_partial(one: Term) -> bool:
    return not one.negated and (one.name, tuple(value.text for value in one.values)) in _PARTIAL


def condition(query: Query, source_ids: Collection[int] | None = None) -> Q:
    """Return the condition that all terms hold, times apart; at most four queries look up the names in it.

    Args:
        query: what is looked for.
        source_ids: the sources that the asker may see (None: all), so that a name tells nothing of the others.

    Raises:
        QueryError: it names a source, a system or a person that is not there.
    """
    found = Q()
    for term in query.terms:
        if term.name in QUALIFIERS and QUALIFIERS[term.name].is_time:
            continue
        one = _named(term, source_ids) if term.name in _NAMES else _any_of(term)
        found &= ~one if term.negated else one
    return found


def _any_of(term: Term) -> Q:
    compare = _COMPARED.get(term.name)
    if compare is None:
        return reduce(or_, (_in_columns(COLUMNS[term.name], value) for value in term.values))
    return reduce(or_, (compare(value) for value in term.values))


def _in_columns(columns: Collection[str], value: Value) -> Q:
    if value.form is Form.ANY:
        return reduce(or_, (~Q(**{column: ""}) for column in columns))
    how = "iexact" if value.form is Form.IS else "istartswith"
    return reduce(or_, (Q(**{f"{column}__{how}": value.text}) for column in columns))


def _words(value: Value) -> Q:
    found = Q(words__icontains=value.text)
    return found | Q(src_ip=address) if (address := address_of(value.text)) else found


def _user(value: Value) -> Q:
    if value.form is Form.ANY:
        return ~Q(actor_key="")
    if value.form is Form.BEGINS:
        return Q(actor_key__startswith=value.text.lower())
    return Q(actor_key=actor_key(value.text))


def _address(value: Value) -> Q:
    network = network_of(value)
    if network is None:
        return Q(src_ip__isnull=False)
    first, last = str(network.network_address), str(network.broadcast_address)
    return Q(src_ip=first) if first == last else Q(src_ip__gte=first, src_ip__lte=last)


def _country(value: Value) -> Q:
    return ~Q(src_country="") if value.form is Form.ANY else Q(src_country=value.text)


def _network(value: Value) -> Q:
    return Q(src_asn__isnull=False) if value.form is Form.ANY else Q(src_asn=int(value.text))


def _session(value: Value) -> Q:
    if value.form is Form.IS:
        return Q(session_uid=value.text)
    return _in_columns(("session_uid",), value)


def _outcome(value: Value) -> Q:
    known = {"allowed": 1, "denied": 2}.get(value.text)
    return Q(status_id=known) if known else ~Q(status_id__in=(1, 2))


def _who(value: Value) -> Q:
    machines = Q(actor_type__in=MACHINES)
    return machines if value.text == "machines" else ~machines


def _fact(name: str) -> Callable[[Value], Q]:
    column, meanings = _FACTS[name]
    return lambda value: Q(**{column: meanings[value.text]})


_COMPARED: Final[Mapping[str, Callable[[Value], Q]]] = {
    "": _words,
    "user": _user,
    "ip": _address,
    "country": _country,
    "asn": _network,
    "session": _session,
    "outcome": _outcome,
    "who": _who,
    "reason": lambda value: Q(status_detail=value.text),
    **{name: _fact(name) for name in _FACTS},
}


def _named(term: Term, source_ids: Collection[int] | None) -> Q:
    """Return the condition of a term whose values are names in the register."""
    try:
        return _NAMES[term.name](term.values, source_ids)
    except LookupError as missing:
        message = f"At character {term.at} stands {term.name}: with “{missing.args[0]}”; there is none by this name."
        raise QueryError(message, term.at) from missing


def _sources(values: Collection[Value], source_ids: Collection[int] | None) -> Q:
    rows = LogSource.objects.all() if source_ids is None else LogSource.objects.filter(pk__in=list(source_ids))
    return Q(source_id__in=[row.pk for row in _looked_up(rows, values, ("key", "name"))])


def _systems(values: Collection[Value], source_ids: Collection[int] | None) -> Q:
    seen = LogSource.objects.filter(pk__in=list(source_ids or ())).values("system_id")
    rows = System.objects.all() if source_ids is None else System.objects.filter(pk__in=seen)
    found = [row.pk for row in _looked_up(rows, values, ("key", "name"))]
    return Q(system_id__in=found)


def _people(values: Collection[Value], _source_ids: Collection[int] | None) -> Q:
    rows = Identity.objects.prefetch_related("accounts")
    people = _looked_up(rows, values, ("external_id", "name", "email"))
    found = Q(identity_id__in=[person.pk for person in people])
    accounts = [account for person in people for account in person.accounts.all()]
    for account in accounts[:MOST_ACCOUNTS]:
        found |= Q(actor_key=actor_key(account.name_key), system_id=account.system_id)
    return found


def _looked_up(rows: QuerySet[M], values: Collection[Value], columns: Collection[str]) -> list[M]:
    """Return the rows that go by the names, in one query.

    Raises:
        LookupError: a name that no row has.
    """
    asked = reduce(or_, (_in_columns(columns, value) for value in values))
    found = list(rows.filter(asked).order_by("pk"))
    for value in values:
        wanted = value.text.lower()
        if value.form is Form.IS and not any(wanted in _names(row, columns) for row in found):
            raise LookupError(value.text)
    return found


def _names(row: Model, columns: Collection[str]) -> set[str]:
    return {str(getattr(row, column)).lower() for column in columns}


_NAMES: Final[Mapping[str, Callable[[Collection[Value], Collection[int] | None], Q]]] = {
    "source": _sources,
    "system": _systems,
    "person": _people,
}
