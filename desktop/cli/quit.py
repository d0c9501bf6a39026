"""`alcove quit`, for installers: asks the open window to end as its own menu does, and waits until all is written.

Exit status 0 where no window is left over the person's data, 1 where one is still there after half a minute. It ends
nothing by force.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from desktop.services.paths import Paths
from desktop.ui.instance import Instance


def main() -> int:
    _application = QCoreApplication([])
    instance = Instance(Paths.of_person().home)
    try:
        return 0 if instance.end() else 1
    finally:
        instance.release()
