"""Every exit status has a sentence that says what to do."""

from __future__ import annotations

import pytest

from desktop.engine.death import explain

ASSERT = "x\n/home/build/my ggml/src/ggml.c:3021: GGML_ASSERT(a->ne[2] == b->ne[2]) failed\nlibggml-base.so(+0x1)\n"


@pytest.mark.parametrize(
    ("status", "log", "words"),
    [
        (-9, "", "memory ran out"),
        (-4, "", "instruction"),
        (0xC000001D, "", "instruction"),
        (-11, "", "crashed"),
        (0xC0000005, "", "crashed"),
        (-10, "", "drive"),
        (-15, "", "asked"),
        (-6, ASSERT, "GGML_ASSERT(a->ne[2] == b->ne[2]) failed"),
        (3, ASSERT, "GGML_ASSERT"),
        (-6, "terminate called\n  what():  std::bad_alloc\n", "not enough memory"),
        (1, "Traceback\nMemoryError\n", "not enough memory"),
        (-6, "", "signal 6"),
        (7, "", "status 7"),
        (0xC0000142, "", "0xC0000142"),
        (0, "", "status 0"),
        (1, "Traceback\nImportError: no library\n", "ImportError: no library"),
    ],
)
def test_sentences(status: int, log: str, words: str) -> None:
    error = explain(status, log)
    assert words in str(error)
    assert str(error).endswith(".")
    assert error.fields["status"] == status


@pytest.mark.parametrize("folder", ["", "/home/build/my ggml/src/", "D:\\a\\llama.cpp\\ggml\\src/", "../"])
def test_no_folder_of_the_builder_is_shown(folder: str) -> None:
    said = str(explain(-6, f"{folder}ggml.c:3021: GGML_ASSERT(a / 2 == b) failed\n"))
    assert "ended: ggml.c:3021: GGML_ASSERT(a / 2 == b) failed." in said


@pytest.mark.parametrize("status", [-4, -6, -7, -8, -9, -11, -15, 0, 0xC0000017])
def test_nothing_is_said_of_a_text_as_none_may_have_been_written(status: int) -> None:
    assert "kept" not in str(explain(status, ""))


def test_the_detail_is_the_end_of_the_log() -> None:
    detail = str(explain(-11, "\n".join(f"line {n}" for n in range(100))).fields["detail"])
    assert "signal 11" in detail
    assert "line 99" in detail
    assert "line 50" not in detail
    assert len(str(explain(-6, "GGML_ASSERT" + "x" * 5000))) < 700
