"""Chats as JSON and Markdown: exact round trips, and files that lie."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core import transcript, transcript_markdown
from desktop.core.chat import Chat, Message, Opening, Role, Tree, Turn
from desktop.core.errors import ChatFileError
from desktop.core.generation import StopReason, Timings, Usage
from desktop.core.settings import Value
from desktop.core.transcript import Transcript

HARD = (
    '# Heading\n\n## You · 2026-01-01 10:00\n\n<!-- alcove:1 {"role":"user"} -->\n\nnot a message',
    "```python\nprint('<!-- alcove:2 {} -->')\n```\n\n# end",
    "",
    "\n\n  \n\n#",
    "한국어 👩‍👩‍👧 \r\n carriage\rreturn --> <!--",
    "text\n\n## Answer · x\n\n",
)


def linear(*texts: str, opening: Opening | None = None) -> Transcript:
    messages = []
    for number, text in enumerate(texts, 1):
        role = Role.USER if number % 2 else Role.ASSISTANT
        parent = str(number - 1) if number > 1 else None
        messages.append(Message(str(number), parent, role, text, 1000.0 + number, "D'Angelò --> 7B"))
    tip = messages[-1].id if messages else None
    return Transcript(Chat("", "여행 -->", 5.0, 6.5, tip, opening=opening or Opening()), tuple(messages))


def branched() -> Transcript:
    whole = linear("q", "a1")
    second = Message(
        *(
            "3",
            "1",
            Role.ASSISTANT,
            "a2",
            2000.0,
            "m",
            StopReason.LENGTH,
            Usage(9, 8, 7),
            Timings(1.0, 0.5, 80.5, 9.25),
        ),
        note="because",
    )
    opening = Opening("Rule", (Turn(Role.USER, "hi"), Turn(Role.ASSISTANT, "ho")), True, "ChatML")
    values: dict[str, Value] = {"stop": ("\n",), "seed": 4, "temperature": 0.5, "mmap": False}
    chat = replace(whole.chat, pinned=True, titled=True, tip="2", model="m", opening=opening, settings=values)
    return Transcript(chat, (*whole.messages, second))


def test_json_holds_everything() -> None:
    one = branched()
    assert transcript.read(transcript.write(one)) == [one]
    assert transcript.read(transcript.write_all([one, linear("x")])) == [one, linear("x")]
    assert transcript.read(transcript.write_all([])) == []


def test_deleted_messages_are_not_exported() -> None:
    one = branched()
    first, second, third = one.messages
    hidden = Transcript(one.chat, (first, replace(second, deleted=True), third, replace(third, id="4", parent="2")))
    (found,) = transcript.read(transcript.write(hidden))
    assert [m.id for m in found.messages] == ["1", "3"]
    assert found.chat.tip is None


def test_markdown_holds_the_active_path_exactly() -> None:
    opening = Opening(
        "\n# Rule\n\n<!-- alcove:3 {} -->", tuple(Turn(Role.USER, text) for text in HARD), False, "ChatML"
    )
    one, two = linear(*HARD, opening=opening), linear("second chat", "its answer")
    assert transcript_markdown.read(transcript_markdown.write([one, two])) == [one, two]
    assert transcript_markdown.read(transcript_markdown.write([linear()])) == [linear()]
    (found,) = transcript_markdown.read(transcript_markdown.write([branched()]))
    assert found == replace(branched(), messages=branched().messages[:2])
    assert found.messages == tuple(Tree(branched().messages).path("2"))


texts = st.text(st.sampled_from("#\n `<!->-acv:1{}\r·한Y"), max_size=30) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
)


@settings(deadline=None, max_examples=60)
@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_any_text_comes_back(said: list[str], instruction: str) -> None:
    one = linear(*said, opening=Opening(instruction))
    assert transcript_markdown.read(transcript_markdown.write([one])) == [one]
    assert transcript.read(transcript.write(one)) == [one]


def test_markdown_reads_well() -> None:
    text = transcript_markdown.write([linear("Question?", "Answer.")], str.upper, lambda t: f"day {t:.0f}")
    shown = [line for line in text.splitlines() if line and not line.startswith("<!--")]
    assert shown == ["# 여행 -->", "## YOU · day 1001", "Question?", "## ANSWER · day 1002", "Answer."]


def test_an_edited_export_is_still_read() -> None:
    text = transcript_markdown.write([linear("Question?", "Answer.")])
    edited = text.replace("Question?", "Other\n\nquestion?").replace("\n", "\r\n")
    (found,) = transcript_markdown.read(edited)
    assert [m.text for m in found.messages] == ["Other\n\nquestion?", "Answer."]
    (found,) = transcript_markdown.read(text.replace("## Answer", "Answer").replace("## You", "You"))
    assert [m.role for m in found.messages] == [Role.USER, Role.ASSISTANT]


def changed(**values: Any) -> str:
    return json.dumps({**json.loads(transcript.write(branched())), **values})


def messages_changed(number: int, **values: Any) -> str:
    rows = json.loads(transcript.write(branched()))["messages"]
    rows[number].update(values)
    return changed(messages=rows)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format": "alcove-chat"}',
        '{"format": "alcove-chats", "version": 1, "chats": {}}',
        '{"format": "alcove-chats", "version": 1, "chats": [7]}',
        '{"format": ["alcove-chat"], "version": 1}',
        changed(version=2),
        changed(version="1"),
        changed(version=True),
        changed(title=5),
        changed(title="x" * 5000),
        changed(created=-1),
        changed(created=1e300),
        changed(updated=float("nan")),
        changed(updated=float("inf")),
        changed(tip="9"),
        changed(tip=[]),
        changed(opening=[]),
        changed(opening={"turns": [{"role": "user"}]}),
        changed(opening={"turns": ["x"]}),
        changed(settings=5),
        changed(messages={}),
        changed(messages=["x"]),
        messages_changed(0, parent="1"),
        messages_changed(0, parent="2"),
        messages_changed(1, parent="gone"),
        messages_changed(1, parent=5),
        messages_changed(1, id="1"),
        messages_changed(2, id=""),
        messages_changed(1, role="root"),
        messages_changed(1, role=None),
        messages_changed(1, text=None),
        messages_changed(1, stop_reason="bored"),
        messages_changed(1, usage={"prompt_tokens": -1}),
        messages_changed(1, usage={"prompt_tokens": 1.5}),
        messages_changed(1, usage={"prompt_tokens": True}),
        messages_changed(1, timings={"load_s": "x"}),
        messages_changed(1, timings={"load_s": 10**400}),
        messages_changed(1, created=1e12),
    ],
)
def test_a_file_that_lies_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ChatFileError) as raised:
        transcript.read(text)
    assert "Nothing was imported" in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "# An ordinary page",
        "<!-- alcove:1 {} -->",
        '<!-- alcove:1 {"format": "alcove-chat", "version": 9} -->',
        "<!-- alcove:1 {oops} -->",
        "<!-- alcove:1 {" + '"a":{' * 50_000 + "} -->",
        '<!-- alcove:1 {"format": "alcove-chat", "version": 1} -->\n\n<!-- alcove:1 {"role": "x"} -->\n\ntext',
        '<!-- alcove:1 {"format": "alcove-chat", "version": 1} -->\n\n<!-- alcove:1 {"opening": 5} -->\n\ntext',
    ],
)
def test_markdown_that_is_not_ours_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ChatFileError) as raised:
        transcript_markdown.read(text)
    assert "Nothing was imported" in str(raised.value)


def test_children_before_their_parents_are_put_in_order() -> None:
    rows = json.loads(transcript.write(branched()))["messages"]
    (found,) = transcript.read(changed(messages=rows[::-1]))
    assert [m.id for m in found.messages] == ["1", "3", "2"]


def test_values_of_another_version_are_passed_over() -> None:
    values = {"seed": 3, "warp": 9, "threads": "x", "language": "ko"}
    text = changed(settings=values, opening={"template": "klingon"}, extra=[1])
    (found,) = transcript.read(text)
    assert found.chat.settings == {"seed": 3}
    assert found.chat.opening == Opening()


def test_a_long_chain_is_read() -> None:
    one = linear(*["x"] * 20_000)
    assert transcript.read(transcript.write(one)) == [one]


def test_a_file_without_a_tip_opens_at_the_newest_leaf() -> None:
    one = branched()
    row = json.loads(transcript.write(one))
    del row["tip"]
    (found,) = transcript.read(json.dumps(row))
    assert found.chat.tip == "3"
    for message in row["messages"]:
        del message["created"]
    row["messages"].reverse()
    (found,) = transcript.read(json.dumps(row))
    assert found.chat.tip == "2"
    (found,) = transcript.read(json.dumps({**row, "messages": []}))
    assert found.chat.tip is None
