"""Asking about an item: from the screen to a mail and a page, the answer back; nothing is decided by it."""

import pytest
from django.db import DatabaseError, connection, transaction

from reviews.actions import answer_question, ask, close_deciding
from reviews.models import Campaign, Decision, ItemQuestion
from reviews.posting import send_due
from tenants.kinds import Refused
from tenants.models import AuditEntry, Tenant, User
from tests import make
from tests.mailing import Sink
from tests.reviews.conftest import Cast, fall_due, item, person
from tests.reviews.test_pages import page

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]
HTMX = {"headers": {"HX-Request": "true"}}


def test_a_question_goes_to_the_owner_and_the_answer_comes_back(
    campaign: Campaign, in_bpo: Tenant, remy: User, rosa: User, carla: User, sink: Sink
) -> None:
    asker, owner, bob = make.login(remy), make.login(rosa), item(campaign, "bob", "admin_all")
    path = page("ask", campaign.pk, bob.pk)
    assert "Rosa, owner of the system" in asker.get(page("item", campaign.pk, bob.pk)).content.decode()
    assert asker.post(path, {"to": person("E3").pk, "text": "Why this?"}, **HTMX).status_code == 422
    sent = asker.post(path, {"to": person("M2").pk, "text": "Does Bob still migrate?"}, **HTMX)
    assert (sent.status_code, "No answer yet" in sent.content.decode()) == (200, True)
    send_due(in_bpo)
    asked = ItemQuestion.objects.get()
    (mail,) = sink.mails
    assert (mail["To"], f"/questions/{asked.pk}/" in mail.get_payload()) == ("rosa@example.org", True)
    assert "Bob" not in mail.as_string()
    assert "1 unanswered" in owner.get(page("inbox")).content.decode()
    shown = owner.get(page("question", asked.pk)).content.decode()
    assert all(words in shown for words in ("Does Bob still migrate?", "admin_all", "bob"))
    assert asker.get(page("question", asked.pk)).status_code == 404
    assert owner.post(page("question", asked.pk), {"text": "Until Friday."}).status_code == 302
    send_due(in_bpo)
    assert [mail["To"] for mail in sink.mails] == ["rosa@example.org", "remy@example.org"]
    for client, where in ((asker, "item"), (make.login(carla), "campaign_item")):
        assert "Until Friday." in client.get(page(where, campaign.pk, bob.pk)).content.decode()
    assert not Decision.objects.exists()


def test_a_comment_asks_nobody_and_stands_beside_the_item(
    campaign: Campaign, in_bpo: Tenant, remy: User, carla: User, sink: Sink
) -> None:
    client, bob = make.login(remy), item(campaign, "bob", "admin_all")
    path, text = page("ask", campaign.pk, bob.pk), "Seen with Ines, CHG-7."
    told = client.post(path, {"to": person("M2").pk, "text": text, "comment": "1"}, **HTMX).content.decode()
    assert "Remy noted" in told
    assert "No answer yet" not in told
    noted = ItemQuestion.objects.get()
    assert (noted.asked, AuditEntry.objects.get(verb="item.comment").detail["text"]) == (None, text)
    send_due(in_bpo)
    assert sink.mails == []
    officer = make.login(carla)
    assert text in officer.get(page("campaign_item", campaign.pk, bob.pk)).content.decode()
    assert officer.get(page("question", noted.pk)).status_code == 404
    assert client.post(path, {"text": "x", "comment": "1"}, **HTMX).status_code == 422


def test_only_the_reviewer_asks_and_only_who_was_asked_answers(campaign: Campaign, cast: Cast) -> None:
    ana = item(campaign, "ana")
    for by, to, words in (
        (cast.rosa, "M1", "put to another reviewer"),
        (cast.remy, "E1", "Ask the owner of the system"),  # she has no log-in here
        (cast.remy, "M1", "Ask the owner of the system"),
    ):
        with pytest.raises(Refused, match=words):
            ask(item=ana, asked=person(to), text="Is it needed?", by=by)
    asked = ask(item=ana, asked=person("M2"), text="Is it needed?", by=cast.remy)
    with pytest.raises(Refused, match="Somebody else was asked"):
        answer_question(question=asked, text="Yes.", by=cast.remy)
    fall_due(campaign)
    close_deciding(campaign=campaign, by=cast.officer)
    with pytest.raises(Refused, match="while the campaign is open"):
        answer_question(question=asked, text="Yes.", by=cast.rosa)
    assert set(Decision.objects.values_list("outcome", flat=True)) == {"not_decided"}


def test_the_database_holds_the_thread(campaign: Campaign, cast: Cast) -> None:
    asked = ask(item=item(campaign, "ana"), asked=person("M2"), text="Is it needed?", by=cast.remy)
    answer_question(question=asked, text="Yes.", by=cast.rosa)
    for statement, words in (
        ("UPDATE reviews_itemanswer SET text = 'No.'", "permission denied"),
        ("DELETE FROM reviews_itemquestion", "permission denied"),
        (
            "INSERT INTO reviews_itemanswer (tenant_id, question_id, answerer_id, text, at, by) SELECT tenant_id, id, "
            "asker_id, 'Yes.', now(), 'x' FROM reviews_itemquestion",
            "answer_is_of_whom_it_asked",
        ),
        (
            "INSERT INTO reviews_itemquestion (tenant_id, campaign_id, item_id, asker_id, asked_id, text, at, by) "
            "SELECT tenant_id, campaign_id, item_id, asked_id, asker_id, 'Why?', now(), 'x' FROM reviews_itemquestion",
            "put to another reviewer",
        ),
    ):
        with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")
