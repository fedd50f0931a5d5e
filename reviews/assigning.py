"""Chooses who reviews an item: the strategy's person, else the fallback, never the subject. Pure.

A group shares its items by a rule that anybody can repeat: what belongs to one person (or, ownerless, to one account)
goes to the member for whom the SHA-256 of `member:p<person>` (or `member:a<account>`), with the ids of the register, is
the smallest. Who leaves the group or joins it moves no items but their own.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from reviews.kinds import Basis, Strategy


@dataclass(frozen=True, slots=True)
class Terms:
    """Holds the parts of a campaign that decide about reviewers; people are named by their identity's id."""

    strategy: Strategy
    named: int | None
    fallback: int
    fallback_manager: int | None
    eligible: frozenset[int]
    deputies: Mapping[int, int] = field(default_factory=dict)
    group: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Around:
    """Holds what stands around one grant beside manager and owner: its account, the client's reviewer, who decided."""

    client: int | None = None
    not_again: frozenset[int] = frozenset()
    account: int = 0


def choose_reviewer(
    terms: Terms, *, subject: int, manager: int | None, owner: int | None, around: Around = Around()
) -> tuple[int, Basis] | None:
    """Returns the reviewer with the basis, or None when everybody in question is the subject or may not review.

    Args:
        terms: the campaign's terms; `eligible` are the identities whose user may review in this tenant,
            `deputies` say who reviews in place of whom while they are away.
        subject: whose access it is, 0 for an ownerless account.
        manager: the subject's manager.
        owner: the system's owner.
        around: the client's own reviewer, and who decided at the stages before and so does not decide again.
    """
    whose = f"p{subject}" if subject else f"a{around.account}"
    shares = [(member, Basis.GROUP) for member in shared_among(terms.group, whose)]
    for person, basis in (*shares, *_candidates(terms, manager, owner, around.client)):
        there = _there(terms, person)
        if there is not None and there not in {subject, *around.not_again} and there in terms.eligible:
            return there, basis if there == person else Basis.DEPUTY
    return None


def shared_among(group: Collection[int], whose: str) -> list[int]:
    """Returns the members of a group in the order in which they come into question for what belongs to somebody."""
    return sorted(group, key=lambda member: hashlib.sha256(f"{member}:{whose}".encode()).digest())


def _there(terms: Terms, person: int | None) -> int | None:
    """Returns the person, or their deputy while they are away; None when both are away."""
    if person is None or person not in terms.deputies:
        return person
    deputy = terms.deputies[person]
    return None if deputy in terms.deputies else deputy


def _candidates(
    terms: Terms, manager: int | None, owner: int | None, client: int | None
) -> Iterator[tuple[int | None, Basis]]:
    """Yields the people who come into question, in order; nobody signs in place of a client."""
    if terms.strategy == Strategy.CLIENT:
        yield client, Basis.CLIENT
        return
    if terms.strategy != Strategy.GROUP:
        yield {
            Strategy.MANAGER: (manager, Basis.MANAGER),
            Strategy.OWNER: (owner, Basis.OWNER),
            Strategy.NAMED: (terms.named, Basis.NAMED),
        }[terms.strategy]
    yield terms.fallback, Basis.FALLBACK
    yield terms.fallback_manager, Basis.FALLBACK
    yield owner, Basis.FALLBACK
