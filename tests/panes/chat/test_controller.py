import pytest

from desktop.core.chat import Message, Role
from desktop.core.errors import StorageError
from desktop.core.generation import StopReason
from desktop.panes.chat.edges import Notice, Work
from tests.panes.chat.screen import ask
from tests.panes.chat.scripted import Script


def test_a_chat_exists_from_its_first_message_on(pane, screen):
    pane.controller.new_chat()
    pane.controller.choose_model("mistral")
    assert pane.wait(pane.chats.all()) == []
    ask(pane, "Hello?")
    assert screen.texts == ["Hello?", "A reply."] == pane.texts()
    pane.until(lambda: screen.chat.title == "Hello?")
    assert screen.chat.model == "mistral"
    assert [c.title for c in pane.controller.listing.chats] == ["Hello?"]
    assert screen.last.last
    assert not screen.last.streaming


def test_text_comes_in_few_batches(pane, screen, model_chat):
    pane.talk.scripts = [Script(tuple("word " for _ in range(500)))]
    ask(pane, "Long?")
    assert "".join(screen.pieces) == "word " * 500
    assert len(screen.pieces) < 100


def test_the_guide_is_paced_and_stop_ends_it_where_the_eye_is(pane, screen):
    pane.controller.new_chat()
    pane.talk.scripts = [Script(("x" * 2000,))]
    pane.controller.send("Hi")
    pane.until(lambda: bool(screen.pieces) and pane.texts()[-1] == "x" * 2000)  # stored whole, shown in part
    assert len("".join(screen.pieces)) < 1500
    pane.controller.stop()
    pane.idle()
    seen = "".join(screen.pieces)
    assert 0 < len(seen) < 1500
    assert screen.texts[-1] == seen
    assert screen.last.message.stop_reason is StopReason.CANCELLED
    assert screen.last.can_continue
    pane.until(lambda: pane.texts()[-1] == seen)
    assert pane.talk.stopped == []


def test_what_the_pace_holds_back_is_kept_where_nobody_stopped_it(pane, screen):
    pane.controller.new_chat()
    pane.talk.scripts = [Script(("x" * 2000,)), Script(("y" * 2000,))]
    pane.controller.send("Hi")
    pane.until(lambda: bool(screen.pieces) and pane.texts()[-1] == "x" * 2000)
    first = pane.controller.chat.id
    assert pane.controller.send("And then?")  # shows the rest at once
    pane.until(lambda: pane.texts()[-1] == "y" * 2000)
    assert screen.texts[1] == "x" * 2000
    pane.controller.new_chat()
    pane.controller.open(first)
    pane.until(lambda: screen.chat.id == first)
    assert screen.texts[-1] == "y" * 2000
    assert pane.texts()[-1] == "y" * 2000


def test_stop_keeps_the_text_and_continue_goes_on_from_it(pane, screen, model_chat):
    pane.talk.scripts = [Script(("One ", "two ", "three"), hold=2), Script(("four",))]
    pane.controller.send("Count")
    pane.until(lambda: screen.texts == ["Count", "One two "])
    assert screen.last.streaming
    pane.controller.stop()
    pane.idle()
    assert screen.last.can_continue
    pane.controller.continue_reply(screen.last.id)
    pane.idle()
    assert screen.texts == ["Count", "One two four"] == pane.texts()


def test_stop_while_the_model_loads(pane, screen, model_chat):
    pane.talk.scripts = [Script(loading=True)]
    pane.controller.send("Hi")
    pane.until(lambda: Work.LOADING in screen.works)
    assert not screen.last.unanswered
    pane.controller.stop()
    pane.controller.stop()
    pane.idle()
    assert pane.talk.stopped == [model_chat.id] * 2
    assert screen.texts == ["Hi"]
    assert screen.last.unanswered  # so that it can be asked again where it stands
    pane.controller.regenerate(screen.last.id)
    pane.idle()
    assert screen.texts == ["Hi", "A reply."]


def test_a_second_message_has_to_wait_until_the_reply_is_there(pane, screen, model_chat):
    script = Script(hold=0)
    pane.talk.scripts = [script]
    assert pane.controller.send("One")
    assert not pane.controller.send("Two")
    pane.until(lambda: Work.READING in screen.works)
    script.go.set()
    pane.idle()
    assert screen.texts == ["One", "A reply."]


def test_versions_are_kept_and_switched(pane, screen, model_chat):
    pane.talk.scripts = [Script(("first",)), Script(("second",)), Script(("third",))]
    ask(pane, "Q")
    first = screen.last.id
    pane.controller.regenerate(first)
    pane.idle()
    assert screen.texts == ["Q", "second"]
    assert (screen.last.version, screen.last.versions) == (2, 2)
    pane.controller.switch(screen.last.id, 1)
    pane.until(lambda: screen.texts == ["Q", "first"])
    pane.until(lambda: pane.texts() == ["Q", "first"])
    pane.controller.edit(pane.controller.last_own(), "Q2")
    pane.idle()
    assert screen.texts == ["Q2", "third"]
    question = next(iter(screen.rows.values()))
    assert (question.version, question.versions) == (2, 2)


def test_switching_chats_while_one_streams_loses_nothing(pane, screen, model_chat):
    other = pane.wait(pane.chats.create(model="mistral", title="Other"))
    script = Script(("begun ", "hidden ", "end"), hold=1)
    pane.talk.scripts = [script]
    pane.controller.send("Q")
    pane.until(lambda: screen.texts == ["Q", "begun "])
    pane.controller.open(other.id)
    pane.until(lambda: screen.chat.id == other.id)
    assert screen.texts == []
    rows = pane.controller.listing.rows
    assert next(r for r in rows if r.chat_id == model_chat.id).work is not Work.NOTHING
    script.go.set()
    pane.until(lambda: next(r for r in pane.controller.listing.rows if r.chat_id == model_chat.id).unread)
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.texts == ["Q", "begun hidden end"])
    assert not screen.last.streaming
    assert not next(r for r in pane.controller.listing.rows if r.chat_id == model_chat.id).unread


def test_coming_back_in_the_middle_shows_the_text_so_far(pane, screen, model_chat):
    other = pane.wait(pane.chats.create())
    script = Script(("begun ", "hidden ", "end"), hold=2)
    pane.talk.scripts = [script]
    pane.controller.send("Q")
    pane.controller.open(other.id)
    pane.until(lambda: screen.chat.id == other.id)
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.texts == ["Q", "begun hidden "])
    assert screen.last.streaming
    script.go.set()
    pane.idle()
    assert screen.texts == ["Q", "begun hidden end"]


def test_the_other_chat_waits_for_its_turn_and_stop_takes_it_out_of_the_line(pane, screen, model_chat):
    other = pane.wait(pane.chats.create(model="mistral"))
    script = Script(hold=0)
    pane.talk.scripts = [script]
    pane.controller.send("first")
    pane.controller.open(other.id)
    pane.until(lambda: screen.chat.id == other.id)
    pane.controller.send("second")
    pane.until(lambda: screen.texts == ["second"])  # stored already
    assert pane.controller.activity.work is Work.WAITING
    pane.controller.stop()
    pane.idle()
    assert pane.talk.stopped == [other.id]
    assert pane.texts() == ["second"]
    script.go.set()
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.texts == ["first", "A reply."])


def test_the_waiting_chat_is_answered_when_the_first_is_done(pane, screen, model_chat):
    other = pane.wait(pane.chats.create(model="mistral"))
    script = Script(hold=0)
    pane.talk.scripts = [script]
    pane.controller.send("first")
    pane.controller.open(other.id)
    pane.until(lambda: screen.chat.id == other.id)
    pane.controller.send("second")
    pane.until(lambda: pane.controller.activity.work is Work.WAITING)
    script.go.set()
    pane.idle()
    assert screen.texts == ["second", "A reply."]


def test_text_that_could_not_be_stored_comes_back_into_the_composer(pane, screen, model_chat):
    pane.talk.refuse = StorageError("The disk is full.")
    pane.controller.send("precious words")
    assert screen.draft == ""
    pane.idle()
    assert screen.draft == "precious words"
    assert screen.notice == Notice("The disk is full.", {})
    assert screen.texts == []


def test_deleting_and_clearing_can_be_undone(pane, screen, model_chat):
    ask(pane, "Q")
    pane.controller.delete(screen.last.id)
    pane.until(lambda: screen.texts == ["Q"])
    pane.until(lambda: screen.undo == "Message deleted")
    pane.controller.removals.undo()
    pane.until(lambda: screen.texts == ["Q", "A reply."])
    pane.controller.clear()
    pane.until(lambda: screen.texts == [])
    pane.controller.removals.undo()
    pane.until(lambda: screen.texts == ["Q", "A reply."])


def test_a_draft_stays_with_its_chat(pane, screen, model_chat):
    pane.controller.keep_draft("half a thought")
    pane.controller.new_chat()
    assert screen.draft == ""
    pane.controller.keep_draft("another")
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.draft == "half a thought")
    pane.controller.new_chat()
    assert screen.draft == "another"


def test_a_draft_outlives_what_is_done_to_other_messages(pane, screen, model_chat):
    ask(pane, "Q")
    assert model_chat.id not in pane.drafts
    pane.controller.keep_draft("half a thought")
    pane.controller.regenerate(screen.last.id)
    pane.idle()
    assert pane.drafts[model_chat.id] == "half a thought"


def test_the_chat_opened_last_is_shown(pane, screen):
    made = [pane.wait(pane.chats.create(title=str(n))) for n in range(5)]
    for chat in made:
        pane.controller.open(chat.id)
    pane.until(lambda: pane.controller.chat.id == made[-1].id)
    assert screen.chat.title == "4"


def test_a_message_found_in_another_branch_is_shown_there(pane, screen, model_chat):
    old = Message("m1", None, Role.USER, "old branch", 1.0)
    new = Message("m2", None, Role.USER, "new branch", 2.0)
    pane.wait(pane.chats.put(model_chat.id, old))
    pane.wait(pane.chats.put(model_chat.id, new))
    pane.controller.new_chat()
    found = []
    pane.controller.found.connect(lambda *what: found.append(what))
    pane.controller.open(model_chat.id, "m1", "old")
    pane.until(lambda: screen.texts == ["old branch"])
    assert found == [("m1", "old")]
    ask(pane, "more")
    assert pane.texts() == ["old branch", "more", "A reply."]


def test_an_example_leaves_the_draft_where_it_is(pane, screen):
    pane.controller.new_chat()
    pane.controller.choose_model("mistral")
    pane.controller.keep_draft("half a thought")
    screen.draft = "half a thought"
    assert pane.controller.suggest("Which model?")
    pane.idle()
    assert pane.texts() == ["Which model?", "A reply."]
    assert screen.draft == "half a thought"
    assert pane.drafts == {pane.controller.chat.id: "half a thought"}


def test_it_starts_with_the_model_used_last_if_that_is_still_there(pane, screen):
    pane.wait(pane.chats.create(model="mistral"))
    pane.controller.start()
    pane.until(lambda: screen.chat.model == "mistral")
    pane.wait(pane.chats.create(model="removed since"))
    pane.controller.start()
    pane.until(lambda: len(pane.controller.listing.chats) == 2)
    assert screen.chat.model == ""


@pytest.mark.parametrize("way", ["clear", "delete"])
def test_an_error_goes_with_the_messages_it_was_about(pane, screen, model_chat, way):
    ask(pane, "Q")
    pane.controller.show_error(StorageError("It needs 2517 tokens."))
    if way == "clear":
        pane.controller.clear()
    else:
        pane.controller.delete(screen.last.id)
    pane.until(lambda: screen.notice is None)


def test_an_error_goes_when_the_next_question_is_sent(pane, screen, model_chat):
    pane.controller.show_error(StorageError("It needs 2517 tokens."))
    pane.controller.send("Q")
    assert screen.notice is None
    pane.idle()
