"""What is banned in the window: a nested event loop is fatal under qasync."""

from __future__ import annotations

import re
from pathlib import Path

import hashdrop_gui

# Qt has no other way to drag than `drag.exec`; it is started from Qt's events, outside of every task.
BANNED = re.compile(
    r"(?<!\bdrag)\.exec_?\(|processEvents|waitForFinished"
    r"|QMessageBox\.(?:about|critical|information|question|warning)\("
    r"|QFileDialog\.get\w+\(|QInputDialog\.get\w+\(|QColorDialog\.get\w+\(|QFontDialog\.get\w+\("
    r"|time\.sleep\(|asyncClose|asyncSlot"
)


def banned_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if BANNED.search(line)]


def test_the_window_never_nests_a_loop():
    """No `.exec()`, no `processEvents`, no static dialog anywhere below gui/."""
    folder = Path(hashdrop_gui.__file__).parent
    sources = sorted(folder.rglob("*.py"))
    found = {str(path): lines for path in sources if (lines := banned_lines(path.read_text()))}

    assert len(sources) > 15
    assert found == {}


def test_the_ban_knows_what_it_looks_for():
    """The control: each banned call is found, its harmless neighbour is not."""
    bad = [
        "dialog.exec()",
        "app.processEvents()",
        'QMessageBox.question(self, "", "")',
        "QFileDialog.getOpenFileName(self)",
    ]
    good = ["dialog.open()", "box = QMessageBox(self)", "dialog = QFileDialog(self, title)"]

    assert bad == banned_lines("\n".join(bad + good))
