"""Compiles the translations, resources/locale/*/LC_MESSAGES/alcove.po, to the .mo files that gettext reads.

Runs as a build hook, so that a wheel brings them along, and by itself: `python scripts/compile_messages.py`. It does
nothing where there is no translation, and does not extract or check messages: the tests do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself, where nothing is built
    BuildHookInterface = object  # type: ignore[assignment,misc]

CATALOGUES = "resources/locale/*/LC_MESSAGES/alcove.po"


def compile_messages(root: Path) -> list[Path]:
    """Writes a .mo beside every .po below `root`; returns those written."""
    written = []
    for source in sorted(root.glob(CATALOGUES)):
        language = source.parent.parent.name
        with source.open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
        target = source.with_suffix(".mo")
        with target.open("wb") as file:
            write_mo(file, catalogue)
        written.append(target)
    return written


class CustomBuildHook(BuildHookInterface):
    """Called by hatchling before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """The .mo files are not in version control, so they are named as products of the build."""
        compile_messages(Path(self.root))
        build_data["artifacts"].append("resources/locale/*/LC_MESSAGES/alcove.mo")


def main() -> int:
    for path in compile_messages(Path(__file__).resolve().parents[1]):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
