"""What the talk hears of a chat that is shown and of a draft that is typed, so that it can be read ahead."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop.core.chat import Chat
from desktop.core.talk import ContextUse
from desktop.panes.chat.edges import Work
from tests.panes.chat.scripted import Script


def told(pane) -> list[tuple[str, str]]:
    """Chat ids and drafts, in order."""
    return [(chat.id, draft) for chat, draft in pane.talk.read_ahead]


def test_a_draft_is_told_while_it_is_typed(pane, view) -> None:
    pane.controller.choose_model("mistral")
    for word in ("Why ", "is ", "the ", "sky "):
        QTest.keyClicks(view.composer.field, word)
        pane.qtbot.wait(150)  # shorter than a rest, so that the keys never rest
    pane.until(lambda: ("", "Why is the sky ") in told(pane))
    drafts = [draft for _, draft in told(pane) if draft]
    assert len(drafts) >= 2  # on the way, too
    assert all("Why is the sky ".startswith(draft) for draft in drafts)
    assert {chat.model for chat, draft in pane.talk.read_ahead if draft} == {"mistral"}  # though it is not stored


def test_a_chat_that_stays_is_told_one_passed_by_is_not(pane, view, model_chat) -> None:
    passed = pane.wait(pane.chats.create(model="mistral"))
    pane.controller.open(passed.id)
    pane.until(lambda: pane.controller.chat.id == passed.id)
    pane.controller.open(model_chat.id)
    pane.until(lambda: (model_chat.id, "") in told(pane))
    pane.qtbot.wait(100)
    assert passed.id not in {chat_id for chat_id, _ in told(pane)}


def test_a_kept_draft_is_told_when_its_chat_is_shown_again(pane, view, model_chat) -> None:
    pane.drafts[model_chat.id] = "half a question"
    pane.controller.open(model_chat.id)
    pane.until(lambda: (model_chat.id, "half a question") in told(pane))


def test_after_a_reply_its_place_in_the_chat_is_told(pane, view, model_chat) -> None:
    assert pane.controller.send("Hello")
    pane.idle()
    pane.until(lambda: bool(pane.talk.read_ahead))
    chat, draft = pane.talk.read_ahead[-1]
    assert (chat.id, draft) == (model_chat.id, "")
    assert chat.tip == pane.controller.chat.tip


def test_what_is_typed_during_a_reply_is_told_too(pane, view, model_chat) -> None:
    script = Script(hold=1)
    pane.talk.scripts.append(script)
    assert pane.controller.send("Hello")
    pane.until(lambda: pane.controller.activity.work is Work.WRITING)
    QTest.keyClicks(view.composer.field, "and then ")
    pane.until(lambda: (model_chat.id, "and then ") in told(pane))
    script.go.set()
    pane.idle()


def test_the_gauge_shows_what_was_read(pane, view, model_chat) -> None:
    pane.until(lambda: bool(pane.talk.read_ahead))
    pane.talk.use, pane.talk.reads = ContextUse(1024, 4096, cached=1000), True
    QTest.keyClicks(view.composer.field, "and ")
    pane.until(lambda: "1,000 of them are read already" in view.composer.gauge.toolTip())


def test_the_gauge_shows_what_was_read_of_the_chat_that_is_shown_by_then(pane, view, model_chat) -> None:
    """Its own call left the reading to that of the chat before."""
    calls, go = [], asyncio.Event()

    async def ahead(chat: Chat, _draft: str) -> bool:
        calls.append(chat.id)
        if len(calls) > 1:
            return False
        await go.wait()
        return True

    pane.talk.ahead = ahead
    QTest.keyClicks(view.composer.field, "and ")
    pane.until(lambda: calls == [model_chat.id])
    other = pane.wait(pane.chats.create(model="mistral"))
    pane.controller.open(other.id)
    pane.until(lambda: other.id in calls)
    pane.talk.use = ContextUse(1024, 4096, cached=1000)
    go.set()
    pane.until(lambda: "1,000 of them are read already" in view.composer.gauge.toolTip())


def test_a_chat_in_the_bin_is_not_told(pane, view, model_chat) -> None:
    pane.until(lambda: bool(pane.talk.read_ahead))
    pane.talk.read_ahead.clear()
    pane.controller.head.listed(replace(pane.controller.chat, binned=1.0))
    view.composer.typed.emit("x ")
    assert told(pane) == []


def test_sending_ends_what_was_to_be_told(pane, view, model_chat) -> None:
    QTest.keyClicks(view.composer.field, "Hello")
    QTest.keyClick(view.composer.field, Qt.Key.Key_Return)
    pane.idle()
    assert pane.texts() == ["Hello", "A reply."]
    pane.qtbot.wait(500)
    assert (model_chat.id, "Hello") not in told(pane)
