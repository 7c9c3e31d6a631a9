"""Why uploads wait, told in the banner with the way on in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from hashdrop.transfers.events import Event
from hashdrop_gui.models.outages import Outages
from hashdrop_gui.models.outages import Wait
from hashdrop_gui.models.wording import tr
from hashdrop_gui.widgets.banner import Banner

if TYPE_CHECKING:
    from hashdrop.errors import HashdropError
    from hashdrop.service import Service
    from hashdrop_gui.tasks import Tasks

_STORE = "store"
_SIGN_IN = "sign-in"
_OFFLINE = "offline"


class Waits(QObject):
    """Watches for what is waited for, and does what the banner's button says.

    Args:
        banner: Tells it.
        service: Goes on.
        tasks: Runs what slots cannot await.
        parent: The window.
    """

    def __init__(self, banner: Banner, *, service: Service, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._banner = banner
        self._service = service
        self._tasks = tasks
        self._outages = Outages()
        self._wait: Wait | None = None
        banner.acted.connect(self._on_banner_acted)

    def show_connection(self, error: HashdropError | None, *, is_ready: bool) -> None:
        """Tell why the connection itself cannot be used, or that it can."""
        if error is not None:
            self._banner.say(
                error.sentence, about=_STORE, action=tr("Try again"), settings=True, lasts=True
            )
        elif is_ready:
            self._banner.withdraw(_STORE)

    def take(self, events: list[Event]) -> None:
        """Show why uploads wait; once it was put away only another reason shows it again."""
        before, wait = self._wait, self._outages.take(events)
        self._wait = wait
        if wait is None:
            self._banner.withdraw(_SIGN_IN)
            self._banner.withdraw(_OFFLINE)
            return
        if wait.seconds is None:
            about, action = _SIGN_IN, tr("I have signed in")
            rest = tr("Uploads wait, nothing is lost.")
        else:
            about, action = _OFFLINE, tr("Try now")
            rest = tr("Uploads wait, and go on by themselves. Next try in {n} s.")
            rest = rest.format(n=round(wait.seconds))
        text = f"{wait.error.sentence} {rest}"
        if before is None or before.error is not wait.error:
            self._banner.say(
                text, about=about, action=action, settings=wait.needs_sign_in, lasts=True
            )
            self._banner.withdraw(_OFFLINE if about == _SIGN_IN else _SIGN_IN)
        else:
            self._banner.change(text, about=about)

    def _on_banner_acted(self, about: str) -> None:
        if about == _SIGN_IN:
            self._tasks.spawn(self._service.signed_in)
        elif about == _OFFLINE:
            self._service.try_now()
        elif about == _STORE:
            self._tasks.spawn(self._service.connect)
