"""The program, its models and the chat pane as other tests make them, and an input method in place of the system's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtGui import QGuiApplication

from tests.access.method import InputMethod, System
from tests.flows.conftest import alcove, brief, endless, home
from tests.panes.chat.conftest import pane, view, wait
from tests.panes.conftest import _collected_here

__all__ = ["_collected_here", "alcove", "brief", "endless", "home", "pane", "view", "wait"]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[System], InputMethod]:
    """Begins with the input method of a system."""

    def begin(system: System) -> InputMethod:
        method = InputMethod(system)
        monkeypatch.setattr(QGuiApplication, "inputMethod", staticmethod(lambda: method))
        return method

    return begin
