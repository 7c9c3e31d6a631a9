"""Worker threads that are busy with Python take turns."""

from __future__ import annotations

import threading
import time

import pytest

from hashdrop.turns import Turns


def test_one_thread_is_busy_at_a_time():
    """However many want to."""
    turns, busy, most = Turns(), 0, 0

    def work():
        nonlocal busy, most
        for _ in range(50):
            with turns.busy:
                busy += 1
                most = max(most, busy)
                time.sleep(0)
                busy -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert most == 1


def test_a_thread_that_waits_gives_its_turn_away():
    """The other one is busy meanwhile; afterwards the first has its turn again."""
    turns = Turns()
    order = []
    is_away = threading.Event()
    may_return = threading.Event()

    def first():
        with turns.busy:
            with turns.away:
                is_away.set()
                may_return.wait(20)
            order.append(("first", turns.is_here))

    thread = threading.Thread(target=first)
    thread.start()
    is_away.wait(20)
    with turns.busy:
        order.append(("second", turns.is_here))
        may_return.set()
        time.sleep(0.05)
        order.append(("still second", turns.is_here))
    thread.join(20)

    assert order == [("second", True), ("still second", True), ("first", True)]


def test_without_a_turn_there_is_none_to_give_away():
    """Threads that send large files pass the same places."""
    turns = Turns()
    with turns.away:
        assert not turns.is_here
    with turns.busy:
        assert turns.is_here


def test_an_error_gives_the_turn_back():
    """Raised while it is busy, and while it is away."""
    turns = Turns()
    with pytest.raises(ValueError), turns.busy:
        raise ValueError
    with pytest.raises(ValueError), turns.busy, turns.away:
        raise ValueError
    with turns.busy:  # nobody has it still
        assert turns.is_here
