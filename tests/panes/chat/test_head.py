from desktop.core.chat import Chat
from desktop.panes.chat.edges import Action
from tests.panes.chat.screen import ask


def test_binning_the_chat_shown_shows_another_and_undo_brings_it_back(pane, screen, model_chat):
    pane.wait(pane.chats.create(Chat("", "Rest", 0, 0)))
    pane.wait(pane.controller.listing.load())
    offered = []
    pane.controller.listing.binned.connect(lambda: offered.append(True))
    pane.controller.head.to_bin()
    pane.until(lambda: screen.chat.title == "Rest")
    pane.until(lambda: offered == [True])
    pane.controller.listing.undo()
    pane.until(lambda: len(pane.controller.listing.chats) == 2)


def test_a_chat_in_the_bin_says_so_and_is_taken_back(pane, screen, model_chat):
    ask(pane, "Q")
    pane.wait(pane.chats.bin(model_chat.id))
    pane.controller.new_chat()
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.notice is not None and screen.notice.action is Action.RESTORE)
    pane.controller.head.restore()
    pane.until(lambda: screen.notice is None and screen.chat.binned is None)
    pane.wait(pane.chats.bin(model_chat.id))
    pane.controller.new_chat()
    pane.controller.open(model_chat.id)
    pane.until(lambda: screen.notice is not None)
    ask(pane, "Q2")  # who asks in it wants to keep it
    assert pane.wait(pane.chats.get(model_chat.id)).binned is None


def test_a_head_without_a_chat_is_kept_until_there_is_one(pane, screen):
    head = pane.controller.head
    pane.controller.new_chat()
    head.rename("Soup")
    head.pin(True)
    head.set_settings({"context": 2048})
    pane.controller.show_prompt()
    assert pane.wait(pane.chats.all()) == []
    pane.controller.send("Which?")
    pane.controller.choose_model("mistral")  # while the chat is being made
    pane.idle()
    (chat,) = pane.wait(pane.chats.all())
    assert (chat.title, chat.pinned, chat.model, dict(chat.settings)) == ("Soup", True, "mistral", {"context": 2048})
