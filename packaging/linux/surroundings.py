"""Before anything of Alcove runs in the packaged program: mends the surroundings, for it and for what it opens.

PyInstaller's starter sets LD_LIBRARY_PATH to the bundle's libraries. A browser or a file manager that Alcove opens
would load those instead of its own. The loader of this process has read it already; the engine's process is told to
begin as this one did, or it would take the system's libraries, where there are any.
Qt brings no plugin for fcitx, by which many type Korean. fcitx 5 answers for ibus, too, whose plugin is here.
"""

import os

original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if original is not None:
    os.environ["LD_LIBRARY_PATH"] = original
else:
    os.environ.pop("LD_LIBRARY_PATH", None)
os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"

method = os.environ.get("QT_IM_MODULE", "")
if method.startswith("fcitx"):
    os.environ.setdefault("QT_IM_MODULES", f"{method};ibus")  # the first that is there
