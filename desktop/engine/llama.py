"""The only importer of llama_cpp: loads a model and does the single steps of which replies are made.

Invariant: a `Model` is used by one thread; another thread may only set its `Halt`. Calls go to llama.cpp's C interface
directly, because the high-level class detokenises the whole reply for each token. What the steps add up to is
`engine.conversation`; files are judged by `engine.files` before they come here. llama.cpp may abort the process, so
only the engine process and the probe import this module.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import llama_cpp
import llama_cpp.llama_cpp as C

from desktop.core.errors import N_, LoadError, UserError
from desktop.core.fit import Card, layers_on_cards
from desktop.core.generation import FlashAttention, LoadSettings, ModelInfo, Sampling
from desktop.core.gguf import Header
from desktop.core.lookup import MOST
from desktop.core.quants import TENSOR_TYPES
from desktop.core.settings import GPU_AUTOMATIC
from desktop.core.shape import Shape
from desktop.engine import kernels, refusal
from desktop.engine.cores import threads
from desktop.engine.devices import Device, DeviceKind, Library
from desktop.engine.files import read_header
from desktop.engine.halt import Halt, Outcome
from desktop.engine.kv import KV
from desktop.engine.processor import Processor, worthwhile
from desktop.engine.sampler import Sampler

_FLASH = {
    FlashAttention.AUTO: C.LLAMA_FLASH_ATTN_TYPE_AUTO,
    FlashAttention.ON: C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    FlashAttention.OFF: C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_LOAD_MODES = {
    (False, False): C.LLAMA_LOAD_MODE_NONE,
    (True, False): C.LLAMA_LOAD_MODE_MMAP,
    (False, True): C.LLAMA_LOAD_MODE_MLOCK,
    (True, True): C.LLAMA_LOAD_MODE_MMAP_MLOCK,
}
_KV_TYPES = {row.name.lower(): row.number for row in TENSOR_TYPES.values()}
_INFO, _WARN, _CONTINUED = 2, 3, 5  # enum ggml_log_level
_LIBRARY = Library(C._lib, C._base_path)
KERNELS = kernels.load(_LIBRARY, C._base_path)


class Backend:
    """llama.cpp in this process: its log goes to stderr, and the last complaints are kept to explain a failure."""

    def __init__(self, heard: Callable[[str], None] | None = None) -> None:
        self._complaints: deque[str] = deque(maxlen=30)
        self._level = 0
        self._heard = heard  # hears every line, of which only complaints go to stderr then
        self._log = C.llama_log_callback(self._logged)  # llama.cpp keeps the pointer: so must we
        C.llama_log_set(self._log, None)
        C.llama_backend_init()

    def _logged(self, level: int, text: bytes, _: object) -> None:
        self._level = level if level != _CONTINUED else self._level
        if self._heard:
            self._heard(text.decode("utf-8", "replace"))
        if self._level < (_WARN if self._heard else _INFO):
            return
        if self._level >= _WARN:
            self._complaints.append(text.decode("utf-8", "replace").strip())
        os.write(2, text)

    def load(self, path: Path, settings: LoadSettings, halt: Halt, progress: Callable[[float], None]) -> Model | None:
        """The model, ready; None if halted. `progress` hears fractions. Raises `LoadError`."""
        refusal.refuse_processor(system_info(), KERNELS)
        refusal.refuse_settings(settings)
        header = read_header(path)
        refusal.refuse_speechless(header, path)
        settings = _with_layers(header, settings)
        self._complaints.clear()
        began = time.monotonic()
        handle = self._load_weights(path, settings, halt, progress)
        if halt or not handle:
            if handle:
                C.llama_model_free(handle)
            if halt:
                return None
            raise refusal.explain(path, self._complaints)
        try:
            model = Model(handle, path, settings, halt, began)
        except LoadError:
            C.llama_model_free(handle)
            raise
        model.info = replace(model.info, notes=refusal.notes(self._complaints))
        return model

    def _load_weights(
        self, path: Path, settings: LoadSettings, halt: Halt, progress: Callable[[float], None]
    ) -> C.llama_model_p | None:
        def advanced(fraction: float, _: object) -> bool:
            progress(fraction)
            return not halt

        callback = C.llama_progress_callback(advanced)
        params = _weight_params(settings)
        params.progress_callback = callback
        handle: C.llama_model_p | None = C.llama_model_load_from_file(kernels.encoded(path), params)
        return handle

    def sketch(self, path: Path, settings: Sequence[LoadSettings], host_pattern: str) -> Iterator[bool]:
        """Goes through loading without allocating, so that the log tells what each of the settings would take.

        Tells whether the model, then whether each context was accepted; the settings differ only in the latter.
        Tensors whose names match the pattern, which must be the CPU's, are logged with the buffer they would get.
        """
        overrides = _LIBRARY.on_cpu(host_pattern)
        params = _weight_params(settings[0])
        params.no_alloc, params.load_mode = True, C.LLAMA_LOAD_MODE_NONE
        params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        handle = C.llama_model_load_from_file(kernels.encoded(path), params)
        yield bool(handle)
        for wanted in settings if handle else ():
            context = C.llama_init_from_model(handle, _context_params(wanted))
            yield bool(context)
            if context:
                C.llama_free(context)


def _weight_params(settings: LoadSettings) -> C.llama_model_params:
    params = C.llama_model_default_params()
    params.n_gpu_layers = settings.gpu_layers
    params.load_mode = _LOAD_MODES[settings.mmap, settings.mlock]
    params.use_extra_bufts = settings.repack
    return params


def _context_params(settings: LoadSettings) -> C.llama_context_params:
    params = C.llama_context_default_params()
    params.n_ctx = settings.context
    params.n_batch = params.n_ubatch = settings.batch
    params.n_seq_max = 1
    params.n_outputs_max = MOST  # logits of a draft, not of a batch: 2.1 GiB less at 32k context and batch 512
    params.n_threads, params.n_threads_batch = threads(settings.threads, settings.batch_threads)
    params.flash_attn_type = _FLASH[settings.flash_attention]
    params.type_k = params.type_v = _KV_TYPES[settings.kv_type]
    params.swa_full = False
    params.no_perf = True
    return params


def _with_layers(header: Header, settings: LoadSettings) -> LoadSettings:
    """The settings with a number of layers: what fits a graphics card of its own memory, none where there is none."""
    if settings.gpu_layers != GPU_AUTOMATIC:
        return settings
    cards = [Card(card.name, card.free_bytes) for card in _LIBRARY.graphics() if card.kind is DeviceKind.GPU]
    return replace(settings, gpu_layers=layers_on_cards(Shape.of([header]), settings, cards))


class Model:
    """A loaded model with one context. Positions and counts are tokens; text is bytes of UTF-8."""

    def __init__(self, handle: C.llama_model_p, path: Path, settings: LoadSettings, halt: Halt, began: float) -> None:
        self.halt = halt
        self._model = handle
        self._vocab = C.llama_model_get_vocab(handle)
        self.words: int = C.llama_vocab_n_tokens(self._vocab)
        self._refuse_speechless(path)
        self._processor = Processor(_LIBRARY)
        self._context = self._make_context(settings)
        self._threads = self._own_threads(settings)
        self._pieces: dict[int, bytes] = {}
        self._one = (C.llama_token * 1)()
        self._one_batch = C.llama_batch_get_one(self._one, 1)
        self._every = (ctypes.c_int8 * MOST)(*[1] * MOST)
        self._template = (C.llama_model_chat_template(handle, None) or b"").decode("utf-8", "replace")
        self.attributes = self._special_attributes()
        self.specials = {self._text(t): t for t in self.attributes}
        defined = C.LLAMA_TOKEN_ATTR_USER_DEFINED
        self.matched = frozenset(self._text(t) for t, attribute in self.attributes.items() if attribute & defined)
        self.context: int = C.llama_n_ctx(self._context)
        self.batch: int = C.llama_n_batch(self._context)
        self.layers: int = C.llama_model_n_layer(handle)
        self.window: int = C.llama_model_n_swa(handle)
        self.cuttable = not (C.llama_model_is_recurrent(handle) or C.llama_model_is_hybrid(handle))
        self.sliceable = self.cuttable and not self.window  # a range of tokens has a state of its own
        self.rewinds = self.cuttable and (not self.window or self.window >= self.context)
        self.kv = KV(C._lib, self._context, self.window, self.cuttable)
        self.bos: int = C.llama_vocab_bos(self._vocab) if C.llama_vocab_get_add_bos(self._vocab) else C.LLAMA_TOKEN_NULL
        self.on_gpu = bool(settings.gpu_layers and _LIBRARY.graphics())
        self.info = self._info(path, settings, began)

    def close(self) -> None:
        """Frees everything; the model is of no use afterwards."""
        C.llama_free(self._context)
        _LIBRARY.free_threads(self._threads)
        C.llama_model_free(self._model)

    def _refuse_speechless(self, path: Path) -> None:
        odd = C.llama_model_has_encoder(self._model) or C.llama_model_is_diffusion(self._model)
        wordless = C.llama_vocab_type(self._vocab) == C.LLAMA_VOCAB_TYPE_NONE or not self.words
        if odd or wordless or not C.llama_model_has_decoder(self._model):
            raise refusal.speechless(path)

    def _make_context(self, settings: LoadSettings) -> C.llama_context_p:
        params = _context_params(settings)
        params.abort_callback = Halt.callback
        params.abort_callback_data = self.halt.address
        with self._processor.watching(worthwhile(C.llama_model_n_head(self._model), params.n_threads)):
            context: C.llama_context_p | None = C.llama_init_from_model(self._model, params)
        if not context:
            raise LoadError(
                N_("There was not enough memory for a context of {context} tokens. Set a smaller context."),
                context=settings.context or C.llama_model_n_ctx_train(self._model),
            )
        return context

    def _own_threads(self, settings: LoadSettings) -> ctypes.c_void_p | None:
        if "OPENMP = 1" in system_info():
            return None
        return _LIBRARY.attach_threads(self._context, max(threads(settings.threads, settings.batch_threads)))

    def _special_attributes(self) -> dict[int, int]:
        """The tokens that only a template may write: control tokens, and those a fine-tune added for its template."""
        hidden = C.LLAMA_TOKEN_ATTR_CONTROL | C.LLAMA_TOKEN_ATTR_UNKNOWN
        found = ((token, C.llama_vocab_get_attr(self._vocab, token)) for token in range(self.words))
        return {token: attribute for token, attribute in found if attribute & hidden or self._named(token, attribute)}

    def _named(self, token: int, attribute: int) -> bool:
        """Whether the chat template names a user-defined token; runs of spaces, which are such, indent templates."""
        if not attribute & C.LLAMA_TOKEN_ATTR_USER_DEFINED:
            return False
        text = self._text(token)
        return len(text) > 1 and not text.isspace() and text in self._template

    def _text(self, token: int) -> str:
        raw: bytes | None = C.llama_vocab_get_text(self._vocab, token) if token >= 0 else b""
        return (raw or b"").decode("utf-8", "replace")

    def _info(self, path: Path, settings: LoadSettings, began: float) -> ModelInfo:
        layers = self.layers + 1 if settings.gpu_layers < 0 else min(settings.gpu_layers, self.layers + 1)
        cards = _LIBRARY.graphics() if layers else []
        return ModelInfo(
            name=self._meta("general.name") or path.stem,
            architecture=self._meta("general.architecture"),
            context=self.context,
            trained_context=C.llama_model_n_ctx_train(self._model),
            vocabulary=self.words,
            layers=self.layers,
            gpu_layers=layers if cards else 0,
            device=cards[0].description if cards else "CPU",
            bos=self._text(C.llama_vocab_bos(self._vocab)),
            eos=self._text(C.llama_vocab_eos(self._vocab)),
            special_tokens=tuple(t for t in self.specials if t),
            load_s=time.monotonic() - began,
            size_bytes=C.llama_model_size(self._model),
            parameters=C.llama_model_n_params(self._model),
            shifts=self.cuttable,
        )

    def _meta(self, key: str) -> str:
        buffer = ctypes.create_string_buffer(1024)
        length = C.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length > 0 else ""

    def tokenise(self, text: str) -> list[int]:
        """Tokens of plain text; control tokens in it stay text. An SPM model's leading space is added."""
        data = text.encode("utf-8", "replace")
        size = len(data) + 8
        for _ in range(2):
            buffer = (C.llama_token * size)()
            count = C.llama_tokenize(self._vocab, data, len(data), buffer, size, False, False)
            if count >= 0:
                return list(buffer[:count])
            size = -count
        raise UserError(N_("This text is too long to be read at once. Shorten it."))

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; none for control tokens."""
        found = self._pieces.get(token)
        if found is None:
            buffer = ctypes.create_string_buffer(1024)
            count = C.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
            found = self._pieces[token] = buffer.raw[: max(count, 0)]
        return found

    def shown(self, token: int) -> str:
        """A token's text for people, control tokens by their name."""
        return self._text(token) if token in self.attributes else self.piece(token).decode("utf-8", "replace")

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether a special token swallows the white space to its left and to its right."""
        attribute = self.attributes.get(token, 0)
        return bool(attribute & C.LLAMA_TOKEN_ATTR_LSTRIP), bool(attribute & C.LLAMA_TOKEN_ATTR_RSTRIP)

    def ends(self, token: int) -> bool:
        """Whether the model says that it has finished."""
        return bool(C.llama_vocab_is_eog(self._vocab, token))

    def decode(self, tokens: Sequence[int], every: bool = False) -> Outcome:
        """Computes tokens after those in the KV cache. After HALTED and FULL the caller must `cut`.

        What follows the last can be sampled then; what follows `every` one of at most `MOST`, if wanted.
        """
        if len(tokens) == 1:
            self._one[0] = tokens[0]
            if not self.cuttable:  # halted half-way, the state of all tokens before would be lost
                C.llama_set_abort_callback(self._context, C.ggml_abort_callback(), None)
            code = C.llama_decode(self._context, self._one_batch)
            if not self.cuttable:
                C.llama_set_abort_callback(self._context, Halt.callback, self.halt.address)
        else:
            array = (C.llama_token * len(tokens))(*tokens)
            batch = C.llama_batch_get_one(array, len(tokens))
            if every:
                batch.logits = self._every
            code = C.llama_decode(self._context, batch)
        if code == 0:
            return Outcome.DONE
        if code in (1, 2):
            return Outcome.FULL if code == 1 else Outcome.HALTED
        raise UserError(
            N_("The engine failed to compute (code {code}). Load the model again, with a smaller context."), code=code
        )

    def cut(self, keep: int) -> bool:
        """Drops all but the first `keep` tokens from the KV cache; False if that is impossible (clear it then)."""
        return self.kv.cut(keep)

    def clear(self) -> None:
        """Empties the KV cache."""
        self.kv.clear()

    def even(self, on: bool = True) -> None:
        """Whether one token is computed as several are, to the bit, where the kernels can."""
        self._processor.even(on)

    def logits(self, index: int) -> bytes:
        """What the last decode says to follow its token of this index, word by word, as llama.cpp holds it."""
        return ctypes.string_at(C.llama_get_logits_ith(self._context, index), 4 * self.words)

    def sampler(self, sampling: Sampling, reply: Sequence[int]) -> Sampler:
        """A chain for one reply; `reply` is what it goes on from."""
        return Sampler(C._lib, self._context, self.words, sampling, reply)


def system_info() -> str:
    """What llama.cpp was built with, as it says itself."""
    return str(C.llama_print_system_info().decode("utf-8", "replace"))


def version() -> str:
    """The version of llama.cpp."""
    return str(C.llama_version().decode("utf-8", "replace"))


def build() -> str:
    """What tells this build of llama.cpp from others: its own version stays the same for months."""
    return f"{llama_cpp.__version__} {version()}"


def devices() -> list[Device]:
    """What llama.cpp can compute on here."""
    return _LIBRARY.devices()
