"""The service of a command that needs its store."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from hashdrop.cli.options import Options
from hashdrop.service import Service
from hashdrop.service import open_service


@asynccontextmanager
async def connected_service(options: Options) -> AsyncGenerator[Service, None]:
    """Open the service with the connection that was asked for.

    Args:
        options: The shared ones.

    Raises:
        HashdropError: The store cannot be reached.
    """
    async with open_service(options.paths, choice=options.chosen()) as service:
        await service.connect()
        if service.status.error is not None:
            raise service.status.error
        yield service
