"""The command palette over this window: commands, panes, chats, models, settings, help pages, and what messages hold.

Invariant: an offer does what its entry in a menu, its row in a list or its page would do; only what could do anything
now is offered. It is imported when the palette is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from PySide6.QtGui import QAction, QKeySequence

from desktop.app import words as everyday
from desktop.assembly import Assembly
from desktop.core.levels import Level, rows_for
from desktop.core.setting import Scope, Setting
from desktop.core.settings import Value, resolve
from desktop.panes.chat.controller import ChatController
from desktop.panes.chat.snippet import tidy
from desktop.services.chats.search import Hit
from desktop.ui import formats
from desktop.ui.icons import Icon
from desktop.ui.loop import Tasks
from desktop.ui.menus import Command
from desktop.ui.palette import Palette
from desktop.ui.palette_rows import Offer
from desktop.ui.shell import PANES
from desktop.ui.theme import Theme
from desktop.ui.translation import _, everywhere, language
from desktop.ui.window import MainWindow

KEPT = 10  # how many choices are remembered: more than are shown, because some are gone when they would be
_FIRST = (Command.NEW_CHAT, Command.CHOOSE_MODEL, Command.FIND_MODEL, Command.FIND)
_FOUND = 8  # messages: those who want more search in the list of chats


@dataclass(frozen=True, slots=True)
class Ways:
    """How one gets to what was chosen: a chat (at a message, with words to mark), a setting, its value, a help page."""

    chat: Callable[[str, str, str], object]
    setting: Callable[[str], object]
    choice: Callable[[str, Value], object]
    page: Callable[[str], object]
    downloads: Callable[[], object]


class Finder:
    """`recent` holds the keys of what was chosen last, the newest first; it is kept up to date in place."""

    def __init__(
        self,
        look: Theme,
        window: MainWindow,
        chat: ChatController,
        alcove: Assembly,
        tasks: Tasks,
        ways: Ways,
        recent: list[str],
    ) -> None:
        self._window, self._chat, self._alcove, self._tasks = window, chat, alcove, tasks
        self._to, self._recent = ways, recent
        self._hint = ""  # of what was opened last
        self._palette = Palette(look, window.ground)
        self._palette.chosen.connect(self._remember)
        self._palette.searched.connect(lambda words: tasks.spawn(self._search(words)))

    def toggle(self) -> None:
        """Opens the palette with everything there is; closes it where it is open."""
        self._show(self._all(), _("Search commands, chats and models"))

    def toggle_models(self) -> None:
        """The same with models alone."""
        self._show(list(self._models()), _("Choose a model for this chat"))

    def _show(self, offers: list[Offer], hint: str) -> None:
        again = self._palette.isVisible() and hint == self._hint
        if self._palette.isVisible():
            self._palette.leave()
        if not again:
            self._hint = hint
            self._palette.open(offers, self._recent, hint)

    def _remember(self, offer: Offer) -> None:
        if offer.key:
            self._recent[:] = [offer.key, *(key for key in self._recent if key != offer.key)][:KEPT]

    async def _search(self, words: str) -> None:
        self._palette.add(words, self._messages(words, await self._alcove.chats.search(words)))

    def _all(self) -> list[Offer]:
        """In the order in which a few of each kind are listed."""
        parts = (self._commands(), self._panes(), self._chats(), self._models(), self._settings(), self._pages())
        return [offer for part in parts for offer in part]

    def _models(self) -> Iterator[Offer]:
        """Choosing one lets the chat that is shown go on with it."""
        for model in self._chat.models:
            act = partial(self._take, model.name)
            yield Offer(f"model {model.name}", Icon.MODELS, model.label, _("Models"), act, model.detail)

    def _messages(self, words: str, hits: Sequence[Hit]) -> list[Offer]:
        """What a search has found in messages; titles are offered anyway."""
        found: list[Offer] = []
        for hit in [hit for hit in hits if hit.message_id][:_FOUND]:
            text, _marks = tidy(hit.snippet, hit.marks)
            act = partial(self._to.chat, hit.chat_id, hit.message_id or "", words.strip())
            found.append(Offer("", Icon.SEARCH, text, _("Messages"), act, hit.title or _("New chat")))
        return found

    def _commands(self) -> list[Offer]:
        """Those that people look for most stand first; the others as in the menus."""
        left_out = {Command.PALETTE.value, *(pane.label for pane in PANES)}
        menus = self._window.menus
        actions = [action for _title, entries in menus.sections() for action in entries if menus.possible(action)]
        offers = [self._command(a, str(a.data())) for a in actions if a.data() not in left_out]
        first = [f"command {command.value}" for command in _FIRST]
        return sorted(offers, key=lambda offer: first.index(offer.key) if offer.key in first else len(first))

    def _command(self, action: QAction, message: str) -> Offer:
        key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        known = {command.value: said for command, said in everyday.COMMANDS.items()}
        also = _also(message, known.get(message, ""))
        return Offer(f"command {message}", Icon.COMMAND, action.text(), _("Commands"), action.trigger, key, also)

    def _panes(self) -> Iterator[Offer]:
        for pane in PANES:
            action = self._window.menus.way(pane.name)
            key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            also = _also(pane.label, everyday.PANES[pane.name])
            yield Offer(f"pane {pane.name}", pane.icon, action.text(), _("Go to"), action.trigger, key, also)

        also, kind = _also("Downloads", everyday.DOWNLOADS), _("Go to")
        yield Offer("downloads", Icon.DOWNLOAD, _("Downloads"), kind, self._to.downloads, _("Models"), also)

    def _chats(self) -> Iterator[Offer]:
        for chat in self._chat.listing.chats:
            act = partial(self._to.chat, chat.id, "", "")
            title = chat.title or _("New chat")
            yield Offer(f"chat {chat.id}", Icon.CHAT, title, _("Chats"), act, partial(_when, chat.updated))

    def _settings(self) -> Iterator[Offer]:
        for row in rows_for(Level.ALL):
            if row.scope is Scope.GLOBAL:
                yield from self._choices(row)
            text, act = _(row.label), partial(self._to.setting, row.key)
            also = _also(row.label, everyday.SETTINGS.get(row.key, ""), *(choice.label for choice in row.choices))
            where = _(row.group.value)
            yield Offer(f"setting {row.key}", Icon.SETTINGS, text, _("Settings"), act, where, also, rare=True)

    def _choices(self, row: Setting) -> Iterator[Offer]:
        """The values of a setting of the window's own, but for the one in force."""
        in_force = resolve(self._alcove.preferences.values())[row.key]
        for choice in row.choices:
            if choice.value != in_force:
                act = partial(self._to.choice, row.key, choice.value)
                also = _also(choice.label, everyday.CHOICES.get(choice.value, ""))
                key, where = f"choice {row.key} {choice.value}", _(row.label)
                yield Offer(key, Icon.SETTINGS, _(choice.label), _("Settings"), act, where, also, rare=True)

    def _pages(self) -> Iterator[Offer]:
        for page in self._alcove.help.pages(language()):
            act = partial(self._to.page, page.topic)
            kind = _("Help")
            yield Offer(f"page {page.topic}", Icon.HELP, page.title, kind, act, kind, rare=True, told=True)

    def _take(self, model: str) -> None:
        self._window.show_pane("chat")
        self._chat.choose_model(model)


def _also(*messages: str) -> set[str]:
    """What else finds it: names and everyday words, in every language."""
    return {text for message in messages if message for text in everywhere(message)}


def _when(unix: float) -> str:
    """The time of day, where it is today's."""
    today = date.fromtimestamp(unix) == date.today()
    return formats.clock(unix) if today else formats.moment(unix)
