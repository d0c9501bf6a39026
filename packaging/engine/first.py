"""What a frozen Alcove runs first: on a processor that is too old it says so and ends.

A runtime hook of PyInstaller, because PyInstaller's own hook for Qt imports it before the program itself begins, and Qt
ends there without a window or a word that a person would see.
"""

import sys

from desktop.cli import baseline

if baseline.refused():
    sys.exit(1)
