"""What is known of the selected pointer: preview, facts, names, tags, and what its store says."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame
from PySide6.QtWidgets import QGridLayout
from PySide6.QtWidgets import QHBoxLayout
from PySide6.QtWidgets import QLabel
from PySide6.QtWidgets import QPushButton
from PySide6.QtWidgets import QScrollArea
from PySide6.QtWidgets import QToolButton
from PySide6.QtWidgets import QVBoxLayout
from PySide6.QtWidgets import QWidget

from hashdrop_gui.models.wording import files_text
from hashdrop_gui.models.wording import one_line
from hashdrop_gui.models.wording import plain_tip
from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr
from hashdrop_gui.models.wording import when_text
from hashdrop_gui.theme import Tokens
from hashdrop_gui.theme import icon
from hashdrop_gui.widgets.preview import Preview

if TYPE_CHECKING:
    from hashdrop.service import PointerRow

WIDTH = 320
NARROWEST = 260
_HASH_LINE = 32
"""Characters of a hash on one line."""
_NAMES_SHOWN = 20

Fact = tuple[str, str]
"""What it is, and its value."""


class DetailsPanel(QScrollArea):
    """The panel.

    Args:
        tokens: Colours.

    Signals:
        verify_requested: The object is to be read back.
        tags_requested: The tags are to be changed.
        hide_requested: The panel is not wanted.
    """

    verify_requested = Signal()
    tags_requested = Signal()
    hide_requested = Signal()

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.setObjectName("details")
        self.setAccessibleName(tr("Details"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(NARROWEST)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.title = _Title()
        self._hide = QToolButton()
        self._hide.setAccessibleName(tr("Hide the details"))
        self._hide.setToolTip(tr("Hide the details"))
        self._hide.clicked.connect(lambda *_: self.hide_requested.emit())
        self.preview = Preview()
        self.facts = _Facts()
        self.verified = _label("second")
        self.verify = QPushButton(tr("Verify now"))
        self.verify.setObjectName("small")
        self.verify.setToolTip(tr("Read the object back and compare its hash"))
        self.verify.clicked.connect(lambda *_: self.verify_requested.emit())
        self.tags = _label("")
        self.tags_shown: dict[str, str] = {}
        self.edit_tags = QPushButton(tr("Edit…"))
        self.edit_tags.setObjectName("small")
        self.edit_tags.setAccessibleName(tr("Edit the tags"))
        self.edit_tags.clicked.connect(lambda *_: self.tags_requested.emit())
        self.names = _label("")
        self.store = _Facts()
        self.store_fault = _label("second")
        self._about = QWidget()
        self._build()
        self.set_tokens(tokens)
        self.show_nothing()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self._hide)
        about = QVBoxLayout(self._about)
        about.setContentsMargins(0, 0, 0, 0)
        about.setSpacing(6)
        about.addWidget(self.preview)
        about.addSpacing(6)
        about.addWidget(self.facts)
        about.addSpacing(4)
        for caption, widgets in (
            (tr("VERIFIED"), (_beside(self.verified, self.verify),)),
            (tr("TAGS"), (_beside(self.tags, self.edit_tags),)),
            (tr("NAMES"), (self.names,)),
            (tr("IN THE STORE"), (self.store, self.store_fault)),
        ):
            label = QLabel(caption)
            label.setObjectName("caption")
            about.addSpacing(8)
            about.addWidget(label)
            for widget in widgets:
                about.addWidget(widget)
        about.addStretch(1)
        inner = QWidget()
        inner.setObjectName("detailsInner")
        column = QVBoxLayout(inner)
        column.setContentsMargins(20, 8, 16, 20)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._about)
        column.addStretch(1)
        self.setWidget(inner)

    def set_tokens(self, tokens: Tokens) -> None:
        """Paint in another scheme from now on."""
        self._hide.setIcon(icon("close", tokens.second))

    # --- showing ---------------------------------------------------------------------------------

    def show_nothing(self) -> None:
        """Say that nothing is selected."""
        self.title.say(tr("Select a file to see its details"), "second")
        self._about.hide()

    def show_many(self, count: int, size: int) -> None:
        """Say what is selected.

        Args:
            count: Rows.
            size: Bytes of all of them.
        """
        self.title.say(f"{files_text(count)} · {size_text(size)}", "title")
        self._about.hide()

    def show_row(self, row: PointerRow, place: str) -> None:
        """Show what the row itself says; the rest is shown as it is known.

        Args:
            row: The one that is selected.
            place: Where it is, as people write it.
        """
        pointer = row.pointer
        self.title.say(one_line(row.name), "title")
        facts: list[Fact] = []
        if pointer.content_hash:
            halves = pointer.content_hash[:_HASH_LINE], pointer.content_hash[_HASH_LINE:]
            facts.append((pointer.content_hash_algorithm.upper(), "\n".join(halves)))
        size = size_text(pointer.content_size)
        if pointer.content_size >= 1000:
            size = tr("{size} · {n} bytes").format(size=size, n=f"{pointer.content_size:,}")
        facts.append((tr("Size"), size))
        facts.append((tr("Type"), pointer.content_type))
        facts.append((tr("Place"), _shortened(place, pointer.content_hash)))
        if row.note:
            facts.append((tr("Note"), row.note))
        if row.gone_at is not None:
            facts.append(
                (tr("Gone"), tr("not found on {when}").format(when=when_text(row.gone_at)))
            )
        self.facts.show_facts(facts, {pointer.content_hash_algorithm.upper(), tr("Place")})
        self.facts.tell(tr("Place"), place)
        self.show_verified(row)
        self.show_tags(row.tags)
        self.names.setText("")
        self.show_store([])
        self._about.show()

    def show_verified(self, row: PointerRow) -> None:
        """Say when the object was read back last."""
        if row.verified_at is None:
            self.say_verified(tr("Not read back yet"), "second")
        else:
            self.say_verified(
                tr("Verified on {when}").format(when=when_text(row.verified_at)), "good"
            )
        self.verify.setEnabled(True)

    def say_verified(self, words: str, tone: str) -> None:
        """Say how it stands with the reading back: `tone` is "second", "good" or "fault"."""
        _restyle(self.verified, tone)
        self.verified.setText(words)

    def show_tags(self, tags: Mapping[str, str]) -> None:
        """Show the tags."""
        self.tags_shown = dict(tags)
        words = "\n".join(f"{tag} = {value}" if value else tag for tag, value in tags.items())
        _restyle(self.tags, "" if tags else "second")
        self.tags.setText(words or tr("None"))

    def show_names(self, rows: Sequence[PointerRow]) -> None:
        """Show under which names the object was stored, by whom, and when."""
        lines: list[str] = []
        for row in rows[:_NAMES_SHOWN]:
            lines.append(one_line(f"{row.folder}/{row.name}" if row.folder else row.name))
            who = tr("{user} on {machine}").format(user=row.user, machine=row.machine)
            parts = [when_text(row.stored_at), who if row.user and row.machine else row.machine]
            lines.append("    " + " · ".join(part for part in (*parts, row.connection) if part))
        if len(rows) > _NAMES_SHOWN:
            lines.append(tr("and {n} more").format(n=f"{len(rows) - _NAMES_SHOWN:,}"))
        self.names.setText("\n".join(lines) or tr("The catalog has no name of it."))

    def show_store(self, facts: Sequence[Fact], fault: str = "") -> None:
        """Show what the store says of the object, or why it says nothing."""
        self.store.show_facts(facts, set())
        self.store_fault.setText(fault)
        self.store_fault.setVisible(bool(fault))


class _Title(QLabel):
    """One line, elided in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(40)

    def say(self, words: str, style: str) -> None:
        self._whole = words
        self.setToolTip(plain_tip(words))
        self.setAccessibleName(words)
        _restyle(self, style)
        self._elide()

    def _elide(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._whole, Qt.TextElideMode.ElideMiddle, self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()


class _Facts(QWidget):
    """Names at the left, values at the right, which can be selected."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnStretch(1, 1)
        self._lines: list[tuple[QLabel, QLabel]] = []

    def show_facts(self, facts: Sequence[Fact], monospaced: set[str]) -> None:
        """Show facts, some of them in the monospaced font."""
        while len(self._lines) < len(facts):
            name, value = _label("second"), _label("")
            name.setWordWrap(False)
            row = len(self._lines)
            self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, row, 1)
            self._lines.append((name, value))
        for number, (name, value) in enumerate(self._lines):
            is_used = number < len(facts)
            name.setVisible(is_used)
            value.setVisible(is_used)
            what, text = facts[number] if is_used else ("", "")
            name.setText(what)
            value.setText(text)
            value.setToolTip("")
            _restyle(value, "mono" if what in monospaced else "")
        self.setVisible(bool(facts))

    def tell(self, what: str, tip: str) -> None:
        """Give the value of a fact a tooltip."""
        for name, value in self._lines:
            if name.text() == what:
                value.setToolTip(plain_tip(tip))

    @property
    def facts(self) -> list[Fact]:
        """What is shown."""
        return [(name.text(), value.text()) for name, value in self._lines if name.text()]


def _shortened(place: str, content_hash: str) -> str:
    """Return a place with its hash elided in the middle: it stands above."""
    if not content_hash:
        return place
    return place.replace(content_hash, f"{content_hash[:8]}…{content_hash[-8:]}")


def _label(style: str) -> QLabel:
    label = QLabel()
    label.setObjectName(style)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setMinimumWidth(40)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _restyle(label: QLabel, style: str) -> None:
    if label.objectName() != style:
        label.setObjectName(style)
        label.style().unpolish(label)
        label.style().polish(label)


def _beside(label: QLabel, button: QPushButton) -> QWidget:
    line = QWidget()
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(label, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return line
