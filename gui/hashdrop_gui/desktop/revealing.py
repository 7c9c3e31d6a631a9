"""Shows a file in the desktop's file manager."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtDBus import QDBusConnection
from PySide6.QtDBus import QDBusMessage
from PySide6.QtGui import QDesktopServices


def reveal(path: Path) -> None:
    """Show a file, selected where the file manager can; else its folder is opened.

    https://www.freedesktop.org/wiki/Specifications/file-manager-interface/
    """
    if os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        bus = QDBusConnection.sessionBus()
        if bus.isConnected():
            message = QDBusMessage.createMethodCall(
                "org.freedesktop.FileManager1",
                "/org/freedesktop/FileManager1",
                "org.freedesktop.FileManager1",
                "ShowItems",
            )
            message.setArguments([[QUrl.fromLocalFile(str(path)).toString()], ""])
            if bus.send(message):
                return
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
