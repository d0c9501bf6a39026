"""The process that says what llama.cpp can do here: one line of JSON on what was its standard output.

Invariant: no model is loaded, and no connection opened. A processor llama.cpp was not built for ends this process and
nothing else; who starts it and what comes of it is `engine.probe`'s.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict

from desktop.engine.seal import close_off


def main() -> int:
    outlet = os.dup(1)
    os.dup2(2, 1)
    close_off()
    from desktop.engine import llama

    found = {
        "version": llama.version(),
        "system_info": llama.system_info(),
        "kernels": asdict(llama.KERNELS),
        "devices": [asdict(device) for device in llama.devices()],
    }
    os.write(outlet, json.dumps(found).encode("ascii"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
