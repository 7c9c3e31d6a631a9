"""The owner of all tasks that slots start: their errors and their cancellation end here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from hashdrop.errors import HashdropError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

_LOG = logging.getLogger(__name__)


class Tasks:
    """Runs what a slot cannot await.

    Args:
        group: Ends them with the program.
    """

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self.failed: Callable[[HashdropError], None] = _log
        """Shows an error to the person."""

    @property
    def can_start(self) -> bool:
        """Whether the loop runs, in which alone tasks can be started, or ended."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return False
        return True

    def spawn(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        """Start a task; an error in it is shown, and ends only that task.

        Nothing is started where the loop has ended: Qt calls slots as long as it lives.
        """
        if self.can_start:
            self._group.start_soon(self._run, function, arguments)

    async def _run(
        self, function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]
    ) -> None:
        try:
            await function(*arguments)
        except HashdropError as error:
            self.failed(error)
        except Exception as error:  # noqa: BLE001  # the fence: the window goes on, the person is told
            _LOG.exception("A task of the window failed")
            self.failed(
                HashdropError(
                    "Something unexpected went wrong.",
                    hint="The log has the details.",
                    technical=type(error).__name__,
                )
            )


def _log(error: HashdropError) -> None:
    _LOG.error("%s", error.sentence)
