"""What every package of Alcove says about itself, and where the build puts its things.

Invariant: the version stands in `pyproject.toml` and nowhere else; the parts of the build ask here. Nothing is built
here. There is no `__init__.py` in this folder, lest it hide the `packaging` that Python's tools import.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"  # what is made on the way
DIST = ROOT / "dist"  # what is given to people
STAGED = DIST / "alcove"  # the program: one folder, started in place
ICONS = BUILD / "icons"
RESOURCES = BUILD / "resources"  # as they lie in the program
LICENCES = RESOURCES / "licences.txt"

NAME = "Alcove"
EXECUTABLE = "alcove"
IDENTIFIER = "dev.alcove.Alcove"  # of the desktop entry, the AppStream component, the macOS bundle
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION: str = PROJECT["version"]
SUMMARY: str = PROJECT["description"]
