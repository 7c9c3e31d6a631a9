"""How the window looks: the tokens of both schemes, the style sheet, icons recoloured by them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QByteArray
from PySide6.QtCore import QRectF
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtGui import QFontDatabase
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import QIcon
from PySide6.QtGui import QPainter
from PySide6.QtGui import QPalette
from PySide6.QtGui import QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from hashdrop.transfers.events import State


@dataclass(frozen=True, slots=True)
class Tokens:
    """The colours of one scheme."""

    background: str
    sidebar: str
    line: str
    text: str
    second: str
    accent: str
    on_accent: str
    selection: str
    stored: str
    waiting: str
    failed: str
    track: str
    hover: str


LIGHT = Tokens(
    background="#FFFFFF",
    sidebar="#F6F7F9",
    line="#E4E7EB",
    text="#1B1F24",
    second="#5F6773",
    accent="#1B64D9",
    on_accent="#FFFFFF",
    selection="#E8F0FE",
    stored="#187A47",
    waiting="#946300",
    failed="#C9302C",
    track="#E9ECEF",
    hover="#F6F7F9",
)
DARK = Tokens(
    background="#16181D",
    sidebar="#1B1E24",
    line="#2C3038",
    text="#E8EAED",
    second="#9AA0AB",
    accent="#5B9DFF",
    on_accent="#10131A",
    selection="#24344F",
    stored="#4CC38A",
    waiting="#F2B84B",
    failed="#FF6B6B",
    track="#2C3038",
    hover="#1B1E24",
)


def current_tokens() -> Tokens:
    """Return the tokens of the desktop's scheme; `HASHDROP_THEME=light|dark` decides it instead."""
    forced = os.environ.get("HASHDROP_THEME", "")
    if forced in {"light", "dark"}:
        return DARK if forced == "dark" else LIGHT
    scheme = QGuiApplication.styleHints().colorScheme()
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def state_colour(state: State, tokens: Tokens) -> str:
    """Return the colour of a state's word: green only for what S3 confirmed."""
    match state:
        case State.STORED | State.ALREADY_STORED:
            return tokens.stored
        case State.FAILED:
            return tokens.failed
        case State.HASHING | State.UPLOADING | State.VERIFYING:
            return tokens.accent
        case State.WAITING:
            return tokens.waiting
        case State.QUEUED | State.PAUSED | State.CANCELLED:
            return tokens.second


def apply_theme(app: QApplication) -> Tokens:
    """Give the program its colours and style sheet; return the tokens that were used."""
    tokens = current_tokens()
    # The desktop's own font; where there is no desktop to choose one, Inter if it is there.
    if not os.environ.get("XDG_CURRENT_DESKTOP") and "Inter" in QFontDatabase.families():
        app.setFont(QFont("Inter"))
    palette = QPalette()
    for role, colour in {
        QPalette.ColorRole.Window: tokens.background,
        QPalette.ColorRole.Base: tokens.background,
        QPalette.ColorRole.AlternateBase: tokens.sidebar,
        QPalette.ColorRole.Button: tokens.background,
        QPalette.ColorRole.Text: tokens.text,
        QPalette.ColorRole.WindowText: tokens.text,
        QPalette.ColorRole.ButtonText: tokens.text,
        QPalette.ColorRole.PlaceholderText: tokens.second,
        QPalette.ColorRole.Highlight: tokens.selection,
        QPalette.ColorRole.HighlightedText: tokens.text,
        QPalette.ColorRole.Accent: tokens.accent,
        QPalette.ColorRole.Link: tokens.accent,
        QPalette.ColorRole.ToolTipBase: tokens.sidebar,
        QPalette.ColorRole.ToolTipText: tokens.text,
    }.items():
        palette.setColor(role, colour)
    app.setPalette(palette)
    app.setStyleSheet(style_sheet(tokens))
    return tokens


def sized(font: QFont, pixels: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return a font of a size in pixels and a weight."""
    font = QFont(font)
    font.setPixelSize(pixels)
    font.setWeight(weight)
    return font


def monospace(pixels: int) -> QFont:
    """Return the system's monospaced font in a size."""
    return sized(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont), pixels)


def icon(name: str, colour: str) -> QIcon:
    """Return one of our icons in a colour, sharp at every scale.

    Args:
        name: File name without its ending.
        colour: Replaces `currentColor`.
    """
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256) if name == "hashdrop" else (16, 20, 32, 40, 64):
        result.addPixmap(drawing(name, QSize(size, size), (("currentColor", colour),)))
    return result


@lru_cache(maxsize=64)
def drawing(
    name: str, size: QSize, colours: tuple[tuple[str, str], ...], ratio: float = 1.0
) -> QPixmap:
    """Return a drawing as a picture.

    Args:
        name: File name without its ending.
        size: In logical pixels.
        colours: What to replace by which colour.
        ratio: Device pixels to one logical pixel.
    """
    text = files("hashdrop_resources").joinpath("icons", f"{name}.svg").read_text()
    for placeholder, colour in colours:
        text = text.replace(placeholder, colour)
    picture = QPixmap(size * ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(text.encode())).render(
        painter, QRectF(0, 0, picture.width(), picture.height())
    )
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def style_sheet(tokens: Tokens) -> str:
    """Return the style sheet of a scheme."""
    t = tokens
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    return f"""
* {{ font-size: 13px; }}
QMainWindow, QDialog, QMessageBox, #page, #content {{ background: {t.background}; }}
QDialog, QMessageBox {{ border: 1px solid {t.line}; }}
QLabel {{ color: {t.text}; background: transparent; }}
#sidebar {{ background: {t.sidebar}; border: none; border-right: 1px solid {t.line}; }}
#brand {{ font-size: 16px; font-weight: 600; }}
#caption {{ font-size: 11px; font-weight: 600; color: {t.second}; }}
#topbar {{ background: {t.background}; border: none; border-bottom: 1px solid {t.line}; }}
#breadcrumb {{ font-size: 15px; font-weight: 500; }}
#bottombar {{ background: {t.sidebar}; border: none; border-top: 1px solid {t.line}; }}
#second, #fieldHint {{ color: {t.second}; font-size: 12px; }}
#keys {{ color: {t.second}; font-weight: 500; }}
#title {{ font-size: 16px; font-weight: 600; }}
#fault {{ color: {t.failed}; font-size: 12px; }}
#navigation {{ text-align: left; padding: 0 12px; min-height: 36px; border: none; border-radius: 8px;
  background: transparent; color: {t.text}; font-weight: 500; }}
#navigation:hover {{ background: {t.line}; }}
#navigation:checked {{ background: {t.selection}; font-weight: 600; }}
#navigation:focus {{ border: 2px solid {t.accent}; padding: 0 10px; }}
#navigationCount {{ color: {t.accent}; font-weight: 600; }}
#connection {{ min-height: 46px; max-height: 46px; padding: 0; text-align: left; border: 1px solid transparent; border-radius: 8px; background: transparent; }}
#connection:hover {{ background: {t.line}; }}
#connection:checked {{ border-color: {t.line}; background: {t.background}; }}
#connection:focus {{ border: 2px solid {t.accent}; }}
QPushButton {{ min-height: 34px; padding: 0 16px; border: 1px solid {t.line}; border-radius: 8px;
  background: {t.background}; color: {t.text}; font-weight: 500; }}
QPushButton:hover {{ background: {t.hover}; border-color: {t.second}; }}
QPushButton:focus {{ border: 2px solid {t.accent}; padding: 0 15px; }}
QPushButton:disabled {{ color: {t.second}; border-color: {t.line}; background: {t.sidebar}; }}
QPushButton#primary {{ background: {t.accent}; border-color: {t.accent}; color: {t.on_accent}; font-weight: 600; }}
QPushButton#primary:hover {{ border-color: {t.text}; }}
QPushButton#primary:focus {{ border: 2px solid {t.text}; padding: 0 15px; }}
QPushButton#primary:disabled {{ background: {t.track}; border-color: {t.track}; color: {t.second}; }}
QPushButton#primary::menu-indicator {{ image: none; width: 0; }}
QPushButton#danger {{ border-color: {t.failed}; color: {t.failed}; font-weight: 600; }}
QPushButton#small {{ min-height: 26px; padding: 0 12px; }}
QPushButton#quiet {{ min-height: 26px; padding: 0 8px; border: 1px solid transparent; background: transparent; color: {t.second}; font-weight: 400; }}
QPushButton#quiet:hover {{ background: {t.line}; }}
QPushButton#quiet:focus {{ border: 2px solid {t.accent}; padding: 0 7px; }}
QPushButton#quiet::menu-indicator {{ image: none; width: 0; }}
QPushButton#pill {{ min-height: 26px; padding: 0 14px; border-radius: 14px; color: {t.second}; }}
QPushButton#pill[tight="true"] {{ padding: 0 8px; }}
QPushButton#pill:checked {{ background: {t.selection}; border-color: {t.selection}; color: {t.accent}; font-weight: 600; }}
QPushButton#pill:focus {{ border: 2px solid {t.accent}; padding: 0 13px; }}
QPushButton#pill[tight="true"]:focus {{ padding: 0 7px; }}
QPushButton#column {{ min-height: 24px; padding: 0 7px; border: 1px solid transparent; border-radius: 6px; background: transparent;
  color: {t.second}; font-size: 12px; font-weight: 500; text-align: left; }}
QPushButton#column[isNumber="true"] {{ text-align: right; }}
QPushButton#column:hover {{ background: {t.hover}; }}
QPushButton#column:focus {{ border: 2px solid {t.accent}; padding: 0 6px; }}
QToolButton {{ border: none; border-radius: 6px; padding: 6px; background: transparent; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QToolButton:hover {{ background: {t.line}; }}
QToolButton:focus {{ border: 2px solid {t.accent}; padding: 4px; }}
QLineEdit {{ min-height: 34px; padding: 0 12px; border: 1px solid {t.line}; border-radius: 8px;
  background: {t.background}; color: {t.text}; placeholder-text-color: {t.second};
  selection-background-color: {t.selection}; selection-color: {t.text}; }}
QLineEdit:focus {{ border: 2px solid {t.accent}; padding: 0 11px; }}
QLineEdit:disabled {{ color: {t.second}; background: {t.sidebar}; }}
QRadioButton {{ spacing: 8px; }}
QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {t.second}; border-radius: 8px; background: {t.background}; }}
QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {t.accent}; }}
QRadioButton::indicator:unchecked:hover {{ border-color: {t.accent}; }}
QRadioButton::indicator:disabled {{ border-color: {t.line}; }}
QRadioButton:focus {{ color: {t.accent}; }}
QRadioButton:disabled {{ color: {t.second}; }}
QAbstractSpinBox {{ min-height: 34px; padding: 0 8px; border: 1px solid {t.line}; border-radius: 8px;
  background: {t.background}; color: {t.text}; selection-background-color: {t.selection}; selection-color: {t.text}; }}
QAbstractSpinBox:focus {{ border: 2px solid {t.accent}; padding: 0 7px; }}
QPlainTextEdit {{ border: 1px solid {t.line}; border-radius: 8px; padding: 6px 8px; background: {t.background}; color: {t.text};
  selection-background-color: {t.selection}; selection-color: {t.text}; }}
QPlainTextEdit:focus {{ border: 2px solid {t.accent}; padding: 5px 7px; }}
QLineEdit[wrong="true"] {{ border-color: {t.failed}; }}
QTableView {{ border: none; background: {t.background}; outline: none; color: {t.text};
  selection-background-color: {t.selection}; selection-color: {t.text}; gridline-color: {t.line}; }}
QTableView#pointers::item {{ border-bottom: 1px solid {t.line}; padding: 0 8px; }}
QTableView#pointers::item:selected {{ background: {t.selection}; color: {t.text}; }}
QHeaderView {{ background: {t.background}; }}
QHeaderView::section {{ background: {t.background}; color: {t.second}; border: none; font-size: 12px; font-weight: 500;
  border-bottom: 1px solid {t.line}; padding: 8px 11px; text-align: left; }}
#details, #detailsInner {{ background: {t.background}; border: none; }}
#pointersSplitter::handle {{ background: {t.line}; }}
#preview > QStackedWidget {{ background: {t.sidebar}; border: 1px solid {t.line}; border-radius: 8px; }}
#previewText, #previewTable, #previewTree {{ background: transparent; border: none; color: {t.text}; font-size: 12px;
  selection-background-color: {t.selection}; selection-color: {t.text}; outline: none; gridline-color: {t.line}; }}
#previewTable QHeaderView, #previewTable QHeaderView::section {{ background: transparent; padding: 4px 6px; }}
#previewTable::item {{ padding: 0 4px; }}
QAbstractScrollArea::corner {{ background: transparent; border: none; }}
#previewLine {{ color: {t.second}; font-size: 11px; }}
#lookUpTree {{ background: {t.background}; border: none; color: {t.text}; outline: none;
  selection-background-color: {t.selection}; selection-color: {t.text}; }}
#lookUpTree::item {{ height: 30px; }}
#workStrip {{ background: {t.sidebar}; border: none; border-top: 1px solid {t.line}; }}
#workBar {{ background: {t.track}; border: none; border-radius: 3px; }}
#workBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
#mono {{ font-family: "{fixed}"; font-size: 11px; }}
QLineEdit#goTo {{ min-height: 26px; }}
#good {{ color: {t.stored}; font-size: 12px; }}
QToolButton#act {{ color: {t.text}; min-height: 16px; padding: 5px 12px; border: 1px solid {t.line}; border-radius: 8px; }}
QToolButton#act:disabled {{ color: {t.second}; }}
QToolButton:checked {{ background: {t.selection}; }}
QMenu {{ background: {t.background}; border: 1px solid {t.line}; border-radius: 8px; padding: 6px; color: {t.text}; }}
QMenu::item {{ padding: 7px 24px 7px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.second}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 6px 4px; }}
QMenuBar {{ background: {t.sidebar}; color: {t.text}; }}
QToolTip {{ background: {t.sidebar}; color: {t.text}; border: 1px solid {t.line}; padding: 6px 8px; }}
QScrollBar:vertical {{ width: 12px; background: transparent; margin: 2px; }}
QScrollBar:horizontal {{ height: 12px; background: transparent; margin: 2px; }}
QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 32px; min-width: 32px; }}
QScrollBar::handle:hover {{ background: {t.second}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
#banner {{ background: {t.sidebar}; border: none; border-bottom: 1px solid {t.line}; }}
#sample {{ background: {t.sidebar}; border: 1px solid {t.line}; border-radius: 8px; padding: 10px 12px; }}
"""
