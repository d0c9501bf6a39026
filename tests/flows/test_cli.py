"""The command line as a shell sees it: real processes, their output, their exit status."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from desktop.assembly import PRIVATE
from tests.flows.conftest import REPLY
from tests.flows.program import PATIENCE_S, Process, Program

ONE_THREAD = ("--threads", "1")  # two would wait for each other on a busy machine
KNOWN = {"name", "path", "size_bytes", "quantisation", "architecture", "context_length", "parameters", "built_in"}
ORIGIN = {"repo", "commit", "sha256"}
BAD = ("missing", "not GGUF", "truncated", "cut in its header", "folder", "empty")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and pipes that break are POSIX")


# -- chat ------------------------------------------------------------------------------------------------------------


def test_one_question_prints_the_reply(alcove: Program, brief: Path) -> None:
    told = alcove.run("chat", brief, "-p", "한국어로?", *ONE_THREAD)
    assert (told.status, told.out, told.err) == (0, REPLY + "\n", "")


def test_the_record_of_a_reply_has_the_documented_fields(alcove: Program, brief: Path) -> None:
    told = alcove.run("chat", brief, "-p", "hello", "--json", *ONE_THREAD)
    assert (told.status, told.err) == (0, "")
    record = told.record
    assert list(record) == ["text", "stop_reason", "usage", "timings"]
    assert (record["text"], record["stop_reason"]) == (REPLY, "stop")
    assert set(record["usage"]) == {"prompt_tokens", "cached_tokens", "completion_tokens"}
    assert record["usage"]["completion_tokens"] == len("한글".encode()) + 2
    assert set(record["timings"]) == {"load_s", "first_token_s", "prompt_per_s", "generation_per_s"}
    assert all(seconds > 0 for seconds in record["timings"].values())


def test_settings_reach_the_engine(alcove: Program, brief: Path, endless: Path) -> None:
    told = alcove.run("chat", endless, "-p", "-", "--json", "-n", "5", "--temp", "0", *ONE_THREAD, given=b"from a pipe")
    assert (told.record["text"], told.record["stop_reason"]) == ("abcde", "length")
    told = alcove.run("chat", endless, "-p", "x", "--json", "--temp", "0", "--stop", "hi", *ONE_THREAD)
    assert (told.record["text"], told.record["stop_reason"]) == ("abcdefg", "stop")
    told = alcove.run("chat", brief, "-p", "x", "--json", "--system", "be brief", *ONE_THREAD)
    assert told.record["usage"]["prompt_tokens"] > len("be brief")


def test_a_dialogue_remembers_until_it_is_cleared(alcove: Program, brief: Path) -> None:
    lines = "the first question\n\nand the second\n/clear\nthe first question\n"
    told = alcove.run("chat", brief, "--json", *ONE_THREAD, given=lines.encode())
    assert (told.status, told.err) == (0, "")
    first, second, anew = (record["usage"] for record in told.records)
    assert second["prompt_tokens"] > first["prompt_tokens"] + first["completion_tokens"]
    assert second["cached_tokens"] >= first["prompt_tokens"]
    assert anew["prompt_tokens"] == first["prompt_tokens"]


def test_an_error_ends_the_turn_and_not_the_dialogue(alcove: Program, brief: Path) -> None:
    lines = "the " * 900 + "\nagain after the clearing\n/clear\nshort\n"
    told = alcove.run("chat", brief, "--ctx", "256", *ONE_THREAD, given=lines.encode())
    assert told.status == 1
    assert told.out.splitlines()[-1] == REPLY
    assert "Traceback" not in told.err


def test_input_that_is_not_utf8_is_answered(alcove: Program, brief: Path) -> None:
    told = alcove.run("chat", brief, *ONE_THREAD, given=b"caf\xe9 \xff\xfe\n")
    assert (told.status, told.out, told.err) == (0, REPLY + "\n", "")


def test_what_is_said_on_the_command_line_is_not_among_the_chats(alcove: Program, brief: Path) -> None:
    alcove.run("chat", brief, "-p", "hello", *ONE_THREAD)
    told = alcove.run("doctor", "--json")
    assert {"topic": "Chats", "seen": "0", "well": True} in told.record["findings"]


def test_what_was_read_on_the_command_line_is_kept_nowhere(
    alcove: Program, brief: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    told = alcove.run("chat", brief, *ONE_THREAD, given=("the secret " * 20 + "\n" + "the other " * 20 + "\n").encode())
    assert told.status == 0
    assert not [path for path in home.rglob("*") if path.suffix in {".state", ".part"}]
    assert not (home / "states").exists()
    assert list((tmp_path / "t").iterdir()) == []


def begin(process: Process, line: str) -> None:
    """Asks, and waits for the first letters of the reply."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    assert os.read(process.stdout.fileno(), 1) == b"a"


def rest_of_line(process: Process) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@posix
def test_an_interrupt_stops_the_reply_and_the_dialogue_goes_on(alcove: Program, endless: Path) -> None:
    with alcove.started("chat", endless, *ONE_THREAD) as process:
        for question in ("go", "다시"):
            begin(process, question)
            process.send_signal(signal.SIGINT)
            assert rest_of_line(process).endswith(b"\n")
        out, err = process.communicate(timeout=PATIENCE_S)  # closes its input: the dialogue ends
    assert (process.returncode, out, err) == (0, b"", b"")


@posix
def test_an_interrupt_at_the_prompt_ends_the_dialogue(alcove: Program, brief: Path) -> None:
    hand, keyboard = os.openpty()  # only a terminal is shown a prompt, and only that tells when it waits
    try:
        with alcove.started("chat", brief, *ONE_THREAD, given=keyboard) as process:
            assert process.stdout is not None
            os.write(hand, b"hello\n")
            assert process.stderr is not None
            seen = told = b""
            while not seen.endswith((REPLY + "\n").encode()):
                seen += os.read(process.stdout.fileno(), 1)
            while told.count(b"> ") < 2:  # what goes into a pipe are replies; the prompt is for the person
                told += os.read(process.stderr.fileno(), 1)
            time.sleep(0.5)  # a signal between the prompt and the wait for a line is heard after the line only
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
    finally:
        os.close(hand)
        os.close(keyboard)


@posix
def test_a_reader_that_goes_away_ends_the_reply_quietly(alcove: Program, endless: Path) -> None:
    with alcove.started("chat", endless, "-p", "go", *ONE_THREAD) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert os.read(process.stdout.fileno(), 1) == b"a"
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 1
        assert process.stderr.read() == b""


@posix
def test_a_reader_that_never_came_is_no_fault_of_ours(alcove: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with alcove.started("models", out=writing) as process:
            assert process.stderr is not None
            assert (process.wait(PATIENCE_S), process.stderr.read()) == (1, b"")
    finally:
        os.close(writing)


@posix
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])  # Windows has no SIGHUP
def test_a_signal_to_end_leaves_nothing_behind(
    alcove: Program, endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, status: int
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    with alcove.started("chat", endless, *ONE_THREAD) as process:
        begin(process, "go")
        assert list((tmp_path / "t").glob(f"{PRIVATE}{process.pid}-*")) != []
        process.send_signal(signal.Signals[name])
        _out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (status, b"")
    assert list((tmp_path / "t").glob(f"{PRIVATE}*")) == []


def test_a_reply_that_was_cut_short_says_so(alcove: Program, endless: Path) -> None:
    told = alcove.run("chat", endless, "-p", "x", "-n", "5", "--temp", "0", *ONE_THREAD)
    assert (told.status, told.out, told.err) == (0, "abcde\n", "The reply ended early: longest answer reached.\n")
    told = alcove.run("chat", endless, "-p", "x", "--ctx", "256", *ONE_THREAD)
    assert told.err == "The reply ended early: context full.\n"


def test_another_template_is_another_prompt(alcove: Program, brief: Path) -> None:
    tokens = {
        name: alcove.run("chat", brief, "-p", "x", "--json", "-n", "1", *name, *ONE_THREAD).record["usage"][
            "prompt_tokens"
        ]
        for name in ((), ("--template", "Alpaca"))
    }
    assert len(set(tokens.values())) == 2


def test_the_guide_says_what_it_has_no_use_for(alcove: Program) -> None:
    told = alcove.run("chat", "-p", "hello", "--system", "be brief", *ONE_THREAD)
    assert (told.status, len(told.err.splitlines())) == (0, 1)
    assert "help pages" in told.err


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["chat", "--threads", "9999"],
        ["chat", "--temp", "hot"],
        ["chat", "--kv-type", "q9"],
        ["chat", "--wings"],
        ["models", "info"],
        ["models", "import", "x", "--copy", "--move"],
    ],
)
def test_bad_usage_is_2(alcove: Program, arguments: list[str]) -> None:
    told = alcove.run(*arguments)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("usage: alcove")
    assert "Traceback" not in told.err


def spoilt(kind: str, folder: Path, sound: Path) -> Path:
    """A path that is no sound model."""
    path = folder / f"l'{kind} 모델.gguf"
    match kind:
        case "not GGUF":
            path.write_bytes(b"PK\x03\x04 certainly a zip file" * 99)
        case "truncated":
            path.write_bytes(sound.read_bytes()[:-70_000])
        case "cut in its header":
            path.write_bytes(sound.read_bytes()[:700])
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
    return path


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        *((kind, ("chat", "-p", "x")) for kind in BAD),
        *((kind, ("models", "import")) for kind in BAD),
        ("truncated", ("models", "info")),
        ("folder", ("bench",)),
    ],
)
def test_a_bad_model_is_one_sentence(
    alcove: Program, tmp_path: Path, brief: Path, kind: str, verb: tuple[str, ...]
) -> None:
    told = alcove.run(*verb, spoilt(kind, tmp_path, brief))
    assert (told.status, told.out) == (1, "")
    assert len(told.err.splitlines()) == 1
    assert told.err.rstrip().endswith((".", "?"))
    assert "Traceback" not in told.err


def test_a_name_nobody_knows(alcove: Program) -> None:
    told = alcove.run("chat", "Mistral 김", "-p", "x")
    assert told.status == 1
    assert "Mistral 김" in told.err
    assert len(told.err.splitlines()) == 1


def test_a_data_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = Program(tmp_path / "file" / "home").run("models")
    assert (told.status, told.out) == (1, "")
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize("verb", [("models",), ("chat", "-p", "x"), ("bench", "--quick")])
def test_what_was_set_aside_is_told(alcove: Program, verb: tuple[str, ...]) -> None:
    alcove.home.mkdir(parents=True)
    (alcove.home / "library.json").write_text(json.dumps({"version": 1, "models": [{"name": 7}]}))
    told = alcove.run(*verb)
    assert told.status == 0
    assert len(told.err.splitlines()) == 1
    assert "-damaged-" in told.err


def test_models_do_without_the_chats(alcove: Program) -> None:
    alcove.home.mkdir(parents=True)
    with closing(sqlite3.connect(alcove.home / "alcove.db")) as newer:
        newer.execute("PRAGMA user_version = 9999")
    told = alcove.run("models", "--json")
    assert (told.status, told.err) == (0, "")
    assert [model["name"] for model in told.record] == ["Guide"]


# -- models ----------------------------------------------------------------------------------------------------------


def test_models_come_are_seen_and_go(alcove: Program, brief: Path, tmp_path: Path) -> None:
    original = tmp_path / "이탈리아 l'una 🦙.gguf"
    original.write_bytes(brief.read_bytes())
    made = alcove.run("models", "import", original, "--json").record
    assert set(made) == {*KNOWN, *ORIGIN, "linked", "present", "changed"}
    assert (made["name"], made["built_in"], made["linked"]) == ("이탈리아 l'una 🦙", False, False)
    assert Path(made["path"]).is_relative_to(alcove.home)
    assert original.exists()
    assert [m["name"] for m in alcove.run("models", "--json").record] == ["Guide", made["name"]]
    info = alcove.run("models", "info", "이탈리아", "--json").record
    assert info["metadata"]["general.architecture"] == info["architecture"] == "llama"
    assert "general.architecture: llama" in alcove.run("models", "info", "이탈리아").out
    assert alcove.run("chat", "이탈리아", "-p", "x", *ONE_THREAD).out == REPLY + "\n"
    assert alcove.run("models", "remove", "이탈리아", "--json").record == {"removed": made["name"]}
    assert [m["name"] for m in alcove.run("models", "--json").record] == ["Guide"]
    assert not Path(made["path"]).exists()
    assert alcove.run("models", "remove", "Guide").status == 1


def test_a_link_leaves_the_file_and_a_move_takes_it(alcove: Program, brief: Path, tmp_path: Path) -> None:
    linked, moved = tmp_path / "linked.gguf", tmp_path / "moved.gguf"
    for path in (linked, moved):
        path.write_bytes(brief.read_bytes())
    made = alcove.run("models", "import", linked, "--link", "--json").record
    assert (made["path"], made["linked"]) == (str(linked), True)
    alcove.run("models", "remove", "linked")
    assert linked.exists()
    moved.write_bytes(moved.read_bytes() + bytes(32))  # another model than the first
    made = alcove.run("models", "import", moved, "--move", "--json").record
    assert made["linked"] is False
    assert Path(made["path"]).is_file()
    assert not moved.exists()


@posix
def test_a_file_name_that_is_not_utf8(alcove: Program, brief: Path, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.gguf")
    Path(path).write_bytes(brief.read_bytes())
    for how in ("--link", "--copy"):
        told = alcove.run("models", "import", path, how, "--json")
        assert (told.status, told.err) == (0, "")
        assert told.record["name"].startswith("caf")
    assert alcove.run("models", "--json").status == 0


# -- bench and doctor ------------------------------------------------------------------------------------------------


def test_bench_measures(alcove: Program, brief: Path) -> None:
    told = alcove.run("bench", brief, "--json", "--quick", "--limit", "3000", *ONE_THREAD)
    assert (told.status, told.err) == (0, "")
    figures = told.record
    assert figures["threads"] == 1
    assert 500 < figures["prompt_tokens"] <= 514  # a token before the text, and what one word more would have been
    assert min(figures["prompt_per_s"], figures["generation_per_s"], figures["engine_bytes"]) > 0


def test_bench_leaves_half_the_context(alcove: Program, brief: Path) -> None:
    told = alcove.run("bench", brief, "--json", "--quick", "--limit", "3000", "--ctx", "256", *ONE_THREAD)
    assert 100 < told.record["prompt_tokens"] <= 128


def test_the_doctor_finds_this_machine_well(alcove: Program) -> None:
    told = alcove.run("doctor", "--json")
    assert told.err == ""
    ill = [finding for finding in told.record["findings"] if not finding["well"]]
    assert (ill, told.record["well"], told.status) == ([], True, 0)
    assert {"topic": "Data folder", "seen": str(alcove.home), "well": True} in told.record["findings"]


def test_the_doctor_names_what_is_wrong(alcove: Program) -> None:
    alcove.home.mkdir(parents=True)
    (alcove.home / "alcove.db").write_bytes(b"no database at all" * 999)
    (alcove.home / "library.json").write_text(json.dumps({"version": 1, "models": [{"name": 7}]}))
    told = alcove.run("doctor")
    assert (told.status, told.err) == (1, "")
    assert told.out.count("✗") >= 2
    assert [path.name for path in alcove.home.glob("*-damaged-*")] != []
