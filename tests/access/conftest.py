"""The program, its models and the chat pane as other tests make them, and an input method in place of the system's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from tests.access.method import InputMethod, System
from tests.flows.conftest import alcove, brief, endless, home
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository
from tests.panes.chat.conftest import pane, view, wait
from tests.panes.conftest import _collected_here

__all__ = ["_collected_here", "alcove", "brief", "endless", "home", "pane", "view", "wait"]


@pytest.fixture
def stalling_hub(tmp_path: Path, brief: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Hub that the program asks has one repository with two variants, whose downloads stall half-way."""
    held = bloke_repository(tmp_path / "hub", model=brief, only=("Q2_K", "Q4_K_M"))
    with HubServer({MISTRAL_REPO: held}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.misbehave(".gguf", on="cdn", stall_after=4_000_000)
        yield


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[System], InputMethod]:
    """Begins with the input method of a system."""

    def begin(system: System) -> InputMethod:
        method = InputMethod(system)
        monkeypatch.setattr(QGuiApplication, "inputMethod", staticmethod(lambda: method))
        return method

    return begin
