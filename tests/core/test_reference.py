"""The reference page is the table's, word for word."""

from __future__ import annotations

from pathlib import Path

from desktop.core.reference import page
from desktop.core.settings import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_setting_is_on_the_page() -> None:
    text = page()
    for row in TABLE:
        assert f"### {row.label}\n\n{row.help}" in text
        assert f"key `{row.key}`" in text
