"""Which variant is recommended."""

from __future__ import annotations

import pytest

from desktop.core import choice
from desktop.core.choice import Row, recommended
from desktop.core.fit import Verdict
from desktop.core.repos import RepoFile, variants

FITS, TIGHT, PARTLY, TOO_LARGE = Verdict.FITS, Verdict.TIGHT, Verdict.PARTLY, Verdict.TOO_LARGE
MISTRAL = {  # TheBloke's sizes in GB
    "Q2_K": 3.08, "Q3_K_S": 3.16, "Q3_K_M": 3.52, "Q3_K_L": 3.82, "Q4_0": 4.11, "Q4_K_S": 4.14, "Q4_K_M": 4.37,
    "Q5_0": 5.0, "Q5_K_S": 5.001, "Q5_K_M": 5.13, "Q6_K": 5.94, "Q8_0": 7.7,
}  # fmt: skip
ALL = variants(RepoFile(f"m.{name}.gguf", round(size * 1e9)) for name, size in MISTRAL.items())


def up_to(largest: str, verdict: Verdict = FITS, then: Verdict = TOO_LARGE) -> list[Row]:
    limit = MISTRAL[largest] * 1e9 + 1
    return [Row(v, verdict if v.size < limit else then) for v in ALL]


def at(rate: float, *names: str) -> list[Row]:
    """Variants that all fit, on a computer whose memory is read at so many GB a second."""
    return [Row(v, FITS, rate * 1e9 / v.size) for v in ALL if not names or v.label in names]


def files(*names: str) -> list[Row]:
    return [Row(v, FITS) for v in variants(RepoFile(f"m.{n}.gguf", 10 + i) for i, n in enumerate(names))]


@pytest.mark.parametrize(
    ("rows", "label", "reason"),
    [
        (up_to("Q8_0"), "Q4_K_M", choice.USUAL_ONE),
        (up_to("Q4_K_M"), "Q4_K_M", choice.USUAL_ONE),
        (up_to("Q4_K_M", then=TIGHT), "Q4_K_M", choice.USUAL_ONE),
        (files("Q6_K", "Q5_K_S", "Q8_0"), "Q5_K_S", choice.USUAL_ONE),
        (up_to("Q4_K_S"), "Q4_K_S", choice.OTHER),
        (up_to("Q3_K_L", then=PARTLY), "Q4_K_M", choice.PARTLY),
        (up_to("Q3_K_L", then=TIGHT), "Q4_K_M", choice.TIGHT),
        (up_to("Q3_K_L"), "Q3_K_L", choice.POOR),
        (up_to("Q2_K"), "Q2_K", choice.POOR),
        (up_to("Q3_K_M", PARTLY), "Q2_K", choice.SMALLEST),
        (up_to("Q3_K_M", TIGHT), "Q2_K", choice.SMALLEST),
        (up_to("Q8_0", TOO_LARGE), "Q2_K", choice.NONE),
        ([Row(ALL[-1], FITS)], "Q8_0", choice.ONLY),
    ],
)
def test_the_usual_one_or_the_best_that_leaves_room(rows: list[Row], label: str, reason: str) -> None:
    found, why = recommended(rows)
    assert (found.label, why) == (label, reason)


@pytest.mark.parametrize(
    ("rows", "label", "reason"),
    [
        (at(60), "Q4_K_M", choice.USUAL_ONE),
        (at(24), "Q4_K_M", choice.USUAL_ONE),
        (at(14), "Q4_K_M", choice.SLOW),  # at 3 tokens a second more quality is no favour
        (at(14, "Q6_K", "Q5_K_S"), "Q5_K_S", choice.SLOW),
        (at(24, "Q8_0", "Q4_0"), "Q4_0", choice.FAST),
        (at(14, "Q8_0", "Q4_0"), "Q8_0", choice.BEST_HERE),
        (at(14, "Q3_K_L", "Q2_K"), "Q3_K_L", choice.POOR_HERE),
    ],
)
def test_quality_that_is_slower_than_reading_is_not_worth_it(rows: list[Row], label: str, reason: str) -> None:
    found, why = recommended(rows)
    assert (found.label, why) == (label, reason)


@pytest.mark.parametrize(
    ("rows", "label", "reason"),
    [
        (files("F16"), "F16", choice.ONLY),
        (files("BF16", "F16"), "BF16", choice.SMALLEST_HERE),
        (files("Q4_0", "Q8_0"), "Q8_0", choice.BEST_HERE),
        (files("Q4_0_4_4", "Q4_0_4_8", "F16"), "F16", choice.ONLY),
        (files("Q4_0_4_4", "Q4_0_4_8"), "Q4_0_4_4", choice.UNREADABLE),
    ],
)
def test_the_reason_speaks_of_what_is_there(rows: list[Row], label: str, reason: str) -> None:
    found, why = recommended(rows)
    assert (found.label, why) == (label, reason)


def test_twice_the_size_for_nothing_is_not_recommended_where_less_fits() -> None:
    rows = [Row(v, FITS) for v in variants([RepoFile("m.F16.gguf", 200), RepoFile("m.Q8_0.gguf", 100)])]
    assert recommended(rows)[0].label == "Q8_0"


def test_a_file_of_unknown_type_is_better_than_nothing() -> None:
    rows = [Row(v, FITS) for v in variants([RepoFile("model.gguf", 200), RepoFile("other.gguf", 300)])]
    assert recommended(rows) == (rows[0].variant, choice.SMALLEST_HERE)


@pytest.mark.parametrize("rate", [2, 14, 24, 28, 60, 500])
def test_the_usual_one_stays_when_the_speed_becomes_known(rate: float) -> None:
    """What was recommended a moment ago must not turn into another file under the pointer."""
    assert recommended(at(rate))[0] == recommended(up_to("Q8_0"))[0]
