"""Which settings make a model fastest on a machine: what is tried, in which order, and when a difference counts.

Invariant: nothing is chosen that was measured slower than the defaults, in reading or in writing, beyond the noise of
the measurements; what is chosen has won twice, the second time between two measurements of what it replaces, so that
neither luck nor a burst of other programs' work decides. Quality is never given up for speed: another type of the KV
cache is measured to be told, never chosen. Nothing is loaded or measured here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.settings import GPU_AUTOMATIC, Value

KEYS = ("threads", "batch_threads", "batch", "flash_attention", "repack", "gpu_layers")  # what may be chosen
FLOOR = 0.03  # of a speed: the same settings loaded twice differ by up to 2 % on an idle machine (docs/benchmarks.md)
UNKNOWN = 0.10  # where a speed was measured once, nothing is known of its noise; no source
BUSY = 0.25  # of the processor: as `core.benchmark` has it
UNEVEN = 0.25  # of a speed: where noise is larger, most of what settings bring is lost in it; no source
_SIGMA = 1.4826  # a normal distribution's standard deviation, in median deviations
_READ, _WRITTEN = 400, 200  # tokens of a usual turn: a question with a page of text, and a long answer; no source


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: tokens per second; a speed is 0 where nothing could be told of it."""

    read_per_s: float
    write_per_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured with some settings, at least once; what they commit of memory, as estimated."""

    settings: LoadSettings
    samples: tuple[Sample, ...]
    committed_bytes: int = 0

    @property
    def read_per_s(self) -> float:
        return median(sample.read_per_s for sample in self.samples)

    @property
    def write_per_s(self) -> float:
        return median(sample.write_per_s for sample in self.samples)

    @property
    def turn_s(self) -> float:
        """Seconds that a usual turn takes."""
        speeds = ((_READ, self.read_per_s), (_WRITTEN, self.write_per_s))
        return sum(tokens / speed for tokens, speed in speeds if speed > 0)

    @property
    def read_noise(self) -> float:
        return _noise([sample.read_per_s for sample in self.samples])

    @property
    def write_noise(self) -> float:
        return _noise([sample.write_per_s for sample in self.samples])


def _noise(speeds: Sequence[float]) -> float:
    """What a median of these may be wrong by, as a share of it. One that is far off does not count."""
    if len(speeds) < 2:
        return UNKNOWN
    middle = median(speeds)
    return max(FLOOR, _SIGMA * median(abs(speed - middle) for speed in speeds) / middle) if middle > 0 else FLOOR


def gained(new: float, old: float) -> float:
    """How much faster, as a share: 0.25 is a quarter faster, -0.5 half as fast."""
    return new / old - 1 if new > 0 and old > 0 else 0.0


def beats(new: Trial, old: Trial) -> bool:
    """Whether one speed is better and none worse, beyond noise, and a usual turn is over sooner."""
    reading = gained(new.read_per_s, old.read_per_s), max(new.read_noise, old.read_noise)
    writing = gained(new.write_per_s, old.write_per_s), max(new.write_noise, old.write_noise)
    better = any(gain > noise for gain, noise in (reading, writing))
    worse = any(gain < -noise for gain, noise in (reading, writing))
    return better and not worse and new.turn_s < old.turn_s


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried beside the defaults: numbers of threads, then single values, at last what is only told."""

    threads: tuple[int, ...] = ()
    values: tuple[tuple[str, Value], ...] = ()
    told: tuple[tuple[str, Value], ...] = ()

    @property
    def most(self) -> int:
        """Trials at most: each value once, thrice more where it seems to win, and the last comparison."""
        return len(self.threads) + 3 * bool(self.threads) + 4 * len(self.values) + len(self.told) + 3


@dataclass(frozen=True, slots=True)
class Cores:
    performance: int
    physical: int
    logical: int


def planned(default: LoadSettings, cores: Cores, tokens: int, layers: int, layers_that_fit: int) -> Plan:
    """The plan for a model of so many layers, of which some fit on graphics cards (-1: all; 0: none, or no card).

    `tokens` are what a measurement reads: a batch that is larger would make no difference to it. `default` has its
    threads decided.
    """
    alone = (
        layers_that_fit >= 0 or not default.gpu_layers
    )  # threads, and weights repacked for the processor, do nothing for a model on a card
    fast = cores.performance
    counts = dict.fromkeys((cores.physical, cores.logical, fast - 1, fast // 2))
    same = {default.threads, default.batch_threads}
    threads = tuple(count for count in counts if count > 0 and {count} != same)
    values: list[tuple[str, Value]] = []
    if layers_that_fit:
        on_card = layers + 1 if layers_that_fit < 0 else layers_that_fit
        now = {GPU_AUTOMATIC: on_card, -1: layers + 1}.get(default.gpu_layers, default.gpu_layers)
        values += [("gpu_layers", count) for count in (on_card, 0) if count != now]
    if alone:
        values.append(("repack", not default.repack))
    flash = FlashAttention.ON if default.flash_attention is FlashAttention.OFF else FlashAttention.OFF
    values.append(("flash_attention", flash))
    values += [("batch", size) for size in (default.batch * 2, default.batch // 2) if 64 <= size <= tokens]
    kind = "q8_0" if default.kv_type == "f16" else "f16"
    return Plan(threads if alone else (), tuple(values), (("kv_type", kind),))


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be measured next. `tried` names what differs from what is best so far; none: once more the same."""

    settings: LoadSettings
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found. `trials` are all that were measured; `complete`: whether there was time for everything.

    `busy` is the share of the processor that other programs took: speeds are of little use above `BUSY`.
    """

    default: Trial
    best: Trial
    told: tuple[Trial, ...] = ()
    trials: tuple[Trial, ...] = ()
    complete: bool = True
    busy: float = 0.0

    @property
    def changes(self) -> Mapping[str, Value]:
        """What is better than the defaults; nothing where nothing is."""
        return differences(self.best.settings, self.default.settings)

    @property
    def disturbed(self) -> bool:
        """Whether other programs took so much of the processor that the speeds are too low."""
        return self.busy > BUSY

    @property
    def unclear(self) -> bool:
        """Whether nothing was found because nothing can be told now, which is not that the defaults are best.

        Others were at the processor, or the noise is too large, or what was measured once did not bear comparing.
        """
        if self.changes:
            return False
        latest = {trial.settings: trial for trial in (*self.trials, self.default) if trial not in self.told}
        sooner = [trial for trial in latest.values() if trial.turn_s < self.default.turn_s]
        noise = max(max(trial.read_noise, trial.write_noise) for trial in (self.default, *sooner))
        return self.disturbed or noise > UNEVEN or any(beats(trial, self.default) for trial in sooner)


def differences(new: LoadSettings, old: LoadSettings) -> dict[str, Value]:
    """The settings of `new` that may be chosen here and are others in `old`."""
    return {key: getattr(new, key) for key in KEYS if getattr(new, key) != getattr(old, key)}


_Course = Generator[Step, Trial | None, Trial]


class Search:
    """One search: measure `step`, `hear` the trial, until there is no step any more; it may be ended at any moment."""

    def __init__(self, default: Trial, plan: Plan) -> None:
        self._default, self._plan = default, plan
        self._best = default
        self._beaten = default.settings  # what the best was compared with last
        self._told: list[Trial] = []
        self._trials = [default]
        self._untried = len(plan.threads) + len(plan.values) + len(plan.told)
        self._in_haste = self._skipped = self._complete = self._promising = False
        self._course = self._run()
        self.step: Step | None = None
        self._advance(None)

    @property
    def ahead(self) -> int:
        """About how many trials are still to come."""
        return max(self._untried, 1) + self.owed if self.step is not None else 0

    @property
    def owed(self) -> int:
        """How many trials the next comparison takes; without it, what seems better now is of no use."""
        return 3 if self._promising else 0

    def hear(self, trial: Trial | None) -> None:
        """What `step` came to; None where it could not be loaded, or ended the engine."""
        if trial is not None:
            self._trials.append(trial)
        self._advance(trial)

    def hurry(self) -> None:
        """Nothing else is tried; what seems best is only compared with the defaults once more."""
        self._in_haste = True

    def outcome(self) -> Outcome:
        """What is known now. What was not compared with the defaults themselves must beat them all the same."""
        best = self._best if beats(self._best, self._default) else self._default
        return Outcome(
            self._default, best, tuple(self._told), tuple(self._trials), self._complete and not self._skipped
        )

    def _advance(self, trial: Trial | None) -> None:
        try:
            self.step = self._course.send(trial)
        except StopIteration:
            self.step, self._complete = None, True

    def _run(self) -> _Course:
        for key, value in self._plan.values:
            if key == "gpu_layers":  # the rest depends on what is left to the processor
                yield from self._value(key, value)
        yield from self._threads()
        for key, value in self._plan.values:
            if key != "gpu_layers":
                yield from self._value(key, value)
        for key, value in self._plan.told:
            told = yield from self._first(key, value)
            self._told += [told] if told else []
        if self._best.settings != self._default.settings != self._beaten:
            found = self._best.settings
            self._best = self._default
            yield from self._compared(found)
        return self._best

    def _threads(self) -> _Course:
        """A number of threads is tried for reading and writing at once: each speed tells of its own."""
        tried = [self._best]
        for count in self._plan.threads:
            self._untried -= 1
            self._skipped |= self._in_haste
            if not self._in_haste:
                settings = replace(self._best.settings, threads=count, batch_threads=count)
                trial = yield Step(settings, ("threads", "batch_threads"))
                tried += [trial] if trial else []
                self._promising |= self._mixed(tried) != self._best.settings
        if self._mixed(tried) != self._best.settings:
            yield from self._compared(self._mixed(tried))
        return self._best

    def _mixed(self, tried: Sequence[Trial]) -> LoadSettings:
        """The best, with the numbers of threads that read and wrote fastest, where that is more than noise."""
        best, found = self._best, self._best.settings
        writing = max(tried, key=lambda trial: trial.write_per_s)
        reading = max(tried, key=lambda trial: trial.read_per_s)
        if gained(writing.write_per_s, best.write_per_s) > max(writing.write_noise, best.write_noise):
            found = replace(found, threads=writing.settings.threads)
        if gained(reading.read_per_s, best.read_per_s) > max(reading.read_noise, best.read_noise):
            found = replace(found, batch_threads=reading.settings.batch_threads)
        return found

    def _value(self, key: str, value: Value) -> _Course:
        trial = yield from self._first(key, value)
        if trial is not None and beats(trial, self._best):
            yield from self._compared(trial.settings)
        return self._best

    def _first(self, key: str, value: Value) -> Generator[Step, Trial | None, Trial | None]:
        self._untried -= 1
        self._skipped |= self._in_haste
        if self._in_haste:
            return None
        settings = replace(self._best.settings, **{key: value})  # type: ignore[arg-type]
        return (yield Step(settings, (key,)))

    def _compared(self, settings: LoadSettings) -> _Course:
        """The best is measured anew, then its rival, and where that wins, the best once more."""
        same = Step(self._best.settings)
        old = yield same
        new = yield Step(settings, tuple(differences(settings, same.settings)))
        self._promising = False
        if old is None:
            return self._best
        if new is not None and beats(new, old):
            again = yield same
            old = replace(old, samples=old.samples + again.samples) if again is not None else old
        self._best = old
        if old.settings == self._default.settings:
            self._default = old
        if new is not None and beats(new, old):
            self._beaten, self._best = old.settings, new
        self._promising = self._best.settings != self._default.settings != self._beaten
        return self._best
