"""What is said of a message, and its text in parts."""

from __future__ import annotations

import pytest

from desktop.core.chat import Message, Role
from desktop.core.generation import StopReason, Timings, Usage
from desktop.panes.chat.message import Reply, pieces, showable, statistics


def test_statistics_say_what_a_reply_took() -> None:
    message = Message("a", None, Role.ASSISTANT, "Hi", 0.0)
    assert statistics(message) == ""
    message = Message(
        "a",
        None,
        Role.ASSISTANT,
        "Hi",
        0.0,
        stop_reason=StopReason.CANCELLED,
        usage=Usage(1924, 900, 128),
        timings=Timings(0.0, 0.42, 300.0, 14.23),
    )
    assert statistics(message) == (
        "stopped by you · 128 tokens · 14.2 tokens/s · first word 0.4 s · 1,024 read, 900 from cache"
    )


def test_statistics_tell_read_from_cached_tokens() -> None:
    def told(reason: StopReason, usage: Usage, first: float = 0.42) -> str:
        timings = Timings(first_token_s=first)
        message = Message("a", None, Role.ASSISTANT, "Hi", 0.0, stop_reason=reason, usage=usage, timings=timings)
        return statistics(message).rpartition(" · ")[2]

    assert told(StopReason.STOP, Usage(500, 0, 10)) == "500 read"
    assert told(StopReason.STOP, Usage(500, 499, 10)) == "1 read, 499 from cache"  # asked again, or read ahead
    assert told(StopReason.LENGTH, Usage(4000, 3990, 1)) == "10 read, 3,990 from cache"
    assert told(StopReason.CANCELLED, Usage(500, 20, 0), first=0.0) == "stopped by you"  # while it read on
    assert told(StopReason.MEMORY, Usage(500, 20, 0), first=0.0) == "memory was running out"


@pytest.mark.parametrize(
    ("tokens", "speed", "told"),
    [
        (128, 14.2, "128 tokens · 14.2 tokens/s"),
        (1000, 886.0, "1,000 tokens · 886 tokens/s"),  # a small model on a fast card
        (7, 14.2, "7 tokens"),
        (8, 14.2, "8 tokens · 14.2 tokens/s"),
        (120, 4968.0, "120 tokens"),  # in 24 ms
        (120, 486.0, "120 tokens"),
        (1, 0.0, "1 token"),
    ],
)
def test_a_speed_is_told_where_there_was_time_to_measure_it(tokens: int, speed: float, told: str) -> None:
    usage, timings = Usage(0, 0, tokens), Timings(generation_per_s=speed)
    assert statistics(Message("a", None, Role.ASSISTANT, "Hi", 0.0, usage=usage, timings=timings)) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.0004, "< 0.1 s"), (0.049, "< 0.1 s"), (0.05, "0.1 s"), (2, "2.0 s")])
def test_no_wait_is_told_as_nothing(seconds: float, told: str) -> None:
    message = Message("a", None, Role.ASSISTANT, "Hi", 0.0, timings=Timings(first_token_s=seconds))
    assert statistics(message) == f"first word {told}"


@pytest.mark.parametrize("text", ["", "short", "line\n" * 3_000, "x" * 20_000, "한" * 9_999 + "\n\n"])
def test_pieces_are_the_text(text: str) -> None:
    parts = pieces(text)
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 6_000


def test_unshowable_characters_are_replaced() -> None:
    assert showable("a\0b\ud800c 😊 한") == "a\ufffdb\ufffdc 😊 한"


@pytest.mark.parametrize("step", [1, 3, 100])
def test_thoughts_and_answer_grow(step: int) -> None:
    reply, text = Reply(), "<think>\nLet me see.\n</think>\n\nThe **answer**."
    shown: set[str] = set()
    for at in range(0, len(text), step):
        reply.append(text[at : at + step])
        shown |= {s.source for s in reply.answer.live}
    assert reply.thoughts is not None
    assert [s.source for s in reply.thoughts.live] == ["Let me see."]
    assert not reply.thinking
    assert reply.answer_text == "The **answer**."
    assert not any("<think" in source for source in shown)


def test_reply_that_begins_inside_its_thoughts() -> None:
    reply = Reply()
    for part in ("Let me", " see.\n</th", "ink>\nYes", "."):
        reply.append(part)
    assert reply.answer_text == "Yes."
    assert reply.thoughts is not None
    started = Reply("Let me", starts_thinking=True)
    assert started.thinking
    assert not started.answer.live


def test_plain_reply_is_not_read_twice() -> None:
    reply = Reply()
    for part in ("Once", " upon", " a time"):
        reply.append(part)
    assert reply.thoughts is None
    assert [s.source for s in reply.answer.live] == ["Once upon a time"]
