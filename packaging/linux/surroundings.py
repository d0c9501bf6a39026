"""Before anything of Alcove runs in the packaged program: gives programs that it opens the person's own surroundings.

PyInstaller's starter sets LD_LIBRARY_PATH to the bundle's libraries. A browser or a file manager that Alcove opens
would load those instead of its own; Alcove itself finds them without, by their RUNPATH.
"""

import os

original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if original is not None:
    os.environ["LD_LIBRARY_PATH"] = original
else:
    os.environ.pop("LD_LIBRARY_PATH", None)
