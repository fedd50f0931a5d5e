"""Writes what a list of people told against the one before it, in the transaction of `upsert_identities`."""

from collections import Counter
from collections.abc import Mapping, Sequence

from identities.changes import MOVES, KnownPerson, changes
from identities.kinds import PersonChangeKind, PersonRow
from identities.listmodels import PersonChange
from identities.models import Identity, PeopleFeed


def people_before(known: Mapping[str, Identity]) -> dict[str, KnownPerson]:
    """Returns what the register knows of everybody before a list changes it."""
    newest = PeopleFeed.objects.order_by("-delivered_at", "-id").values_list("id", flat=True).first()
    names = {person.pk: external_id for external_id, person in known.items()}
    return {
        external_id: KnownPerson(
            values={
                **{name: str(getattr(person, name)) for name in MOVES if name != "manager"},
                "manager": names.get(person.manager_id or 0, ""),
            },
            employed_until=person.employed_until,
            in_last=newest is not None and person.last_feed_id == newest,
        )
        for external_id, person in known.items()
    }


def tell_changes(
    feed: PeopleFeed, rows: Sequence[PersonRow], known: Mapping[str, Identity], before: Mapping[str, KnownPerson]
) -> dict[str, int]:
    """Stores what the list tells and who is in it; returns how many people joined, moved, left, are missing, came back.

    The first list of all tells nothing: there is none before it. Nor does the first one after lists that did not keep
    who was in them.
    """
    listed = [known[row.external_id] for row in rows]
    Identity.objects.filter(pk__in=[person.pk for person in listed]).update(last_feed=feed)
    if not any(person.in_last for person in before.values()):
        return {kind.value: 0 for kind in PersonChangeKind}
    told = list(changes(rows, before))
    PersonChange.objects.bulk_create(
        [
            PersonChange(
                feed=feed,
                identity=known[one.external_id],
                kind=one.kind,
                field=one.field,
                before=one.before[:100],
                after=one.after[:100],
                effective_on=one.effective_on,
            )
            for one in told
        ],
        batch_size=1000,
    )
    counts = Counter(kind for kind, _who in {(one.kind.value, one.external_id) for one in told})
    return {kind.value: counts[kind.value] for kind in PersonChangeKind}
