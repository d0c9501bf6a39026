"""The search for the best settings, on machines made up for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.tuning import BUSY, Cores, Outcome, Plan, Sample, Search, Trial, beats, gained, planned

DEFAULT = LoadSettings(threads=4, batch_threads=4)
Machine = Callable[[LoadSettings], tuple[float, float] | None]


def searched(machine: Machine, plan: Plan, noise: Callable[[], float] = lambda: 1.0, steps: int = 99) -> Outcome:
    """A whole search; each sample is what the machine says, times the noise."""

    def trial(settings: LoadSettings) -> Trial | None:
        speeds = machine(settings)
        if speeds is None:
            return None
        return Trial(settings, tuple(Sample(speeds[0] * noise(), speeds[1] * noise()) for _ in range(3)))

    default = trial(DEFAULT)
    assert default is not None
    search = Search(default, plan)
    taken = 0
    while search.step is not None and taken < steps:
        taken += 1
        search.hear(trial(search.step.settings))
    assert taken <= plan.most
    return search.outcome()


def plan(**options: object) -> Plan:
    return planned(replace(DEFAULT, **options), Cores(4, 6, 12), tokens=2048, layers=22, layers_that_fit=0)  # type: ignore[arg-type]


class TestPlan:
    def test_tries_what_a_processor_has(self) -> None:
        assert plan().threads == (6, 12, 3, 2)
        assert plan().values == (
            ("repack", False),
            ("flash_attention", FlashAttention.OFF),
            ("batch", 1024),
            ("batch", 256),
        )

    def test_tells_of_the_other_kv_type(self) -> None:
        assert plan().told == (("kv_type", "q8_0"),)
        assert plan(kv_type="q4_0").told == (("kv_type", "f16"),)

    def test_leaves_out_a_batch_that_makes_no_difference(self) -> None:
        short = planned(DEFAULT, Cores(4, 4, 4), tokens=100, layers=22, layers_that_fit=0)
        assert "batch" not in dict(short.values)

    def test_leaves_out_the_threads_that_are_the_default(self) -> None:
        assert planned(DEFAULT, Cores(4, 4, 4), 512, 22, 0).threads == (3, 2)

    def test_one_core_has_nothing_to_try(self) -> None:
        one = replace(DEFAULT, threads=1, batch_threads=1)
        assert planned(one, Cores(1, 1, 1), 512, 22, 0).threads == ()

    def test_a_card_that_holds_everything_leaves_threads_alone(self) -> None:
        found = planned(replace(DEFAULT, gpu_layers=-2), Cores(4, 4, 8), 512, 22, -1)
        assert found.threads == ()
        assert found.values[0] == ("gpu_layers", 0)
        assert "repack" not in dict(found.values)

    def test_a_card_that_was_switched_off_is_tried(self) -> None:
        found = planned(replace(DEFAULT, gpu_layers=0), Cores(4, 4, 8), 512, 22, 9)
        assert found.values[0] == ("gpu_layers", 9)
        assert ("gpu_layers", 0) not in found.values

    def test_more_layers_than_fit_and_fewer_are_tried_against_what_fits(self) -> None:
        for layers, others in ((-2, [0]), (-1, [9, 0]), (4, [9, 0]), (9, [0])):
            found = planned(replace(DEFAULT, gpu_layers=layers), Cores(4, 4, 8), 512, 22, 9)
            assert [value for key, value in found.values if key == "gpu_layers"] == others


class TestSearch:
    def test_reading_and_writing_get_their_own_threads(self) -> None:
        found = searched(lambda s: (10.0 * s.batch_threads, 20.0 - abs(s.threads - 3)), plan())
        assert found.changes == {"threads": 3, "batch_threads": 12}
        assert found.complete

    def test_what_makes_no_difference_stays(self) -> None:
        found = searched(lambda _s: (100.0, 10.0), plan())
        assert found.changes == {}
        assert found.best == found.default

    def test_a_difference_below_noise_stays(self) -> None:
        assert searched(lambda s: (100.0 + 2 * (not s.repack), 10.0), plan()).changes == {}

    def test_no_gain_in_one_pays_for_a_loss_in_the_other(self) -> None:
        found = searched(lambda s: (500.0, 8.0) if not s.repack else (100.0, 10.0), plan())
        assert found.changes == {}

    def test_several_gains_add_up(self) -> None:
        def machine(s: LoadSettings) -> tuple[float, float]:
            return 100.0 * (1.5 if s.batch == 1024 else 1) * (1.2 if not s.repack else 1), 10.0

        found = searched(machine, plan())
        assert found.changes == {"batch": 1024, "repack": False}
        assert gained(found.best.read_per_s, found.default.read_per_s) > 0.7

    def test_what_ends_the_engine_is_out(self) -> None:
        found = searched(lambda s: None if s.threads > 6 else (10.0 * s.batch_threads, 10.0), plan())
        assert found.changes == {"batch_threads": 6}

    def test_the_kv_type_is_told_and_never_chosen(self) -> None:
        found = searched(lambda s: (1000.0, 1000.0) if s.kv_type == "q8_0" else (100.0, 10.0), plan())
        assert found.changes == {}
        assert [trial.settings.kv_type for trial in found.told] == ["q8_0"]

    def test_luck_does_not_come_twice(self) -> None:
        seen: list[LoadSettings] = []

        def lucky(s: LoadSettings) -> tuple[float, float]:
            first = not s.repack and s not in seen
            seen.append(s)
            return (200.0 if first else 100.0), 10.0

        assert searched(lucky, plan()).changes == {}

    def test_a_burst_of_other_work_decides_nothing(self) -> None:
        """Others compute while the default is measured for the first and second time."""
        seen: list[LoadSettings] = []

        def disturbed(s: LoadSettings) -> tuple[float, float]:
            seen.append(s)
            return (50.0 if s == DEFAULT and seen.count(DEFAULT) <= 2 else 100.0), 10.0

        assert searched(disturbed, Plan(values=(("repack", False),))).changes == {}
        assert seen.count(DEFAULT) == 3

    def test_haste_tries_nothing_else_and_compares_once_more(self) -> None:
        default = Trial(DEFAULT, (Sample(100, 10),) * 3)
        search = Search(default, plan())
        search.hurry()
        assert search.step is not None  # what was asked before
        search.hear(Trial(search.step.settings, (Sample(200, 10),) * 3))
        assert search.step is not None
        assert search.step.settings == DEFAULT
        search.hear(default)
        assert search.step is not None
        search.hear(Trial(search.step.settings, (Sample(200, 10),) * 3))
        assert search.step is not None
        assert search.step.settings == DEFAULT
        search.hear(default)
        assert search.step is None
        assert search.outcome().changes == {"batch_threads": 6}
        assert not search.outcome().complete

    def test_a_large_model_has_time_for_what_promises_most(self) -> None:
        """75 seconds, ten for each trial: the rest is left out before a comparison is."""
        search = Search(Trial(DEFAULT, (Sample(20, 8),)), plan())
        left, steps = 75, 0
        while search.step is not None and left > 0:
            if left < 10 * (1 + search.owed):
                search.hurry()
            now = search.step.settings
            search.hear(Trial(now, (Sample(20, 10 if now.threads == 3 else 8),)))
            left, steps = left - 10, steps + 1
        assert steps == 7
        assert search.outcome().changes == {"threads": 3}
        assert not search.outcome().complete

    def test_haste_at_the_end_leaves_nothing_out(self) -> None:
        search = Search(Trial(DEFAULT, (Sample(20, 8),)), Plan(values=(("repack", False),)))
        search.hurry()
        search.hear(Trial(replace(DEFAULT, repack=False), (Sample(20, 8),)))
        assert search.step is None
        assert search.outcome().complete

    def test_a_model_that_ends_at_once_is_judged_by_reading(self) -> None:
        assert searched(lambda s: (10.0 * s.batch_threads, 0.0), plan()).changes == {"batch_threads": 12}

    def test_one_measurement_must_win_by_more(self) -> None:
        old, new = Trial(DEFAULT, (Sample(100, 10),)), Trial(DEFAULT, (Sample(108, 10.8),))
        assert not beats(new, old)
        assert beats(Trial(DEFAULT, new.samples * 3), Trial(DEFAULT, old.samples * 3))

    def test_one_sample_that_is_far_off_does_not_count(self) -> None:
        slow = Trial(DEFAULT, (Sample(100, 10), Sample(40, 3), Sample(101, 10)))
        assert not beats(Trial(DEFAULT, (Sample(100, 10),) * 3), slow)


@given(st.data(), st.integers(0, 99), st.floats(0.0, 0.15))
def test_nothing_slower_than_the_default_is_chosen(data: st.DataObject, seed: int, noise: float) -> None:
    """Whatever the machine: its noise moves every sample by so much at most, so a median by no more."""
    dice = random.Random(seed)
    speeds: dict[LoadSettings, tuple[float, float] | None] = {}

    def machine(settings: LoadSettings) -> tuple[float, float] | None:
        if settings not in speeds:
            one = st.tuples(st.floats(1, 1000), st.floats(1, 1000))
            speeds[settings] = data.draw(one if settings == DEFAULT else st.none() | one)
        return speeds[settings]

    found = searched(machine, plan(), lambda: 1 + dice.uniform(-noise, noise))
    chosen, default = speeds[found.best.settings], speeds[DEFAULT]
    assert chosen is not None
    assert default is not None
    if found.changes:
        assert beats(found.best, found.default)
    wrong = (1 - noise) / (1 + noise)  # of a ratio of two medians
    margin = max(0.03, found.best.read_noise, found.default.read_noise)
    assert chosen[0] / default[0] >= (1 - margin) * wrong - 1e-9
    margin = max(0.03, found.best.write_noise, found.default.write_noise)
    assert chosen[1] / default[1] >= (1 - margin) * wrong - 1e-9


@given(st.integers(0, 50), st.permutations(range(20)))
def test_ended_at_any_moment_it_has_an_answer(steps: int, order: list[int]) -> None:
    rank = {count: place for place, count in enumerate(order)}
    found = searched(lambda s: (10.0 + rank[s.batch_threads], 10.0 + rank[s.threads]), plan(), steps=steps)
    assert found.best.read_per_s >= found.default.read_per_s
    assert found.best.write_per_s >= found.default.write_per_s


class TestUnclear:
    """Whether "nothing is faster" may be said."""

    def outcome(self, *rivals: Trial, default: tuple[float, ...] = (100, 100, 100), **others: object) -> Outcome:
        first = trial(DEFAULT, *default)
        return replace(Outcome(first, first, trials=(first, *rivals)), **others)  # type: ignore[arg-type]

    def test_a_quiet_machine_is_believed(self) -> None:
        slower, little = trial(SLOW, 50, 50, 50), trial(SLOW, 102, 102, 102)
        for rival in (slower, little, trial(SLOW, 20, 50, 90)):
            assert not self.outcome(rival).unclear

    def test_other_programs_forbid_a_judgement(self) -> None:
        assert self.outcome(busy=BUSY + 0.01).unclear
        assert not self.outcome(busy=BUSY).unclear

    def test_so_do_uneven_measurements(self) -> None:
        assert self.outcome(default=(20, 60, 100)).unclear
        assert self.outcome(trial(SLOW, 200, 2000, 4000)).unclear

    def test_so_does_what_looks_faster_in_the_table(self) -> None:
        fast = trial(SLOW, 600, 600, 600)
        assert self.outcome(fast, default=(1, 1, 1)).unclear
        assert not self.outcome(fast, trial(SLOW, 90, 90, 90)).unclear  # it was not so the second time
        told = trial(replace(DEFAULT, kv_type="q8_0"), 600, 600, 600)
        assert not self.outcome(told, told=(told,)).unclear

    def test_what_won_twice_is_kept(self) -> None:
        best = trial(SLOW, 600, 600, 600)
        assert not self.outcome(best, best=best, busy=0.9).unclear


SLOW = replace(DEFAULT, threads=1)


def trial(settings: LoadSettings, *speeds: float) -> Trial:
    return Trial(settings, tuple(Sample(speed, speed) for speed in speeds))
