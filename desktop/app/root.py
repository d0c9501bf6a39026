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
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QWidget

from desktop.app.models import Models
from desktop.assembly import Assembly
from desktop.core.chat import Opening
from desktop.core.errors import StorageError, UserError
from desktop.core.generation import LoadSettings, ModelInfo
from desktop.core.levels import Level, Levels
from desktop.core.settings import Value, valid
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.edges import ModelChoice
from desktop.panes.chat.files import ChatFiles
from desktop.panes.chat.view import ChatView
from desktop.services.chats.loading import GUIDE_SETTINGS
from desktop.services.chats.prompts import opening_for
from desktop.services.models.library import Model
from desktop.services.paths import Paths
from desktop.services.preferences import Preferences
from desktop.ui import formats, loop, translation
from desktop.ui.instance import Instance
from desktop.ui.menus import Command
from desktop.ui.shell import Shell
from desktop.ui.translation import _

if TYPE_CHECKING:
    from desktop.panes.help.view import HelpView

log = logging.getLogger(__name__)
STATUS_MS = 2000  # memory moves slowly, and asking the system for it costs 0.1 ms


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
                asyncio.get_running_loop().add_signal_handler(number, root.window.close)
        instance.raised.connect(root.raised)
        root.start()
        await closed.wait()
        instance.close()
        root.window.hide()
        await root.tasks.close()
        await _keep_place(preferences, shell.place)
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
        self.look, self.window = shell.look, shell.window
        alcove.help.spoken = translation.language()
        self.tasks = loop.Tasks(self._show, self._report)
        self.chat = ChatController(
            alcove.chats, alcove.talk, self.tasks, ChatFiles(alcove.transcripts, self.tasks), alcove.drafts
        )
        self.models = Models(self.look, alcove, self.tasks)
        self.chat_view = ChatView(self.look, self.chat)
        self._pulse = QTimer(interval=STATUS_MS)
        self._join()
        self.window.fill(self.chat_view.sidebar, self._made)

    def _made(self, pane: str) -> QWidget:
        """A pane, when it is first shown."""
        match pane:
            case "models":
                return self.models.view
            case "settings":
                return self._settings_view()
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

    def _settings_view(self) -> QWidget:
        from desktop.panes.settings.controller import SettingsController
        from desktop.panes.settings.privacy import PrivacyController
        from desktop.panes.settings.states import StatesController
        from desktop.panes.settings.view import SettingsView

        alcove = self._alcove
        controller = SettingsController(alcove.preferences, self._model_names, alcove.paths.home, self.tasks.spawn)
        controller.window_changed.connect(self._dress)
        privacy = PrivacyController(alcove.network, alcove.tokens, self.tasks.spawn)
        states = StatesController(alcove.states, self.tasks.spawn)
        controller.window_changed.connect(lambda _settings: states.keep_within())
        return SettingsView(self.look, controller, privacy, states)

    def start(self) -> None:
        """What is read once the window can be seen."""
        self._list_models()
        self._pulse.start()
        self.chat.start()
        self.models.start()
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
        self.chat.device_changed.connect(lambda _device: self._tell_status())
        self._pulse.timeout.connect(self._tell_status)
        self.chat_view.settings_wanted.connect(self._chat_settings)
        self.chat_view.welcome.find_wanted.connect(lambda: self._obey(Command.FIND_MODEL))
        self.chat_view.sidebar.chosen.connect(lambda *_chosen: self.window.show_pane("chat"))
        self.chat_view.sidebar.new_requested.connect(lambda: self.window.show_pane("chat"))
        self.chat_view.search_wanted.connect(self.window.unfold)
        self.window.asked.connect(self._obey)
        self.window.models_dropped.connect(self._import_models)
        self.window.chats_dropped.connect(self.chat.files.import_files)

    def _obey(self, command: Command) -> None:
        match command:
            case Command.NEW_CHAT:
                self.window.show_pane("chat")
                self.chat_view.new_chat()
            case Command.FIND_MODEL:
                self.window.show_pane("models")
                self.models.find()
            case Command.IMPORT_MODEL:
                self.window.show_pane("models")
                self.models.view.ask_for_files()
            case Command.FIND:
                if self.window.pane != "models" or not self.models.search():
                    self.window.unfold()
                    self.chat_view.search()
            case Command.UNLOAD_MODEL:
                self.tasks.spawn(self._unload())
            case Command.IMPORT_CHATS:
                self.chat_view.import_chats()
            case Command.EXPORT_CHAT:
                self.chat_view.export_chat()
            case Command.EXPORT_ALL_CHATS:
                self.chat_view.export_all()
            case Command.HELP:
                self.window.show_pane("help")
            case Command.ABOUT:
                self.window.show_pane("help")
                self.help_view.show_page("about")

    async def _unload(self) -> None:
        await self._alcove.talk.unload()
        self._tell_status()

    def _chat_with(self, model: str) -> None:
        self.window.show_pane("chat")
        self.chat.new_chat()
        self.chat.choose_model(model)

    def _import_models(self, paths: list[Path]) -> None:
        self.window.show_pane("models")
        self.models.library.import_files([Path(p) for p in paths])

    def _list_models(self) -> None:
        self.chat.set_models([_choice(model) for model in self._alcove.library.all()])
        self._tell_status()

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
        self._alcove.help.spoken = translation.language()
        self._list_models()

    def _tell_status(self) -> None:
        loaded = self._alcove.engine.loaded
        if loaded is None:
            self.window.set_status(_("No model is loaded"))
            return
        path, settings, info = loaded
        model = next((m for m in self._alcove.library.all() if m.path == path), None)
        name = info.name if model is None else _choice(model).label
        memory = formats.size(self._alcove.machine.resident(self._alcove.engine.pid))
        said = _(
            "{model} · {device}, {threads} threads · {memory} of memory",
            model=name,
            device=_device(settings, info),
            threads=settings.threads,
            memory=memory,
        )
        self.window.set_status(" · ".join([said, *map(_, info.notes)]))

    def _show(self, error: UserError) -> None:
        self.window.warn(error)

    def _report(self, bug: BaseException) -> None:
        self.window.show_report(bug)


def _device(settings: LoadSettings, info: ModelInfo) -> str:
    """Which device runs, and why it is not the graphics card."""
    if info.gpu_layers:
        return info.device
    return _("CPU (GPU layers: 0)") if settings.gpu_layers == 0 else _("CPU (no usable graphics card)")


def _choice(model: Model) -> ModelChoice:
    if model.built_in:
        return ModelChoice("", _("Guide"), _("built in, knows Alcove only"))
    completes = opening_for(Opening(), model).completion
    return ModelChoice(model.name, model.name, f"{model.quantisation} · {formats.size(model.size)}", completes)
