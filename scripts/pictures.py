"""The gallery, `docs/pictures`: every pane in every language, look and size: `python scripts/pictures.py [scenes]`.

The window is opened off screen once for each language, over a data folder with chats, models and downloads and beside
the Hub of the tests, and once more over an empty one, for the first start. It is led through the scenes of
`tests.look`, and drawn into files in every look and size live.
The letters are Inter's, as on a desktop of today; Hangul and emoji need fonts that have them (Debian: fonts-inter,
fonts-noto-cjk, fonts-noto-color-emoji).
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QImageWriter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.flows.person import Person  # noqa: E402  (the source tree, not an installed Alcove)
from tests.hub import HubServer  # noqa: E402
from tests.hub.shapes import MISTRAL_REPO, bloke_repository  # noqa: E402
from tests.look.journeys import leave  # noqa: E402
from tests.look.pseudo import compile_catalogue  # noqa: E402
from tests.look.scenes import FLEETING, SCENES  # noqa: E402
from tests.look.stage import PSEUDO, Journey, Stage, live  # noqa: E402
from tests.look.world import RUNNING, furnish  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
LANGUAGES = {"en": "English", "ko": "한국어", "it": "Italiano"}
LOOKS = ("light", "dark")
SIZES = ((1280, 800), (900, 600))
LARGE = "it"  # the language of the pictures with text at 200 %: of the three, its words are the longest
MAIN = ("welcome", "chat", "palette", "library", "variants", "downloads", "settings")  # also large in a small window
FIRST = "welcome"  # the scene of the first start: nothing is in its data folder
COLOURS = 128
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <match target="pattern">
    <test name="family"><string>sans-serif</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
</fontconfig>
"""
_FREQUENT = 80  # of these, the commonest colours; the others stand each for many that are rare

Shot = tuple[str, str, str, int, tuple[int, int]]  # the end of its name, language, look, size of text, of the window


def shots(language: str, scene: str) -> Iterator[list[Shot]]:
    """The pictures of a scene; it is set anew for every list."""
    yield [
        (f"{language}-{look}-{size[0]}", language, look, 100, size) for look, size in itertools.product(LOOKS, SIZES)
    ]
    if language == LARGE:
        yield [(f"{language}-200", language, "light", 200, SIZES[0])]
        yield [(f"{language}-200-{SIZES[1][0]}", language, "light", 200, SIZES[1])] if scene in MAIN else []
    if language == "en":
        yield [("pseudo", PSEUDO, "light", 100, SIZES[1])]


async def shoot(person: Person, pseudo: str, language: str, *scenes: str) -> None:
    """Leads the window through the scenes and draws it."""
    stage = Stage(person, pseudo)
    for group in zip(*(shots(language, scene) for scene in scenes), strict=True):
        for scene, wanted in zip(scenes, group, strict=True):
            if not wanted:
                continue
            await stage.dress(wanted[0][1], text_size=wanted[0][3])
            await stage.resize(*SIZES[0])
            await SCENES[scene](stage)
            for end, spoken, look, percent, size in wanted:
                await stage.dress(spoken, look, percent)
                await stage.resize(*size)
                if stage.above() or scene in FLEETING:  # a dialogue takes its size from the window when it opens
                    await stage.clear()
                    await SCENES[scene](stage)
                await asyncio.sleep(0.2)  # what is laid out late, like a shortened title, is there
                keep(stage.picture(), PICTURES / f"{scene}-{end}.png")
            await leave(stage, scene)


def keep(image: QImage, path: Path) -> None:
    """As a small file: a palette of 128 colours is as good as all for a window."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.bytesPerLine() // 4)
    colours, places, counts = np.unique(rows[:, : image.width()], return_inverse=True, return_counts=True)
    table = palette(colours, counts)
    indexed = nearest(colours, table)[places.ravel()].astype(np.uint8)
    small = QImage(indexed.tobytes(), image.width(), image.height(), image.width(), QImage.Format.Format_Indexed8)
    small.setColorTable([int(colour) for colour in table])
    writer = QImageWriter(str(path), b"png")
    writer.setCompression(100)
    if not writer.write(small):
        raise OSError(writer.errorString())


def palette(colours: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The commonest colours, and of the others the commonest of each of the commonest neighbourhoods."""
    order = np.argsort(-counts, kind="stable")
    if len(order) <= COLOURS:
        return colours
    often, rare = order[:_FREQUENT], order[_FREQUENT:]
    _hoods, first, which = np.unique(colours[rare] & 0xF0F0F0, return_index=True, return_inverse=True)
    weight = np.bincount(which, counts[rare])
    chosen = np.argsort(-weight, kind="stable")[: COLOURS - _FREQUENT]
    return np.concatenate([colours[often], colours[rare[first[chosen]]]])


def nearest(colours: NDArray[np.uint32], table: NDArray[np.uint32]) -> NDArray[np.intp]:
    """For each colour the place of the most similar one in the table."""
    split = [[(part >> shift & 0xFF).astype(np.int32) for shift in (0, 8, 16)] for part in (colours, table)]
    apart = sum((mine[:, None] - its[None, :]) ** 2 for mine, its in zip(*split, strict=True))
    return np.asarray(np.argmin(apart, axis=1))


def index(scenes: Sequence[str]) -> str:
    """The page that shows all pictures."""
    lines = [
        "# The gallery",
        "",
        "Made by `python scripts/pictures.py` from the running program; nobody edits them by hand. Beside the three",
        "languages stands one that nobody speaks, 40 % longer and in brackets: what has none was not translated.",
    ]
    for scene in scenes:
        lines += ["", f"## {scene.capitalize().replace('-', ' ')}", ""]
        lines += [
            "| | light, 1280 × 800 | dark, 1280 × 800 | light, 900 × 600 | dark, 900 × 600 |",
            "|---|---|---|---|---|",
        ]
        for language, called in LANGUAGES.items():
            cells = [thumbnail(f"{scene}-{language}-{look}-{size[0]}") for size in SIZES for look in LOOKS]
            lines.append(f"| {called} | {' | '.join(cells)} |")
        large = [f"{scene}-{LARGE}-200", *[f"{scene}-{LARGE}-200-{SIZES[1][0]}"] * (scene in MAIN)]
        shown = map(thumbnail, (*large, f"{scene}-pseudo"))
        lines += ["", "Text at 200 %, and the made-up language:", *shown]
    return "\n".join([*lines, ""])


def thumbnail(name: str) -> str:
    return f'<a href="{name}.png"><img src="{name}.png" alt="{name}" width="240"></a>'


def journey() -> Journey:
    """`shoot`, as the window's process can import it: this file may be running as `__main__`."""
    return importlib.import_module("scripts.pictures").shoot  # type: ignore[no-any-return]


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    scenes = [scene for scene in SCENES if not sys.argv[1:] or scene in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "fonts.conf").write_text(FONTS, encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
        pseudo = compile_catalogue(folder / "pseudo")
        held = bloke_repository(folder / "hub", true_sizes=True)
        for language in LANGUAGES:
            with HubServer({MISTRAL_REPO: held}) as hub:
                os.environ["HF_ENDPOINT"] = hub.endpoint
                hub.misbehave(RUNNING, on="cdn", piece=1_000_000, every_s=0.05)
                asyncio.run(furnish(folder / language, folder / "models", language, held))
                live(folder / language, journey(), pseudo, language, *(scene for scene in scenes if scene != FIRST))
                if FIRST in scenes:
                    live(folder / f"{language}, empty", journey(), pseudo, language, FIRST)
            print(language)
    (PICTURES / "README.md").write_text(index(list(SCENES)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
