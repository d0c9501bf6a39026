"""What the selected model costs in memory with the settings in force, and the question before one too large is loaded.

Invariant: the figures are the fit's own, the same as in the rows of Find; how well earlier loads agreed is said with
them. Nobody is kept from loading: who has said once that it shall be tried is not asked again while the program runs.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent

from desktop.panes.models.fit_panel import FitPanel, RoomPanel
from desktop.panes.models.library.upkeep import Fit, Upkeep, Verdict
from desktop.panes.models.plate import Plate
from desktop.ui import formats
from desktop.ui.asking import ask
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _


class MemorySection(Plate):
    def __init__(self, look: Theme, upkeep: Upkeep) -> None:
        super().__init__(look)
        self._upkeep = upkeep
        self._agreed: set[str] = set()
        self._title = Label(look, Type.HEADING)
        self._panel = FitPanel(look)
        self._room = RoomPanel(look)
        self._room.remedied.connect(upkeep.remedy)
        self._room.context_wanted.connect(upkeep.use_context)
        self._loads = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self.hold(self._title, self._panel, self._loads, self._room)
        upkeep.judged.connect(self.refresh)
        self.retranslate()

    def refresh(self) -> None:
        """Shows what the selected model takes now."""
        fit = self._upkeep.fit()
        self.setVisible(fit is not None)
        if fit is None:
            return
        self._panel.put(fit)
        self._room.put(fit)
        off = self._upkeep.off_by()
        self._loads.setVisible(off is not None)
        if off is not None:
            self._loads.setText(_("Last loads: within {size} of what was said.", size=formats.size(off)))

    def retranslate(self) -> None:
        self._title.setText(_("Memory"))
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def confirmed(self, model_id: str, load: Callable[[], None]) -> None:
        """Calls `load`, after a question where the model is too large for the memory that is available."""
        fit = self._upkeep.fit()
        if fit is None or fit.verdict is not Verdict.TOO_LARGE or model_id in self._agreed:
            load()
        else:
            self._ask(fit, model_id, load)

    def _ask(self, fit: Fit, model_id: str, load: Callable[[], None]) -> None:
        def agreed() -> None:
            self._agreed.add(model_id)
            load()

        needed, there = formats.size(fit.estimate.total_bytes), formats.size(fit.available_bytes)
        words = _("It needs {size}, and {available} are available.", size=needed, available=there)
        ask(
            self,
            _("This model is too large for the memory that is available now."),
            words + " " + _("The computer may become very slow until it is unloaded."),
            _("Load anyway"),
            agreed,
        )
