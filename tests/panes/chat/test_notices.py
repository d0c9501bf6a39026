from desktop.core.errors import EngineDied, LoadError, MemoryShort, ModelFileError, StorageError
from desktop.core.generation import StopReason
from desktop.panes.chat.edges import Action, Notice, Work
from tests.panes.chat.screen import ask
from tests.panes.chat.scripted import Script


def test_an_engine_death_is_said_once_and_safer_settings_follow(pane, screen, model_chat):
    died = EngineDied("The engine stopped: {cause}.", cause="out of memory")
    pane.talk.scripts = [Script(("half",), error=died), Script(("half",), error=died)]
    ask(pane, "Q")
    assert screen.texts == ["Q", "half"]
    assert screen.last.can_continue
    assert screen.notice.action is Action.GO_ON
    assert dict(screen.notice.fields) == {"cause": "out of memory"}
    pane.talk.safer_settings = {"context": 2048, "repack": False}
    ask(pane, "Again")
    pane.until(lambda: screen.notice is not None and screen.notice.action is Action.SAFER)
    pane.controller.act(screen.notice)
    pane.until(lambda: pane.talk.reloaded == [{"context": 2048, "repack": False}])


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
    pane.talk.scripts = [Script(("half",), error=died, note="The engine stopped.")]
    pane.talk.safer_settings = {"context": 2048}
    ask(pane, "Again")
    pane.until(lambda: screen.notice is not None and screen.notice.action is Action.SAFER)
    assert "Safer settings" in screen.notice.message
    assert "The engine stopped" not in screen.notice.message


def test_a_reply_ended_for_memory_goes_on_or_takes_safer_settings(pane, screen, model_chat):
    pane.talk.scripts = [Script(("half",), error=MemoryShort("The computer was running out of memory."))]
    pane.talk.safer_settings = {"kv_type": "q8_0"}
    ask(pane, "Q")
    assert screen.texts == ["Q", "half"]
    assert screen.last.message.stop_reason is StopReason.MEMORY
    assert screen.last.can_continue
    pane.until(lambda: screen.notice is not None and screen.notice.action is Action.SAFER)
    assert screen.notice.message == "The computer was running out of memory."
    pane.controller.act(screen.notice)
    pane.until(lambda: pane.talk.reloaded == [{"kv_type": "q8_0"}])


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


def test_an_error_in_an_empty_chat_does_not_follow_into_the_next(pane, screen, model_chat):
    pane.controller.new_chat()
    pane.controller.show_error(StorageError("The disk is full."))
    assert screen.notice.action is Action.NOTHING
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.chat.id == model_chat.id)
    pane.controller.new_chat()
    assert screen.notice is None


def test_only_a_failed_reply_offers_to_ask_again(pane, screen, model_chat):
    pane.talk.scripts = [Script(unloadable=ModelFileError("The file is not there."))]
    pane.talk.unsafe = ModelFileError("There is no such model.")
    ask(pane, "Q")
    assert screen.notice == Notice("The file is not there.", {}, Action.AGAIN)
    pane.controller.show_error(StorageError("The disk is full."))
    assert screen.notice == Notice("The disk is full.", {})
    pane.talk.scripts = [Script(unloadable=LoadError("Too large."))]
    pane.controller.ask_again()
    pane.idle()
    assert screen.notice == Notice("Too large.", {}, Action.AGAIN)
    assert pane.errors == []  # that safer settings cannot be told is no second error


def test_a_reload_that_fails_is_said(pane, screen, model_chat):
    died = EngineDied("The engine stopped.")
    pane.talk.scripts = [Script(("half",), error=died, note="The engine stopped.")]
    ask(pane, "Q")
    pane.talk.unloadable = LoadError("Too large.")
    pane.controller.act(Notice("Safer?", {}, Action.SAFER, {"context": 2048}))
    pane.until(lambda: screen.notice == Notice("Too large.", {}, Action.RELOAD))
    pane.idle()
