"""Worker threads that are busy with Python take turns.

Only one thread runs Python at a time anyway; but where sixteen want to, the event loop's thread is one of
seventeen that queue for it, at each call of Qt's and after each wait. Threads that store small files
therefore take turns among themselves, and give their turn away while they wait for the disk or the network:
the loop then competes with one of them.
"""

from __future__ import annotations

import threading


class Turns:
    """The turns of the worker threads of this process; there is one, `TURNS`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = threading.local()
        self.busy = _Busy(self)
        """`with TURNS.busy:` runs Python in a worker thread when it is its turn; not to be nested."""
        self.away = _Away(self)
        """`with TURNS.away:` lets others have the turn during a wait; without a turn it does nothing."""

    def begin(self) -> None:
        """Wait for the turn."""
        self._lock.acquire()
        self._here.has = True

    def end(self) -> None:
        """Give it away."""
        self._here.has = False
        self._lock.release()

    @property
    def is_here(self) -> bool:
        """Whether the calling thread has the turn."""
        return getattr(self._here, "has", False)


class _Busy:
    """Classes, not generators: each small file passes here some six times."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        self._turns.begin()

    def __exit__(self, *_: object) -> None:
        self._turns.end()


class _Away:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._here = threading.local()

    def __enter__(self) -> None:
        self._here.had = self._turns.is_here
        if self._here.had:
            self._turns.end()

    def __exit__(self, *_: object) -> None:
        if self._here.had:
            self._turns.begin()


TURNS = Turns()
