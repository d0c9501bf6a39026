"""Names that nothing else has: of chats, messages, models, downloads."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """A unique name that sorts by time, like a UUID of version 7 with nanoseconds."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"
