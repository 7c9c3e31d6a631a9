"""Gets stored files out: downloads, opens and reveals them, and lets them be dragged into other programs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from anyio.to_thread import run_sync
from PySide6.QtCore import QDir
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QObject
from PySide6.QtCore import Qt
from PySide6.QtCore import QTemporaryDir
from PySide6.QtCore import QTimer
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtGui import QDrag
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from hashdrop.errors import HashdropError
from hashdrop.errors import SourceError
from hashdrop.errors import SourceUnreadable
from hashdrop.snapshot import FileSnapshot
from hashdrop.stored.downloading import InTheWay
from hashdrop.stored.downloading import safe_path
from hashdrop.stored.places import ObjectId
from hashdrop.stored.places import Place
from hashdrop.stored.places import with_hash
from hashdrop_gui.desktop.revealing import reveal
from hashdrop_gui.models.pointers import places_of
from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import progress_text
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from hashdrop.service import PointerRow
    from hashdrop.service import Service
    from hashdrop.stored.downloading import Downloaded
    from hashdrop_gui.pages.pointers import PointersPage
    from hashdrop_gui.tasks import Tasks
    from hashdrop_gui.widgets.work_strip import WorkStrip

_KNOWN_AT_ONCE = 1_000
_MOST_OPENED = 20
DRAGGED_BYTES = 500_000_000
"""Of what is dragged out at most: it has to be on this computer before it can be let go."""
_DRAGGED_FILES = 1_000


_Content = tuple[ObjectId, str | None, str]
"""An object, the hash that it should have, and the name that its file has."""


class Fetching(QObject):
    """Adds what gets files out of the store to the page.

    Args:
        page: The page of pointers.
        service: Downloads.
        tasks: Runs the downloads.
    """

    def __init__(self, page: PointersPage, *, service: Service, tasks: Tasks) -> None:
        super().__init__(page)
        self._page = page
        self._service = service
        self._tasks = tasks
        self._folder = str(Path.home())
        self._temporary: QTemporaryDir | None = None
        """Of what is opened and dragged; goes with the program. A kill leaves it, so it is made late."""
        self._staged: dict[_Content, tuple[Path, FileSnapshot]] = {}
        """Its file in the temporary folder, and how that was left there."""
        self._staged_folders = 0
        self._known: dict[ObjectId, Path] = {}
        """Where an object was downloaded to."""
        self._is_staging = False
        page.menu.addSeparator()
        page.add_action(tr("Download…"), self.download, "Ctrl+S")
        page.add_action(tr("Open"), self.open, "Ctrl+O")
        self._reveal = page.add_action(tr("Show in folder"), self.reveal)
        page.menu.aboutToShow.connect(self._show_reveal)
        page.view.drag_requested.connect(self.drag)

    # --- downloading -----------------------------------------------------------------------------

    def download(self) -> None:
        """Ask where to, and download the selected files there."""
        rows = self._page.selected()
        if not rows:
            return
        dialog = QFileDialog(self._page, tr("Download"), self._folder)
        dialog.setObjectName("downloadDialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if len(rows) == 1:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.selectFile(safe_path(Place.of(rows[0]), keeps_folders=False).name)
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            dialog.setLabelText(QFileDialog.DialogLabel.Accept, tr("Download here"))
        dialog.fileSelected.connect(lambda chosen: self.download_to(rows, Path(chosen)))
        dialog.open()

    def download_to(self, rows: Sequence[PointerRow], target: Path) -> None:
        """Download files: one to a path, many into a folder, with their own folders below it."""
        self._folder = str(target.parent if len(rows) == 1 else target)
        self._tasks.spawn(self._download, rows, target)

    async def _download(self, rows: Sequence[PointerRow], target: Path) -> None:
        places = await places_of(rows)
        strip = self._page.begin_work(_doing(0, 0, places))
        shown: list[Path] = []
        strip.acted.connect(lambda: reveal(shown[0]))
        if len(places) == 1:
            place = places[0]
            verified = True

            async def get(on_bytes: Callable[[int, int], None]) -> None:
                nonlocal verified
                path, _, verified = await self._service.stored.get(
                    place, target, on_bytes=lambda size: on_bytes(0, size)
                )
                self._known[self._object_id(place)] = path
                shown.append(path)

            await self._work(strip, places, get)
            if shown:
                words = tr("Downloaded {name}: its hash fits").format(name=shown[0].name)
                if not verified:
                    words = tr("Downloaded {name}; nobody knows which hash it should have").format(
                        name=shown[0].name
                    )
                strip.end(words, tr("Show in folder"))
            return
        ends = await self._fetch(strip, places, target, keeps_folders=True)
        good = [one for one in ends if one.error is None]
        object_id = self._service.stored.object_ids()
        for at in range(0, len(good), _KNOWN_AT_ONCE):
            self._known |= {
                object_id(one.place): one.path for one in good[at : at + _KNOWN_AT_ONCE]
            }
            await anyio.lowlevel.checkpoint()
        if not strip.has_ended:
            shown += [one.path for one in good] or [target]
            strip.end(_ended(ends), tr("Show in folder"))

    async def _fetch(
        self, strip: WorkStrip, places: Sequence[Place], folder: Path, *, keeps_folders: bool
    ) -> list[Downloaded]:
        """Download into a folder; none where it was cancelled."""
        ends: list[Downloaded] = []

        async def get(on_bytes: Callable[[int, int], None]) -> None:
            ends.extend(
                await self._service.stored.download_all(
                    places,
                    folder,
                    keeps_folders=keeps_folders,
                    in_the_way=InTheWay.KEEP_BOTH,
                    on_bytes=on_bytes,
                )
            )

        await self._work(strip, places, get)
        return ends

    async def _work(
        self,
        strip: WorkStrip,
        places: Sequence[Place],
        get: Callable[[Callable[[int, int], None]], Awaitable[None]],
    ) -> None:
        """Run a download with its strip, which tells an error."""
        total = sum(place.size or 0 for place in places)
        there: dict[int, int] = {}
        done = 0

        def on_bytes(number: int, size: int) -> None:
            nonlocal done
            done += size - there.get(number, 0)
            there[number] = size
            strip.tell(_doing(done, total, places), min(1.0, done / total) if total else None)

        with anyio.CancelScope() as scope:
            strip.cancelled.connect(scope.cancel)
            try:
                await get(on_bytes)
            except HashdropError as error:
                strip.end(error.sentence)
        if scope.cancelled_caught:
            strip.end(tr("Cancelled. Downloading the same again goes on behind what is there."))

    # --- opening and revealing -------------------------------------------------------------------

    def open(self) -> None:
        """Open the selected files with the system's programs."""
        rows = self._page.selected()
        if len(rows) > _MOST_OPENED:
            words = tr("{n} files at most are opened at once. Select fewer.")
            self._page.warned.emit(words.format(n=_MOST_OPENED))
        elif rows:
            self._tasks.spawn(self._open, [Place.of(row) for row in rows])

    async def _open(self, places: Sequence[Place]) -> None:
        for path in await self._stage(places):
            if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
                words = tr("No program here opens {name}. Download it instead.")
                self._page.warned.emit(words.format(name=path.name))

    def reveal(self) -> None:
        """Show the file that the selected object was downloaded to."""
        rows = self._page.view.chosen_rows(1)
        path = self._known.get(self._object_id(Place.of(rows[0]))) if rows else None
        if path is not None:
            reveal(path)

    def _show_reveal(self) -> None:
        rows = self._page.view.chosen_rows(2)
        is_known = len(rows) == 1 and self._object_id(Place.of(rows[0])) in self._known
        self._reveal.setEnabled(is_known)
        self._reveal.setText(
            tr("Show in folder") if is_known else tr("Show in folder (download first)")
        )

    async def _stage(self, places: Sequence[Place]) -> list[Path]:
        """Bring files into the temporary folder, verified; return those that are there."""
        object_id = self._service.stored.object_ids()
        contents = [(object_id(place), with_hash(place), place.file_name) for place in places]
        known = {one: self._staged[one] for one in contents if one in self._staged}
        there = await run_sync(_unchanged, known)
        wanted = {
            content: place
            for content, place in zip(contents, places, strict=True)
            if content not in there
        }
        if wanted:
            folder = await self._new_folder()
            strip = self._page.begin_work(_doing(0, 0, list(wanted.values())))
            ends = await self._fetch(strip, list(wanted.values()), folder, keeps_folders=False)
            fresh = {
                content: one.path
                for content, one in zip(wanted, ends, strict=False)  # none where it was cancelled
                if one.error is None
            }
            there |= fresh
            shapes = await run_sync(_shapes_of, fresh)
            # Of what nobody knows the hash something else may stand there by now.
            self._staged |= {one: shape for one, shape in shapes.items() if one[1]}
            if any(one.error for one in ends):
                strip.end(_ended(ends))
            elif not strip.has_ended:
                strip.deleteLater()
        return [there[content] for content in contents if content in there]

    async def _new_folder(self) -> Path:
        """Return a new folder in the temporary one.

        Raises:
            SourceUnreadable: The system makes none.
        """
        if self._temporary is None or not self._temporary.isValid():
            self._temporary = await run_sync(QTemporaryDir)
        if not self._temporary.isValid():
            raise _no_folder(self._temporary.errorString())
        folder = Path(self._temporary.filePath(str(self._staged_folders)))
        self._staged_folders += 1
        try:
            await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _no_folder(str(error)) from error
        return folder

    def _object_id(self, place: Place) -> ObjectId:
        return self._service.stored.object_ids()(place)

    # --- dragging out ----------------------------------------------------------------------------

    def drag(self) -> None:
        """Let the selected files be dragged out; they are brought here first."""
        rows = self._page.selected()
        total = sum(row.pointer.content_size for row in rows)
        if total > DRAGGED_BYTES or len(rows) > _DRAGGED_FILES:
            words = tr("{files}, {size}, are too much to be dragged. Use “Download…” instead.")
            self._page.warned.emit(words.format(files=files_text(len(rows)), size=size_text(total)))
        elif rows and not self._is_staging:
            self._is_staging = True
            self._tasks.spawn(self._prepare_drag, [Place.of(row) for row in rows])

    async def _prepare_drag(self, places: Sequence[Place]) -> None:
        try:
            paths = await self._stage(places)
        finally:
            self._is_staging = False
        if len(paths) < len(places):
            return  # cancelled, or the strip tells why
        if QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            # Not in this task: a drag turns Qt's events in a loop of its own.
            QTimer.singleShot(0, self, lambda: self._drag(paths))
        else:
            self._page.told.emit(tr("Ready now: drag them again"))

    def _drag(self, paths: Sequence[Path]) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        drag = QDrag(self._page.view)
        drag.setMimeData(data)
        self._page.is_dragging = True
        try:
            drag.exec(Qt.DropAction.CopyAction)  # from Qt's events only, never within a task
        finally:
            self._page.is_dragging = False


def _no_folder(why: str) -> SourceUnreadable:
    hint = tr(
        "Make room in {folder} and see that it may be written to, or use “Download…” instead."
    )
    return SourceUnreadable(
        tr("There is no temporary folder for it."),
        detail=why,
        hint=hint.format(folder=QDir.tempPath()),
    )


def _unchanged(staged: Mapping[_Content, tuple[Path, FileSnapshot]]) -> dict[_Content, Path]:
    """Return what still is as it was verified: the program that opened it may have changed it."""
    found: dict[_Content, Path] = {}
    for content, (path, shape) in staged.items():
        with contextlib.suppress(SourceError):
            shape.check(path)
            found[content] = path
    return found


def _shapes_of(files: Mapping[_Content, Path]) -> dict[_Content, tuple[Path, FileSnapshot]]:
    found: dict[_Content, tuple[Path, FileSnapshot]] = {}
    for content, path in files.items():
        with contextlib.suppress(SourceError):  # it was taken away meanwhile
            found[content] = path, FileSnapshot.of(path)
    return found


def _doing(done: int, total: int, places: Sequence[Place]) -> str:
    what = places[0].file_name if len(places) == 1 else files_text(len(places))
    if not total:
        return tr("Downloading {what}").format(what=what)
    return tr("Downloading {what} · {done}").format(what=what, done=progress_text(done, total))


def _ended(ends: Sequence[Downloaded]) -> str:
    bad = [one for one in ends if one.error is not None]
    good = len(ends) - len(bad)
    words = tr("Downloaded {files}, each with its hash").format(files=files_text(good))
    if any(one.error is None and not one.is_verified for one in ends):
        words = tr("Downloaded {files}; of some nobody knows the hash").format(
            files=files_text(good)
        )
    numbered = sum(
        one.error is None and one.path.name != safe_path(one.place, keeps_folders=False).name
        for one in ends
    )
    if numbered:
        words = tr("{done}; {n} with a number behind the name: another file had it").format(
            done=words, n=f"{numbered:,}"
        )
    if bad and bad[0].error is not None:
        name, why = bad[0].place.file_name, bad[0].error.title
        words = tr("{bad} of {all} were not downloaded. {why}").format(
            bad=f"{len(bad):,}",
            all=files_text(len(ends)),
            why=why if f"“{name}”" in why else f"{name}: {why}",
        )
    return words
