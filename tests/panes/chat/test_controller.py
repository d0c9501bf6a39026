from dataclasses import replace

import pytest

from desktop.core.chat import Chat, Message, Role
from desktop.core.errors import EngineDied, StorageError
from desktop.core.generation import StopReason
from desktop.panes.chat.edges import Action, Work
from tests.panes.chat.scripted import Script


class Screen:
    """What a view would show: the transcript as the controller's signals make it."""

    def __init__(self, controller):
        self.rows, self.chat, self.draft, self.notice, self.undo, self.works = {}, None, None, None, None, []
        self.pieces = []
        controller.shown.connect(self._shown)
        controller.head_changed.connect(lambda chat: setattr(self, "chat", chat))
        controller.replies.message_added.connect(self._put)
        controller.replies.message_changed.connect(self._put)
        controller.replies.cut_from.connect(self._cut)
        controller.replies.written.connect(self._written)
        controller.replies.ended.connect(self._put)
        controller.draft_changed.connect(lambda text: setattr(self, "draft", text))
        controller.notice_changed.connect(lambda notice: setattr(self, "notice", notice))
        controller.removals.offered.connect(lambda what: setattr(self, "undo", what))
        controller.activity_changed.connect(lambda activity: self.works.append(activity.work))

    def _shown(self, chat, views):
        self.chat, self.rows = chat, {view.id: view for view in views}

    def _put(self, view):
        self.rows[view.id] = view

    def _cut(self, message_id):
        ids = list(self.rows)
        for gone in ids[ids.index(message_id) :]:
            del self.rows[gone]

    def _written(self, message_id, text):
        self.pieces.append(text)
        view = self.rows[message_id]
        self.rows[message_id] = replace(view, message=replace(view.message, text=view.message.text + text))

    @property
    def texts(self):
        return [view.message.text for view in self.rows.values()]

    @property
    def last(self):
        return list(self.rows.values())[-1]


@pytest.fixture
def screen(pane):
    return Screen(pane.controller)


@pytest.fixture
def model_chat(pane):
    """A chat with a model whose replies are not paced."""
    chat = pane.wait(pane.chats.create(model="mistral"))
    pane.wait(pane.controller.listing.load())
    pane.controller.open(chat.id)
    pane.until(lambda: pane.controller.chat.id == chat.id)
    return chat


def ask(pane, text):
    assert pane.controller.send(text)
    pane.idle()


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


def test_the_guide_is_paced_and_stop_shows_the_rest_at_once(pane, screen):
    pane.controller.new_chat()
    pane.talk.scripts = [Script(("x" * 2000,))]
    pane.controller.send("Hi")
    pane.until(lambda: bool(screen.pieces) and pane.texts()[-1] == "x" * 2000)  # stored whole, shown in part
    assert len("".join(screen.pieces)) < 1500
    pane.controller.stop()
    pane.idle()
    assert "".join(screen.pieces) == "x" * 2000
    assert screen.last.message.stop_reason is StopReason.STOP
    assert pane.talk.stopped == 0


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
    pane.controller.stop()
    pane.idle()
    assert screen.texts[0] == "Hi"


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
    assert pane.talk.stopped == 0
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
    assert screen.notice.message == "The disk is full."
    assert screen.texts == []


def test_an_engine_death_is_said_once_reloaded_and_safer_settings_follow(pane, screen, model_chat):
    died = EngineDied("The engine stopped: {cause}.", cause="out of memory")
    pane.talk.scripts = [Script(("half",), error=died), Script(("half",), error=died)]
    ask(pane, "Q")
    assert screen.texts == ["Q", "half"]
    assert screen.last.can_continue
    assert screen.notice.action is Action.RELOAD
    assert dict(screen.notice.fields) == {"cause": "out of memory"}
    pane.controller.act(screen.notice)
    pane.until(lambda: pane.talk.reloaded == [None] and screen.notice is None)
    pane.idle()
    pane.talk.safer_settings = {"context": 2048, "repack": False}
    ask(pane, "Again")
    pane.until(lambda: screen.notice is not None and screen.notice.action is Action.SAFER)
    pane.controller.act(screen.notice)
    pane.until(lambda: pane.talk.reloaded[1:] == [{"context": 2048, "repack": False}])


def test_loading_again_can_be_given_up(pane, screen, model_chat):
    pane.talk.scripts = [Script(error=EngineDied("The engine stopped."))]
    ask(pane, "Q")
    pane.talk.slow_reload = True
    pane.controller.act(screen.notice)
    pane.until(lambda: pane.controller.activity.work is Work.LOADING)
    pane.controller.stop()
    pane.idle()
    assert pane.talk.reloaded == []


def test_a_death_that_the_reply_tells_itself_is_not_told_twice(pane, screen, model_chat):
    died = EngineDied("The engine stopped.")
    pane.talk.scripts = [Script(("half",), error=died, note="The engine stopped.")]
    ask(pane, "Q")
    assert screen.last.message.note == "The engine stopped."
    assert screen.notice is None


def test_a_notice_waits_in_its_own_chat(pane, screen, model_chat):
    other = pane.wait(pane.chats.create())
    pane.talk.scripts = [Script(error=EngineDied("The engine stopped."))]
    ask(pane, "Q")
    pane.controller.open(other.id)
    pane.until(lambda: screen.chat.id == other.id)
    assert screen.notice is None
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.notice is not None)
    pane.controller.dismiss()
    assert screen.notice is None


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


def test_binning_the_chat_shown_shows_another_and_undo_brings_it_back(pane, screen, model_chat):
    pane.wait(pane.chats.create(Chat("", "Rest", 0, 0)))
    pane.wait(pane.controller.listing.load())
    offered = []
    pane.controller.listing.binned.connect(lambda: offered.append(True))
    pane.controller.to_bin()
    pane.until(lambda: screen.chat.title == "Rest")
    pane.until(lambda: offered == [True])
    pane.controller.listing.undo()
    pane.until(lambda: len(pane.controller.listing.chats) == 2)
