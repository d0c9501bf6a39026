"""Why the engine process ended, in a sentence.

Invariant: every exit status has an answer, and each tells what to do next; the technical part is in the error's
`detail` field. Whether the death was asked for is known by `engine.client`; that a reply is kept as far as it came is
said where it stands, as an engine may as well die while it loads or is probed.
"""

from __future__ import annotations

import re

from desktop.core.errors import N_, EngineDied

_MEMORY = N_(
    "There was not enough memory, and the engine ended. Load the model again with a smaller context, or choose a "
    "smaller variant."
)
_KILLED = N_(
    "The engine was ended from outside, probably because memory ran out. Load the model again, with a smaller context "
    "if this repeats itself."
)
_INSTRUCTION = N_(
    "This processor lacks an instruction that the engine uses. This computer needs another build of Alcove."
)
_CHECK = N_(
    "The engine found a fault in the model or in itself and ended: {reason}. Load the model again; if this repeats "
    "itself, choose another variant."
)
_FAULT = N_(
    "The engine crashed. Load the model again; if this repeats itself, use fewer GPU layers or another variant."
)
_FILE = N_(
    "The model's file changed or its drive went away while it was in use, and the engine ended. Load the model again."
)
_ASKED = N_("The system asked the engine to end. Load the model again to go on.")
_OTHER = N_("The engine ended unexpectedly ({reason}). Load the model again to go on.")

# negative: signals as subprocess tells them; large: Windows' NTSTATUS
_SENTENCES = {
    -4: _INSTRUCTION,
    0xC000001D: _INSTRUCTION,
    -9: _KILLED,
    -7: _FILE,
    -10: _FILE,  # SIGBUS on macOS
    0xC0000006: _FILE,
    -11: _FAULT,
    -8: _FAULT,
    0xC0000005: _FAULT,
    0xC00000FD: _FAULT,
    0xC0000017: _MEMORY,
    -15: _ASKED,
    -6: _CHECK,
    3: _CHECK,  # abort() on Windows
    0xC0000409: _CHECK,
}
_COMPLAINT = re.compile(r".*(?:GGML_ASSERT|GGML_ABORT|ggml_abort|what\(\):|fatal error|Error: ).*")
_FOLDER = re.compile(r".*[/\\](?=[^/\\:]+:\d+: )")  # where whoever built the library kept its source
_NO_MEMORY = re.compile(r"bad_alloc|failed to allocate|unable to allocate|out of memory|MemoryError", re.IGNORECASE)
_LOG_LINES = 20


def explain(status: int, log: str) -> EngineDied:
    """The error for an exit status as `subprocess` gives it and the last of what the process wrote to stderr."""
    complaints = _COMPLAINT.findall(log)
    reason = _FOLDER.sub("", complaints[-1]).strip() if complaints else _named(status)
    sentence = _SENTENCES.get(status, _OTHER)
    if sentence in (_CHECK, _OTHER) and _NO_MEMORY.search(log):
        sentence = _MEMORY
    detail = f"{_named(status)}\n" + "\n".join(log.splitlines()[-_LOG_LINES:])
    return EngineDied(sentence, reason=reason[:300], status=status, detail=detail)


def _named(status: int) -> str:
    if status < 0:
        return f"signal {-status}"
    return f"status 0x{status:08X}" if status > 255 else f"status {status}"
