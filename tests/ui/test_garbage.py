"""Forgotten Qt objects end in the thread they belong to, whatever other threads make meanwhile."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.ui.garbage import collected_here
from desktop.ui.loop import run


class Forgotten(QObject):
    """Garbage in a cycle, with a timer that only its own thread may end."""

    def __init__(self, ends: list[str]) -> None:
        super().__init__()
        self.itself = self
        self.timer = QTimer(self)
        self.timer.start(10_000)
        self.ends = ends

    def __del__(self) -> None:
        self.ends.append(threading.current_thread().name)


def work() -> None:
    """Makes enough objects for several collections."""
    kept: list[Any] = []
    for number in range(20_000):
        kept.append([number, kept])


def test_another_threads_work_ends_no_widget(qapp: QApplication) -> None:
    ends: list[str] = []

    async def main() -> int:
        Forgotten(ends)
        thread = threading.Thread(target=work, name="other")
        thread.start()
        await asyncio.to_thread(thread.join)
        assert ends == []
        return 0

    assert run(main()) == 0
    gc.collect()
    assert ends == ["MainThread"]
    assert gc.isenabled()


def test_garbage_is_collected_while_the_window_is_open(qapp: QApplication) -> None:
    ends: list[str] = []
    with collected_here(every_ms=5):
        Forgotten(ends)
        for _round in range(400):
            work()
            QTest.qWait(1)
            if ends:
                break
    assert ends == ["MainThread"]


def test_a_collector_that_is_off_stays_off(qapp: QApplication) -> None:
    gc.disable()
    try:
        with collected_here():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_program_itself_is_looked_at_once(qapp: QApplication) -> None:
    before = gc.get_threshold()
    gc.set_threshold(10, 1, 1)  # so that the oldest generation's turn comes soon
    try:
        with collected_here(every_ms=2):
            for _round in range(400):
                work()
                QTest.qWait(1)
                if gc.get_freeze_count():
                    break
            assert gc.get_freeze_count() > 10_000
        assert gc.get_freeze_count() == 0
    finally:
        gc.set_threshold(*before)
