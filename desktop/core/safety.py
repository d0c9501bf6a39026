"""Settings for a model whose loading or answering has ended the engine before.

Invariant: each step asks for less memory than the last or avoids a riskier path, and changes one setting. Whether one
is taken is the person's choice, offered elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

from desktop.core.generation import LoadSettings
from desktop.core.settings import GPU_AUTOMATIC

_SMALL_CONTEXT = 2048
_SMALL_BATCH = 128


def safer(settings: LoadSettings) -> LoadSettings:
    """One step down: a smaller context, then no repacking, then fewer GPU layers, then less of the rest.

    The same settings come back where nothing is left to give up.
    """
    if settings.context == 0:
        return replace(settings, context=2 * _SMALL_CONTEXT)
    if settings.context > _SMALL_CONTEXT:
        return replace(settings, context=max(_SMALL_CONTEXT, settings.context // 4 // 256 * 256))
    if settings.repack:
        return replace(settings, repack=False)
    if settings.gpu_layers == GPU_AUTOMATIC:
        return replace(settings, gpu_layers=0)
    if settings.gpu_layers:
        return replace(settings, gpu_layers=16 if settings.gpu_layers < 0 else settings.gpu_layers // 2)
    if settings.mlock:
        return replace(settings, mlock=False)
    if settings.batch > _SMALL_BATCH:
        return replace(settings, batch=_SMALL_BATCH)
    return settings
