"""The header parser against a coverage-guided fuzzer, by hand: `python -m tests.core.fuzz_gguf FOLDER [OPTIONS]`.

Needs `pip install atheris`, which the tests do without. FOLDER keeps what was found to lead somewhere; the options are
libFuzzer's. What runs of it brought is in `docs/testing.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["desktop.core.gguf", "desktop.core.quants"]):
    from desktop.core import gguf
from desktop.core.errors import ModelFileError
from tests.core.test_gguf import SOUND

LONGEST_SENTENCE = 2000  # characters; a sentence may quote a lie, not pass it on whole


def examined(data: bytes) -> None:
    """Whatever the bytes: an answer that holds, a wish for more that can be granted, or a sentence."""
    _wanted, sentence = told(lambda: gguf.said_type(gguf.begun(data, len(data))))
    assert len(sentence) < LONGEST_SENTENCE
    for size in (None, len(data), len(data) + 1000):
        wanted, sentence = told(partial(parsed, data, size))
        assert wanted is None or wanted > len(data), "it would ask for ever"
        assert wanted is None or size is None or wanted <= max(size, 24), "more than the file has"
        assert len(sentence) < LONGEST_SENTENCE


def told(work: Callable[[], object]) -> tuple[int | None, str]:
    """How many bytes it wants, if it does, and what it says is wrong, if anything."""
    try:
        work()
    except gguf.NeedMore as more:
        return more.bytes_needed, ""
    except ModelFileError as error:
        return None, str(error)
    return None, ""


def parsed(data: bytes, size: int | None) -> None:
    """The header, and everything that is made of it."""
    header = gguf.parse(data, size)
    assert 0 <= header.parts <= 9999
    assert header.context_length >= 0
    for name in ("name", "architecture", "parameters", "weights_bytes", "quantisation", "vocabulary", "chat_template"):
        getattr(header, name)
    header.expected_size()
    gguf.check(header, len(data))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sound").write_bytes(SOUND)
    atheris.Setup(sys.argv, examined)
    atheris.Fuzz()
