"""Requests to the engine and the events that come back, as plain values.

Everything here survives a round trip through JSON (`engine.frames`), because it crosses a pipe: tuples of numbers and
strings, never objects with behaviour. Nothing here knows llama.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

from desktop.core.settings import GPU_AUTOMATIC, Values


class PieceKind(StrEnum):
    """How a piece of a rendered prompt becomes tokens."""

    SPECIAL = "special"  # one control token, written by the template: parsed
    TEXT = "text"  # template words and what people wrote: never parsed for control tokens
    REPLY = "reply"  # an earlier reply, whose own tokens the engine may still know


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of prompt text of one kind."""

    kind: PieceKind
    text: str


class FlashAttention(StrEnum):
    AUTO = "auto"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a model is loaded; a change of any of these needs a new load.

    `gpu_layers` -1 means all, -2 as many as the graphics card has room for. `threads` generate, `batch_threads` read
    the prompt; 0 means the machine's default.
    `context` and `batch` are tokens; context 0 means what the model was trained on.
    """

    context: int = 4096
    batch: int = 512
    threads: int = 0
    batch_threads: int = 0
    gpu_layers: int = GPU_AUTOMATIC
    flash_attention: FlashAttention = FlashAttention.AUTO
    kv_type: str = "f16"
    mmap: bool = True
    mlock: bool = False
    repack: bool = True


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. `max_tokens` -1: until the model ends or the context is full. `seed` -1: random."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.1
    seed: int = -1
    max_tokens: int = -1
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """A rendered prompt and how to go on from it.

    `chat` names the conversation whose state the engine keeps on disk; "" for one that leaves nothing there. `lookup`:
    whether words of the prompt may be tried as drafts where that is faster; the text is the same either way.
    """

    prompt: tuple[Piece, ...]
    sampling: Sampling = field(default_factory=Sampling)
    chat: str = ""
    lookup: bool = True


class StopReason(StrEnum):
    """Why a reply ended."""

    STOP = "stop"  # the model's own end-of-generation token, or a stop string
    LENGTH = "length"  # max_tokens reached
    CONTEXT = "context"  # the context is full
    CANCELLED = "cancelled"  # the person pressed stop
    MEMORY = "memory"  # the computer was about to run out of memory
    DIED = "died"  # the engine ended; the text so far is kept


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the engine knows of a loaded model; `special_tokens` are the texts only a template may write."""

    name: str
    architecture: str
    context: int  # tokens the KV cache holds
    trained_context: int
    vocabulary: int
    layers: int
    gpu_layers: int
    device: str  # "CPU", or the name of the device that holds the layers
    bos: str
    eos: str
    special_tokens: tuple[str, ...]
    load_s: float
    size_bytes: int
    parameters: int
    shifts: bool  # whether the KV cache can be cut (false for recurrent models)
    notes: tuple[str, ...] = ()  # message ids of what did not go as the settings wished


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply: all of the prompt, those of it not read again, those written."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds and tokens per second of one reply. `load_s` is 0 where the model was loaded already."""

    load_s: float = 0.0
    first_token_s: float = 0.0
    prompt_per_s: float = 0.0
    generation_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Loading: fraction 0..1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Reading the prompt: tokens read of those that had to be read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Appended:
    """Text to add to the reply; whole characters only."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The reply has ended. `drafted` tokens were tried several at once, of which `accepted` were right."""

    stop_reason: StopReason
    usage: Usage
    timings: Timings
    drafted: int = 0
    accepted: int = 0


GenerateEvent = PromptProgress | Appended | Finished


def load_settings(values: Values) -> LoadSettings:
    """The resolved values a load needs."""
    picked = {f.name: values[f.name] for f in fields(LoadSettings)}
    return LoadSettings(**{**picked, "flash_attention": FlashAttention(str(values["flash_attention"]))})  # type: ignore[arg-type]


def sampling(values: Values) -> Sampling:
    """The resolved values a reply needs."""
    return Sampling(**{f.name: values[f.name] for f in fields(Sampling)})  # type: ignore[arg-type]
