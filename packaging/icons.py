"""Makes every icon of the packages from the one picture, resources/icons/alcove.svg: `python packaging/icons.py`.

Writes `build/icons`: `alcove-SIZE.png`, and the same pictures as `alcove.ico` for Windows and `alcove.icns` for macOS.

Invariant: both containers hold the PNG files byte for byte. It draws with Qt, which the program has
anyway, and needs no screen for it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import product
from PySide6.QtCore import QBuffer, QIODevice, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SOURCE = product.ROOT / "resources" / "icons" / "alcove.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512, 1024)
IN_ICO = (16, 24, 32, 48, 64, 256)  # what Windows asks for, at 100 to 400 %
IN_ICNS = (  # the types of entries that may hold PNG, and their pixels; ic11 to ic14 are for twofold screens
    *((b"ic07", 128), (b"ic08", 256), (b"ic09", 512), (b"ic10", 1024)),
    *((b"ic11", 32), (b"ic12", 64), (b"ic13", 256), (b"ic14", 512)),
)


def drawn(size: int) -> bytes:
    """The picture as PNG, `size` pixels wide and high."""
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    image.setDotsPerMeterX(3780)  # 96 an inch; else what the screen of the builder has gets into the file
    image.setDotsPerMeterY(3780)
    painter = QPainter(image)
    QSvgRenderer(str(SOURCE)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    held = QBuffer()
    held.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(held, "PNG")  # type: ignore[call-overload]  # PySide6 says str, as Qt's own bindings do
    return bytes(held.data().data())


def ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' container: a head, a directory, and the pictures; a width of 256 is written as 0."""
    head = struct.pack("<HHH", 0, 1, len(IN_ICO))
    at, rows, body = len(head) + 16 * len(IN_ICO), b"", b""
    for size in IN_ICO:
        picture = pictures[size]
        rows += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(picture), at + len(body))
        body += picture
    return head + rows + body


def icns(pictures: dict[int, bytes]) -> bytes:
    """Apple's container: each entry with its type and its length, the head's own eight bytes included."""
    body = b"".join(kind + struct.pack(">I", len(pictures[n]) + 8) + pictures[n] for kind, n in IN_ICNS)
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def make(folder: Path = product.ICONS) -> None:
    """Writes them all."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {size: drawn(size) for size in SIZES}
    for size, picture in pictures.items():
        (folder / f"alcove-{size}.png").write_bytes(picture)
    (folder / "alcove.ico").write_bytes(ico(pictures))
    (folder / "alcove.icns").write_bytes(icns(pictures))


if __name__ == "__main__":
    make()
