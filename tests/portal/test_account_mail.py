"""What the portal mails about somebody's own account: a mail that cannot be sent undoes nothing and hides nothing."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from portal.adapters import NOT_MAILED
from tenants.models import User
from tests import make
from tests.mailing import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture(autouse=True)
def no_mail_server(settings: Settings) -> None:
    """Nothing listens where the mail server should."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()


def test_a_deed_stands_and_says_so_where_no_mail_server_takes_its_mail(carla: User) -> None:
    new = "harbour-lantern-mosaic-44"
    asked = {"oldpassword": make.PASSWORD, "password1": new, "password2": new}
    answer = make.login(carla).post(reverse("account_change_password"), asked, follow=True)
    assert NOT_MAILED in answer.content.decode()
    carla.refresh_from_db()
    assert carla.check_password(new)


def test_who_forgot_a_password_is_told_the_same_with_an_account_and_without(carla: User, client: Client) -> None:
    for email in (carla.email, "nobody@nowhere.example"):
        answer = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        assert answer.status_code == 200
        assert NOT_MAILED in answer.content.decode()
