"""Which variant is recommended."""

from __future__ import annotations

import pytest

from desktop.core import choice
from desktop.core.choice import recommended
from desktop.core.fit import Verdict
from desktop.core.repos import RepoFile, Variant, variants

FITS, TIGHT, PARTLY, TOO_LARGE = Verdict.FITS, Verdict.TIGHT, Verdict.PARTLY, Verdict.TOO_LARGE
MISTRAL = {  # TheBloke's sizes in GB
    "Q2_K": 3.08, "Q3_K_S": 3.16, "Q3_K_M": 3.52, "Q3_K_L": 3.82, "Q4_0": 4.11, "Q4_K_S": 4.14, "Q4_K_M": 4.37,
    "Q5_0": 5.0, "Q5_K_S": 5.001, "Q5_K_M": 5.13, "Q6_K": 5.94, "Q8_0": 7.7,
}  # fmt: skip
ALL = variants(RepoFile(f"m.{name}.gguf", round(size * 1e9)) for name, size in MISTRAL.items())


def up_to(largest: str, verdict: Verdict = FITS, then: Verdict = TOO_LARGE) -> list[tuple[Variant, Verdict]]:
    limit = MISTRAL[largest] * 1e9 + 1
    return [(v, verdict if v.size < limit else then) for v in ALL]


@pytest.mark.parametrize(
    ("rows", "label", "reason"),
    [
        (up_to("Q8_0"), "Q6_K", choice.BEST),
        (up_to("Q5_K_M"), "Q5_K_M", choice.BEST),
        (up_to("Q4_K_M"), "Q4_K_M", choice.BEST),
        (up_to("Q4_K_M", then=TIGHT), "Q4_K_M", choice.BEST),
        (up_to("Q4_K_S"), "Q4_K_S", choice.OTHER),
        (up_to("Q3_K_L", then=PARTLY), "Q4_K_M", choice.PARTLY),
        (up_to("Q3_K_L", then=TIGHT), "Q4_K_M", choice.TIGHT),
        (up_to("Q3_K_L"), "Q3_K_L", choice.POOR),
        (up_to("Q2_K"), "Q2_K", choice.POOR),
        (up_to("Q3_K_M", PARTLY), "Q2_K", choice.SMALLEST),
        (up_to("Q3_K_M", TIGHT), "Q2_K", choice.SMALLEST),
        (up_to("Q8_0", TOO_LARGE), "Q2_K", choice.NONE),
        ([(ALL[-1], FITS)], "Q8_0", choice.OTHER),
    ],
)
def test_the_best_that_leaves_room(rows: list[tuple[Variant, Verdict]], label: str, reason: str) -> None:
    found, why = recommended(rows)
    assert (found.label, why) == (label, reason)


def test_twice_the_size_for_nothing_is_not_recommended_where_less_fits() -> None:
    rows = [(v, FITS) for v in variants([RepoFile("m.F16.gguf", 200), RepoFile("m.Q8_0.gguf", 100)])]
    assert recommended(rows)[0].label == "Q8_0"
    assert recommended(rows[-1:]) == (rows[-1][0], choice.SMALLEST)


def test_a_file_of_unknown_type_is_better_than_nothing() -> None:
    rows = [(v, FITS) for v in variants([RepoFile("model.gguf", 200)])]
    assert recommended(rows) == (rows[0][0], choice.SMALLEST)
