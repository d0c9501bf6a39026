"""A report holds nothing that tells who the person is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from desktop.ui.report import redacted, report


@pytest.mark.parametrize(
    ("text", "home", "name", "clean"),
    [
        ('File "/home/김철수/a.py"', PurePosixPath("/home/김철수"), "김철수", 'File "~/a.py"'),
        (r"C:\Users\D'Angelò\x", PureWindowsPath(r"C:\Users\D'Angelò"), "D'Angelò", r"~\x"),
        (r"'c:\\users\\ann lee\\x'", PureWindowsPath(r"C:\Users\Ann Lee"), "Ann Lee", r"'~\\x'"),
        ("C:/Users/Ann/x", PureWindowsPath(r"C:\Users\Ann"), "Ann", "~/x"),
        ("/mnt/ann/annex owned by Ann", PurePosixPath("/home/ann"), "ann", "/mnt/user/annex owned by user"),
        ("a cat", PurePosixPath("/"), "a", "a cat"),
    ],
)
def test_home_and_name_are_taken_out(text: str, home: Any, name: str, clean: str) -> None:
    assert redacted(text, home, {name, ""}) == clean


def test_a_report_tells_versions_and_traceback() -> None:
    def fail() -> None:
        raise KeyError(str(Path.home() / "x"))

    with pytest.raises(KeyError) as caught:
        fail()
    text = report(caught.value)
    assert text.startswith("Alcove ")
    assert "in fail" in text
    assert str(Path.home()) not in text
