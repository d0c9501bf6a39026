"""What of a chat is in the KV cache now, as the engine said last: nobody waits for that to be read.

Invariant: never more than is there: another chat, opening, process or branch, or a reply that did not begin, makes it
less, or unknown. Nothing is asked of the engine. The built-in guide, whose every question has a page before it, is
better not told of.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop.core.chat import Chat, Message
from desktop.core.prefix import shared
from desktop.engine.client import Engine


class Held:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pid: int | None = None
        self._forgotten = 0
        self._chat: Chat | None = None
        self._path: tuple[Message, ...] = ()
        self._tokens = 0

    def put(self, chat: Chat, path: Sequence[Message], tokens: int) -> None:
        """The engine holds this many tokens of a chat with this path."""
        self._pid, self._forgotten = self._engine.pid, self._engine.forgotten
        self._chat, self._path, self._tokens = chat, tuple(path), tokens

    def lose(self) -> None:
        """The engine begins something, and what it will hold then is not known."""
        self._pid = None

    def replied(self, chat: Chat, path: Sequence[Message], reply: Message) -> None:
        """A reply has ended, whose prompt was made of `path`."""
        if reply.timings.first_token_s:  # else the prompt may not have been read to its end
            before = path[:-1] if path and path[-1].id == reply.id else path
            self.put(chat, [*before, reply], _total(reply))

    def of(self, chat: Chat, path: Sequence[Message]) -> int | None:
        """Tokens of this path that are held; None where that is not known."""
        mine = self._chat
        if mine is None or self._pid is None or self._pid != self._engine.pid or mine.id != chat.id:
            return None
        if self._forgotten != self._engine.forgotten:
            return None
        if mine.opening != chat.opening:
            return 0
        same = shared([message.id for message in self._path], [message.id for message in path])
        if same == len(self._path):
            return self._tokens
        return min(self._tokens, next((_total(m) for m in reversed(path[:same]) if m.usage.prompt_tokens), 0))


def _total(reply: Message) -> int:
    return reply.usage.prompt_tokens + reply.usage.completion_tokens
