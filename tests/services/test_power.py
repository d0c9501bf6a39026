"""Whether the computer runs on its battery: asked rarely, and believed only where it is said."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import psutil
import pytest

from desktop.services.power import ASKED_EVERY_S, Power, unplugged


@pytest.mark.parametrize(
    ("battery", "expected"),
    [
        (None, False),
        (SimpleNamespace(percent=80, power_plugged=True), False),
        (SimpleNamespace(percent=80, power_plugged=None), False),
        (SimpleNamespace(percent=80, power_plugged=False), True),
    ],
)
def test_only_what_is_said_counts(battery: object, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert unplugged() is expected


def test_a_driver_that_fails_counts_as_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError("no such battery")

    monkeypatch.setattr(psutil, "sensors_battery", broken, raising=False)
    assert unplugged() is False
    monkeypatch.delattr(psutil, "sensors_battery")
    assert unplugged() is False


def test_the_system_is_asked_rarely() -> None:
    now, asked, plugged = [100.0], [], [True]

    def ask() -> bool:
        asked.append(now[0])
        return not plugged[0]

    power = Power(ask, lambda: now[0])

    async def scene() -> None:
        assert not await power.on_battery()
        plugged[0] = False
        now[0] += ASKED_EVERY_S - 1
        assert not await power.on_battery()
        now[0] += 1
        assert await power.on_battery()
        assert asked == [100.0, 100.0 + ASKED_EVERY_S]

    asyncio.run(scene())
