"""What the template tags print."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import timezone

from portal.context import May
from portal.templatetags import portal as tags
from tenants.kinds import Actor, Permission


def test_a_time_is_in_the_tenants_zone_with_its_offset() -> None:
    at = datetime(2026, 11, 22, 18, 5, 7, tzinfo=UTC)
    with timezone.override(ZoneInfo("Asia/Manila")):
        shown = tags.zoned(at, "seconds")
    assert 'datetime="2026-11-22T18:05:07+00:00"' in shown
    assert "23 Nov 2026, 02:05:07" in shown
    assert "+08:00" in shown


def test_a_time_in_utc_says_utc() -> None:
    assert "UTC" in tags.zoned(datetime(2026, 1, 2, 3, 4, tzinfo=UTC))


def test_a_day_has_no_offset() -> None:
    assert tags.zoned(date(2026, 3, 1)) == '<time datetime="2026-03-01">1 Mar 2026</time>'


@pytest.mark.parametrize(
    ("number", "noun", "told"),
    [
        (0, "grant", "no grants"),
        (1, "grant", "1 grant"),
        (12_345, "grant", "12\u202f345 grants"),
        (2, "unused code", "2 unused codes"),
        (2, "person", "2 people"),
        (3, "policy,policies", "3 policies"),
    ],
)
def test_it_counts_in_words(number: int, noun: str, told: str) -> None:
    assert tags.count(number, noun) == told


@pytest.mark.parametrize(
    ("ratio", "told"), [(None, "\u2013"), (0, "0\u202f%"), (0.999, "99\u202f%"), (1, "100\u202f%"), (0.29, "29\u202f%")]
)
def test_a_share_is_never_rounded_up_to_all(ratio: float | None, told: str) -> None:
    assert tags.percent(ratio) == told


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
        (0.4, "0.4 s"),
        (12, "12 s"),
        (0, "0 s"),
        (5, "5 s"),
        (None, "\u2013"),
    ],
)
def test_it_names_the_two_largest_units(length: timedelta | float | None, told: str) -> None:
    assert tags.duration(length) == told


@pytest.mark.parametrize(("size", "told"), [(512, "512 B"), (1536, "1.5 KiB"), (3 * 1024**4, "3.0 TiB")])
def test_sizes_are_binary(size: int, told: str) -> None:
    assert tags.bytesize(size) == told


def test_an_unknown_icon_is_a_fault() -> None:
    with pytest.raises(TemplateSyntaxError, match="no icon unicorn"):
        Template('{% load portal %}{% icon "unicorn" %}').render(Context())


def test_a_label_makes_an_icon_an_image_and_is_escaped() -> None:
    drawn = Template("{% load portal %}{% icon 'bell' label=words %}").render(Context({"words": '<b>"'}))
    assert 'role="img" aria-label="&lt;b&gt;&quot;"' in drawn


def test_the_head_of_a_page_escapes_its_words_and_keeps_its_buttons() -> None:
    source = "{% load portal %}{% page_header title=title %}<a class='btn'>Open</a>{% endpage_header %}"
    drawn = Template(source).render(Context({"title": "<script>"}))
    assert "&lt;script&gt;" in drawn
    assert "<a class='btn'>Open</a>" in drawn


def test_a_link_changes_one_parameter_and_keeps_the_others() -> None:
    request = RequestFactory().get("/", {"q": "a b", "cursor": "1"})
    source = "{% load portal %}{% url_with cursor=2 as next %}{{ next }}|{% url_with cursor='' as first %}{{ first }}"
    assert Template(source).render(Context({"request": request})) == "?q=a+b&amp;cursor=2|?q=a+b"


def test_templates_ask_what_the_actor_may() -> None:
    actor = Actor("carla", 1, 1, permissions=frozenset({Permission.AUDIT_VIEW}))
    assert May(actor)["AUDIT_VIEW"]
    assert not May(actor)["TENANT_MANAGE"]
    assert not May(None)["AUDIT_VIEW"]
    with pytest.raises(ValueError, match="There is no permission AUDIT_SEE"):
        May(actor)["AUDIT_SEE"]


def test_a_mapping_with_a_key_named_items_is_shown_whole() -> None:
    source = "{% load portal %}{% for key, value in detail|pairs %}{{ key }}={{ value }};{% endfor %}"
    assert Template(source).render(Context({"detail": {"items": 3, "rows": 4}})) == "items=3;rows=4;"


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (timedelta(days=40, hours=18, minutes=1), "40 d ago"),
        (timedelta(minutes=5, seconds=19), "5 min ago"),
        (timedelta(days=-3, hours=-1), "in 3 d"),
    ],
)
def test_a_distance_is_told_in_its_largest_unit(gone: timedelta, told: str) -> None:
    assert tags.distance(timezone.now() - gone) == told


def test_never_is_not_a_moment() -> None:
    assert tags.ago(None) == "never"
