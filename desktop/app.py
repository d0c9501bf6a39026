"""The window's root: makes every part, joins their signals, and ends them in one order.

Invariant: panes know nothing of each other; what one tells another is joined here and nowhere else. Shutting down is
always: the reply is stopped and stored, tasks end, the engine ends, the database closes, the lock is given back.
"""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMessageBox

from desktop import __version__
from desktop.assembly import Assembly
from desktop.core.errors import N_, UserError
from desktop.core.levels import Level, Levels
from desktop.core.settings import Value, resolve, valid
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.edges import ModelChoice
from desktop.panes.chat.files import ChatFiles
from desktop.panes.chat.view import ChatView
from desktop.panes.help.controller import HelpController
from desktop.panes.help.view import HelpView
from desktop.panes.models.controller import ModelsController
from desktop.panes.models.view import ModelsView
from desktop.panes.settings.controller import SettingsController
from desktop.panes.settings.dialog import ChatSettingsDialog
from desktop.panes.settings.view import SettingsView
from desktop.services.library import Model
from desktop.services.paths import Paths, resources
from desktop.ui import formats, loop, translation
from desktop.ui.icons import Icon
from desktop.ui.instance import Instance
from desktop.ui.menus import Command
from desktop.ui.theme import Theme
from desktop.ui.translation import _
from desktop.ui.window import MainWindow, Pane, Place

log = logging.getLogger(__name__)
LOG_BYTES = 1_000_000


def main(files: list[str] | None = None) -> int:
    """Opens the window, or raises the one that is open; returns when it has closed."""
    QApplication.setApplicationName("Alcove")
    QApplication.setApplicationVersion(__version__)
    QApplication.setDesktopFileName("alcove")
    app = QApplication(sys.argv[:1])
    app.setWindowIcon(QIcon(str(resources() / "icons" / "alcove.png")))
    paths = Paths.of_person()
    instance = Instance(paths.home)
    try:
        paths.create()
        _log_to(paths.logs)
        if not instance.claim(files or ()):
            return 0
        return loop.run(_run(app, paths, instance))
    except UserError as error:
        _refuse(app, error)
        return 1
    finally:
        instance.release()


async def _run(app: QApplication, paths: Paths, instance: Instance) -> int:
    """Everything between the first paint and the last write."""
    async with AsyncExitStack() as closing:
        alcove = await closing.enter_async_context(Assembly.opened(paths))
        root = Root(app, alcove)
        sys.excepthook = root.excepthook
        if sys.platform != "win32":  # the session ends, or Ctrl+C in the terminal: closed like by its button
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, root.window.close)
        instance.raised.connect(root.raised)
        root.window.show()
        root.start()
        await root.closed.wait()
        root.window.hide()
        await root.tasks.close()
    return 0


class Root:
    """The window and its panes, joined."""

    def __init__(self, app: QApplication, alcove: Assembly) -> None:
        self._app, self._alcove = app, alcove
        self.closed = asyncio.Event()
        self.tasks = loop.Tasks(self._show, self._report)
        spawn = self.tasks.spawn
        settings = resolve(alcove.preferences.values())
        translation.use(str(settings["language"]), resources() / "locale")
        self.look = Theme(app)
        self._dress(settings)
        files = ChatFiles(alcove.transcripts, self.tasks)
        self.chat = ChatController(alcove.chats, alcove.talk, self.tasks, files, alcove.drafts)
        self.models = ModelsController(alcove.library, alcove.preferences, spawn)
        self.settings = SettingsController(alcove.preferences, self._model_names, alcove.paths.home, spawn)
        self.help = HelpController(alcove.help)
        self.help.speak(translation.language())
        self.chat_view = ChatView(self.look, self.chat)
        self.models_view = ModelsView(self.look, self.models)
        self.help_view = HelpView(self.look, self.help)
        panes = (
            Pane("chat", N_("Chat"), Icon.CHAT, self.chat_view),
            Pane("models", N_("Models"), Icon.MODELS, self.models_view),
            Pane("settings", N_("Settings"), Icon.SETTINGS, SettingsView(self.look, self.settings)),
            Pane("help", N_("Help"), Icon.INFO, self.help_view),
        )
        place = Place(lambda: alcove.preferences.window, self._keep_place)
        self.window = MainWindow(self.look, self.chat_view.sidebar, panes, place, self.closed.set)
        self._join()

    def start(self) -> None:
        """What is read once the window can be seen."""
        self._list_models()
        self.chat.start()
        self.chat_view.composer.field.setFocus()
        for notice in self._alcove.notices:
            self.window.notify(notice.message, notice.fields)

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
            self.closed.set()
            return
        log.error("A fault reached the event loop", exc_info=(kind, bug, trace))
        self.window.show_report(bug)

    # -- what one part tells another ----------------------------------------------------------------------------------

    def _join(self) -> None:
        self.models.changed.connect(self._list_models)
        self.models.renamed.connect(lambda old, new: self.tasks.spawn(self._renamed(old, new)))
        self.models.chosen.connect(self._chat_with)
        self.settings.window_changed.connect(self._dress)
        self.chat.device_changed.connect(lambda _device: self._tell_status())
        self.chat_view.settings_wanted.connect(self._chat_settings)
        self.chat_view.sidebar.chosen.connect(lambda *_chosen: self.window.show_pane("chat"))
        self.chat_view.sidebar.new_requested.connect(lambda: self.window.show_pane("chat"))
        self.window.asked.connect(self._obey)
        self.window.models_dropped.connect(self._import_models)
        self.window.chats_dropped.connect(self.chat.files.import_files)

    def _obey(self, command: Command) -> None:
        match command:
            case Command.NEW_CHAT:
                self.window.show_pane("chat")
                self.chat_view.new_chat()
            case Command.IMPORT_MODEL:
                self.window.show_pane("models")
                self.models_view.ask_for_files()
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

    def _chat_with(self, model: str) -> None:
        self.window.show_pane("chat")
        self.chat.new_chat()
        self.chat.choose_model(model)

    def _import_models(self, paths: list[Path]) -> None:
        self.window.show_pane("models")
        self.models.import_files([Path(p) for p in paths])

    def _list_models(self) -> None:
        self.chat.set_models([_choice(model) for model in self._alcove.library.all()])
        self._tell_status()

    async def _renamed(self, old: str, new: str) -> None:
        """Chats keep their model under its new name."""
        await self._alcove.chats.rename_model(old, new)
        if self.chat.chat.model == old:
            self.chat.choose_model(new)

    def _model_names(self) -> list[str]:
        return [model.name for model in self._alcove.library.all()]

    def _chat_settings(self, chat_id: str) -> None:
        self.tasks.spawn(self._open_chat_settings(chat_id))

    async def _open_chat_settings(self, chat_id: str) -> None:
        chat = await self._alcove.chats.get(chat_id)
        preferences = self._alcove.preferences
        model = self._alcove.library.find(chat.model).name
        below = ((Level.MODEL, preferences.values(model)), (Level.ALL, preferences.values()))
        levels = Levels(Level.CHAT, valid(chat.settings), below)

        def save(own: dict[str, Value]) -> None:
            self.tasks.spawn(self._alcove.chats.update(chat_id, settings=own))

        ChatSettingsDialog(self.look, chat.title or _("New chat"), levels, save, self.window).open()

    # -- the window's own ---------------------------------------------------------------------------------------------

    def _dress(self, settings: Mapping[str, Value]) -> None:
        """Language, appearance and text size, now."""
        self.look.use(str(settings["appearance"]), int(str(settings["text_size"])))
        translation.use(str(settings["language"]), resources() / "locale")
        if hasattr(self, "help"):
            self.help.speak(translation.language())
            self._list_models()

    def _tell_status(self) -> None:
        loaded = self._alcove.engine.loaded
        if loaded is None:
            self.window.set_status(_("No model is loaded"))
            return
        path, settings, info = loaded
        name = next((m.name for m in self._alcove.library.all() if m.path == path), info.name)
        memory = formats.size(self._alcove.machine.resident(self._alcove.engine.pid))
        self.window.set_status(
            _(
                "{model} · {device}, {threads} threads · {memory} of memory",
                model=name,
                device=info.device,
                threads=settings.threads,
                memory=memory,
            )
        )

    def _keep_place(self, place: Mapping[str, Value]) -> None:
        self.tasks.spawn(self._alcove.preferences.set_window(place))

    def _show(self, error: UserError) -> None:
        self.window.warn(error)

    def _report(self, bug: BaseException) -> None:
        self.window.show_report(bug)


def _choice(model: Model) -> ModelChoice:
    if model.built_in:
        return ModelChoice("", _("Guide"), _("built in, knows Alcove only"))
    return ModelChoice(model.name, model.name, f"{model.quantisation} · {formats.size(model.size)}")


def _log_to(folder: Path) -> None:
    """Warnings and worse, in a file that never grows beyond a few megabytes. What is said in chats is not logged."""
    handler = logging.handlers.RotatingFileHandler(
        folder / "alcove.log", maxBytes=LOG_BYTES, backupCount=2, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("desktop").addHandler(handler)


def _refuse(app: QApplication, error: UserError) -> None:
    """The data folder or the database cannot be used: that is said, and nothing is touched."""
    box = QMessageBox(QMessageBox.Icon.Warning, "Alcove", _(error.message, **error.fields))
    box.finished.connect(app.quit)
    box.open()
    app.exec()
