"""Keeping grants together: what is kept is shown first, nothing is half stored, and it is undone until it is signed."""

from uuid import UUID, uuid4

import pytest
from django.http import HttpResponse

from ledger.kinds import LeafKind
from reviews.actions import decide, decide_in_bulk, undo_bulk
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, Decision
from reviews.queries.bulk import bulks_of
from reviews.queries.desk import desk_for
from reviews.queries.standing import head_of
from tenants.kinds import Refused
from tenants.models import AuditEntry, User
from tests import make
from tests.reviews.conftest import KEEP, REVOKE, Cast, item, person
from tests.reviews.test_pages import page
from tests.reviews.test_sign import sign

pytestmark = pytest.mark.django_db
HTMX = {"headers": {"HX-Request": "true"}}
ALL = ("remy", "cem", "backup")


def told_by(answer: HttpResponse) -> str:
    """Return what an answer says, with single spaces."""
    return " ".join(answer.content.decode().split())


def keep(campaign: Campaign, cast: Cast, *names: str) -> UUID:
    """Keep Rosa's items together; returns the bulk."""
    items = [item(campaign, name) for name in names]
    bulk = decide_in_bulk(items=items, choice=Choice(Outcome.CERTIFY), by=cast.rosa)[0].bulk
    assert bulk is not None
    return bulk


def test_it_shows_exactly_what_will_be_kept_and_keeps_nothing_yet(campaign: Campaign, cast: Cast, rosa: User) -> None:
    decide(item=item(campaign, "backup"), choice=REVOKE, by=cast.rosa)
    ticked = {"items": [item(campaign, name).pk for name in ALL]}
    for options, whole in ((HTMX, False), ({}, True)):
        shown = make.login(rosa).post(page("bulk", campaign.pk), ticked, **options).content.decode()
        assert "Keep these 2" in shown
        assert all(words in shown for words in ("Cem Oz", "agent on CRM", "Advice: not enough data", "none was seen"))
        assert "Left out, since it is decided already:</strong> backup, agent (Revoke)" in shown
        assert shown.count('name="items"') == 2
        assert ("<html" in shown) == whole
    assert Decision.objects.count() == 1


def test_what_is_shown_is_kept_and_can_be_undone_from_the_same_place(campaign: Campaign, rosa: User) -> None:
    client, ticked = make.login(rosa), {"items": [item(campaign, name).pk for name in ALL]}
    told = told_by(client.post(page("bulk_keep", campaign.pk), ticked, **HTMX))
    assert "3 grants are kept together. 0 left." in told
    assert ("Undo these 3" in told, "Kept together (1)" in told, 'type="checkbox"' in told) == (True, True, False)
    bulk = {decision.bulk for decision in Decision.objects.all()}
    assert (len(bulk), Decision.objects.filter(outcome="certify").count()) == (1, 3)
    told = told_by(client.post(page("bulk_undo", campaign.pk), {"bulk": bulk.pop()}, **HTMX))
    assert "3 grants are undecided again. 3 left." in told
    assert told.count('type="checkbox"') == 3
    assert desk_for(campaign, person("M2")).waiting == frozenset(ticked["items"])
    assert client.post(page("bulk_undo", campaign.pk), {"bulk": "none"}, **HTMX).status_code == 404


def test_without_htmx_it_is_kept_and_undone_by_whole_pages(campaign: Campaign, rosa: User) -> None:
    client, ticked = make.login(rosa), {"items": [item(campaign, name).pk for name in ALL]}
    kept = client.post(page("bulk_keep", campaign.pk) + "?show=undecided", ticked)
    assert kept["Location"] == page("review", campaign.pk) + "?show=undecided"
    assert "3 grants are kept together." in client.get(kept["Location"]).content.decode()
    undo = {"bulk": Decision.objects.all()[0].bulk}
    assert (
        "3 grants are undecided again."
        in client.post(page("bulk_undo", campaign.pk), undo, follow=True).content.decode()
    )
    refused = client.post(page("bulk_undo", campaign.pk), undo, follow=True).content.decode()
    assert "there is nothing to undo" in refused


def test_an_item_that_was_decided_meanwhile_stops_all_of_it(campaign: Campaign, cast: Cast, rosa: User) -> None:
    decide(item=item(campaign, "cem"), choice=REVOKE, by=cast.rosa)  # in another tab, after the list was shown
    ticked = {"items": [item(campaign, name).pk for name in ALL]}
    answer = make.login(rosa).post(page("bulk_keep", campaign.pk), ticked, **HTMX)
    told = answer.content.decode()
    assert answer.status_code == 422
    assert (
        "Nothing was kept, since this is decided meanwhile: Cem Oz, agent (Revoke). Look at the others again." in told
    )
    assert "Keep these 2" in told
    assert list(Decision.objects.values_list("outcome", flat=True)) == ["revoke"]


def test_only_low_risk_items_of_ones_own_are_kept_together(campaign: Campaign, cast: Cast, remy: User) -> None:
    both = {"items": [item(campaign, "ana").pk, item(campaign, "bob", "admin_all").pk]}
    for name in ("bulk", "bulk_keep"):
        answer = make.login(remy).post(page(name, campaign.pk), both, **HTMX)
        assert answer.status_code == 422
        assert "Privileged access is decided one by one." in answer.content.decode()
    with pytest.raises(Refused, match="put to another reviewer"):
        decide_in_bulk(items=[item(campaign, "ana"), item(campaign, "cem")], choice=KEEP, by=cast.remy)
    with pytest.raises(Refused, match="at least one item"):
        decide_in_bulk(items=[], choice=KEEP, by=cast.remy)
    assert not Decision.objects.exists()


def test_undoing_supersedes_what_still_counts_and_nothing_else(campaign: Campaign, cast: Cast) -> None:
    bulk, other = keep(campaign, cast, "remy", "cem"), keep(campaign, cast, "backup")
    changed = decide(item=item(campaign, "cem"), choice=REVOKE, by=cast.rosa)
    assert [(one.bulk, one.count) for one in bulks_of(campaign, person("M2"))] == [(other, 1), (bulk, 1)]
    (fresh,) = undo_bulk(campaign=campaign, bulk=bulk, by=cast.rosa)
    assert (fresh.outcome, fresh.reviewer, fresh.item.account.name) == ("not_decided", None, "remy")
    assert fresh.supersedes is not None
    assert fresh.supersedes.bulk == bulk
    assert (head_of(item(campaign, "cem")), Decision.objects.count()) == (changed, 5)
    assert [one.bulk for one in bulks_of(campaign, person("M2"))] == [other]
    entry = AuditEntry.objects.get(verb="item.undo_bulk")
    told = {"bulk": str(bulk), "items": [fresh.item.n], "decisions": [fresh.pk], "outcome": "not_decided"}
    assert (entry.detail | told, entry.leaf_kind) == (entry.detail, LeafKind.DECISION)
    with pytest.raises(Refused, match="nothing to undo"):
        undo_bulk(campaign=campaign, bulk=bulk, by=cast.rosa)


def test_only_its_reviewer_undoes_a_bulk_and_only_before_signing(campaign: Campaign, cast: Cast) -> None:
    bulk = keep(campaign, cast, *ALL)
    for by, which, words in ((cast.remy, bulk, "put to another reviewer"), (cast.rosa, uuid4(), "nothing to undo")):
        with pytest.raises(Refused, match=words):
            undo_bulk(campaign=campaign, bulk=which, by=by)
    sign(campaign, cast.rosa, "M2")
    with pytest.raises(Refused, match="signed these decisions already"):
        undo_bulk(campaign=campaign, bulk=bulk, by=cast.rosa)
    assert Decision.objects.count() == 3


def test_what_was_taken_back_is_decided_like_any_undecided_item(campaign: Campaign, cast: Cast, rosa: User) -> None:
    client, first = make.login(rosa), item(campaign, "cem")
    undo_bulk(campaign=campaign, bulk=keep(campaign, cast, *ALL), by=cast.rosa)
    head = head_of(first)
    assert head is not None
    screen = client.get(page("review", campaign.pk), {"item": first.pk}).content.decode()
    assert "data-decided" not in screen
    assert "rosa@example.org" in screen.split("Decisions</h3>")[1], "the history says who took it back"
    typed = {"outcome": "certify", "seen": head.pk, "seen_seconds": "9"}
    told = client.post(page("decide", campaign.pk, first.pk), typed, **HTMX).content.decode()
    assert "Saved: Keep. 2 left." in told
    assert f'data-item="{first.pk}"' not in told, "the next one is shown"
    assert f'id="tick-{first.pk}" hx-swap-oob="true"></span>' in told
    assert keep(campaign, cast, "remy", "backup")
