"""The table of contents of the help pages: which page stands under which heading, and in which order.

Invariant: every page of Alcove stands under one heading; one that is not named here comes last, under its own. It
knows topics only: titles and texts are the pages' own.
"""

from __future__ import annotations

from collections.abc import Iterable

from desktop.core.errors import N_

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        N_("Getting to know Alcove"),
        (
            *("about", "hello", "guide", "start-chat", "requirements", "cost", "languages", "appearance"),
            *("palette", "shortcuts", "background", "update"),
        ),
    ),
    (
        N_("Chats"),
        (
            *("edit", "regenerate", "continue", "stop", "copy", "clear", "instruction", "thinking", "statistics"),
            *("search", "organise", "delete-chat", "saved", "export", "exact-prompt", "completion"),
        ),
    ),
    (
        N_("Models"),
        (
            *("which-model", "get-model", "choose-model", "download", "import", "remove-model", "files"),
            *("llm", "gguf", "quantisation", "gated", "token"),
        ),
    ),
    (
        N_("Memory and speed"),
        (
            *("memory", "out-of-memory", "context", "speed", "tune", "gpu", "settings", "sampling", "max-tokens"),
            "command-line",
        ),
    ),
    (N_("Privacy"), ("privacy", "offline")),
    (N_("When something goes wrong"), ("mistakes", "load-failed", "crash")),
)
OTHERS = N_("Other pages")


def arranged(topics: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The headings that have pages among these, each with its topics in order."""
    left = list(topics)
    found = [(heading, [topic for topic in order if topic in left]) for heading, order in SECTIONS]
    known = {topic for _heading, order in SECTIONS for topic in order}
    found.append((OTHERS, [topic for topic in left if topic not in known]))
    return [(heading, held) for heading, held in found if held]
