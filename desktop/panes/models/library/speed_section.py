"""How fast the selected model could be here: the button that finds out, what is being tried, and what was found.

Invariant: it shows one of four things, by what the controller says: the offer, the way, the result to be decided upon,
or what is set. Nothing is set without a click.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QPushButton

from desktop.core.settings import BY_KEY, Value
from desktop.core.tuning import Outcome, gained
from desktop.panes.models.library.speed_chart import SpeedChart, per_second, percent
from desktop.panes.models.library.tuner import Attempt, Tuner
from desktop.panes.models.plate import Plate
from desktop.panes.models.strip import Strip
from desktop.ui import formats, theme
from desktop.ui.fields import shown
from desktop.ui.flow import Flow
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class SpeedSection(Plate):
    def __init__(self, look: Theme, tuner: Tuner) -> None:
        super().__init__(look)
        self._tuner = tuner
        self._title = Label(look, Type.HEADING)
        self._words = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._strip = Strip(look)
        self._chart = SpeedChart(look)
        self._told = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._doubts = Label(look, Type.SMALL, Tone.WARNING, wrap=True)
        self._find, self._use, self._keep = QPushButton(), QPushButton(), QPushButton()
        self._find.clicked.connect(tuner.find)
        self._use.clicked.connect(tuner.use)
        self._use.setProperty("primary", True)
        self._keep.clicked.connect(tuner.undo)
        self._strip.cancelled.connect(tuner.cancel)
        buttons = Flow(theme.S)
        for button in (self._use, self._keep, self._find):
            buttons.addWidget(button)
        self.hold(self._title, self._words, self._strip, self._chart, self._told, self._doubts, buttons)
        tuner.changed.connect(self.refresh)
        self.retranslate()

    def refresh(self) -> None:
        """Shows what there is to say of the selected model now."""
        self.setVisible(self._tuner.offered)
        if not self._tuner.offered:
            return
        attempt, outcome, tuned = self._tuner.attempt, self._tuner.outcome, self._tuner.tuned()
        changes = outcome.changes if outcome else {}
        self._strip.put(attempt.fraction if attempt else None, _trying(attempt) if attempt else "")
        self._words.setText(self._said(outcome, tuned))
        self._words.tone(Tone.TEXT if changes else Tone.MUTED)
        self._words.setVisible(attempt is None)
        self._chart.setVisible(bool(changes))
        self._told.setVisible(outcome is not None and bool(outcome.told) and not outcome.unclear)
        if outcome is not None:
            self._chart.put(outcome)
            self._told.setText(_comparison(outcome))
        doubts = _doubts(outcome) if outcome else ""
        self._doubts.setText(doubts)
        self._doubts.setVisible(bool(doubts))
        self._use.setVisible(bool(changes))
        self._keep.setVisible(attempt is None and bool(changes or tuned))
        self._keep.setText(_("Keep the defaults") if changes and not tuned else _("Back to the defaults"))
        self._find.setVisible(attempt is None and bool(doubts or not changes))
        self._find.setEnabled(self._tuner.measured is None)

    def _said(self, outcome: Outcome | None, tuned: Mapping[str, Value]) -> str:
        other = self._tuner.measured
        if other is not None:
            return _("“{name}” is being measured. This model can be measured after it.", name=other.name)
        if outcome is not None and outcome.changes:
            return _("Fastest here: {settings}", settings=in_words(outcome.changes))
        if outcome is not None and outcome.unclear:
            return _("Which settings are fastest cannot be judged now.")
        if outcome is not None:
            default = outcome.default
            return _(
                "Nothing was faster than the defaults: they read {reading} and write {writing}.",
                reading=per_second(default.read_per_s),
                writing=per_second(default.write_per_s),
            )
        if tuned:
            return _("Set for this model: {settings}", settings=in_words(tuned))
        return _("Tries for about a minute what reads and writes fastest. What the model answers stays as good.")

    def retranslate(self) -> None:
        self._title.setText(_("Speed"))
        self._find.setText(_("Find the best settings"))
        self._use.setText(_("Use these"))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()


def in_words(values: Mapping[str, Value]) -> str:
    """ "Threads: 6 · Flash attention: Off"."""
    return " · ".join(
        _("{name}: {value}", name=_(BY_KEY[key].label), value=shown(BY_KEY[key], value))
        for key, value in values.items()
    )


def _trying(attempt: Attempt) -> str:
    step = attempt.step
    values = {key: getattr(step.settings, key) for key in step.tried}
    left = _("About {time} left.", time=formats.duration(max(1.0, round(attempt.left_s))))
    if not attempt.fraction:
        return _("Measuring the defaults…") + " " + left
    if not values:
        return _("Measuring once more, to compare…") + " " + left
    return _("Trying {settings}.", settings=in_words(values)) + " " + left


def _doubts(outcome: Outcome) -> str:
    """Why more may be found another time."""
    taken = formats.number(outcome.busy * 100)
    busy = _("Other programs took {busy} % of the processor. Measure again when they rest.", busy=taken)
    hasty = _("There was no time to try everything.")
    uneven = _("The measurements are too uneven. Measure again when the computer has nothing else to do.")
    said = [hasty] * (not outcome.complete) + [busy] * outcome.disturbed
    return " ".join(said or [uneven] * outcome.unclear)


def _comparison(outcome: Outcome) -> str:
    """What another type of the KV cache would bring, which is the person's to choose."""
    sentences = []
    for trial in outcome.told:
        saved = outcome.best.committed_bytes - trial.committed_bytes
        sentences.append(
            _(
                "For comparison: with a {kind} KV cache, reading {reading}, writing {writing}, memory {memory}.",
                kind=trial.settings.kv_type,
                reading=percent(gained(trial.read_per_s, outcome.best.read_per_s)) or f"±{formats.percent(0)}",
                writing=percent(gained(trial.write_per_s, outcome.best.write_per_s)) or f"±{formats.percent(0)}",
                memory=f"{'−' if saved > 0 else '+'}{formats.size(abs(saved))}",
            )
        )
        sentences.append(_("It changes what the model answers, so it is not chosen for you."))
    return " ".join(sentences)
