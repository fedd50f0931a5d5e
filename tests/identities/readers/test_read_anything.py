"""Whatever bytes come in, a reader answers rows or one sentence: never another exception, never a doubled grant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identities.csvtable import BadFile
from identities.kinds import ListFormat
from identities.readers import READERS, read_population
from identities.readers.population import Population
from tests.identities.readers.test_read_cloud_lists import AWS, AZURE, OKTA, OKTA_APP, PIM, USERS
from tests.identities.readers.test_read_directories import FILES, LDIF, OPENLDAP, tape, zipped

SEEDS = [AWS, OKTA, repr(OKTA_APP).replace("'", '"'), PIM, AZURE, USERS, LDIF, OPENLDAP]
BODIES = [*(seed.encode() for seed in SEEDS), tape(FILES), zipped(FILES), *FILES.values()]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Returns an export of which a piece is cut out, replaced or moved, or bytes of no kind at all."""
    body = draw(st.sampled_from(BODIES))
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 60)))
    piece = draw(st.one_of(st.binary(max_size=20), st.text(max_size=20).map(lambda text: text.encode())))
    return draw(st.sampled_from([body[:start] + piece + body[end:], body[:start] + piece, piece + body[start:end]]))


def rows_or_sentence(form: str, body: bytes) -> Population | str:
    try:
        return read_population(form, body)
    except BadFile as bad:
        return bad.sentence


@pytest.mark.parametrize("form", ListFormat.values)
@settings(max_examples=60, deadline=None)
@given(body=damaged())
def test_a_reader_answers_rows_or_one_sentence(form: str, body: bytes) -> None:
    found = rows_or_sentence(form, body)
    if isinstance(found, str):
        assert found.endswith(".")
        return
    assert len({row.key for row in found.rows}) == len(found.rows)
    assert all(row.account and row.entitlement and len(row.entitlement) <= 200 for row in found.rows)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(["passwd", "group", "sudoers"]), damage=st.text(max_size=40), at=st.integers(0, 400))
def test_a_damaged_file_in_an_archive_too(name: str, damage: str, at: int) -> None:
    body = FILES[f"population/{name}"]
    files = FILES | {f"population/{name}": body[:at] + damage.encode() + body[at:]}
    found = rows_or_sentence("linux", zipped(files))
    assert found.endswith(".") if isinstance(found, str) else found.rows


def test_every_format_says_how_it_is_got() -> None:
    assert set(READERS) == set(ListFormat.values)
    assert all("total" in reader.how for reader in READERS.values())
