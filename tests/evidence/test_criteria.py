"""The criteria's language: what it takes, what it refuses, and how its nulls read."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.criteria import CriterionError, Null, Value, parse, truth

VALUES: dict[str, Value] = {
    "one": 1.0, "two": 2.0, "zero": 0.0, "unknown": Null.UNKNOWN, "never": Null.NEVER, "vacuous": Null.VACUOUS,
}  # fmt: skip


def ask(text: str) -> bool | None:
    return truth(parse(text), lambda _kind, name: VALUES[name])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("k.one < k.two", True),
        ("k.one + 1 == k.two and not k.one > 5", True),
        ("0 <= k.one <= 1", True),
        ("k.two / k.two * 3 - 1 == 2", True),
        ("-k.one == -1", True),
        ("k.unknown == 0", None),
        ("k.unknown == 0 and k.one == 2", False),
        ("k.unknown == 0 and k.one == 1", None),
        ("k.unknown == 0 or k.one == 1", True),
        ("not k.unknown == 0", None),
        ("k.never <= 10", False),
        ("k.never >= 10", False),
        ("k.vacuous >= 0.95", True),
        ("k.zero / k.zero <= 0.01", True),
        ("k.one / k.zero <= 0.01", None),
        ("k.never + k.unknown <= 1", None),
    ],
)
def test_it_reads_numbers_and_nulls(text: str, answer: bool | None) -> None:
    assert ask(text) is answer


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') == 0", "k.one", "1", "True", "k.one == 'a'", "k.one in (1, 2)",
        "k.one is None",
        "k.a.b == 1", "k['one'] == 1", "(lambda: 1)() == 1", "[k.one] == 1", "k.one ** 2 == 1", "k.one // 1 == 1",
        "k.one if k.two else 1", "(x := 1) == 1", "f'{k.one}' == 1", "k.one == True", "", "k.one ==",
        "k.one & 1 == 1", "one == 1",
    ],
)  # fmt: skip
def test_it_refuses_everything_else_with_a_sentence(text: str) -> None:
    with pytest.raises(CriterionError, match=r"\.$"):
        parse(text)


@given(st.text(max_size=60))
def test_it_parses_or_refuses_any_text(text: str) -> None:
    with contextlib.suppress(CriterionError):
        assert parse(text).names


def test_it_names_what_it_reads() -> None:
    assert parse("a.b >= p.x and a.b < 2 * c.d").names == (("a", "b"), ("p", "x"), ("c", "d"))
    assert parse("a.b >= p.x").metrics == (("a", "b"),)
