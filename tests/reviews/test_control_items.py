"""Control items: looked at like any item, told apart in the data, and in no count, statement or remediation."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from reviews.actions import ask, decide, decide_control, open_campaign, set_care_rule, write_day_mails
from reviews.invented import NAMES, invented_person
from reviews.kinds import Choice, Outcome
from reviews.models import Campaign, ControlItem, ControlQuestion, Finding, Remediation, ReviewItem
from reviews.posting import send_day_mails, send_due
from reviews.quality import figures_of
from reviews.queries.campaigns import standing
from reviews.queries.controls import merged
from tenants.kinds import Refused
from tenants.models import User
from tests import make
from tests.mailing import Sink
from tests.reviews.conftest import KEEP, REVOKE, Cast, deliver, item, person, ready
from tests.reviews.test_pages import page
from tests.reviews.test_sign import sign

SEEN = Choice(Outcome.CERTIFY, "Leads the Acme desk.", seen_seconds=40)


def test_nobody_who_exists_is_invented_and_the_place_stays_the_same() -> None:
    assert invented_person(0, {"lena marsh"})[0] == "Ivo Petrak"
    everybody = {name.lower() for name in NAMES}
    assert invented_person(0, everybody)[0] == "Lena Marsh 2"
    assert merged([1, 2, 3, 4], [9], 2) == merged([1, 2, 3, 4], [9], 2)
    assert set(merged([1, 2, 3, 4], [9, 8], 2)) == {1, 2, 3, 4, 8, 9}
    assert merged([1, 2, 3, 4], [9], 0)[0] == 9


@pytest.fixture
def watched(cast: Cast) -> Campaign:
    """An open campaign with one control item for each of the two reviewers."""
    deliver(cast)
    waiting = ready(cast)
    figures = {**figures_of({}), "control_items": 1}
    set_care_rule(plan=waiting.plan, figures=figures, reason="Asked for by the client.", by=cast.officer)
    waiting.refresh_from_db()
    return open_campaign(campaign=waiting, by=cast.officer)


def control(who: str) -> ControlItem:
    return ControlItem.objects.select_related("campaign", "system").get(reviewer=person(who))


@pytest.mark.django_db
def test_a_control_item_looks_like_an_item_and_counts_nowhere(
    cast: Cast, watched: Campaign, remy: User, carla: User
) -> None:
    found = standing(watched)
    assert (found.rows, found.items, ReviewItem.objects.count(), ControlItem.objects.count()) == (6, 6, 6, 2)
    mine, client, options = control("M1"), make.login(remy), {"headers": {"HX-Request": "true"}}
    assert mine.evidence["control"] is True
    shown = client.get(page("review", watched.pk) + f"?item={mine.pk}").content.decode()
    assert all(words in shown for words in (mine.person_name, "0 of 4 decided", "control items may stand among yours"))
    alone = client.get(page("item", watched.pk, mine.pk)).content.decode().lower()
    assert "control" not in alone.replace("form-control", "")
    address, typed = page("decide", watched.pk, mine.pk), {"outcome": "certify", "reason": SEEN.reason}
    assert client.post(address, {**typed, "reason": ""}, **options).status_code == 422
    assert "1 of 4 decided" in client.post(address, typed, **options).content.decode()
    assert make.login(carla).get(page("item", watched.pk, mine.pk)).status_code == 403
    with pytest.raises(Refused, match="another reviewer"):
        decide_control(control=mine, choice=SEEN, by=cast.rosa)


@pytest.mark.django_db
def test_a_kept_control_item_is_found_and_never_signed_or_remediated(
    cast: Cast, watched: Campaign, remy: User, carla: User
) -> None:
    for subject in ReviewItem.objects.filter(assignments__reviewer=person("M1")).select_related("campaign"):
        decide(item=subject, choice=SEEN, by=cast.remy)
    with pytest.raises(Refused, match="1 of your items are undecided"):
        sign(watched, cast.remy, "M1")
    decide_control(control=control("M1"), choice=SEEN, by=cast.remy)
    told = make.login(remy).get(page("sign", watched.pk)).content.decode()
    assert "1 control item stood among your items" in told
    signature = sign(watched, cast.remy, "M1")
    assert signature.count == 3
    assert control("M1").account_name not in signature.manifest
    assert "1 of 1 control items" in Finding.objects.get(kind="control_missed").sentence
    with pytest.raises(DatabaseError, match="signed these decisions already"), transaction.atomic():
        ControlItem.objects.filter(reviewer=person("M1")).update(outcome="revoke")
    for subject in ReviewItem.objects.filter(assignments__reviewer=person("M2")).select_related("campaign"):
        decide(item=subject, choice=KEEP, by=cast.rosa)
    decide_control(control=control("M2"), choice=REVOKE, by=cast.rosa)
    sign(watched, cast.rosa, "M2")
    assert Finding.objects.filter(kind="control_missed").count() == 1
    assert not Remediation.objects.exists()
    shown = make.login(carla).get(page("care", watched.pk)).content.decode()
    assert "0 of 1 taken away" in shown
    assert "1 of 1 taken away" in shown


@pytest.mark.django_db
def test_the_database_holds_control_items(cast: Cast, watched: Campaign) -> None:
    mine = control("M1")
    late = ControlItem(
        campaign=watched, reviewer=person("M1"), system=cast.crm, advice="revoke", evidence=mine.evidence
    )
    late.pk = mine.pk + 900
    attacks = {"frozen": late, "control_item_says_that_it_is_one": ControlItem(**_facts(late, evidence={}))}
    for words, row in attacks.items():
        with pytest.raises(DatabaseError, match=words), transaction.atomic():
            row.save(force_insert=True)
    with pytest.raises(DatabaseError, match="has_reason_time_and_person"), transaction.atomic():
        ControlItem.objects.update(outcome="certify")
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ControlItem.objects.update(evidence={"control": False})


@pytest.mark.django_db
@pytest.mark.enable_socket
def test_a_question_about_a_control_item_looks_like_any_and_goes_to_those_who_run_campaigns(
    cast: Cast, watched: Campaign, remy: User, rosa: User, carla: User, sink: Sink
) -> None:
    mine, asker, owner, officer = control("M1"), make.login(remy), make.login(rosa), make.login(carla)
    real = item(watched, "bob", "admin_all")
    boxes = [asker.get(page("item", watched.pk, pk)).content.decode() for pk in (mine.pk, real.pk)]
    assert all("Rosa, owner of the system" in box and "Ask or comment" in box for box in boxes)
    options = {"headers": {"HX-Request": "true"}}
    told = asker.post(page("ask", watched.pk, mine.pk), {"to": person("M2").pk, "text": "Who is it?"}, **options)
    assert "Remy asked Rosa" in told.content.decode()
    asked = ControlQuestion.objects.get()
    noted = asker.post(page("ask", watched.pk, mine.pk), {"text": "Made up?", "comment": "1"}, **options)
    assert "Remy noted" in noted.content.decode(), "a comment looks like any, and is mailed to nobody"
    assert asked.pk < ask(item=real, asked=person("M2"), text="Needed?", by=cast.remy).pk, "one sequence for both"
    assert owner.get(page("question", asked.pk)).status_code == 404
    noon = timezone.now().replace(hour=12) + timedelta(days=1)
    write_day_mails(by=cast.officer, at=noon)
    send_day_mails(watched.tenant)
    assert [(mail["To"], mail["Subject"]) for mail in sink.mails] == [(carla.email, "1 question waits for you")]
    assert "Who is it?" in officer.get(page("questions")).content.decode()
    assert "the access does not exist" in officer.get(page("question", asked.pk)).content.decode()
    assert officer.post(page("question", asked.pk), {"text": "Look at its use."}).status_code == 302
    send_due(watched.tenant)
    mail = sink.mails[-1]
    assert (mail["To"], "Carla" in mail.as_string()) == (remy.email, False)
    shown = asker.get(page("item", watched.pk, mine.pk)).content.decode()
    assert ("Look at its use." in shown, "Carla" in shown.split("Questions and comments</h3>")[1]) == (True, False)
    with pytest.raises(DatabaseError, match="put to another reviewer"), transaction.atomic():
        ControlQuestion.objects.create(**_asked(asked, asker=person("E3")))


def _asked(row: ControlQuestion, **changes: object) -> dict[str, object]:
    names = ("campaign", "item", "asker", "asked", "text", "at", "by")
    return {**{name: getattr(row, name) for name in names}, **changes}


def _facts(row: ControlItem, **changes: object) -> dict[str, object]:
    names = ("id", "campaign", "reviewer", "system", "advice", "evidence")
    return {**{name: getattr(row, name) for name in names}, **changes}
