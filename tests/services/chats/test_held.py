"""What is in the KV cache of a chat: never more is said than is there."""

from __future__ import annotations

from dataclasses import replace

from desktop.core.chat import Chat, Message, Opening, Role
from desktop.core.generation import Timings, Usage
from desktop.services.chats.held import Held

CHAT = Chat("c", "", 0.0, 0.0)


class Process:
    """The edge: a process that has a number, or is gone."""

    pid: int | None = 7
    forgotten = 0


def said(name: str, prompt: int = 0, written: int = 0, first: float = 0.1) -> Message:
    role = Role.ASSISTANT if prompt else Role.USER
    return Message(name, None, role, name, 0.0, usage=Usage(prompt, 0, written), timings=Timings(first_token_s=first))


QUESTION, REPLY, MORE = said("q"), said("r", 100, 20), said("q2")


def held() -> tuple[Held, Process]:
    engine = Process()
    made = Held(engine)  # type: ignore[arg-type]
    made.replied(CHAT, [QUESTION], REPLY)
    return made, engine


def test_a_reply_and_its_prompt_are_held() -> None:
    made, _ = held()
    assert made.of(CHAT, [QUESTION, REPLY]) == 120
    assert made.of(CHAT, [QUESTION, REPLY, MORE]) == 120


def test_of_another_branch_only_what_is_shared_is_held() -> None:
    made, _ = held()
    second = said("r2", 130, 30)
    made.replied(CHAT, [QUESTION, REPLY, MORE], second)
    assert made.of(CHAT, [QUESTION, REPLY, said("edited")]) == 120
    assert made.of(CHAT, [QUESTION, REPLY]) == 120
    assert made.of(CHAT, [said("edited")]) == 0
    made.put(CHAT, [QUESTION, REPLY, MORE], 50)  # reading ahead was ended early
    assert made.of(CHAT, [QUESTION, REPLY, said("edited")]) == 50


def test_another_opening_chat_or_process_has_nothing() -> None:
    made, engine = held()
    assert made.of(replace(CHAT, opening=Opening("Be brief")), [QUESTION, REPLY]) == 0
    assert made.of(replace(CHAT, id="d"), [QUESTION, REPLY]) is None
    engine.pid = 8
    assert made.of(CHAT, [QUESTION, REPLY]) is None
    engine.pid = None
    assert made.of(CHAT, [QUESTION, REPLY]) is None


def test_what_was_forgotten_is_not_held() -> None:
    made, engine = held()
    engine.forgotten += 1
    assert made.of(CHAT, [QUESTION, REPLY]) is None
    made.replied(CHAT, [QUESTION], REPLY)
    assert made.of(CHAT, [QUESTION, REPLY]) == 120


def test_a_reply_that_goes_on_takes_the_place_of_its_beginning() -> None:
    made, _ = held()
    made.replied(CHAT, [QUESTION, REPLY], said("r", 120, 5))
    assert made.of(CHAT, [QUESTION, said("r", 120, 5)]) == 125


def test_what_was_not_read_to_its_end_is_not_known() -> None:
    made, _ = held()
    made.lose()
    made.replied(CHAT, [QUESTION, REPLY, MORE], said("r2", 500, 0, first=0.0))
    assert made.of(CHAT, [QUESTION, REPLY]) is None
