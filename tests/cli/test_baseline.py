"""A processor that is too old: a sentence, in the person's language, before Qt is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_OLD = """
import sys
from desktop.cli import baseline, main
baseline.lacks_baseline = lambda: ["SSE4.2", "POPCNT"]
status = main(sys.argv[1:])
print(*sorted(name for name in sys.modules if name.split(".")[0] in ("PySide6", "numpy", "llama_cpp")))
sys.exit(status)
"""


@pytest.mark.parametrize("given", [[], ["--self-test"], ["chat"], ["engine-probe"], ["my.gguf"]])
def test_it_is_said_whatever_was_asked_for(given: list[str]) -> None:
    environment = {**os.environ, "LANGUAGE": "en"}
    done = subprocess.run([sys.executable, "-c", _OLD, *given], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "too old for Alcove: it lacks SSE4.2, POPCNT," in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout.split() == []


def test_a_processor_that_is_new_enough_passes_unnoticed(capsys: pytest.CaptureFixture[str]) -> None:
    from desktop.cli import baseline

    assert not baseline.refused()
    assert capsys.readouterr() == ("", "")
