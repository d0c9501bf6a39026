"""Downloads as the rest of the window hears of them, over a queue that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

from desktop.app.models import Models
from desktop.core.transfer import Download, State


class Queue:
    def __init__(self, *downloads: Download) -> None:
        self.downloads = {download.id: download for download in downloads}
        self.heard: list[Callable[[], None]] = []

    def all(self) -> list[Download]:
        return list(self.downloads.values())

    def listen(self, heard: Callable[[], None]) -> None:
        self.heard.append(heard)

    def move(self, id: str, state: State) -> None:
        self.downloads[id] = replace(self.downloads[id], state=state)
        for heard in self.heard:
            heard()


def download(label: str, state: State) -> Download:
    return Download(label, "TheBloke/x-GGUF", "0" * 40, label, (), 100, state=state)


def test_each_end_of_a_download_is_told_once(qapp, look) -> None:
    queue = Queue(*(download(name, State.WAITING) for name in ("a", "b", "c")), download("old", State.DONE))
    library = SimpleNamespace(all=list, listen=lambda _heard: None)
    models = Models(
        look, SimpleNamespace(library=library, preferences=None, downloads=queue), SimpleNamespace(spawn=None)
    )
    told: list[tuple[str, bool]] = []
    models.ended.connect(lambda name, whole: told.append((name, whole)))
    assert models.transfers.running == 3
    for id, state in (
        *(("a", State.RUNNING), ("a", State.VERIFYING), ("a", State.DONE), ("a", State.DONE)),
        *(("b", State.RUNNING), ("b", State.PAUSED), ("b", State.RUNNING), ("b", State.FAILED)),
        ("c", State.PAUSED),  # by the person: no end
    ):
        queue.move(id, state)
    assert told == [("a", True), ("b", False)]
