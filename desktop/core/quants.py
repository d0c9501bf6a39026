"""The catalogue of quantisation types: how numbers are stored in a GGUF file, and what that costs.

Invariant: one row per type; `TENSOR_TYPES` is keyed by the number of a tensor's type (ggml's `enum ggml_type`),
`FILE_TYPES` by the number of a file's mixture (llama.cpp's `enum llama_ftype`). Bits per weight of mixtures are those
measured on 7 B llama models; the other figures follow from the block layouts. Nothing is estimated for a machine here.
Sources: ggml-common.h (layouts), llama-quant.cpp (mixtures), quantize.cpp (losses), as of llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import N_, Notice

_FLOATS = N_("One number of {bits} bits for each weight.")
_BRAIN_FLOATS = N_("One number of 16 bits for each weight: the range of 32 bits, with fewer digits.")
_WHOLE_NUMBERS = N_("Whole numbers of {bits} bits, for tables inside a model rather than its weights.")
_SCALED = N_("Blocks of {block} weights: {bits} bits for each weight, and a scale for the block.")
_OFFSET = N_("Blocks of {block} weights: {bits} bits for each weight, and a scale and an offset for the block.")
_GROUPS = N_(
    "Blocks of {block} weights in {groups} groups: {bits} bits for each weight, and a scale of {scale} bits for each "
    "group."
)
_GROUPS_OFFSET = N_(
    "Blocks of {block} weights in {groups} groups: {bits} bits for each weight, and a scale and an offset of {scale} "
    "bits for each group."
)
_PATTERNS = N_(
    "Blocks of {block} weights: {run} weights at a time are one of {patterns} fixed patterns, scaled. The patterns are "
    "those that weights are most often close to."
)
_UNEVEN = N_("Blocks of {block} weights: each weight is one of 16 values, closer together near zero, and scaled.")
_THREE_VALUES = N_("Blocks of {block} weights: each weight is minus one, nought or one, with a scale for the block.")
_TINY_FLOATS = N_(
    "Blocks of {block} weights: a 4-bit floating-point number for each, and a scale for every {run} weights."
)
_WORKING = N_("Blocks of {block} weights of 8 bits. Used while computing; it does not stand in files.")


@dataclass(frozen=True, slots=True)
class TensorType:
    """How one tensor is stored: `block` weights take `size` bytes."""

    number: int
    name: str
    block: int
    size: int
    how: str
    figures: tuple[tuple[str, int], ...] = ()

    @property
    def bits(self) -> float:
        return self.size * 8 / self.block

    @property
    def storage(self) -> Notice:
        """What is stored how, in a sentence: a message id and its fields."""
        return Notice(self.how, {"block": self.block, **dict(self.figures)})


class Quality(StrEnum):
    """How much of the original's quality is lost, least first; `SPECIAL` stands beside the scale.

    The steps, by `FileType.loss`: up to 0.06, 0.2, 0.5, 1, and more. They have no source but that they part what
    publishers part in words.
    """

    ORIGINAL = N_("no loss")
    HARDLY = N_("hardly any loss")
    LITTLE = N_("little loss")
    SOME = N_("some loss")
    LARGE = N_("large loss")
    VERY_LARGE = N_("very large loss")
    SPECIAL = N_("trained for this type")


POOR = (Quality.LARGE, Quality.VERY_LARGE)  # noticed in answers


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file calls itself. `bits` per weight on average; `recommended` marks the usual best choices.

    `loss`: how much perplexity Llama-3-8B gains by it (quantize.cpp); None where nobody measured it there.
    """

    number: int
    name: str
    bits: float
    quality: Quality
    explanation: str
    recommended: bool = False
    loss: float | None = None

    @property
    def loadable(self) -> bool:
        """Whether today's engine reads it."""
        return self.explanation != _REMOVED

    @property
    def tensor_types(self) -> tuple[TensorType, ...]:
        """What it is made of, in most files: first what most weights are stored as."""
        return tuple(_TENSOR_NAMES[name] for name in _MIXTURES.get(self.name, self.name).split())

    @property
    def storage(self) -> tuple[Notice, ...]:
        """What is stored how, in one or two sentences."""
        base, *others = self.tensor_types
        if not others:
            return (base.storage,)
        mixed = Notice(_MIXED, {"base": base.name, "others": ", ".join(other.name for other in others)})
        return (base.storage, mixed)


def _tensor_type(number: int, name: str, block: int, size: int, how: str, **figures: int) -> TensorType:
    return TensorType(number, name, block, size, how, tuple(figures.items()))


# number, name, weights per block, bytes per block; removed types (4, 5, 31–33, 36–38) are left out.
TENSOR_TYPES: Mapping[int, TensorType] = {
    row.number: row
    for row in (
        _tensor_type(0, "F32", 1, 4, _FLOATS, bits=32),
        _tensor_type(1, "F16", 1, 2, _FLOATS, bits=16),
        _tensor_type(2, "Q4_0", 32, 18, _SCALED, bits=4),
        _tensor_type(3, "Q4_1", 32, 20, _OFFSET, bits=4),
        _tensor_type(6, "Q5_0", 32, 22, _SCALED, bits=5),
        _tensor_type(7, "Q5_1", 32, 24, _OFFSET, bits=5),
        _tensor_type(8, "Q8_0", 32, 34, _SCALED, bits=8),
        _tensor_type(9, "Q8_1", 32, 36, _WORKING),
        _tensor_type(10, "Q2_K", 256, 84, _GROUPS_OFFSET, groups=16, bits=2, scale=4),
        _tensor_type(11, "Q3_K", 256, 110, _GROUPS, groups=16, bits=3, scale=6),
        _tensor_type(12, "Q4_K", 256, 144, _GROUPS_OFFSET, groups=8, bits=4, scale=6),
        _tensor_type(13, "Q5_K", 256, 176, _GROUPS_OFFSET, groups=8, bits=5, scale=6),
        _tensor_type(14, "Q6_K", 256, 210, _GROUPS, groups=16, bits=6, scale=8),
        _tensor_type(15, "Q8_K", 256, 292, _WORKING),
        _tensor_type(16, "IQ2_XXS", 256, 66, _PATTERNS, run=8, patterns=256),
        _tensor_type(17, "IQ2_XS", 256, 74, _PATTERNS, run=8, patterns=512),
        _tensor_type(18, "IQ3_XXS", 256, 98, _PATTERNS, run=4, patterns=256),
        _tensor_type(19, "IQ1_S", 256, 50, _PATTERNS, run=8, patterns=2048),
        _tensor_type(20, "IQ4_NL", 32, 18, _UNEVEN),
        _tensor_type(21, "IQ3_S", 256, 110, _PATTERNS, run=4, patterns=512),
        _tensor_type(22, "IQ2_S", 256, 82, _PATTERNS, run=8, patterns=1024),
        _tensor_type(23, "IQ4_XS", 256, 136, _UNEVEN),
        _tensor_type(24, "I8", 1, 1, _WHOLE_NUMBERS, bits=8),
        _tensor_type(25, "I16", 1, 2, _WHOLE_NUMBERS, bits=16),
        _tensor_type(26, "I32", 1, 4, _WHOLE_NUMBERS, bits=32),
        _tensor_type(27, "I64", 1, 8, _WHOLE_NUMBERS, bits=64),
        _tensor_type(28, "F64", 1, 8, _FLOATS, bits=64),
        _tensor_type(29, "IQ1_M", 256, 56, _PATTERNS, run=8, patterns=2048),
        _tensor_type(30, "BF16", 1, 2, _BRAIN_FLOATS),
        _tensor_type(34, "TQ1_0", 256, 54, _THREE_VALUES),
        _tensor_type(35, "TQ2_0", 256, 66, _THREE_VALUES),
        _tensor_type(39, "MXFP4", 32, 17, _TINY_FLOATS, run=32),
        _tensor_type(40, "NVFP4", 64, 36, _TINY_FLOATS, run=16),
        _tensor_type(41, "Q1_0", 128, 18, _SCALED, bits=1),
        _tensor_type(42, "Q2_0", 64, 18, _SCALED, bits=2),
    )
}
_TENSOR_NAMES: Mapping[str, TensorType] = {row.name: row for row in TENSOR_TYPES.values()}

_FULL = N_("Full precision: 4 bytes for each weight. For converting and training, not for talking.")
_HALF = N_("Half precision: 2 bytes for each weight, as most models are published. Large and slow.")
_BRAIN = N_("Half precision with the range of full precision, as many models are trained. Large and slow.")
_OLD = N_("An older type. The K type of the same size is better.")
_Q2 = N_("The smallest of the K types. Answers suffer noticeably; only where nothing larger fits.")
_Q3 = N_("Very small. Quality suffers; for machines with little memory.")
_Q3L = N_("Small, with large loss; a Q4 is better where it fits.")
_Q4S = N_("Small, and a little worse than Q4_K_M.")
_Q4M = N_("Medium size, with little loss: the usual choice.")
_Q5 = N_("Large, and better than Q4_K_M: a good choice where it fits.")
_Q6 = N_("Very large, with hardly any loss.")
_Q8 = N_("Twice the size of a Q4, and hardly to be told from the original. Q6_K is nearly as good and smaller.")
_I4 = N_("About as good as Q4_K_S and a little smaller; slower on some processors.")
_I3 = N_("Smaller than Q3_K at the same quality; slower without a graphics card.")
_I2 = N_("Extremely small. Only for large models that would not fit otherwise.")
_I1 = N_("As small as it gets. Answers are often confused.")
_TERNARY = N_("Only for models that were trained with three values for each weight.")
_MX = N_("Four-bit floating point, in which some models are published: then nothing is lost.")
_BIT = N_("Only for models that were trained with so few bits for each weight.")
_REMOVED = N_("Q4_0 arranged for one kind of ARM processor. Today's engine does not read it: take Q4_0 itself.")
_MIXED = N_("Most weights are {base}, some {others}: more bits where errors cost more.")

FILE_TYPES: Mapping[int, FileType] = {
    row.number: row
    for row in (
        FileType(0, "F32", 32.0, Quality.ORIGINAL, _FULL),
        FileType(1, "F16", 16.0, Quality.ORIGINAL, _HALF),
        FileType(2, "Q4_0", 4.55, Quality.SOME, _OLD, loss=0.4685),
        FileType(3, "Q4_1", 5.04, Quality.SOME, _OLD, loss=0.4511),
        FileType(7, "Q8_0", 8.5, Quality.HARDLY, _Q8, loss=0.0026),
        FileType(8, "Q5_0", 5.54, Quality.LITTLE, _OLD, loss=0.1316),
        FileType(9, "Q5_1", 6.03, Quality.LITTLE, _OLD, loss=0.1062),
        FileType(10, "Q2_K", 3.35, Quality.VERY_LARGE, _Q2, loss=3.5199),
        FileType(11, "Q3_K_S", 3.5, Quality.VERY_LARGE, _Q3, loss=1.6321),
        FileType(12, "Q3_K_M", 3.91, Quality.LARGE, _Q3, loss=0.6569),
        FileType(13, "Q3_K_L", 4.27, Quality.LARGE, _Q3L, loss=0.5562),
        FileType(14, "Q4_K_S", 4.58, Quality.SOME, _Q4S, loss=0.2689),
        FileType(15, "Q4_K_M", 4.85, Quality.LITTLE, _Q4M, recommended=True, loss=0.1754),
        FileType(16, "Q5_K_S", 5.54, Quality.LITTLE, _Q5, recommended=True, loss=0.1049),
        FileType(17, "Q5_K_M", 5.69, Quality.HARDLY, _Q5, recommended=True, loss=0.0569),
        FileType(18, "Q6_K", 6.59, Quality.HARDLY, _Q6, loss=0.0217),
        FileType(19, "IQ2_XXS", 2.2, Quality.VERY_LARGE, _I2),
        FileType(20, "IQ2_XS", 2.43, Quality.VERY_LARGE, _I2),
        FileType(21, "Q2_K_S", 3.16, Quality.VERY_LARGE, _Q2, loss=3.1836),
        FileType(22, "IQ3_XS", 3.3, Quality.VERY_LARGE, _I3),
        FileType(23, "IQ3_XXS", 3.25, Quality.VERY_LARGE, _I3),
        FileType(24, "IQ1_S", 1.78, Quality.VERY_LARGE, _I1),
        FileType(25, "IQ4_NL", 4.56, Quality.SOME, _I4),
        FileType(26, "IQ3_S", 3.44, Quality.LARGE, _I3),
        FileType(27, "IQ3_M", 3.66, Quality.LARGE, _I3),
        FileType(28, "IQ2_S", 2.55, Quality.VERY_LARGE, _I2),
        FileType(29, "IQ2_M", 2.76, Quality.VERY_LARGE, _I2),
        FileType(30, "IQ4_XS", 4.32, Quality.SOME, _I4),
        FileType(31, "IQ1_M", 1.98, Quality.VERY_LARGE, _I1),
        FileType(32, "BF16", 16.0, Quality.ORIGINAL, _BRAIN),
        FileType(33, "Q4_0_4_4", 4.55, Quality.SOME, _REMOVED),
        FileType(34, "Q4_0_4_8", 4.55, Quality.SOME, _REMOVED),
        FileType(35, "Q4_0_8_8", 4.55, Quality.SOME, _REMOVED),
        FileType(36, "TQ1_0", 1.69, Quality.SPECIAL, _TERNARY),
        FileType(37, "TQ2_0", 2.06, Quality.SPECIAL, _TERNARY),
        FileType(38, "MXFP4", 4.25, Quality.SPECIAL, _MX),
        FileType(39, "NVFP4", 4.5, Quality.SPECIAL, _MX),
        FileType(40, "Q1_0", 1.13, Quality.SPECIAL, _BIT),
        FileType(41, "Q2_0", 2.25, Quality.SPECIAL, _BIT),
    )
}
BY_NAME: Mapping[str, FileType] = {row.name: row for row in FILE_TYPES.values()}

# The tensor types in a file of each type, the prevailing one first; a type that is not here is made of itself alone.
_MIXTURES: Mapping[str, str] = {
    "Q4_0": "Q4_0 Q6_K",
    "Q4_1": "Q4_1 Q6_K",
    "Q5_0": "Q5_0 Q6_K",
    "Q5_1": "Q5_1 Q6_K",
    "Q2_K": "Q2_K Q3_K Q4_K Q6_K",
    "Q2_K_S": "Q2_K Q4_K Q6_K",
    "Q3_K_S": "Q3_K Q6_K",
    "Q3_K_M": "Q3_K Q4_K Q5_K Q6_K",
    "Q3_K_L": "Q3_K Q5_K Q6_K",
    "Q4_K_S": "Q4_K Q5_K Q6_K",
    "Q4_K_M": "Q4_K Q6_K",
    "Q5_K_S": "Q5_K Q6_K",
    "Q5_K_M": "Q5_K Q6_K",
    "IQ1_S": "IQ1_S IQ2_XXS Q2_K Q4_K Q5_K",
    "IQ1_M": "IQ1_M IQ2_XXS Q2_K Q4_K Q5_K",
    "IQ2_XXS": "IQ2_XXS Q2_K Q4_K Q5_K",
    "IQ2_XS": "IQ2_XS Q2_K Q4_K Q5_K",
    "IQ2_S": "IQ2_XS IQ3_S Q4_K Q5_K",
    "IQ2_M": "IQ2_S IQ3_S Q4_K Q5_K",
    "IQ3_XXS": "IQ3_XXS IQ2_S IQ3_S Q4_K Q5_K",
    "IQ3_XS": "IQ3_S IQ3_XXS Q4_K Q6_K",
    "IQ3_S": "IQ3_S Q4_K Q6_K",
    "IQ3_M": "IQ3_S Q4_K Q6_K",
    "IQ4_NL": "IQ4_NL Q5_K Q6_K",
    "IQ4_XS": "IQ4_XS Q5_K Q6_K",
    "Q4_0_4_4": "Q4_0 Q6_K",
    "Q4_0_4_8": "Q4_0 Q6_K",
    "Q4_0_8_8": "Q4_0 Q6_K",
    "TQ1_0": "TQ1_0 Q4_K Q6_K",
    "TQ2_0": "TQ2_0 Q4_K Q6_K",
    "MXFP4": "MXFP4 Q8_0",
    "Q1_0": "Q1_0 Q6_K",
    "Q2_0": "Q2_0 Q4_K Q6_K",
}

# Other names for them: quantize.cpp's short forms, and publishers' own mixtures by the nearest type of llama.cpp.
_ALSO: Mapping[str, str] = {
    "Q3_K": "Q3_K_M",
    "Q4_K": "Q4_K_M",
    "Q5_K": "Q5_K_M",
    "FP16": "F16",
    "FP32": "F32",
    "MXFP4_MOE": "MXFP4",
    "Q2_K_L": "Q2_K",
    "Q2_K_XL": "Q2_K",
    "Q3_K_XL": "Q3_K_L",
    "Q4_K_L": "Q4_K_M",
    "Q4_K_XL": "Q4_K_M",
    "Q5_K_L": "Q5_K_M",
    "Q5_K_XL": "Q5_K_M",
    "Q6_K_L": "Q6_K",
    "Q6_K_XL": "Q6_K",
    "Q8_K_XL": "Q8_0",
    "Q8_0_L": "Q8_0",
}
_NAMES: Mapping[str, FileType] = {**BY_NAME, **{name: BY_NAME[row] for name, row in _ALSO.items()}}
_ALONE = r"(?<![A-Z0-9])(%s)(?![A-Z0-9])"
_IN_FILE_NAME = re.compile(_ALONE % "|".join(sorted(_NAMES, key=len, reverse=True)), re.IGNORECASE)
_LABEL = re.compile(
    _ALONE % r"(?:UD-)?(?:I?Q\d_[A-Z0-9]{1,3}(?:_[A-Z0-9]{1,3}){0,2}|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|FP?16|FP?32)",
    re.IGNORECASE,
)
_FROM_TENSOR = {"Q2_K": "Q2_K", "Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}


def from_file_name(name: str) -> FileType | None:
    """The type a file's name tells of, the last one if several: `mistral-7b.Q4_K_M.gguf` is Q4_K_M."""
    found = _IN_FILE_NAME.findall(name)
    return _NAMES[found[-1].upper()] if found else None


def label(name: str) -> str:
    """What a file's name calls its quantisation, known to llama.cpp or not, such as "UD-Q4_K_XL"; "" if nothing."""
    found = _LABEL.findall(name)
    return str(found[-1]).upper() if found else ""


def from_tensor_type(number: int) -> FileType | None:
    """The mixture that mostly holds tensors of this type, for files that do not say what they are."""
    row = TENSOR_TYPES.get(number)
    return BY_NAME.get(_FROM_TENSOR.get(row.name, row.name)) if row else None


def tensor_bytes(number: int, shape: tuple[int, ...]) -> int | None:
    """Bytes a tensor takes; None where the type is unknown or the first dimension is not whole blocks."""
    row = TENSOR_TYPES.get(number)
    if row is None or not shape or shape[0] % row.block:
        return None
    count = 1
    for length in shape:
        count *= length
    return count // row.block * row.size
