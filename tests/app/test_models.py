"""Downloads as the rest of the window hears of them, over a queue that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

from desktop.app.models import Models
from desktop.core.errors import UserError
from desktop.core.transfer import Download, State


class Queue:
    def __init__(self, *downloads: Download) -> None:
        self.downloads = {download.id: download for download in downloads}
        self.heard: list[Callable[[], None]] = []

    def all(self) -> list[Download]:
        return list(self.downloads.values())

    def listen(self, heard: Callable[[], None]) -> None:
        self.heard.append(heard)

    def move(self, id: str, state: State, problem: UserError | None = None) -> None:
        self.downloads[id] = replace(self.downloads[id], state=state, problem=problem)
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
    began: list[str] = []
    models.began.connect(began.append)
    models.ended.connect(lambda download: told.append((download.id, download.state is State.DONE)))
    assert models.transfers.running == 3
    for id, state in (
        *(("a", State.RUNNING), ("a", State.VERIFYING), ("a", State.DONE), ("a", State.DONE)),
        *(("b", State.RUNNING), ("b", State.PAUSED), ("b", State.RUNNING), ("b", State.FAILED)),
        ("c", State.PAUSED),  # by the person: no end
    ):
        queue.move(id, state)
    assert told == [("a", True), ("b", False)]
    queue.move("b", State.WAITING)
    queue.move("b", State.PAUSED, UserError("The disk is full."))
    assert told[2:] == [("b", False)]
    assert began == ["a", "b", "c", "b", "b"]
    assert not models.shows_downloads


def test_what_has_arrived_is_chatted_with_while_it_is_there(qapp, look) -> None:
    shelf = [SimpleNamespace(id="1", name="phi-2", present=True), SimpleNamespace(id="2", name="x", present=False)]
    library = SimpleNamespace(all=lambda: shelf, listen=lambda _heard: None)
    models = Models(look, SimpleNamespace(library=library, preferences=None), SimpleNamespace(spawn=None))
    chosen: list[str] = []
    models.chosen.connect(chosen.append)
    for model_id in ("1", "2", "3"):
        models.chat(model_id)
    assert chosen == ["phi-2"]
