"""Why a sound file is not loaded, in a sentence: what it holds, or what llama.cpp complained of.

Invariant: a file that holds no model of text is told as such, and nobody is sent to download it again. What is wrong
with a file itself is told by `core.gguf`, the death of the process by `engine.death`. llama_cpp is not imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from desktop.core.errors import N_, LoadError
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.gguf import Header
from desktop.engine.cpu import missing_instructions
from desktop.engine.kernels import Kernels

# encoders, embedders, projectors and vocoders of llama.cpp's src/llama-arch.cpp; files of them are common on the Hub
_SPEECHLESS = frozenset(
    "clip bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert gemma-embedding "
    "llama-embed t5encoder wavtokenizer-dec".split()
)
NO_KERNELS = N_("None of the engine's parts can run on this processor. Another build of Alcove may.")
_NOT_LOCKED = ("failed to mlock", "failed to VirtualLock")


def refuse_processor(system_info: str, kernels: Kernels) -> None:
    """Raises `LoadError` where no kernels fit this processor, or it lacks what llama.cpp says it was built for."""
    if not kernels.fit:
        raise LoadError(NO_KERNELS)
    missing = missing_instructions(system_info)
    if missing:
        raise LoadError(
            N_("This processor lacks {missing}, for which this Alcove was built. It needs another build of Alcove."),
            missing=", ".join(missing),
        )


def refuse_settings(settings: LoadSettings) -> None:
    """Raises `LoadError` for settings that llama.cpp cannot combine."""
    if settings.flash_attention is FlashAttention.OFF and settings.kv_type not in ("f16", "f32", "bf16"):
        raise LoadError(
            N_("The KV cache type {type} needs flash attention. Set that to automatic, or the type to f16."),
            type=settings.kv_type,
        )


def refuse_speechless(header: Header, path: Path) -> None:
    """Raises `LoadError` where the header alone says that no text will come of this file."""
    if header.architecture in _SPEECHLESS or header.text("general.type") == "mmproj":
        raise speechless(path)


def speechless(path: Path) -> LoadError:
    """The error for a file that llama.cpp can load, but to no end here."""
    return LoadError(N_("“{name}” is not a model that writes text. Choose a chat or text model."), name=path.name)


def explain(path: Path, complaints: Sequence[str]) -> LoadError:
    """The error for a file that llama.cpp did not load, from the warnings and errors that it logged."""
    said = [line for line in complaints if "failed to load model" not in line]
    text = "\n".join(said)
    if "unknown model architecture" in text:
        kind = text.split("unknown model architecture: '")[-1].split("'")[0]
        return LoadError(
            N_("This engine does not know models of the kind “{architecture}”. A newer Alcove may."),
            architecture=kind,
        )
    if any(word in text for word in ("allocate", "out of memory", "ENOMEM", "Cannot allocate")):
        return LoadError(
            N_("There was not enough memory to load “{name}”. Close other programs, or choose a smaller variant."),
            name=path.name,
            detail=text,
        )
    reason = said[-1].split("error loading model: ")[-1] if said else "?"
    return LoadError(
        N_("The engine cannot use “{name}” ({reason}). Download it again, or choose another variant."),
        name=path.name,
        reason=reason,
    )


def notes(complaints: Sequence[str]) -> tuple[str, ...]:
    """Message ids of what a person should know of a load that succeeded all the same."""
    if any(words in line for line in complaints for words in _NOT_LOCKED):
        return (N_("The model could not be locked in memory. The system's limit is lower."),)
    return ()
