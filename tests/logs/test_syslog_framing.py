"""Any bytes in any chunks: no exception, no lost message, no memory beyond one message."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logs.syslog import framing
from logs.syslog.framing import Frame, Framer

LINE = st.binary(min_size=1, max_size=40).filter(
    lambda text: b"\n" not in text and text == text.strip(b"\r\0") and not text.isspace() and b" <" not in text
)
MESSAGE = st.binary(min_size=1, max_size=60).map(lambda text: b"<13>1 " + text + b".")
CUTS = st.lists(st.integers(1, 17), min_size=1, max_size=8)


def fed(data: bytes, cuts: list[int], *, clean: bool = True) -> list[Frame]:
    """Feed the bytes in chunks of these sizes, over and over."""
    framer, found, at, number = Framer(), [], 0, 0
    while at < len(data):
        size = cuts[number % len(cuts)]
        found += framer.feed(data[at : at + size])
        at, number = at + size, number + 1
    return found + framer.end(clean=clean)


@given(st.lists(st.tuples(st.booleans(), MESSAGE), max_size=8), CUTS)
def test_both_framings_in_one_stream_give_every_message(sent: list[tuple[bool, bytes]], cuts: list[int]) -> None:
    sent = [(counted, text if counted else text.replace(b"\n", b" ")) for counted, text in sent]
    stream = b"".join(b"%d %s" % (len(text), text) if counted else text + b"\n" for counted, text in sent)
    assert fed(stream, cuts) == [Frame(text) for _counted, text in sent]


@given(st.lists(LINE, max_size=8), CUTS)
@example([b"4242 is no count", b"12 monkeys"], [3])
def test_lines_come_out_as_they_were_sent(lines: list[bytes], cuts: list[int]) -> None:
    sent = [b"<13>the first says that lines end with line feeds", *lines]
    assert [frame.text for frame in fed(b"\n".join(sent), cuts)] == sent


@given(st.binary(max_size=400), CUTS, st.booleans())
@example(b"9999999999 <13>never so long\n<13>next", [7], True)
def test_any_bytes_give_the_same_messages_however_they_are_cut(data: bytes, cuts: list[int], clean: bool) -> None:
    found = fed(data, cuts, clean=clean)
    assert found == fed(data, [len(data) or 1], clean=clean)
    assert all(frame.text in data for frame in found)


@pytest.mark.parametrize("counted", [True, False])
def test_a_message_that_is_too_long_is_cut_and_the_next_is_whole(
    monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    monkeypatch.setattr(framing, "MAX_MESSAGE_BYTES", 50)
    text = b"<13>" + b"x" * 196
    framer, most = Framer(), 0
    found = []
    for byte in b"%d %s" % (len(text), text) + b"9 <13>after" if counted else text + b"\n<13>after\n":
        found += framer.feed(bytes([byte]))
        most = max(most, len(framer._held))  # noqa: SLF001 -- the memory that is held is what is tested
    assert [frame.text for frame in found] == [text[:50], b"<13>after"]
    assert "200 bytes long" in found[0].fault
    assert not found[1].fault
    assert most <= 51


def test_what_was_cut_off_is_marked_and_never_read() -> None:
    assert fed(b"90 <13>Failed password for bo", [100])[0].fault.startswith("The connection ended within the message")
    assert fed(b"<13>Failed password for bo", [100], clean=False)[0].fault
    assert fed(b"<13>a last line without its end", [100]) == [Frame(b"<13>a last line without its end")]
    assert fed(b"12", [1]) == [Frame(b"12")]
