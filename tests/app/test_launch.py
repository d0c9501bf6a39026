"""The system's wish that the program end, in a process of its own: there is one application for each."""

from __future__ import annotations

import subprocess
import sys

_ENDED = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget
from desktop.launch import Application

app = Application([])
app.setQuitOnLastWindowClosed(False)
window = QWidget()
window.show()
asked = []

def ask():
    app.quit()  # what the Dock and the end of a session come to
    QTimer.singleShot(0, lambda: app.exit(3 if asked and window.isVisible() else 4))

app.end = lambda: asked.append(True)
QTimer.singleShot(0, ask)
print(app.exec())
app.end = None
QTimer.singleShot(0, app.quit)
print(app.exec())
"""


def test_the_wish_to_quit_is_told_and_closes_nothing():
    ran = subprocess.run([sys.executable, "-c", _ENDED], capture_output=True, text=True, timeout=60)
    assert (ran.stdout.split(), ran.returncode) == (["3", "0"], 0), ran.stderr
