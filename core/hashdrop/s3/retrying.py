"""Trying again, above botocore's own retries: those share one quota per client and give up early."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable
from collections.abc import Callable
from typing import TypeVar

import anyio

from hashdrop.errors import StoreError

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

ATTEMPTS = 4
_BACKOFF_S = 0.5


async def retrying(what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Call until it succeeds, the error is one that stays, or the attempts are used up.

    Args:
        what: For the log.
        attempt: One try; raises `StoreError`.

    Raises:
        StoreError: The last one.
    """
    for number in range(1, ATTEMPTS + 1):
        try:
            return await attempt()
        except StoreError as error:
            if not error.retryable or number == ATTEMPTS:
                raise
            _LOG.info("%s again: %s (%s)", what, error.title, error.technical)
        # Jitter keeps parallel parts from coming back all at once.
        await anyio.sleep(_BACKOFF_S * 2 ** (number - 1) * random.uniform(0.5, 1.5))  # noqa: S311
    raise AssertionError("unreachable")  # pragma: no cover
