"""Every page that the front itself brings opens for those whose role shows it, and for nobody else."""

import pytest
from django.urls import reverse

from tenants.models import Tenant, User
from tests import make

OWN = ("tenants:people", "tenants:person_add", "tenants:audit", "tenants:tokens")


@pytest.mark.django_db
@pytest.mark.parametrize("name", OWN)
def test_it_opens_the_tenants_pages_for_an_officer(name: str, bpo: Tenant, carla: User) -> None:
    answer = make.login(carla).get(reverse(name, args=[bpo.slug]))
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", OWN)
def test_it_refuses_them_to_a_reviewer_with_a_sentence(name: str, bpo: Tenant, remy: User) -> None:
    answer = make.login(remy).get(reverse(name, args=[bpo.slug]))
    assert answer.status_code == 403
    assert "Your role in this tenant does not open this page." in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("name", OWN)
def test_it_shows_strangers_that_there_is_no_such_page(name: str, bpo: Tenant, stella: User) -> None:
    answer = make.login(stella).get(reverse(name, args=[bpo.slug]))
    assert answer.status_code == 404
    assert bpo.name not in answer.content.decode()
