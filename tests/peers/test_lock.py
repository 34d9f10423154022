"""Who holds a place when several want it in the very same moment."""

from __future__ import annotations

import pytest

from peers.sites import Clock
from prophet_hub.peers.place import Held
from prophet_hub.peers.place_lock import RENEW, Lock


class Board:
    """Marks in a dictionary; `before` is what somebody else does just before the next claim."""

    def __init__(self):
        self.files = {}
        self.before = lambda: None
        self.loses_the_answer = False

    def marks(self):
        return list(self.files)

    def mark(self, name, limit):
        return self.files.get(name)

    def claim(self, name, data):
        before, self.before = self.before, lambda: None
        before()
        if name in self.files:
            return False
        self.files[name] = data
        return not self.loses_the_answer

    def renew(self, name, data):
        self.files[name] = data

    def unmark(self, name):
        self.files.pop(name, None)

    def badge(self):
        return {}

    def lives(self, name, note):
        return None


@pytest.fixture
def board():
    return Board()


def lock(board, holder, clock=None):
    clock = clock or Clock()
    return Lock(board, holder, clock=clock, sleep=clock.sleep, tell=lambda _: None)


def test_an_heir_that_comes_late_takes_nothing_from_the_next_holder(board):
    """Eve saw Ada die; before she acts, Bob has inherited and gone, and Carl holds under Ada's name."""
    lock(board, "Ada").take()
    carl = lock(board, "Carl")

    def meanwhile():
        bob = lock(board, "Bob")
        bob.take()
        bob.release()
        carl.take()

    board.before = meanwhile
    eve_clock = Clock()
    eve_clock.while_asleep = lambda: None
    eve = lock(board, "Eve", eve_clock)
    seen = []

    def carl_works():  # after Eve has stepped back she watches Carl, who is at work
        if "Carl" in str(board.files):
            carl._clock.now += RENEW
            carl.show()
            seen.append(True)

    eve_clock.while_asleep = carl_works
    with pytest.raises(Held, match="Carl"):
        eve.take()
    assert seen
    assert len(board.files) == 1


def test_a_newcomer_steps_back_from_an_heir(board):
    """Carl saw no lock; before he acts, Ada has come and died and Bob has inherited."""
    bob = lock(board, "Bob")

    def meanwhile():
        lock(board, "Ada").take()
        bob.take()

    board.before = meanwhile
    clock = Clock()

    def bob_works():
        bob._clock.now += RENEW
        bob.show()

    clock.while_asleep = bob_works
    with pytest.raises(Held, match="Bob"):
        lock(board, "Carl", clock).take()
    bob._clock.now += RENEW
    bob.show()
    bob.release()
    assert board.files == {}


def test_a_claim_whose_answer_was_lost_is_a_claim(board):
    board.loses_the_answer = True
    clock = Clock()
    ada = lock(board, "Ada", clock)
    ada.take()
    assert clock.now == 1000
    ada.release()
    assert board.files == {}


def test_what_a_stranger_wrote_into_a_lock_is_not_shown(board):
    for said in (
        b"",
        b"[1]",
        b"\xff",
        b'{"holder": "\x1b[31m' + b"x" * 500 + b'", "since": "<now>"}',
    ):
        board.files = {".lock-00000001": said}
        clock = Clock()
        clock.while_asleep = lambda said=said: board.files.update({".lock-00000001": said + b" "})
        with pytest.raises(Held) as told:
            lock(board, "Ada", clock).take()
        assert "\x1b" not in str(told.value)
        assert "<now>" not in str(told.value)
        assert len(told.value.sentence) < 130
