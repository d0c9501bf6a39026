"""Files of which no text will come, told from the header alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.core.errors import LoadError
from desktop.core.gguf import Header
from desktop.engine.refusal import notes, refuse_speechless


def header(architecture: str, kind: str) -> Header:
    return Header(3, {"general.architecture": architecture, "general.type": kind}, (), 0, 32)


def test_projectors_and_embedders_are_refused_by_what_they_say_they_are() -> None:
    for architecture, kind in (("clip", "mmproj"), ("qwen2vl", "mmproj"), ("modern-bert", "model"), ("t5encoder", "")):
        with pytest.raises(LoadError, match=r"“m\.gguf” is not a model that writes text"):
            refuse_speechless(header(architecture, kind), Path("m.gguf"))


def test_chat_models_of_like_names_are_not_refused() -> None:
    for architecture in ("llama", "pangu-embedded", "gemma3", "a-kind-of-tomorrow"):
        refuse_speechless(header(architecture, "model"), Path("m.gguf"))


def test_a_lock_that_failed_is_noted_once_on_every_system() -> None:
    for call in ("mlock", "VirtualLock"):
        warning = f"warning: failed to {call} 4096-byte buffer (after previously locking 0 bytes): no"
        assert len(notes(["", warning, warning])) == 1
    assert notes(["load: control token is not marked as EOG"]) == ()
