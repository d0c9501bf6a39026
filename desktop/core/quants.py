"""The catalogue of quantisation types: how numbers are stored in a GGUF file, and what that costs.

Invariant: one row per type; `TENSOR_TYPES` is keyed by the number of a tensor's type (ggml's `enum ggml_type`),
`FILE_TYPES` by the number of a file's mixture (llama.cpp's `enum llama_ftype`). Bits per weight of mixtures are those
measured on 7 B llama models; the other figures follow from the block layouts. Nothing is estimated for a machine here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from desktop.core.errors import N_


@dataclass(frozen=True, slots=True)
class TensorType:
    """How one tensor is stored: `block` weights take `size` bytes."""

    number: int
    name: str
    block: int
    size: int

    @property
    def bits(self) -> float:
        return self.size * 8 / self.block


class Quality(StrEnum):
    """How near a quantised model stays to the original, best first."""

    ORIGINAL = N_("as the original")
    EXTREME = N_("extremely low loss")
    VERY_LOW = N_("very low loss")
    LOW = N_("low loss")
    BALANCED = N_("balanced")
    GREATER = N_("greater loss")
    HIGH = N_("high loss")
    SEVERE = N_("significant loss")
    SPECIAL = N_("trained for this type")


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file calls itself. `bits` per weight on average; `recommended` marks the usual best choices."""

    number: int
    name: str
    bits: float
    quality: Quality
    explanation: str
    recommended: bool = False


# number, name, weights per block, bytes per block: ggml-common.h; removed types (4, 5, 31–33, 36–38) are left out.
TENSOR_TYPES: Mapping[int, TensorType] = {
    row[0]: TensorType(*row)
    for row in (
        (0, "F32", 1, 4),
        (1, "F16", 1, 2),
        (2, "Q4_0", 32, 18),
        (3, "Q4_1", 32, 20),
        (6, "Q5_0", 32, 22),
        (7, "Q5_1", 32, 24),
        (8, "Q8_0", 32, 34),
        (9, "Q8_1", 32, 36),
        (10, "Q2_K", 256, 84),
        (11, "Q3_K", 256, 110),
        (12, "Q4_K", 256, 144),
        (13, "Q5_K", 256, 176),
        (14, "Q6_K", 256, 210),
        (15, "Q8_K", 256, 292),
        (16, "IQ2_XXS", 256, 66),
        (17, "IQ2_XS", 256, 74),
        (18, "IQ3_XXS", 256, 98),
        (19, "IQ1_S", 256, 50),
        (20, "IQ4_NL", 32, 18),
        (21, "IQ3_S", 256, 110),
        (22, "IQ2_S", 256, 82),
        (23, "IQ4_XS", 256, 136),
        (24, "I8", 1, 1),
        (25, "I16", 1, 2),
        (26, "I32", 1, 4),
        (27, "I64", 1, 8),
        (28, "F64", 1, 8),
        (29, "IQ1_M", 256, 56),
        (30, "BF16", 1, 2),
        (34, "TQ1_0", 256, 54),
        (35, "TQ2_0", 256, 66),
        (39, "MXFP4", 32, 17),
        (40, "NVFP4", 64, 36),
        (41, "Q1_0", 128, 18),
        (42, "Q2_0", 64, 18),
    )
}

_FULL = N_("Full precision: 4 bytes for each weight. For converting and training, not for talking.")
_HALF = N_("Half precision: 2 bytes for each weight, as most models are published. Large and slow.")
_BRAIN = N_("Half precision with the range of full precision, as many models are trained. Large and slow.")
_OLD = N_("An older type. The K type of the same size is better.")
_Q2 = N_("The smallest of the K types. Answers suffer noticeably; only where nothing larger fits.")
_Q3 = N_("Very small. Quality suffers; for machines with little memory.")
_Q3L = N_("Small, with substantial loss; a Q4 is better where it fits.")
_Q4S = N_("Small, and a little worse than Q4_K_M.")
_Q4M = N_("Medium size and balanced quality: the usual choice.")
_Q5 = N_("Large, with hardly any loss: a good choice where it fits.")
_Q6 = N_("Very large, with almost no loss.")
_Q8 = N_("Twice the size of a Q4, and hardly to be told from the original.")
_I4 = N_("About as good as Q4_K_S and a little smaller; slower on some processors.")
_I3 = N_("Smaller than Q3_K at the same quality; slower without a graphics card.")
_I2 = N_("Extremely small. Only for large models that would not fit otherwise.")
_I1 = N_("As small as it gets. Answers are often confused.")
_TERNARY = N_("Only for models that were trained with three values for each weight.")
_MX = N_("Four-bit floating point, in which some models are published: then nothing is lost.")
_BIT = N_("Only for models that were trained with so few bits for each weight.")

FILE_TYPES: Mapping[int, FileType] = {
    row.number: row
    for row in (
        FileType(0, "F32", 32.0, Quality.ORIGINAL, _FULL),
        FileType(1, "F16", 16.0, Quality.ORIGINAL, _HALF),
        FileType(2, "Q4_0", 4.55, Quality.GREATER, _OLD),
        FileType(3, "Q4_1", 5.04, Quality.GREATER, _OLD),
        FileType(7, "Q8_0", 8.5, Quality.EXTREME, _Q8),
        FileType(8, "Q5_0", 5.54, Quality.LOW, _OLD),
        FileType(9, "Q5_1", 6.03, Quality.LOW, _OLD),
        FileType(10, "Q2_K", 3.35, Quality.SEVERE, _Q2),
        FileType(11, "Q3_K_S", 3.5, Quality.HIGH, _Q3),
        FileType(12, "Q3_K_M", 3.91, Quality.HIGH, _Q3),
        FileType(13, "Q3_K_L", 4.27, Quality.HIGH, _Q3L),
        FileType(14, "Q4_K_S", 4.58, Quality.GREATER, _Q4S),
        FileType(15, "Q4_K_M", 4.85, Quality.BALANCED, _Q4M, recommended=True),
        FileType(16, "Q5_K_S", 5.54, Quality.LOW, _Q5, recommended=True),
        FileType(17, "Q5_K_M", 5.69, Quality.VERY_LOW, _Q5, recommended=True),
        FileType(18, "Q6_K", 6.59, Quality.EXTREME, _Q6),
        FileType(19, "IQ2_XXS", 2.2, Quality.SEVERE, _I2),
        FileType(20, "IQ2_XS", 2.43, Quality.SEVERE, _I2),
        FileType(21, "Q2_K_S", 3.16, Quality.SEVERE, _Q2),
        FileType(22, "IQ3_XS", 3.3, Quality.HIGH, _I3),
        FileType(23, "IQ3_XXS", 3.25, Quality.HIGH, _I3),
        FileType(24, "IQ1_S", 1.78, Quality.SEVERE, _I1),
        FileType(25, "IQ4_NL", 4.56, Quality.GREATER, _I4),
        FileType(26, "IQ3_S", 3.44, Quality.HIGH, _I3),
        FileType(27, "IQ3_M", 3.66, Quality.HIGH, _I3),
        FileType(28, "IQ2_S", 2.55, Quality.SEVERE, _I2),
        FileType(29, "IQ2_M", 2.76, Quality.SEVERE, _I2),
        FileType(30, "IQ4_XS", 4.32, Quality.GREATER, _I4),
        FileType(31, "IQ1_M", 1.98, Quality.SEVERE, _I1),
        FileType(32, "BF16", 16.0, Quality.ORIGINAL, _BRAIN),
        FileType(36, "TQ1_0", 1.69, Quality.SPECIAL, _TERNARY),
        FileType(37, "TQ2_0", 2.06, Quality.SPECIAL, _TERNARY),
        FileType(38, "MXFP4", 4.25, Quality.SPECIAL, _MX),
        FileType(39, "NVFP4", 4.5, Quality.SPECIAL, _MX),
        FileType(40, "Q1_0", 1.13, Quality.SPECIAL, _BIT),
        FileType(41, "Q2_0", 2.25, Quality.SPECIAL, _BIT),
    )
}
BY_NAME: Mapping[str, FileType] = {row.name: row for row in FILE_TYPES.values()}

_IN_FILE_NAME = re.compile(
    r"(?<![A-Z0-9])(" + "|".join(sorted(BY_NAME, key=len, reverse=True)) + r")(?![A-Z0-9])", re.IGNORECASE
)
_FROM_TENSOR = {"Q2_K": "Q2_K", "Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}


def from_file_name(name: str) -> FileType | None:
    """The type a file's name tells of, the last one if several: `mistral-7b.Q4_K_M.gguf` is Q4_K_M."""
    found = _IN_FILE_NAME.findall(name)
    return BY_NAME[found[-1].upper()] if found else None


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
