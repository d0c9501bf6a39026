"""What a model needs in memory with given settings, item by item, and whether this computer has it now.

Invariant: one estimate means the same wherever it comes from: what the engine process holds with its context full. What
may not be dropped (committed) is told apart from what the system can read again from the file (file-backed), and both
are judged. Shapes the closed form is not known to hold for are overestimated, never refused. What would make room is
`core.remedies`'; llama.cpp itself is asked by `engine.measure`; nothing here looks at the machine.

Source of the closed form: measured against llama.cpp's own figures, 44 of 48 dense configurations within 0.01 MiB and
the rest 3.7 % low; the terms are those of its graphs (`build_attn`, `build_ffn`) at n_outputs_max 1. The few more that
drafts need (`core.lookup`) lie within what is added to the logits for safety.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from desktop.core import checkpoints
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.lookup import MOST
from desktop.core.quants import TENSOR_TYPES
from desktop.core.repacking import NONE, Repacking, place, placed
from desktop.core.settings import GPU_AUTOMATIC
from desktop.core.shape import MAX_CONTEXT, Layer, Shape

MIB = 1 << 20
PADDING = 256  # tokens; llama.cpp makes contexts a multiple of it (GGML_PAD in llama_context)
_UNKNOWN_CONTEXT = 4096  # for a model that does not say what it was trained on
_KV_TYPES = {row.name.lower(): row for row in TENSOR_TYPES.values()}


# The engine process beside its model, bytes: measured on Linux x86-64 with vocabularies of 32,000 to 262,144 tokens,
# within 6 MB (tests/bench/resident). Other systems have not been measured; what they differ by is learnt from loads.
_PROCESS = 48 * 10**6  # Python and the libraries; half of it is pages of files
_PER_TOKEN = 193  # llama.cpp's tables of a vocabulary, and ours of its special tokens
_PER_MERGE = 135
SAVED_AT_ONCE = 4 * MIB  # of a state that grows by the token: a processor's cache holds it, a request waits 10 ms
LOADED_AT_ONCE = 3  # such pieces: two are read from the disk while one is put back
_PER_CELL = 144  # of the KV cache: `llama_kv_cells` keeps 48 bytes and two nodes of trees


class Source(StrEnum):
    """Who says so."""

    PROBE = "probe"  # llama.cpp, asked for these settings
    CLOSED_FORM = "closed-form"


class Verdict(StrEnum):
    """How a model goes with the memory that is available now."""

    FITS = "fits"
    TIGHT = "tight"
    PARTLY = "partly"  # some layers on the graphics card, the others beside it
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class Buffers:
    """What llama.cpp says it would allocate: bytes by device, "CPU" the computer's own memory.

    `tensors` are pairs of a weight's name and the buffer it gets; none where graphics cards take part.
    """

    kv: Mapping[str, int]
    compute: Mapping[str, int]
    output: Mapping[str, int]
    tensors: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What one graphics card holds, bytes. `shared`: its memory is the computer's own."""

    name: str
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    shared: bool = False

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes of memory, each counted once: the computer's own first, that of graphics cards in `devices`.

    `keeping_bytes` is what going back in a chat takes, and saving it.
    """

    weights_bytes: int
    repack_bytes: int
    kv_bytes: int
    compute_bytes: int
    output_bytes: int
    process_bytes: int
    devices: tuple[DeviceUse, ...] = ()
    source: Source = Source.CLOSED_FORM
    mapped: bool = True  # whether the weights are the file's own pages, which the system may drop and read again
    held: bool = True  # whether the figures are known to be right for this kind of model
    layers: int = 0
    gpu_layers: int = 0  # the output counts as one more layer
    keeping_bytes: int = 0

    @property
    def committed_bytes(self) -> int:
        """What stays until the model is unloaded; without mapping that includes the weights."""
        own = self.repack_bytes + self.kv_bytes + self.compute_bytes + self.output_bytes + self.process_bytes
        own += self.keeping_bytes
        shared = sum(use.kv_bytes + use.compute_bytes for use in self.devices if use.shared)
        return own + shared + (0 if self.mapped else self._weights)

    @property
    def file_backed_bytes(self) -> int:
        return self._weights if self.mapped else 0

    @property
    def _weights(self) -> int:
        return self.weights_bytes + sum(use.weights_bytes for use in self.devices if use.shared)

    @property
    def device_bytes(self) -> int:
        """What graphics cards hold in memory of their own."""
        return sum(use.total_bytes for use in self.devices if not use.shared)

    @property
    def state_bytes(self) -> int:
        """What a chat that fills the context takes on disk, to be read no second time.

        All of its KV cache, or, where that cannot be cut, what is held while it is written: the checkpoints go with it.
        """
        return max(self.kv_bytes + sum(use.kv_bytes for use in self.devices), self.keeping_bytes)

    @property
    def total_bytes(self) -> int:
        """What the engine process is expected to hold resident with the context full."""
        return self.committed_bytes + self.file_backed_bytes


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card, as the engine reports it, bytes. `shared`: it uses the computer's memory."""

    name: str
    free_bytes: int
    total_bytes: int = 0
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """Memory now: available is free, and what the system would give back at once."""

    available_bytes: int
    total_bytes: int = 0
    devices: tuple[Card, ...] = ()


@dataclass(frozen=True, slots=True)
class Lacking:
    """Bytes that are missing; 0 where enough is there. Judged apart, because what follows differs.

    `committed`: the system swaps, or ends a program. `mapped`: the weights are read from the disk again and again.
    `device`: the graphics card refuses.
    """

    committed_bytes: int = 0
    mapped_bytes: int = 0
    device_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.committed_bytes or self.mapped_bytes or self.device_bytes)


def closed_form(
    shape: Shape, settings: LoadSettings, repacking: Repacking = NONE, cards: Sequence[Card] = ()
) -> Estimate:
    """The estimate by arithmetic alone, in well under a millisecond."""
    settings = bounded(settings, shape)
    gpu_layers = layers_on_cards(shape, settings, cards)
    host = len(shape.layers) + 1 - gpu_layers  # llama.cpp moves the last layers, and the output as one more
    placement = place(shape, repacking if settings.repack else NONE, host)
    kept = [kv_bytes(layer, settings) for layer in shape.layers]
    return Estimate(
        weights_bytes=placement.mapped_bytes if settings.mmap else placement.used_bytes,
        repack_bytes=placement.repacked_bytes,
        kv_bytes=sum(kept[:host]) + shape.state_bytes,
        compute_bytes=compute_bytes(shape, settings) if host else 4 * settings.batch * shape.width,
        output_bytes=MOST * 4 * shape.vocabulary,  # the logits of a draft, f32
        process_bytes=process_bytes(shape, settings),
        keeping_bytes=keeping_bytes(shape, settings),
        devices=_devices(shape, settings, host, cards) if gpu_layers else (),
        mapped=settings.mmap and not settings.mlock,
        held=shape.held,
        layers=len(shape.layers),
        gpu_layers=gpu_layers,
    )


def probed(
    shape: Shape,
    settings: LoadSettings,
    buffers: Buffers,
    repacking: Repacking = NONE,
    cards: Sequence[Card] = (),
) -> Estimate:
    """The estimate from what llama.cpp said; only what it does not tell is added, by the header's tensors."""
    near = closed_form(shape, settings, repacking, cards)
    names = {card.name for card in cards} if near.gpu_layers else set()
    if buffers.tensors and shape.weights:
        placement = placed(shape.weights, buffers.tensors)
        weights = placement.mapped_bytes if settings.mmap else placement.used_bytes
        near = replace(near, weights_bytes=weights, repack_bytes=placement.repacked_bytes)
    return replace(
        near,
        kv_bytes=_host(buffers.kv, names),
        compute_bytes=_host(buffers.compute, names),
        output_bytes=MOST * _host(buffers.output, names),  # made for one token, and larger at the first draft
        devices=tuple(
            replace(use, kv_bytes=buffers.kv.get(use.name, 0), compute_bytes=buffers.compute.get(use.name, 0))
            for use in near.devices
        ),
        source=Source.PROBE,
        held=True,
    )


def _host(sizes: Mapping[str, int], cards: Collection[str]) -> int:
    """What is not on a card, among it the memory of the computer that a card reads from."""
    return sum(size for name, size in sizes.items() if name not in cards)


def process_bytes(shape: Shape, settings: LoadSettings) -> int:
    """The engine process without its model: Python, the libraries, the vocabulary, and what llama.cpp does not tell.

    That is the table of the KV cache's cells, and a batch's inputs of the widest matrix, made Q8_K (292 bytes for 256).
    """
    words = shape.vocabulary * _PER_TOKEN + shape.merges * _PER_MERGE
    inputs = settings.batch * max(shape.feed_forward, shape.width) * 292 // 256
    return _PROCESS + words + inputs + settings.context * _PER_CELL


def keeping_bytes(shape: Shape, settings: LoadSettings) -> int:
    """Checkpoints of what of a state cannot be cut, and what is held of a state while it is written to disk.

    A state that grows by the token is written in pieces, and put back in three that take turns; any other whole.
    """
    sliding = sum(_kept(layer, settings, layer.window) for layer in shape.layers if layer.window)
    one = sliding + shape.state_bytes
    if not one:
        return min(LOADED_AT_ONCE * SAVED_AT_ONCE, sum(kv_bytes(layer, settings) for layer in shape.layers))
    whole = one + sum(kv_bytes(layer, settings) for layer in shape.layers if not layer.window)
    needed = shape.state_bytes or any(layer.window < settings.context for layer in shape.layers if layer.window)
    return whole + (checkpoints.room_bytes(one) if needed else 0)


def bounded(settings: LoadSettings, shape: Shape) -> LoadSettings:
    """What llama.cpp makes of the settings: the context as trained where none is given, padded; the batch within it."""
    wanted = settings.context or shape.trained_context or _UNKNOWN_CONTEXT
    context = padded(min(max(wanted, 1), MAX_CONTEXT))
    return replace(settings, context=context, batch=max(1, min(settings.batch, context)))


def padded(tokens: int) -> int:
    """The next multiple of 256."""
    return -(-tokens // PADDING) * PADDING


def kv_bytes(layer: Layer, settings: LoadSettings) -> int:
    """Bytes one layer keeps of a full context; of a sliding window only that and the batch being read."""
    cells = padded(min(settings.context, layer.window + settings.batch)) if layer.window else settings.context
    return _kept(layer, settings, cells)


def _kept(layer: Layer, settings: LoadSettings, tokens: int) -> int:
    row = _KV_TYPES.get(settings.kv_type, _KV_TYPES["f16"])
    return min(tokens, settings.context) * (layer.keys + layer.values) * row.size // row.block


def compute_bytes(shape: Shape, settings: LoadSettings) -> int:
    """The largest moment of one batch: attention, the feed-forward part, or the logits of one token."""
    batch, context = settings.batch, settings.context
    flash = settings.flash_attention is not FlashAttention.OFF
    inner = 3 * shape.feed_forward + 4 * shape.width
    if shape.experts:
        inner = max(inner, 2 * (shape.experts * shape.width + shape.feed_forward))  # each expert's answer, weighted
    feed = 4 * batch * inner + (2 if flash else 4) * context * batch
    logits = 4 * shape.vocabulary + 16 * MIB
    if flash:
        return max(feed, logits)
    kept = max((layer.keys + layer.values for layer in shape.layers), default=0)
    attention = 4 * batch * (3 * shape.width + 2 * shape.query + kept) + 4 * context * batch * (shape.heads + 1)
    return max(attention, feed, logits)


def layers_on_cards(shape: Shape, settings: LoadSettings, cards: Sequence[Card]) -> int:
    """Layers that graphics cards take, the output as one more: the number wished for, or all that fit."""
    most = len(shape.layers) + 1
    if not cards:
        return 0
    if settings.gpu_layers != GPU_AUTOMATIC:
        return most if settings.gpu_layers < 0 else min(settings.gpu_layers, most)
    settings = bounded(settings, shape)
    compute = compute_bytes(shape, settings) + _margin(Source.CLOSED_FORM, shape.held, 0)
    free = sum(max(card.free_bytes - compute, 0) for card in cards)
    taken = 0
    for number in range(len(shape.layers), -1, -1):
        free -= shape.layer_bytes(number)
        free -= kv_bytes(shape.layers[number], settings) if number < len(shape.layers) else 0
        if free < 0:
            break
        taken += 1
    return taken


def _devices(shape: Shape, settings: LoadSettings, host: int, cards: Sequence[Card]) -> tuple[DeviceUse, ...]:
    """The layers from `host` on, shared out by the memory the cards have free, as llama.cpp does."""
    moved = len(shape.layers) + 1 - host
    free = sum(card.free_bytes for card in cards)
    compute = compute_bytes(shape, settings)
    uses, begin, seen = [], host, 0
    for card in cards:
        seen += card.free_bytes
        end = host + (-(-moved * seen // free) if free else moved)
        layers = range(begin, min(end, len(shape.layers) + 1))
        kept = sum(kv_bytes(shape.layers[n], settings) for n in layers if n < len(shape.layers))
        uses.append(DeviceUse(card.name, sum(map(shape.layer_bytes, layers)), kept, compute, card.shared))
        begin = layers.stop
    return tuple(use for use in uses if use.weights_bytes)


def judge(estimate: Estimate, room: Room) -> Verdict:
    """How it goes with the memory there is now: with what the estimate may be wrong by, and with some left over."""
    if lacking(estimate, room):
        return Verdict.TOO_LARGE
    if 0 < estimate.gpu_layers <= estimate.layers:
        return Verdict.PARTLY
    return Verdict.TIGHT if lacking(estimate, room, comfort(room)) else Verdict.FITS


def lacking(estimate: Estimate, room: Room, spare: int = 0) -> Lacking:
    """What is missing for the estimate, its possible error, and `spare` bytes more."""
    margin = _margin(estimate.source, estimate.held, estimate.total_bytes) + spare
    committed = max(0, estimate.committed_bytes + margin - room.available_bytes)
    total = max(0, estimate.total_bytes + margin - room.available_bytes)
    free = {card.name: card.free_bytes for card in room.devices}
    device = sum(max(0, use.total_bytes - free.get(use.name, 0)) for use in estimate.devices)
    return Lacking(committed, total - committed, device)


def comfort(room: Room) -> int:
    """Bytes to leave for other programs, which grow while a model is loaded: a twentieth of the memory.

    The share has no source; on 8 GB it is 0.4 GB, about two more pages in a browser.
    """
    return max(room.total_bytes // 20, 256 * MIB)


def _margin(source: Source, held: bool, total: int) -> int:
    """What an estimate may be wrong by: docs/benchmarks.md for the probe and the closed form, a tenth for the rest."""
    if source is Source.PROBE:
        return max(total * 3 // 100, 40 * 10**6)
    return max(total * (4 if held else 10) // 100, 64 * 10**6)
