"""What is done on the page of pointers, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashdrop_gui.actions.pointers_copying import Copying
from hashdrop_gui.actions.pointers_deleting import Deleting
from hashdrop_gui.actions.pointers_details import Details
from hashdrop_gui.actions.pointers_fetching import Fetching
from hashdrop_gui.actions.pointers_going import Going
from hashdrop_gui.actions.pointers_looking_up import LookingUp
from hashdrop_gui.actions.pointers_saved import KeptSearches
from hashdrop_gui.actions.pointers_selecting import Selecting

if TYPE_CHECKING:
    from hashdrop.service import Service
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks


def serve_pointers(page: PointersPage, *, service: Service, tasks: Tasks) -> None:
    """Give the page of pointers its actions; the page keeps them."""
    for actions in (
        KeptSearches,
        Copying,
        Fetching,
        Details,
        Deleting,
        LookingUp,
        Going,
        Selecting,
    ):
        actions(page, service=service, tasks=tasks)
