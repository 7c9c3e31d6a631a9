"""How it looks: both schemes, contrast, names for those who cannot see icons."""

from __future__ import annotations

import itertools
from importlib.resources import files

import anyio
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton
from PySide6.QtWidgets import QLabel

from hashdrop.transfers.events import State
from hashdrop_gui.theme import DARK
from hashdrop_gui.theme import LIGHT
from hashdrop_gui.theme import drawing
from hashdrop_gui.theme import state_colour
from support.window import until

SCHEMES = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """As https://www.w3.org/TR/WCAG21/#dfn-relative-luminance says."""
    channels = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in QColor(colour).getRgbF()[:3]
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_computed_as_the_standard_says():
    """Black on white is 21 : 1, a colour on itself 1 : 1."""
    assert pytest.approx(21.0) == contrast("#000000", "#FFFFFF")
    assert pytest.approx(1.0) == contrast("#1F6FEB", "#1F6FEB")


@SCHEMES
def test_every_text_is_legible_on_its_ground(tokens):
    """At least 4.5 : 1 for each colour of text on each ground that it stands on."""
    t = tokens
    pairs = set(itertools.product((t.text, t.second), (t.background, t.sidebar, t.selection, t.hover, t.track)))  # fmt: skip
    pairs |= set(itertools.product((t.accent,), (t.background, t.selection, t.hover)))
    pairs |= {
        (state_colour(state, t), ground)
        for state in State
        for ground in (t.background, t.selection, t.hover)
    }
    pairs |= {(t.on_accent, t.accent), (t.text, t.line), (t.second, t.line)}
    pairs |= {(t.failed, t.sidebar), (t.waiting, t.background), (t.waiting, t.selection)}
    faint = {pair: round(contrast(*pair), 2) for pair in pairs if contrast(*pair) < 4.5}

    assert faint == {}


def grounds(driver) -> set[str]:
    """The colours of the window's background and sidebar, off the screen."""
    picture = driver.window.grab().toImage()
    ratio = picture.devicePixelRatio()
    points = ((driver.window.width() - 6, 100), (100, driver.window.height() - 120))
    return {picture.pixelColor(int(x * ratio), int(y * ratio)).name().upper() for x, y in points}


async def test_the_window_follows_the_desktop(driver, monkeypatch):
    """Dark when the desktop turns dark, light again with it, without a restart."""
    hints = QGuiApplication.styleHints()
    seen = []
    for scheme, tokens in (("dark", DARK), ("light", LIGHT)):
        monkeypatch.setenv("HASHDROP_THEME", scheme)  # the offscreen desktop has no scheme to turn
        hints.colorSchemeChanged.emit(hints.colorScheme())
        await until(lambda wanted=tokens: grounds(driver) == {wanted.background, wanted.sidebar}, 5)
        seen.append(driver.page.delegate._tokens)

    assert seen == [DARK, LIGHT]


async def test_a_theme_can_be_forced(opened, monkeypatch):
    """HASHDROP_THEME wins over the desktop, for pictures and for those who want it so."""
    monkeypatch.setenv("HASHDROP_THEME", "dark")
    async with opened() as driver:
        assert {DARK.background, DARK.sidebar} == grounds(driver)


async def test_no_button_begins_with_a_ring(driver):
    """The ring of the keyboard's focus comes with the keyboard, not with the window."""
    await until(driver.window.isActiveWindow)

    assert not isinstance(driver.window.focusWidget(), QAbstractButton)


async def test_cancel_all_appears_under_no_other_button(driver, tmp_path):
    """It comes with the first file: whoever is about to press the limit then would cancel everything."""
    bar = driver.window.bottom
    others = (bar.limit, bar.turn, bar.more)
    driver.window.holding.pause_all()
    await anyio.sleep(0.05)
    before = [one.geometry() for one in others]
    (tmp_path / "a.txt").write_text("a")
    driver.drop(tmp_path / "a.txt")
    await until(bar.cancel.isVisible)
    await anyio.sleep(0.05)

    assert before == [one.geometry() for one in others]
    assert not any(bar.cancel.geometry().intersects(one) for one in before)


async def test_every_button_has_a_name(driver):
    """Also those that show an icon only."""
    nameless = [
        button
        for button in driver.window.findChildren(QAbstractButton)
        if not (button.text() or button.accessibleName())
        and not button.objectName().startswith("qt_")
        and button.isVisible()
    ]

    assert nameless == []


async def test_where_there_is_no_room_for_words_there_are_icons(two_stored):
    """With their names; and the words are back with the room."""
    window, sidebar = two_stored.window, two_stored.window.sidebar
    window.resize(600, 480)
    await until(lambda: sidebar.width() < 100)
    names = [one.accessibleName() for one in (sidebar.transfers, sidebar.pointers)]
    tips = [one.toolTip() for one in (sidebar.transfers, sidebar.pointers)]
    texts = sidebar.transfers.text()
    sidebar.transfers.set_count(2)
    counted = sidebar.transfers.accessibleName()
    window.resize(900, 600)
    await until(lambda: sidebar.width() > 100)

    assert names == tips == ["Transfers", "Pointers"]
    assert texts == ""
    assert counted == "Transfers, 2 active"
    assert (sidebar.transfers.text(), sidebar.transfers.toolTip()) == ("Transfers", "")


@pytest.mark.parametrize("count", [2, 100_000])
async def test_nothing_is_cut_off(two_stored, count):
    """At each size every visible label and button is as wide as its words."""
    driver = two_stored
    driver.page._pills.show_counts([count] * 5)
    cut = {}
    for size in ((1120, 700), (900, 600), (720, 480), (600, 480)):
        driver.window.resize(*size)
        await until(lambda size=size: (driver.window.width(), driver.window.height()) == size)
        await anyio.sleep(0.05)
        cut[size] = [
            widget.text()
            for kind in (QLabel, QAbstractButton)
            for widget in driver.window.findChildren(kind)
            if widget.isVisible()
            and widget.text()
            and not (isinstance(widget, QLabel) and widget.wordWrap())
            and widget.width() < widget.minimumSizeHint().width()
        ]

    assert {size: words for size, words in cut.items() if words} == {}


def test_every_drawing_is_ours_and_can_be_drawn(qapp):
    """Each SVG has something in it, at 16 pixels, too."""
    icons = [
        entry.name.removesuffix(".svg")
        for entry in files("hashdrop_resources").joinpath("icons").iterdir()
        if entry.name.endswith(".svg")
    ]
    colours = (("currentColor", "#000000"), ("@line", "#000000"), ("@accent", "#000000"), ("@ground", "#FFFFFF"))  # fmt: skip
    empty = []
    for name in icons:
        image = drawing(name, QSize(16, 16), colours).toImage()
        if not any(image.pixelColor(x, y).alpha() > 60 for x in range(16) for y in range(16)):
            empty.append(name)

    assert "hashdrop" in icons
    assert empty == []
