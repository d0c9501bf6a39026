"""Safer settings, step by step down to where nothing is left."""

from __future__ import annotations

from dataclasses import asdict

from desktop.core.generation import LoadSettings
from desktop.core.safety import safer


def test_every_step_changes_one_setting_until_nothing_is_left() -> None:
    settings = LoadSettings(context=0, gpu_layers=-1, mlock=True)
    path = []
    while (following := safer(settings)) != settings:
        changed = [k for k, v in asdict(following).items() if v != asdict(settings)[k]]
        assert len(changed) == 1
        path.append((changed[0], asdict(following)[changed[0]]))
        settings = following
    assert path == [
        ("context", 4096),
        ("context", 2048),
        ("repack", False),
        ("gpu_layers", 16),
        ("gpu_layers", 8),
        ("gpu_layers", 4),
        ("gpu_layers", 2),
        ("gpu_layers", 1),
        ("gpu_layers", 0),
        ("mlock", False),
        ("batch", 128),
    ]


def test_a_large_context_shrinks_fast_and_stays_whole() -> None:
    assert safer(LoadSettings(context=131072)).context == 32768
    assert safer(LoadSettings(context=8000)).context == 2048
    assert safer(LoadSettings(context=1024)).context == 1024
