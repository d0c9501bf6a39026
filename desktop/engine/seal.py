"""The engine's processes have no network: whatever in them opens a connection from Python is refused.

Invariant: once `close_off` has been called, no socket of this process's Python connects, sends to an address, or looks
up a name, loopback included; it cannot be undone. Libraries of C are not seen by Python's audit events (PEP 578):
llama.cpp is built without a network. The switch a person has is `services.online.network`'s.
"""

from __future__ import annotations

import sys
from functools import cache

WATCHED = frozenset(
    "socket.connect socket.getaddrinfo socket.gethostbyname socket.gethostbyaddr socket.getnameinfo "
    "socket.sendto socket.sendmsg".split()
)


class Refused(ConnectionRefusedError):
    """What a library sees that tried to connect where it may not: an `OSError`, which all of them know."""


@cache
def close_off() -> None:
    """Refuses every connection from now on."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event in WATCHED:
        raise Refused("The engine has no network.")
