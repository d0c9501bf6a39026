"""The numbers and colours the look of Alcove is made of: grid, radii, type scale, and colours by meaning.

Invariant: no other module names a colour, a font size or a radius; every text colour has at least 4.5 : 1 contrast on
every ground, the edge of a control and the focus ring 3 : 1 on those they stand on. Widgets take them from `ui.theme`,
which knows which of them are in use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from PySide6.QtGui import QFont

# The 4-pixel grid.
XS, S, M, L, XL, XXL = 4, 8, 12, 16, 24, 32
RADIUS_S, RADIUS, RADIUS_L = 6, 10, 16
TARGET = 28  # the least height and width of what is pressed; WCAG 2.2 asks for 24
ELEVATION = 12  # how far the shadow of what floats reaches
LINE = "Seventy letters, with the spaces between words, make an easy line here"  # 70: what a line holds at best


@dataclass(frozen=True, slots=True)
class Colours:
    """`#rrggbb` by meaning."""

    ground: str  # behind what is read
    side: str  # behind lists
    raised: str  # behind code, and of cards
    floating: str  # what lies above the rest: menus, the palette
    hover: str
    selected: str  # the chosen row of a list
    bubble: str
    warning_ground: str
    mark: str  # behind what a search found
    selection: str
    button: str  # with an alpha (`#aarrggbb`): a button stands on any ground
    button_hover: str
    button_edge: str  # around it and what is chosen, for who asks for more contrast
    line: str  # between parts; says nothing that is not said otherwise
    edge: str  # of what is typed into, ticked or drawn along
    text: str
    muted: str
    accent: str
    accent_hover: str
    on_accent: str
    warning: str
    danger: str
    code_keyword: str
    code_text: str  # strings
    code_number: str
    code_name: str  # what is defined or called
    code_comment: str


LIGHT = Colours(
    ground="#ffffff",
    side="#f5f5f3",
    raised="#f6f6f4",
    floating="#ffffff",
    hover="#ebebe8",
    selected="#e3ebe9",
    bubble="#e6f0ed",
    warning_ground="#fcf3e2",
    mark="#ffe9a8",
    selection="#b9dcd5",
    button="#12141c1a",
    button_hover="#20141c1a",
    button_edge="#00141c1a",
    line="#e2e2de",
    edge="#84898e",
    text="#1c1e20",
    muted="#5b6167",
    accent="#17695f",
    accent_hover="#11564e",
    on_accent="#ffffff",
    warning="#84520a",
    danger="#b3261e",
    code_keyword="#8b3a8f",
    code_text="#2f6b33",
    code_number="#9a4a0f",
    code_name="#1f5c9c",
    code_comment="#686d73",
)
DARK = Colours(
    ground="#1b1c1e",
    side="#151618",
    raised="#242629",
    floating="#26282b",
    hover="#313539",
    selected="#24383a",
    bubble="#233836",
    warning_ground="#332b1d",
    mark="#5d5020",
    selection="#2f5f58",
    button="#1affffff",
    button_hover="#28ffffff",
    button_edge="#00ffffff",
    line="#34373b",
    edge="#777b80",
    text="#e6e6e3",
    muted="#a8adb2",
    accent="#66c2b2",
    accent_hover="#85d3c5",
    on_accent="#0d211d",
    warning="#eac07a",
    danger="#f2938c",
    code_keyword="#d9a0dc",
    code_text="#9fce97",
    code_number="#e8b285",
    code_name="#8fbef0",
    code_comment="#969ba1",
)
# For who asks the system for more contrast: quiet text is nearly text, every line is an edge.
LIGHT_SHARP = replace(
    LIGHT,
    line="#6b7075",
    edge="#3c4145",
    button_edge="#3c4145",
    text="#000000",
    muted="#33383c",
    accent="#0c4f47",
    warning="#5f3a00",
    danger="#8c1812",
    code_keyword="#6b2870",
    code_text="#1d5222",
    code_number="#703404",
    code_name="#15467a",
    code_comment="#4a4f54",
)
DARK_SHARP = replace(
    DARK,
    line="#8b9095",
    edge="#c2c6ca",
    button_edge="#c2c6ca",
    text="#ffffff",
    muted="#d4d8db",
    accent="#8fe0d2",
    danger="#ffb8b2",
    code_comment="#bcc1c6",
)


class Type(Enum):
    """The type scale: pixels at 100 %, and weight."""

    DISPLAY = (26, QFont.Weight.DemiBold)
    TITLE = (20, QFont.Weight.DemiBold)
    HEADING = (15, QFont.Weight.DemiBold)
    READING = (16, QFont.Weight.Normal)
    BODY = (14, QFont.Weight.Normal)
    SMALL = (12, QFont.Weight.Normal)
    CODE = (13.5, QFont.Weight.Normal)  # its letters look larger
