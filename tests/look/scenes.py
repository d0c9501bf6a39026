"""The scenes of the gallery, and of the tests that look: each leads the window to one thing that it can show.

Invariant: a scene begins anywhere, works in every language and size, and leaves nothing behind that `Stage.clear` does
not take away. What is made of a scene, a picture or a finding, is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QScrollArea, QTabBar

from desktop.core.errors import NetworkError
from desktop.core.generation import LoadSettings
from desktop.core.tuning import Outcome, Sample, Trial
from desktop.panes.models.library.tuner import Tuner
from desktop.panes.settings.privacy_view import PrivacySection
from desktop.ui.menus import Command
from desktop.ui.palette import Palette
from desktop.ui.translation import _
from desktop.ui.window import _FOLD_BELOW
from tests.flows.person import until
from tests.hub.shapes import MISTRAL_REPO
from tests.look.content import TITLES
from tests.look.stage import Stage
from tests.look.world import LOST, MODEL

Scene = Callable[[Stage], Coroutine[Any, Any, None]]
_VARIANT = "Q4_K_M"


async def welcome(stage: Stage) -> None:
    """The first start's, with the guide."""
    stage.command(Command.NEW_CHAT)
    stage.root.chat.choose_model("")
    await until(lambda: stage.root.chat_view.welcome.isVisible())


async def new_chat(stage: Stage) -> None:
    """With a model."""
    stage.command(Command.NEW_CHAT)
    stage.root.chat.choose_model(MODEL)
    await until(lambda: stage.root.chat_view.welcome.isVisible())


async def chat(stage: Stage) -> None:
    """The rich one."""
    await _open(stage, 0)


async def search(stage: Stage) -> None:
    """A word looked for in all chats; beside it, what was open."""
    stage.command(Command.FIND)
    box = stage.root.chat_view.sidebar.search
    box.setText(TITLES[stage.language][0].split()[-1])
    QTest.keyClick(box, Qt.Key.Key_Return)
    await stage.wait(0.3)


async def searched(stage: Stage) -> None:
    """The list is folded again where there is no room for it."""
    stage.root.chat_view.sidebar.search.clear()
    narrow = stage.window.width() < stage.root.look.px(_FOLD_BELOW)
    action = stage.window.menus.action(Command.CHAT_LIST)
    if narrow and action.isChecked():
        action.trigger()


async def streaming(stage: Stage) -> None:
    """A reply on its way."""
    await _open(stage, 1)
    field = stage.root.chat_view.composer.field
    field.setPlainText(TITLES[stage.language][4])
    QTest.keyClick(field, Qt.Key.Key_Return)
    await until(lambda: stage.person.all(QAbstractButton, _("Stop")), lambda: stage.person.sentences)
    await stage.wait(9)


async def stopped(stage: Stage) -> None:
    await stage.person.press(_("Stop"))
    await until(lambda: stage.person.all(QAbstractButton, _("Send")))


async def more(stage: Stage) -> None:
    """What can be done with a chat."""
    await _open(stage, 0)
    stage.root.chat_view.header.button.click()
    await until(QApplication.activePopupWidget)


async def opening(stage: Stage) -> None:
    await _open(stage, 0)
    stage.root.chat_view.header.opening_wanted.emit()
    await until(stage.above)
    await stage.wait(1)  # the preview comes when the hands rest


async def chat_settings(stage: Stage) -> None:
    await _open(stage, 0)
    stage.root.chat_view.header.settings_wanted.emit()
    await until(stage.above)


async def palette(stage: Stage) -> None:
    """It closes when the language changes, so it may be opened again."""
    stage.window.show_pane("chat")
    if not _palette(stage):
        stage.command(Command.PALETTE)
    await until(lambda: _palette(stage))


async def no_palette(stage: Stage) -> None:
    if _palette(stage):
        stage.command(Command.PALETTE)


async def shortcuts(stage: Stage) -> None:
    stage.command(Command.SHORTCUTS)
    await until(stage.above)


async def report(stage: Stage) -> None:
    """A fault of ours."""
    stage.window.show_report(RuntimeError("made up"))
    await until(stage.above)


async def choosing(stage: Stage) -> None:
    """The models that a chat can use."""
    await _open(stage, 0)
    stage.root.chat_view.composer.model_button.click()
    await until(QApplication.activePopupWidget)


async def importing(stage: Stage) -> None:
    """A file that was dropped."""
    stage.window.models_dropped.emit([stage.root._alcove.paths.models / f"{MODEL}.gguf"])
    await until(stage.above)


async def errors(stage: Stage) -> None:
    """What goes wrong is said where the person is."""
    await _open(stage, 0)
    stage.window.warn(NetworkError(LOST, host="huggingface.co"))


async def library(stage: Stage) -> None:
    await _page(stage, 0)
    controller = stage.root.models.library
    controller.select(next(model.id for model in controller.models() if model.name == MODEL))
    await stage.wait(1)


async def storage(stage: Stage) -> None:
    await _page(stage, 0)
    await stage.person.press(_("Storage"))
    await stage.wait(0.5)


async def stored(stage: Stage) -> None:
    await stage.person.press(_("Done"))


async def tune(stage: Stage) -> None:
    """What was found to be fastest, before it is decided upon."""
    await library(stage)
    default = LoadSettings(threads=8, batch_threads=8)
    slow = Trial(default, (Sample(38.0, 5.1), Sample(37.4, 5.0)), 8_600_000_000)
    fast = Trial(replace(default, threads=6, repack=False), (Sample(46.2, 6.3), Sample(46.0, 6.2)), 4_900_000_000)
    told = Trial(replace(fast.settings, kv_type="q8_0"), (Sample(44.0, 6.0),), 4_600_000_000)
    tuner = stage.root.models.findChild(Tuner)
    tuner._outcomes[stage.root.models.library.model().id] = Outcome(slow, fast, (told,))
    tuner.changed.emit()
    await stage.settle()
    (button,) = await until(lambda: stage.person.all(QAbstractButton, _("Use these")))
    _area_of(button).ensureWidgetVisible(button)


async def find(stage: Stage) -> None:
    await _page(stage, 1)
    if stage.person.sees(_("Back to the models found")):
        await stage.person.press(_("Back to the models found"))
    (field,) = await until(lambda: stage.person.all(QLineEdit, _("Search for models")))
    field.setFocus()
    field.selectAll()
    stage.person.key(Qt.Key.Key_Delete, field=field)
    await stage.wait(1)


async def variants(stage: Stage) -> None:
    """The variants of one model, and what is said of one of them."""
    await find(stage)
    (field,) = stage.person.all(QLineEdit, _("Search for models"))
    stage.person.type(MISTRAL_REPO, field)
    stage.person.key(Qt.Key.Key_Return, field=field)
    row = await until(lambda: _row(stage))
    assert row is not None
    QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    await stage.wait(3)  # llama.cpp is asked


async def downloads(stage: Stage) -> None:
    await _page(stage, 2)
    await stage.wait(1)


async def settings(stage: Stage) -> None:
    stage.window.show_pane("settings")
    await stage.wait(0.3)
    _settings_area(stage).verticalScrollBar().setValue(0)


async def privacy(stage: Stage) -> None:
    stage.window.show_pane("settings")
    await stage.wait(0.3)
    section = stage.window.findChild(PrivacySection)
    assert isinstance(section, PrivacySection)
    _settings_area(stage).verticalScrollBar().setValue(section.y())


async def help_pages(stage: Stage) -> None:
    stage.command(Command.HELP)
    await stage.wait(0.2)


async def _open(stage: Stage, at: int) -> None:
    stage.root.chat_view.sidebar.chosen.emit(f"chat-{at}", "", "")
    title = TITLES[stage.language][at]
    await until(lambda: stage.root.chat.chat.title == title and len(stage.person.conversation) > 1)


async def _page(stage: Stage, at: int) -> None:
    """A page of the models pane."""
    stage.window.show_pane("models")
    (tabs,) = await until(lambda: stage.person.all(QTabBar))
    tabs.setCurrentIndex(at)
    await stage.settle()


def _palette(stage: Stage) -> bool:
    shown = stage.window.findChild(Palette)
    return isinstance(shown, Palette) and shown.isVisible()


def _row(stage: Stage) -> QAbstractButton | None:
    rows = (b for b in stage.person.all(QAbstractButton) if b.accessibleName().startswith(f"{_VARIANT}, "))
    return next(rows, None)


def _settings_area(stage: Stage) -> QScrollArea:
    shown = stage.window._stack.currentWidget()
    area = shown.findChild(QScrollArea) if shown is not None else None
    assert isinstance(area, QScrollArea)
    return area


def _area_of(widget: QAbstractButton) -> QScrollArea:
    here = widget.parentWidget()
    while here is not None and not isinstance(here, QScrollArea):
        here = here.parentWidget()
    assert here is not None
    return here


SCENES: Mapping[str, Scene] = {
    "welcome": welcome,
    "new-chat": new_chat,
    "chat": chat,
    "search": search,
    "streaming": streaming,
    "more": more,
    "opening": opening,
    "chat-settings": chat_settings,
    "palette": palette,
    "shortcuts": shortcuts,
    "errors": errors,
    "library": library,
    "tune": tune,
    "storage": storage,
    "find": find,
    "variants": variants,
    "downloads": downloads,
    "settings": settings,
    "privacy": privacy,
    "help": help_pages,
}
FURTHER: Mapping[str, Scene] = {  # for the tests only
    **SCENES,
    "report": report,
    "choosing": choosing,
    "importing": importing,
}
FLEETING = frozenset({"palette", "privacy", "tune"})  # what another language or size closes or scrolls away
AFTER: Mapping[str, Scene] = {"streaming": stopped, "search": searched, "palette": no_palette, "storage": stored}
