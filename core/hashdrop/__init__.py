"""Hashdrop: files in S3 under the hash of their content.

The names below are the library: a storage for labox, its pointers and its routers. They are imported
when first asked for, so that the command line starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from hashdrop.s3.routing import S3Pointer as S3Pointer
    from hashdrop.s3.routing import S3Router as S3Router
    from hashdrop.s3.routing import simple_s3_router as simple_s3_router
    from hashdrop.s3.storage import S3Storage as S3Storage

__version__ = "0.1.0"

__all__ = ("S3Pointer", "S3Router", "S3Storage", "simple_s3_router")

_HOMES = {
    "S3Pointer": "hashdrop.s3.routing",
    "S3Router": "hashdrop.s3.routing",
    "S3Storage": "hashdrop.s3.storage",
    "simple_s3_router": "hashdrop.s3.routing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
