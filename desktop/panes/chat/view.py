"""The chat pane put together: title, conversation or greeting, notices, composer; and beside it the sidebar.

Invariant: it shows what the controller tells and tells the controller what the person does; a dialogue is opened, never
run. `sidebar` is a widget of its own, because the window shows it beside every pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QInputMethodEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.core.chat import Chat
from desktop.core.errors import N_, UserError
from desktop.core.settings import BY_KEY
from desktop.core.talk import ContextUse, ExactPrompt
from desktop.panes.chat.aloud import Aloud
from desktop.panes.chat.composer import Composer
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.edges import Action, Activity, ModelChoice, Notice, Work
from desktop.panes.chat.file_dialogs import ask_where, ask_which
from desktop.panes.chat.fitness import Fitness
from desktop.panes.chat.header import Header
from desktop.panes.chat.message import MessageView
from desktop.panes.chat.opening import OpeningDialog
from desktop.panes.chat.prompt_dialog import PromptDialog
from desktop.panes.chat.sidebar import Sidebar
from desktop.panes.chat.transcript import Transcript
from desktop.panes.chat.welcome import Welcome
from desktop.ui import fields, theme
from desktop.ui.bars import UNDO, UNDO_SECONDS, Bar
from desktop.ui.column import Column, scrolling
from desktop.ui.links import ask_to_open
from desktop.ui.theme import Theme
from desktop.ui.translation import _

_LABELS = {
    Action.NOTHING: "",
    Action.RELOAD: N_("Reload"),
    Action.AGAIN: N_("Try again"),
    Action.GO_ON: N_("Continue"),
    Action.SAFER: N_("Use safer settings"),
    Action.TEMPLATE: N_("Choose template…"),
    Action.SETTINGS: N_("Chat settings…"),
    Action.RESTORE: N_("Restore"),
}


_SHARE = 3  # the message may take a third of the pane; the rest stays for what it is about


class ChatView(QWidget):
    """`settings_wanted` carries the chat's id, "" where it is not stored yet; `head.set_settings` takes what is set.

    `search_wanted` says that the sidebar must be seen.
    """

    settings_wanted = Signal(str)
    search_wanted = Signal()

    def __init__(self, look: Theme, controller: ChatController) -> None:
        super().__init__()
        self._look = look
        self._controller = controller
        self._notice: Notice | None = None
        self.sidebar = Sidebar(look, controller.listing)
        self.header = Header(look)
        self.transcript = Transcript(look)
        self._aloud = Aloud(self.transcript)
        self.welcome = Welcome(look)
        self.notice_bar = Bar(look)
        self.undo_bar = Bar(look)
        self.composer = Composer(look)
        self._middle = QStackedWidget()
        self._lay_out()
        self._listen()
        self._speak()
        self._wire_header()

    # -- what the window asks -----------------------------------------------------------------------------------------

    def new_chat(self) -> None:
        """An empty chat, ready to be written in."""
        self._keep()
        self._controller.new_chat()
        self.composer.field.setFocus()

    def open_chat(self, chat_id: str, message_id: str = "", words: str = "") -> None:
        """Another chat, at a message where one is named; what was being written is kept."""
        self._keep()
        self._controller.open(chat_id, message_id, words)

    def search(self) -> None:
        """Into the search field, wherever the person is."""
        self.search_wanted.emit()
        self.sidebar.focus_search()

    def export_chat(self) -> None:
        chat = self._controller.chat
        if chat.id:
            name = chat.title or _("Chat")
            ask_where(self, _("Export chat"), name, lambda path: self._controller.files.export(chat.id, path, _))

    def export_all(self) -> None:
        files = self._controller.files
        ask_where(self, _("Export all chats"), _("Chats"), lambda path: files.export_all(path, _))

    def import_chats(self) -> None:
        ask_which(self, _("Import chats"), self._import)

    def _import(self, paths: list[Path]) -> None:
        self._controller.files.import_files(paths)

    # -- putting together ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._greeting = scrolling(self.welcome)
        self._greeting.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # as beside what is read
        bar = self._greeting.verticalScrollBar()
        bar.setEnabled(False)  # not seen, where all is in view
        bar.rangeChanged.connect(lambda _low, high: bar.setEnabled(high > 0))
        self._middle.addWidget(self._greeting)
        self._middle.addWidget(self.transcript)
        self._middle.setMinimumHeight(1)  # where room is short it gives way, not the bars or the composer
        below = Column(self._look, side=theme.S, top=theme.XS, bottom=theme.S, beyond=theme.L)
        below.lines.setSpacing(theme.S)
        for widget in (self.notice_bar, self.undo_bar, self.composer):
            below.lines.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._middle, 1)
        beside = QHBoxLayout()  # the message stands below the conversation, which has a scroll bar at its right
        beside.setContentsMargins(0, 0, self.transcript.verticalScrollBar().sizeHint().width(), 0)
        beside.addWidget(below)
        column.addLayout(beside)

    def _listen(self) -> None:
        """From the controller to what is seen."""
        controller, replies, transcript = self._controller, self._controller.replies, self.transcript
        controller.shown.connect(self._show)
        controller.head_changed.connect(self._show_head)
        replies.message_added.connect(self._add)
        replies.message_changed.connect(transcript.update_message)
        replies.cut_from.connect(self._cut)
        replies.written.connect(transcript.stream)
        replies.ended.connect(transcript.finish)
        replies.written.connect(self._aloud.write)
        replies.ended.connect(self._aloud.end)
        controller.activity_changed.connect(self._aloud.work)
        controller.found.connect(transcript.scroll_to)
        controller.left.connect(transcript.set_faded)
        controller.activity_changed.connect(self._show_activity)
        controller.notice_changed.connect(self._show_notice)
        controller.context_changed.connect(self._show_use)
        controller.draft_changed.connect(self.composer.put)
        controller.listing.reopened.connect(self._reopen)
        controller.removals.offered.connect(lambda what: self.undo_bar.say(what, {}, UNDO, UNDO_SECONDS))
        controller.models_changed.connect(self._show_models)
        controller.insight.prompt_made.connect(self._show_prompt)
        controller.files.told.connect(lambda what, about: self.undo_bar.say(what, about, seconds=UNDO_SECONDS))
        controller.files.failed.connect(controller.show_error)

    def _speak(self) -> None:
        """From what is done to the controller."""
        controller, transcript, composer = self._controller, self.transcript, self.composer
        composer.sent.connect(controller.send)
        composer.stopped.connect(controller.stop)
        composer.rested.connect(self._rest)
        composer.typed.connect(controller.ahead.type)
        composer.recalled.connect(self._recall)
        composer.model_chosen.connect(controller.choose_model)
        transcript.edit_submitted.connect(controller.edit)
        transcript.edit_submitted.connect(lambda *_edited: composer.field.setFocus())
        transcript.regenerate_requested.connect(controller.regenerate)
        transcript.continue_requested.connect(controller.continue_reply)
        transcript.delete_requested.connect(controller.delete)
        transcript.switch_requested.connect(controller.switch)
        transcript.link_requested.connect(lambda _message_id, address: ask_to_open(self, address))
        self.welcome.asked.connect(self._suggest)
        self.undo_bar.acted.connect(controller.removals.undo)
        self.notice_bar.acted.connect(self._act)
        self.notice_bar.closed.connect(controller.dismiss)
        self.sidebar.new_requested.connect(self.new_chat)
        self.sidebar.chosen.connect(self.open_chat)
        self.sidebar.left.connect(composer.field.setFocus)
        for part in (self.sidebar, transcript):
            part.typed.connect(self._type)
            part.composed.connect(self._compose)

    def _wire_header(self) -> None:
        controller, header, head = self._controller, self.header, self._controller.head
        header.renamed.connect(head.rename)
        header.pinned.connect(head.pin)
        header.cleared.connect(controller.clear)
        header.prompt_wanted.connect(controller.show_prompt)
        header.binned.connect(head.to_bin)
        header.export_wanted.connect(self.export_chat)
        header.opening_wanted.connect(self._edit_opening)
        header.settings_wanted.connect(self._want_settings)

    # -- what is seen -----------------------------------------------------------------------------------------------

    def _show(self, chat: Chat, views: Sequence[MessageView]) -> None:
        self.undo_bar.hide()
        self.transcript.show_chat(views)
        self._show_head(chat)
        self._choose_middle()

    def _show_head(self, chat: Chat) -> None:
        self.sidebar.show_current(chat.id)
        self.header.show_chat(chat, self._controller.empty)
        self._show_models(self._controller.models)

    def _show_models(self, models: Sequence[ModelChoice]) -> None:
        chosen = self._controller.chat.model
        self.composer.show_models(models, chosen)
        self.composer.show_completion(self._controller.completion)
        model = next((m for m in models if m.name == chosen), ModelChoice(chosen, chosen))
        self.welcome.show_model(chosen == "", model.label, model.detail)

    def show_fit(self, fitness: Fitness | None) -> None:
        """How the chat's model goes with memory; None for the guide, or where it is not known."""
        self.composer.show_fit(fitness)
        self.welcome.show_fit(fitness)

    def _show_use(self, use: ContextUse | None) -> None:
        leaving = [self._controller.text_of(message_id) for message_id in use.leaving] if use else []
        self.composer.gauge.show_use(use, leaving)

    def _choose_middle(self) -> None:
        empty = self._controller.empty
        self._middle.setCurrentWidget(self._greeting if empty else self.transcript)
        self.header.show_chat(self._controller.chat, empty)

    def _add(self, view: MessageView) -> None:
        self.transcript.append_message(view)
        self._choose_middle()

    def _cut(self, message_id: str) -> None:
        self.transcript.remove_from(message_id)
        self._choose_middle()

    def _show_activity(self, activity: Activity) -> None:
        self.composer.show_activity(activity)
        if activity.work is Work.NOTHING:
            self._choose_middle()

    def _show_notice(self, notice: Notice | None) -> None:
        self._notice = notice
        if notice is None:
            self.notice_bar.hide()
            return
        if notice.action is Action.RESTORE:
            self.notice_bar.say(notice.message, dict(notice.fields), _LABELS[notice.action])
        else:
            self.notice_bar.warn(UserError(notice.message, **notice.fields), _LABELS[notice.action])
        safer = [f"{_(BY_KEY[k].label)}: {fields.shown(BY_KEY[k], v)}" for k, v in (notice.settings or {}).items()]
        self.notice_bar.setToolTip("\n".join(safer))

    def _show_prompt(self, prompt: ExactPrompt) -> None:
        PromptDialog(self._look, prompt, self).open()

    # -- what is done -------------------------------------------------------------------------------------------------

    def _reopen(self, chat_id: str) -> None:
        self.open_chat(chat_id)
        self.composer.field.setFocus()

    def _type(self, text: str) -> None:
        """A letter typed in the list, or in what is read, is the message's first."""
        if self.isVisible():
            self.composer.field.setFocus()
            self.composer.field.insertPlainText(text)

    def _compose(self, event: QInputMethodEvent) -> None:
        """The same of an input method, which keeps the focus where it is until the syllable is whole."""
        if self.isVisible():
            QApplication.sendEvent(self.composer.field, event)
            if not event.preeditString():
                self.composer.field.setFocus()

    def _keep(self) -> None:
        self.composer.field.settle()
        self._controller.keep_draft(self.composer.text)

    def _suggest(self, text: str) -> None:
        self._keep()
        self._controller.suggest(text)

    def _rest(self, draft: str) -> None:
        self._controller.keep_draft(draft)
        self._controller.measure(draft)

    def _recall(self) -> None:
        own = self._controller.last_own()
        if own is not None:
            self.transcript.edit(own)

    def _act(self) -> None:
        notice = self._notice
        if notice is None:
            return
        if notice.action in (Action.RELOAD, Action.SAFER):
            self._controller.act(notice)
            return
        self._controller.dismiss()
        if notice.action is Action.AGAIN:
            self._controller.ask_again()
        elif notice.action is Action.GO_ON:
            self._controller.go_on()
        elif notice.action is Action.TEMPLATE:
            self._edit_opening()
        elif notice.action is Action.SETTINGS:
            self._want_settings()
        elif notice.action is Action.RESTORE:
            self._controller.head.restore()

    def _edit_opening(self) -> None:
        chat, insight = self._controller.chat, self._controller.insight
        dialog = OpeningDialog(
            self._look,
            chat.opening,
            lambda opening, show, fail: insight.preview(opening, chat.model, show, fail),
            self,
            completes=self._controller.completes(chat.model),
        )
        dialog.saved.connect(self._controller.head.set_opening)
        dialog.open()

    def _want_settings(self) -> None:
        self.settings_wanted.emit(self._controller.chat.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._controller.activity.work is not Work.NOTHING:
            self._controller.stop()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.composer.field.limit(self.height() // _SHARE)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.sidebar.fill_current(True)
        if not self.sidebar.list.hasFocus():  # a click there has brought this pane back, and F2 is to mean that chat
            self.composer.field.setFocus()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Backwards, the conversation is entered at its end, whatever was made last in it."""
        before = QApplication.focusWidget() or self
        while not next and (before := before.previousInFocusChain() or self) is not self:
            if before.focusPolicy() & Qt.FocusPolicy.TabFocus and before.isVisible() and before.isEnabled():
                break
        if next or not self.transcript.isAncestorOf(before):
            return super().focusNextPrevChild(next)
        self.transcript.enter_from_below()
        return True

    def hideEvent(self, event: QHideEvent) -> None:
        self._keep()
        self.sidebar.fill_current(False)
        super().hideEvent(event)
