"""Fills the table of pointers from where its rows come; what an older question brings is dropped."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from hashdrop_gui.models.pointer_pages import PAGE_OF_ALL
from hashdrop_gui.models.pointer_pages import PAGE_SIZE

if TYPE_CHECKING:
    from hashdrop.service import PointerRow
    from hashdrop_gui.models.pointer_pages import Page
    from hashdrop_gui.models.pointer_pages import Source
    from hashdrop_gui.models.pointers import PointersModel
    from hashdrop_gui.tasks import Tasks

_FREED_AT_ONCE = 500
_FROZEN_AT_ONCE = 10_000


class Feed:
    """Fills the model from a source, and goes on where the view comes to the end.

    Args:
        model: Filled.
        tasks: Runs the asking.
        answered: Called when the model has the first page of another question.
        beginning: Called before it is put in the place of what is listed.
    """

    def __init__(
        self,
        model: PointersModel,
        tasks: Tasks,
        answered: Callable[[], None],
        beginning: Callable[[], None],
    ) -> None:
        self._model = model
        self._tasks = tasks
        self._answered = answered
        self._beginning = beginning
        self._source: Source | None = None
        self._following: object | None = None
        self._question = 0
        """Counts the questions: an answer to another than the last one is dropped."""
        self._is_asking = False
        self._is_stale = False
        self._since_freeze = 0
        self._goes_on: Callable[[], bool] | None = None
        """Whether the pages behind the next one are wanted, too."""
        self._all_ended: Callable[[], None] | None = None
        model.more_wanted.connect(self.more)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is on its way."""
        return self._is_asking

    def ask(self, source: Source) -> None:
        """Begin anew; what is listed stays until the answer is there."""
        self._source = source
        self._question += 1
        self._is_asking = True
        self._is_stale = False
        self._end_all()
        self._tasks.spawn(self._ask, source, self._question)

    def empty(self) -> None:
        """Take away what is listed; the next question fills the list."""
        self._let_go(self._model.reset([]))

    def renew(self) -> None:
        """Put what is new in front; where that cannot be, begin anew."""
        if self._is_asking:
            self._is_stale = True
        elif self._source is not None:
            self._is_asking = True
            self._tasks.spawn(self._renew, self._source, self._question)

    def more(self) -> None:
        """Add the next page."""
        if not self._is_asking and self._source is not None and self._following is not None:
            self._is_asking = True
            self._tasks.spawn(self._more, self._source, self._question)

    def all(self, wanted: Callable[[], bool], ended: Callable[[], None]) -> None:
        """Add page after page.

        Args:
            wanted: Asked behind each whether more is wanted.
            ended: Called behind the last one, or where it ends before.
        """
        self._end_all()
        self._goes_on, self._all_ended = wanted, ended
        self.more()

    async def _ask(self, source: Source, question: int) -> None:
        try:
            page = await source.page(None)
            if question == self._question:
                self._begin(page)
        finally:
            self._end(question)

    async def _renew(self, source: Source, question: int) -> None:
        try:
            page = await source.page(None)
            if question == self._question:
                if not self._model.refresh(page.rows):
                    self._begin(page)
                else:
                    self._answered()
        finally:
            self._end(question)

    async def _more(self, source: Source, question: int) -> None:
        try:
            while True:
                size = PAGE_SIZE if self._goes_on is None else PAGE_OF_ALL
                page = await source.page(self._following, size)
                if question != self._question:
                    return
                self._following = page.following
                self._model.is_complete = page.following is None
                self._model.extend(page.rows)
                self._keep_from_collector(len(page.rows))
                if page.following is None or self._goes_on is None or not self._goes_on():
                    break
        finally:
            if question == self._question:
                self._end_all()
            self._end(question)

    def _end_all(self) -> None:
        ended, self._all_ended = self._all_ended, None
        self._goes_on = None
        if ended is not None:
            ended()

    def _keep_from_collector(self, count: int) -> None:
        """Spare rows the search for garbage: among 100,000 it holds the window for 45 ms, in vain."""
        self._since_freeze += count
        if self._since_freeze > _FROZEN_AT_ONCE:
            self._since_freeze = 0
            gc.freeze()

    def _begin(self, page: Page) -> None:
        self._following = page.following
        self._model.is_complete = page.following is None
        self._beginning()
        self._let_go(self._model.reset(page.rows))
        self._answered()

    def _let_go(self, rows: list[PointerRow]) -> None:
        if len(rows) > _FREED_AT_ONCE:
            self._tasks.spawn(run_sync, let_go, rows)

    def _end(self, question: int) -> None:
        if question == self._question:
            self._is_asking = False
            if self._is_stale:
                self._is_stale = False
                self.renew()
            elif self._goes_on is not None:
                self.more()


def let_go(rows: list[PointerRow]) -> None:
    """Let rows go, some at a time: a hundred thousand at once would hold the window for 50 ms.

    Args:
        rows: Of nobody else; empty afterwards.
    """
    while rows:
        del rows[-_FREED_AT_ONCE:]
