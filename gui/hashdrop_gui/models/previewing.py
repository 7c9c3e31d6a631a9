"""What a file looks like, from its first bytes: decoded in a worker thread, bounded, nothing in it is run.

Neither scripts nor links of a file are followed: an SVG, which may name other files, is shown as text.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from typing import cast

from PySide6.QtCore import QBuffer
from PySide6.QtCore import QByteArray
from PySide6.QtCore import QIODevice
from PySide6.QtCore import QSize
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtGui import QImageReader

from hashdrop_gui.models.wording import size_text
from hashdrop_gui.models.wording import tr

TEXT_BYTES = 256 * 1024
"""Of a text, table or tree that are read at most."""
IMAGE_BYTES = 64_000_000
"""Of the largest image that is read, whole: one of 4,096 x 4,096 pixels of 16 bits has 33.6 MB."""
LARGEST_SIDE = 1024
"""Pixels of the picture that is kept, at most."""
_MOST_PIXELS = 64 * 1024**2
"""Of an image; while it is scaled down all of them are in memory, 4 bytes each."""
_IMAGE_FORMATS = frozenset(
    {"bmp", "gif", "ico", "jpeg", "jpg", "pbm", "pgm", "png", "ppm", "tif", "tiff", "webp", "xbm", "xpm"}
)  # fmt: skip
_TEXT_SHOWN = 64 * 1024
_LINE_SHOWN = 1_000
_ROWS_SHOWN = 200
_COLUMNS_SHOWN = 40
_CELL_SHOWN = 200
_NODES_SHOWN = 1_000
_DEEPEST = 30
_TEXTS = frozenset(
    {
        "application/javascript",
        "application/sql",
        "application/toml",
        "application/x-sh",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    }
)
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


class Kind(StrEnum):
    """How a file is shown."""

    IMAGE = "image"
    TEXT = "text"
    TABLE = "table"
    TREE = "tree"
    NAME = "name"
    """By its name only."""


@dataclass(frozen=True, slots=True)
class Words:
    """Instead of a preview."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, scaled down."""

    image: QImage
    size: QSize
    """Of the whole, pixels."""


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text."""

    text: str
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a table."""

    titles: list[str]
    rows: list[list[str]]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a tree, with what is in it."""

    name: str
    text: str
    children: list[Node]


@dataclass(frozen=True, slots=True)
class Tree:
    """The first values of a JSON document."""

    nodes: list[Node]
    is_whole: bool


Content = Words | Picture | Text | Table | Tree


def kind_of(content_type: str, name: str) -> Kind:
    """Return how a file is shown.

    Args:
        content_type: MIME type, maybe with parameters.
        name: Of the file; decides where the type says nothing.
    """
    plain = content_type.partition(";")[0].strip().lower()
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if plain in {"text/csv", "text/tab-separated-values"} or ending in {"csv", "tsv"}:
        return Kind.TABLE
    if (
        plain == "application/json"
        or plain.endswith("+json")
        or ending in {"json", "ndjson", "jsonl"}
    ):
        return Kind.TREE
    if plain.startswith("text/") or plain in _TEXTS or plain.endswith("+xml"):
        return Kind.TEXT
    if plain.startswith("image/") or ending in _IMAGE_FORMATS:
        return Kind.IMAGE
    if ending in {"log", "md", "txt", "ini", "toml", "yaml", "yml"}:
        return Kind.TEXT
    return Kind.NAME


def bytes_wanted(kind: Kind, size: int | None) -> int:
    """Return how many of a file's first bytes its preview needs; 0 for none.

    Args:
        kind: How it is shown.
        size: Bytes of the file; `None` where it is not known.
    """
    match kind:
        case Kind.IMAGE:
            return 0 if size is None or size > IMAGE_BYTES else size
        case Kind.TEXT | Kind.TABLE | Kind.TREE:
            return TEXT_BYTES if size is None else min(size, TEXT_BYTES)
        case Kind.NAME:
            return 0


def words_without(kind: Kind, size: int | None, content_type: str) -> Words:
    """Return what stands where nothing is read."""
    if kind is Kind.IMAGE:
        limit = size_text(IMAGE_BYTES)
        return Words(
            tr("{size}: images above {limit} are not previewed.").format(
                size=size_text(size) or "?", limit=limit
            )
        )
    if content_type.startswith(("audio/", "video/")):
        return Words(tr("Sound and film are shown by name only."))
    return Words(tr("No preview of this type."))


def decode(kind: Kind, data: bytes, *, is_whole: bool) -> Content:
    """Make a preview; blocking, for a worker thread.

    Args:
        kind: How the file is shown.
        data: Its first bytes.
        is_whole: Whether they are all.
    """
    if kind is Kind.IMAGE:
        return _picture(data)
    if not data:
        return Words(tr("The file is empty."))
    text = _text_of(data)
    if text is None:
        return Words(tr("This is no text that can be read."))
    match kind:
        case Kind.TABLE:
            return _table(text, is_whole=is_whole)
        case Kind.TREE:
            return _tree(text, is_whole=is_whole)
        case _:
            return _plain(text, is_whole=is_whole)


def _picture(data: bytes) -> Content:
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return _read(buffer)


def _read(buffer: QBuffer) -> Content:
    reader = QImageReader(buffer)  # here, so that it goes before what it reads from
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    if bytes(reader.format().data()).decode(errors="replace").lower() not in _IMAGE_FORMATS:
        return Words(tr("This image cannot be shown."))
    size = reader.size()
    if size.isValid() and size.width() * size.height() > _MOST_PIXELS:
        words = tr("{width} × {height} pixels: too large to be shown here.")
        return Words(words.format(width=f"{size.width():,}", height=f"{size.height():,}"))
    if size.isValid() and max(size.width(), size.height()) > LARGEST_SIDE:
        wanted = size.scaled(LARGEST_SIDE, LARGEST_SIDE, Qt.AspectRatioMode.KeepAspectRatio)
        reader.setScaledSize(wanted.expandedTo(QSize(1, 1)))
    image = reader.read()
    if image.isNull():
        return Words(tr("This image cannot be shown."))
    return Picture(image, size if size.isValid() else image.size())


def _text_of(data: bytes) -> str | None:
    """Return bytes as text; `None` where they are none."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4:  # cut within a character
            return data[: error.start].decode()
        return data.decode("latin-1")


def _plain(text: str, *, is_whole: bool) -> Text:
    shown = text[:_TEXT_SHOWN]
    lines = [
        line if len(line) <= _LINE_SHOWN else f"{line[:_LINE_SHOWN]}…"
        for line in shown.splitlines()
    ]
    return Text("\n".join(lines), is_whole and len(shown) == len(text))


def _table(text: str, *, is_whole: bool) -> Content:
    if not is_whole:
        text = text[: text.rfind("\n") + 1] or text
    first = text.partition("\n")[0]
    separator = max(",;\t|", key=first.count)
    rows: list[list[str]] = []
    widest = 0
    try:
        for row in csv.reader(io.StringIO(text), delimiter=separator):
            if len(rows) > _ROWS_SHOWN:
                break
            widest = max(widest, len(row))
            rows.append([cell[:_CELL_SHOWN] for cell in row[:_COLUMNS_SHOWN]])
    except csv.Error:
        return _plain(text, is_whole=is_whole)
    if not rows:
        return Words(tr("The table is empty."))
    fits = len(rows) <= _ROWS_SHOWN and widest <= _COLUMNS_SHOWN
    return Table(rows[0], rows[1 : _ROWS_SHOWN + 1], is_whole and fits)


def _tree(text: str, *, is_whole: bool) -> Content:
    try:
        values, is_cut = _values(text, is_whole=is_whole)
    except (ValueError, RecursionError):
        return _plain(text, is_whole=is_whole)
    left = [_NODES_SHOWN]
    if len(values) == 1:
        top = _node("", values[0], left, 0, is_cut=is_cut)
        nodes = top.children or [top]
    else:
        nodes = [_node(str(at + 1), one, left, 0) for at, one in enumerate(values) if left[0] > 0]
    return Tree(nodes, is_whole and left[0] > 0)


def _values(text: str, *, is_whole: bool) -> tuple[list[Any], bool]:
    """Return the document, or those of JSON lines, and whether it was cut; of a part as much as is there.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return [json.loads(text)], False
    except ValueError:
        lines = text.splitlines()
        if not is_whole and len(lines) > 1:
            lines = lines[:-1]
        try:
            values = [json.loads(line) for line in lines[:_NODES_SHOWN] if line.strip()]
        except ValueError:
            values = []
        if values:
            return values, False
        if is_whole:
            raise
    return [json.loads(_closed(text))], True


def _closed(text: str) -> str:
    """Return the beginning of a JSON document as a document: cut behind its last whole value, and closed."""
    open_now: list[str] = []
    cut, open_there = 0, ""
    for match in _JSON_TOKEN.finditer(text):
        mark = match[0]
        if mark in "[{":
            open_now.append("]" if mark == "[" else "}")
            cut, open_there = match.end(), "".join(reversed(open_now))
        elif mark in "]}":
            if not open_now:
                break
            open_now.pop()
            cut, open_there = match.end(), "".join(reversed(open_now))
        elif mark == ",":
            cut, open_there = match.start(), "".join(reversed(open_now))
    return text[:cut] + open_there


def _node(name: str, value: object, left: list[int], depth: int, *, is_cut: bool = False) -> Node:
    """Return a value with what is in it; of what was cut nobody knows how many there are."""
    left[0] -= 1
    more = "+" if is_cut else ""
    items: list[tuple[str, object]] = []
    if isinstance(value, dict):
        items = list(cast("dict[str, object]", value).items())
        text = tr("{n} entries").format(n=f"{len(items):,}{more}") if items else "{}"
    elif isinstance(value, list):
        items = [(str(at), one) for at, one in enumerate(cast("list[object]", value))]
        text = tr("{n} values").format(n=f"{len(items):,}{more}") if items else "[]"
    else:
        text = json.dumps(value, ensure_ascii=False)[:_CELL_SHOWN]
    children: list[Node] = []
    for at, (key, one) in enumerate(items if depth < _DEEPEST else ()):
        if left[0] <= 0:
            break
        is_last = is_cut and at + 1 == len(items)
        children.append(_node(key[:_CELL_SHOWN], one, left, depth + 1, is_cut=is_last))
    return Node(name, text, children)
