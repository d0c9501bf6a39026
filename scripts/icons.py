"""Takes the icons named in `desktop.ui.icons` out of Lucide's package: `python scripts/icons.py PACKAGE`.

PACKAGE is the folder or archive that `npm pack lucide-static` gives. Writes `desktop/ui/lucide.py`, so that the window
reads no files for its icons, and Lucide's licence (ISC) beside the other resources.
"""

from __future__ import annotations

import re
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from desktop.ui.icons import Icon  # noqa: E402  (the source tree, not an installed Alcove)

MODULE = ROOT / "desktop" / "ui" / "lucide.py"
LICENCE = ROOT / "resources" / "icons" / "LICENSE-lucide"
HEAD = '''"""Drawings of Lucide's icons, version {version}; ISC licence, in `resources/icons/LICENSE-lucide`.

Made by `scripts/icons.py`; not to be edited. A drawing is SVG for a grid of 24 units, without its colour and strokes.
"""

DRAWINGS = {{
'''


def main() -> int:
    package = Path(sys.argv[1])
    version = re.search(r'"version":\s*"([^"]+)"', read(package, "package.json"))
    assert version, "no package of Lucide's"
    names = sorted({icon.value for icon in Icon})
    lines = [f"    {quoted(name)}: {quoted(drawing(read(package, f'icons/{name}.svg')))},\n" for name in names]
    MODULE.write_text(HEAD.format(version=version[1]) + "".join(noted(line) for line in lines) + "}\n", "utf-8")
    LICENCE.write_text(read(package, "LICENSE"), "utf-8")
    return 0


def read(package: Path, name: str) -> str:
    """A text file of the package."""
    if package.is_dir():
        return (package / name).read_text("utf-8")
    with tarfile.open(package) as archive:
        file = archive.extractfile(f"package/{name}")
        assert file, name
        return file.read().decode("utf-8")


def drawing(svg: str) -> str:
    """What stands inside a file's `svg` element."""
    inner = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert inner, svg
    return "".join(line.strip() for line in inner[1].splitlines()).replace(" />", "/>").replace('"', "'")


def quoted(text: str) -> str:
    return f'"{text}"'


def noted(line: str) -> str:
    """A line that is too long is let be."""
    return line if len(line) <= 121 else f"{line[:-1]}  # noqa: E501\n"


if __name__ == "__main__":
    sys.exit(main())
