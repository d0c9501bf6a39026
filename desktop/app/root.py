"""The window's root: makes every part, joins their signals, and ends them in one order.

Invariant: panes know nothing of each other; what one tells another is joined here and nowhere else. Shutting down is
always: the reply is stopped and stored, tasks end, the engine is left to end by itself, the database closes, the lock
is given back.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from desktop.app.advice import Advice
from desktop.app.background import Background, Tray
from desktop.app.commands import Commands
from desktop.app.models import Models
from desktop.app.news import News
from desktop.app.status import Status
from desktop.assembly import Assembly
from desktop.core.errors import StorageError, UserError
from desktop.core.levels import Level, Levels
from desktop.core.settings import BY_KEY, Value, resolve, valid
from desktop.core.transfer import Download
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.conversation import Conversation
from desktop.panes.chat.files import ChatFiles
from desktop.panes.chat.fitness import Suggestion
from desktop.panes.chat.view import ChatView
from desktop.services.chats.loading import GUIDE_SETTINGS
from desktop.services.paths import Paths, resources
from desktop.services.preferences import Preferences
from desktop.ui import hearing, loop, translation
from desktop.ui.instance import Instance
from desktop.ui.menus import Command
from desktop.ui.shell import Shell
from desktop.ui.translation import _

if TYPE_CHECKING:
    from desktop.app.finder import Finder
    from desktop.panes.help.view import HelpView
    from desktop.panes.settings.controller import SettingsController
    from desktop.panes.settings.view import SettingsView

log = logging.getLogger(__name__)


async def run(shell: Shell, paths: Paths, preferences: Preferences, instance: Instance) -> int:
    """Everything from the services' start to the last write, in a window that stands there already."""
    closed = asyncio.Event()
    shell.closing.connect(closed.set)
    if shell.closed:
        closed.set()
    async with Assembly.opened(paths, preferences=preferences) as alcove:
        root = Root(shell, alcove)
        sys.excepthook = root.excepthook
        if sys.platform != "win32":  # the session ends, or Ctrl+C in the terminal: closed like by its button
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, root.window.quit)
        instance.raised.connect(root.raised)
        root.start()
        instance.ready()
        await closed.wait()
        instance.close()
        root.window.hide()
        await root.tasks.close()
        await _keep_place(preferences, {**shell.place, "recent": tuple(root.recent)} if shell.place else {})
        await alcove.leave()
    return 0


async def _keep_place(preferences: Preferences, place: Mapping[str, Value]) -> None:
    """Where the window was; a full disk is no reason not to close."""
    try:
        if place:
            await preferences.set_window(place)
    except StorageError as error:
        log.warning("The window's place was not kept: %s", error)


class Root:
    """The window and its panes, joined."""

    def __init__(self, shell: Shell, alcove: Assembly) -> None:
        self._alcove, self._shell = alcove, shell
        hearing.tell_roles()
        self.look, self.window = shell.look, shell.window
        alcove.help.spoken = translation.language()
        self.tasks = loop.Tasks(self._show, self._report)
        self.chat = ChatController(
            alcove.chats, alcove.talk, self.tasks, ChatFiles(alcove.transcripts, self.tasks), alcove.drafts
        )
        self.models = Models(self.look, alcove, self.tasks)
        self.chat_view = ChatView(self.look, self.chat)
        self._commands = Commands(self.window, self.chat, self.chat_view, self.models, self._acts(), self._able())
        self.background = Background(self.window, self._tray)
        self.news = News(self.window, alcove.updates, self.tasks)
        self.recent = _recent(alcove.preferences.window)
        self._status = Status(self.window, alcove, self.chat)
        self._advice = Advice(alcove, self.tasks, self.chat, self.chat_view)
        self._join()
        self.window.fill(self.chat_view.sidebar, self._made)

    def _made(self, pane: str) -> QWidget:
        """A pane, when it is first shown."""
        match pane:
            case "models":
                return self.models.view
            case "settings":
                return self.settings_view
            case "help":
                return self.help_view
            case _:
                return self.chat_view

    @cached_property
    def help_view(self) -> HelpView:
        from desktop.panes.help.controller import HelpController
        from desktop.panes.help.view import HelpView

        controller = HelpController(self._alcove.help)
        controller.speak(translation.language())
        self._shell.spoken.connect(controller.speak)
        return HelpView(self.look, controller)

    @cached_property
    def _settings(self) -> SettingsController:
        from desktop.panes.settings.controller import SettingsController

        alcove = self._alcove
        controller = SettingsController(alcove.preferences, self._model_names, alcove.paths.home, self.tasks.spawn)
        controller.window_changed.connect(self._dress)
        return controller

    @cached_property
    def settings_view(self) -> SettingsView:
        from desktop.panes.settings.privacy import PrivacyController
        from desktop.panes.settings.states import StatesController
        from desktop.panes.settings.view import SettingsView

        alcove, controller = self._alcove, self._settings
        privacy = PrivacyController(alcove.network, alcove.tokens, self.tasks.spawn)
        states = StatesController(alcove.states, self.tasks.spawn)
        controller.window_changed.connect(lambda _settings: states.keep_within())
        return SettingsView(self.look, controller, privacy, states)

    def start(self) -> None:
        """What is read once the window can be seen."""
        self._list_models()
        self.chat_view.welcome.appeared.connect(self._advice.suggest_anew)  # from the second time on
        self._status.start()
        self.chat.start()
        self.models.start()
        for part in (self.background, self.news):
            part.use(resolve(self._alcove.preferences.values()))
        self.chat_view.composer.field.setFocus()
        for notice in self._alcove.notices:
            self.window.notify(notice.message, notice.fields)
        self.tasks.spawn(self._alcove.empty_bins())

    def raised(self, files: list[str]) -> None:
        """A second start of the program: this window comes forward, with the files that one was given."""
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()
        if files:
            self._import_models([Path(f) for f in files])

    def excepthook(self, kind: type[BaseException], bug: BaseException, trace: TracebackType | None) -> None:
        """A fault in one of Qt's calls into Python: logged, and a report offered."""
        if issubclass(kind, KeyboardInterrupt):
            self._shell.close()
            return
        log.error("A fault reached the event loop", exc_info=(kind, bug, trace))
        self.window.show_report(bug)

    # -- what one part tells another ----------------------------------------------------------------------------------

    def _join(self) -> None:
        self.models.changed.connect(self._list_models)
        self.models.library.renamed.connect(lambda old, new: self.tasks.spawn(self._renamed(old, new)))
        self.models.chosen.connect(self._chat_with)
        self.models.progressed.connect(self.window.show_progress)
        self.chat_view.settings_wanted.connect(self._chat_settings)
        self.chat_view.welcome.find_wanted.connect(self._find)
        self.chat_view.welcome.get_wanted.connect(lambda wanted: self._advice.get(wanted, self._show_downloads))
        self.chat_view.welcome.coming_wanted.connect(self._show_downloads)
        self.chat_view.welcome.chat_wanted.connect(self._chat_with)
        self.chat_view.sidebar.chosen.connect(lambda *_chosen: self.window.show_pane("chat"))
        self.chat_view.sidebar.new_requested.connect(lambda: self.window.show_pane("chat"))
        self.chat_view.search_wanted.connect(self.window.unfold)
        self.window.asked.connect(self._commands.obey)
        self.window.menus.able = self._commands.able
        self.window.models_dropped.connect(self._import_models)
        self.window.chats_dropped.connect(self.chat.files.import_files)
        self.chat.replies.activity_changed.connect(self._tell_work)
        self.chat.replies.done.connect(self._tell_reply)
        self.models.began.connect(self.background.download_began)
        self.models.ended.connect(self._tell_download)

    def _acts(self) -> Mapping[Command, Callable[[], object]]:
        """What is done here and in no pane."""
        step = BY_KEY["text_size"].step
        return {
            Command.UNLOAD_MODEL: lambda: self.tasks.spawn(self._unload()),
            Command.PALETTE: lambda: self.finder.toggle(),
            Command.CHOOSE_MODEL: lambda: self.finder.toggle_models(),
            Command.LARGER: lambda: self._size_text(step),
            Command.SMALLER: lambda: self._size_text(-step),
            Command.USUAL_SIZE: lambda: self._size_text(None),
            Command.HELP: lambda: self.window.show_pane("help"),
            Command.SHORTCUTS: self._show_shortcuts,
            Command.LICENCES: self._show_licences,
            Command.ABOUT: lambda: self._show_page("about"),
        }

    def _able(self) -> Mapping[Command, Callable[[], bool]]:
        return {
            Command.UNLOAD_MODEL: lambda: self._alcove.engine.loaded is not None,
            Command.LICENCES: self._licences.exists,
        }

    @cached_property
    def finder(self) -> Finder:
        from desktop.app.finder import Finder, Ways

        ways = Ways(self._open_chat, self._show_setting, self._set, self._show_page, self._show_downloads)
        return Finder(self.look, self.window, self.chat, self._alcove, self.tasks, ways, self.recent)

    def _open_chat(self, chat_id: str, message_id: str = "", words: str = "") -> None:
        self.window.show_pane("chat")
        self.chat_view.open_chat(chat_id, message_id, words)

    def _show_setting(self, key: str) -> None:
        self.window.show_pane("settings")
        self.settings_view.show_setting(key)

    def _show_page(self, topic: str) -> None:
        self.window.show_pane("help")
        self.help_view.show_page(topic)

    def _show_shortcuts(self) -> None:
        from desktop.ui.shortcuts import ShortcutSheet

        sheet = ShortcutSheet(self.look, self.window.menus, self.window)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()

    @property
    def _licences(self) -> Path:
        """The file that is made when the program is packaged; run from source there is none."""
        return resources() / "licences.txt"

    def _show_licences(self) -> None:
        from desktop.ui.licences import LicenceDialog

        dialog = LicenceDialog(self.look, self._licences, self.window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _size_text(self, step: float | None) -> None:
        """Larger or smaller by a step; None: as it came."""
        row = BY_KEY["text_size"]
        now = int(str(resolve(self._alcove.preferences.values())[row.key]))
        self._set(row.key, row.default if step is None else max(row.low, min(row.high, now + step)))

    def _set(self, key: str, value: Value) -> None:
        """One of the window's own settings, from elsewhere than its pane."""
        self.tasks.spawn(self._kept(key, value))

    async def _kept(self, key: str, value: Value) -> None:
        preferences = self._alcove.preferences
        try:
            await preferences.set(key, value)
        finally:
            self._dress(resolve(preferences.values()))
            self._settings.changed.emit()

    # -- while the person is elsewhere --------------------------------------------------------------------------------

    def _tray(self) -> Tray | None:
        tray = Tray.where_there_is_one(self.window)
        if tray is not None:
            tray.opened.connect(lambda: self.raised([]))
            tray.followed.connect(lambda: self.raised([]))
            tray.followed.connect(self.background.lead)
            tray.new_wanted.connect(lambda: self.raised([]))
            tray.new_wanted.connect(lambda: self._commands.obey(Command.NEW_CHAT))
            tray.quit_wanted.connect(self.window.quit)
        return tray

    def _tell_work(self, conversation: Conversation) -> None:
        if conversation.busy:
            self.background.reply_began(conversation.id)

    def _tell_reply(self, conversation: Conversation) -> None:
        chat = conversation.chat
        self.background.reply_ended(chat.id, chat.title, partial(self._open_chat, chat.id))

    def _tell_download(self, download: Download) -> None:
        chat = partial(self.models.chat, download.model)
        self.background.download_ended(download, self._show_downloads, chat, seen=self.models.shows_downloads)

    def _show_downloads(self) -> None:
        self.window.show_pane("models")
        self.models.show_downloads()

    def _find(self, suggestion: Suggestion | None) -> None:
        self._commands.obey(Command.FIND_MODEL)
        if suggestion is not None:
            self.models.offer(suggestion.repo, suggestion.label)

    async def _unload(self) -> None:
        await self._alcove.talk.unload()
        self._status.tell()

    def _chat_with(self, model: str) -> None:
        self.window.show_pane("chat")
        self.chat.new_chat()
        self.chat.choose_model(model)

    def _import_models(self, paths: list[Path]) -> None:
        self.window.show_pane("models")
        self.models.library.import_files([Path(p) for p in paths])

    def _list_models(self) -> None:
        self._name_models()
        self._advice.suggest()

    def _name_models(self) -> None:
        self.chat.set_models(self.models.choices())
        self._status.tell()

    async def _renamed(self, old: str, new: str) -> None:
        """Chats keep their model under its new name."""
        await self._alcove.chats.rename_model(old, new)
        if self.chat.chat.model == old:
            self.chat.choose_model(new)

    def _model_names(self) -> list[str]:
        return [model.name for model in self._alcove.library.all() if not model.built_in]

    def _chat_settings(self, chat_id: str) -> None:
        self.tasks.spawn(self._open_chat_settings(chat_id))

    async def _open_chat_settings(self, chat_id: str) -> None:
        chat = await self._alcove.chats.get(chat_id) if chat_id else self.chat.chat
        preferences = self._alcove.preferences
        model = self._alcove.library.named(chat.model)
        own = GUIDE_SETTINGS if model.built_in else preferences.values(model.name)
        below = ((Level.MODEL, own), (Level.ALL, preferences.values()))
        levels = Levels(Level.CHAT, valid(chat.settings), below)
        from desktop.panes.settings.dialog import ChatSettingsDialog

        ChatSettingsDialog(
            self.look, chat.title or _("New chat"), levels, self.chat.head.set_settings, self.window
        ).open()

    # -- the window's own ---------------------------------------------------------------------------------------------

    def _dress(self, settings: Mapping[str, Value]) -> None:
        """Language, appearance and text size, now."""
        self._shell.dress(settings)
        sealed = settings["offline"] is True
        if sealed != self._alcove.network.sealed:
            self._alcove.network.sealed = sealed
            self.models.reconnect()
            self._advice.suggest()
        self._alcove.help.spoken = translation.language()
        self.background.use(settings)
        self.news.use(settings)
        self._name_models()

    def _show(self, error: UserError) -> None:
        self.window.warn(error)

    def _report(self, bug: BaseException) -> None:
        self.window.show_report(bug)


def _recent(place: Mapping[str, object]) -> list[str]:
    """What was chosen last in the palette; the file may say anything."""
    kept = place.get("recent")
    return [key for key in kept if isinstance(key, str)] if isinstance(kept, list | tuple) else []
