"""The gallery is complete, small, and what pages refer to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from scripts.pictures import LANGUAGES, PICTURES, ROOT, index, keep, shots
from tests.look.scenes import SCENES

MOST_BYTES = 12_000_000  # of all of them: they are kept with the source


def test_every_scene_has_its_pictures_and_the_page_shows_them() -> None:
    wanted = {
        f"{scene}-{shot[0]}.png"
        for scene in SCENES
        for language in LANGUAGES
        for group in shots(language, scene)
        for shot in group
    }
    assert wanted - {path.name for path in PICTURES.glob("*.png")} == set()
    assert set(re.findall(r'src="([^"]+)"', index(list(SCENES)))) == wanted
    assert (PICTURES / "README.md").read_text("utf-8") == index(list(SCENES))


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < MOST_BYTES


@pytest.mark.parametrize("page", ["README.md", "docs/pictures/README.md"])
def test_what_is_shown_is_there(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    shown = [*re.findall(r"!\[[^]]*\]\(([^)]+)\)", text), *re.findall(r'src="([^"]+)"', text)]
    assert shown
    assert [name for name in shown if not ((ROOT / page).parent / name).exists()] == []


def test_few_colours_are_kept_as_they_are(tmp_path: Path) -> None:
    image = QImage(20, 5, QImage.Format.Format_RGB32)
    for x in range(20):
        for y in range(5):
            image.setPixelColor(x, y, QColor(x * 10, y * 40, 77))
    keep(image, tmp_path / "few.png")
    assert QImage(str(tmp_path / "few.png")).convertToFormat(QImage.Format.Format_RGB32) == image


def test_of_many_colours_similar_ones_stand_for_the_rare(tmp_path: Path) -> None:
    image = QImage(510, 4, QImage.Format.Format_RGB32)
    for x in range(510):
        for y in range(4):
            image.setPixelColor(x, y, QColor(x // 2, x // 2, x % 2))
    keep(image, tmp_path / "many.png")
    kept = QImage(str(tmp_path / "many.png"))
    apart = [abs(kept.pixelColor(x, 0).red() - x // 2) for x in range(510)]
    assert kept.colorCount() <= 256
    assert max(apart) <= 16  # a neighbourhood of colours
