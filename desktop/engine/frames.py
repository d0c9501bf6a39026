"""What crosses the pipe between the application and the engine process: numbered, typed, bounded JSON frames.

Invariant: a frame is four bytes of length (big-endian, at most 64 MiB), then ASCII JSON; what is read has exactly the
fields and kinds of one of the dataclasses named here, or `FrameError` is raised. A number ties an answer to its order.
Text may hold NUL and lone surrogates. Nothing is executed or imported on account of a frame, and no pickles are read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import BinaryIO, cast, get_args, get_origin, get_type_hints

from desktop.core.errors import UserError
from desktop.core.generation import (
    Appended,
    Finished,
    GenerateRequest,
    LoadProgress,
    LoadSettings,
    ModelInfo,
    Piece,
    PromptProgress,
)

MAX_FRAME = 64 << 20
_ERRORS: list[type[UserError]] = [UserError, *UserError.__subclasses__()]
_KINDS = {kind.__name__: kind for kind in _ERRORS}


class FrameError(Exception):
    """The other side sent what is no frame of ours."""


@dataclass(frozen=True, slots=True)
class Load:
    """Order: load a model. `path` as `os.fsdecode` gives it, as is `states`, the folder for what was read; "" for none.

    `budget` is what that folder may hold, in bytes.
    """

    path: str
    settings: LoadSettings
    states: str = ""
    budget: int = 0


@dataclass(frozen=True, slots=True)
class Generate:
    """Order: generate a reply."""

    request: GenerateRequest


@dataclass(frozen=True, slots=True)
class Prepare:
    """Order: read the beginning of a prompt ahead of its being asked. Any order that comes later ends it.

    `draft`: it ends in words that a person may still take back, and what is new of it is not put on disk.
    """

    request: GenerateRequest
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """Order: put on disk what was read, if that is not there yet."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Order: what was read of a chat is wanted no more, neither in memory nor on disk.

    "": all that is on disk, where nothing is put then until a reply is asked for; memory keeps what it has.
    """

    chat: str


@dataclass(frozen=True, slots=True)
class Afford:
    """Order: from now on `states` and `budget` are these, meant as in `Load`."""

    states: str
    budget: int


@dataclass(frozen=True, slots=True)
class Count:
    """Order: count the tokens of several prompts."""

    prompts: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, slots=True)
class List:
    """Order: show the tokens of a prompt."""

    prompt: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Order: end the order whose number the frame carries, running or waiting."""


@dataclass(frozen=True, slots=True)
class Loaded:
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Prepared:
    """Tokens read now, and those in the KV cache of the `total` that could be read ahead."""

    read: int
    held: int
    total: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes written."""

    size: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    pass


@dataclass(frozen=True, slots=True)
class Afforded:
    pass


@dataclass(frozen=True, slots=True)
class Counted:
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Id and text of each token; what is no whole character shows as U+FFFD."""

    tokens: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An order ended with a `UserError`."""

    kind: str
    message: str
    fields: dict[str, str | int | float]

    @staticmethod
    def of(error: UserError) -> Failed:
        plain = {k: v if isinstance(v, str | int | float) else str(v) for k, v in error.fields.items()}
        return Failed(type(error).__name__, error.message, plain)

    def error(self) -> UserError:
        return _KINDS.get(self.kind, UserError)(self.message, **self.fields)


@dataclass(frozen=True, slots=True)
class Crashed:
    """An order met a bug of ours; the traceback is in the engine's log."""

    traceback: str


Order = Load | Generate | Prepare | Keep | Forget | Afford | Count | List | Stop
Progress = LoadProgress | PromptProgress | Appended
Final = Loaded | Finished | Prepared | Kept | Forgotten | Afforded | Counted | Listed | Failed | Crashed
Answer = Progress | Final
Message = Order | Answer
_TYPES: dict[str, type] = {kind.__name__: kind for kind in get_args(Message)}


def encode(number: int, message: Message) -> bytes:
    """A whole frame. Raises `FrameError` beyond 64 MiB."""
    body = json.dumps([number, type(message).__name__, asdict(message)], separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes")
    return len(body).to_bytes(4, "big") + body


def decode(body: bytes) -> tuple[int, Message]:
    """Number and message of a frame without its length."""
    try:
        number, name, content = json.loads(body)
        return int(number), cast(Message, _build(_TYPES[name], content))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FrameError(str(error)) from error


def read(stream: BinaryIO) -> tuple[int, Message] | None:
    """The next frame, waiting for it; None where the stream has ended, in the middle of a frame too."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    length = int.from_bytes(head, "big")
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes")
    body = stream.read(length)
    return decode(body) if len(body) == length else None


@cache
def _hints(kind: type) -> dict[str, object]:
    return dict(get_type_hints(kind))


def _build(hint: object, value: object) -> object:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        if parts[-1] is Ellipsis:
            return tuple([_build(parts[0], v) for v in value])
        return tuple([_build(part, v) for part, v in zip(parts, value, strict=True)])
    if origin is dict and isinstance(value, dict):
        return {key: _scalar(v) for key, v in value.items()}
    if isinstance(hint, type):
        if is_dataclass(hint) and isinstance(value, dict):
            if value.keys() != {f.name for f in fields(hint)}:
                raise FrameError(f"{hint.__name__}: {sorted(value)}")
            return hint(**{name: _build(_hints(hint)[name], v) for name, v in value.items()})
        if issubclass(hint, StrEnum):
            return hint(str(value))
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
    raise FrameError(f"{value!r:.60} is no {hint}")


def _scalar(value: object) -> str | int | float:
    if isinstance(value, str | int | float):
        return value
    raise FrameError(f"{value!r:.60} is no plain value")
