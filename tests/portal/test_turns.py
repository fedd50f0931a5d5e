"""Two people's requests are worked on at a time in one process; senders with a token wait for nobody."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Lock

import pytest

from portal.turns import SMALL_BYTES, TURNS, TakingTurns


def most_at_once(environ: dict[str, str], asked: int) -> int:
    """Ask several times at once; return how many requests were inside together."""
    inside, most, lock = 0, 0, Lock()
    all_in = Barrier(asked)

    def page(_environ: dict[str, str], _start: object) -> list[bytes]:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        with suppress(BrokenBarrierError):  # not all may come in together
            all_in.wait(0.2)
        with lock:
            inside -= 1
        return [b""]

    application = TakingTurns(page)
    with ThreadPoolExecutor(asked) as people:
        list(people.map(lambda _: application(environ, None), range(asked)))
    return most


@pytest.mark.parametrize(
    ("environ", "most"),
    [
        ({}, TURNS),
        ({"CONTENT_LENGTH": "", "REQUEST_METHOD": "GET"}, TURNS),
        ({"CONTENT_LENGTH": str(SMALL_BYTES)}, TURNS),
        ({"CONTENT_LENGTH": str(SMALL_BYTES + 1)}, 4),
        ({"HTTP_AUTHORIZATION": "Bearer csn_src_x"}, 4),
    ],
)
def test_people_take_turns(environ: dict[str, str], most: int) -> None:
    assert most_at_once(environ, 4) == most


def test_a_request_that_fails_gives_its_turn_back() -> None:
    def fails(_environ: dict[str, str], _start: object) -> list[bytes]:
        raise ValueError("The page is broken.")

    application = TakingTurns(fails, turns=1)
    for _ in range(2):
        with pytest.raises(ValueError, match="is broken"):
            application({}, None)
