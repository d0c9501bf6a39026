"""What can go wrong, as a tree, so that every layer above can tell the environment's faults from our own.

    UserError               the environment's or the person's: shown in place, one sentence, exit status 1
    ├── ModelFileError      a file that is not a sound GGUF: cut short, lying, of a foreign kind
    ├── LoadError           a sound file that this engine or this machine cannot load
    ├── TemplateError       a chat template that raises, loops, or reaches where it may not
    ├── MemoryShort         memory was about to run out, and a reply was ended before it did; its text is kept
    ├── PromptTooLong       what must be sent does not fit the context
    ├── EngineDied          the engine process ended by itself; the text so far is kept
    ├── ChatFileError       an import that is not a chat of ours
    ├── SettingError        a value outside its bounds
    ├── StorageError        disk full, read-only, no permission, a database from elsewhere
    ├── NetworkError        no connection: no network, a proxy, a certificate, a time limit
    │   └── Sealed          the offline switch is on
    ├── HubError            the Hub answered, but not with what was asked for
    │   └── GatedError      the repository wants its terms accepted, or a token
    └── TransferError       a download that cannot become the file that was promised
    anything else           a bug of ours: traceback in the log, a dialogue that offers a report

A `UserError` carries a message id (English text with `{placeholders}`) and the fields that fill it; `ui` and `cli`
translate the id. It never carries a traceback or another exception's text as its only content.
"""

from __future__ import annotations

from dataclasses import dataclass


def N_(message: str) -> str:
    """Marks a message id for extraction; translated later, where a person reads it."""
    return message


class UserError(Exception):
    """A fault of the environment, said in one sentence: `message` is the id, `fields` fill its placeholders."""

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message.format(**self.fields)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.fields))


def _rebuild(kind: type[UserError], message: str, fields: dict[str, object]) -> UserError:
    return kind(message, **fields)


class ModelFileError(UserError):
    """The file is not a sound GGUF."""


class LoadError(UserError):
    """The file is sound, but this engine or this machine cannot load it."""


class TemplateError(UserError):
    """The model's chat template cannot be used."""


class MemoryShort(UserError):
    """Memory was about to run out, and what was under way has been ended."""


class PromptTooLong(UserError):
    """The opening and the newest message alone exceed the context."""


class EngineDied(UserError):
    """The engine process ended without being asked to."""


class ChatFileError(UserError):
    """A file offered as an exported chat is not one."""


class SettingError(UserError):
    """A settings value outside its bounds, or of the wrong kind."""


class StorageError(UserError):
    """The disk, its permissions, or a database that is not ours to write."""


class NetworkError(UserError):
    """No connection came about: network, proxy, certificate or a time limit."""


class Sealed(NetworkError):
    """The offline switch is on, so the connection was not even tried."""


class HubError(UserError):
    """The Hub answered, but not with what was asked for."""


class GatedError(HubError):
    """The repository wants its terms accepted, or a token. Fields: `repo`, and `url` of the page where that is done."""


class TransferError(UserError):
    """A download cannot become the file that was promised."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell the person once: a message id and its fields."""

    message: str
    fields: dict[str, object]

    def __str__(self) -> str:
        return self.message.format(**self.fields)
