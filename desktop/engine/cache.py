"""What the KV cache holds, and how it comes to hold a prompt: what is there already serves again, the rest is read.

Invariant: `tokens` lists exactly the tokens in the KV cache, whatever way a computation ended. Every wait inside is
short enough for a halt within 100 ms on a CPU. What is written after a prompt is `engine.conversation`'s, what is kept
on disk `engine.keeping`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic

from desktop.core.checkpoints import spread
from desktop.core.prefix import shared
from desktop.engine.checkpoints import Checkpoint, Checkpoints
from desktop.engine.halt import Outcome
from desktop.engine.llama import Model

_STEP = 64  # tokens, or a multiple: ggml's attention rounds otherwise for fewer
_ROWS = 16  # repacked kernels take so many rows at once, and round otherwise for what is left over
_OPERATION_S = 0.06  # the longest single operation of a graph: on a CPU a halt waits for one
_PRODUCT = 0.3  # of a layer's time is its largest product of matrices, by their widths: 0.22 to 0.3 (llama, Gemma)
_GPU_CHUNK_S = 0.25  # the longest chunk on a GPU, where a halt waits for all of it; shorter chunks cost speed
_AHEAD_OPERATION_S, _AHEAD_GPU_CHUNK_S = 0.012, 0.03  # the same while nothing was asked yet: a request waits for these

Progress = Callable[[int, int], None]  # tokens read of those that had to be


class Cache:
    """One model's KV cache."""

    def __init__(self, model: Model) -> None:
        self.tokens: list[int] = []
        self.checkpoints = Checkpoints(model)
        self._model = model
        self._speed = self._fastest = 0.0  # tokens read per second, as last measured, and at best

    def reuse(self, tokens: Sequence[int]) -> int:
        """Makes the KV cache a prefix of the prompt and returns its length; the last token is always read anew."""
        keep = self._same(tokens)
        return self.cut(keep) if keep < len(self.tokens) else keep

    def reach(self, tokens: Sequence[int]) -> int:
        """What `reuse` would return."""
        keep = self._same(tokens)
        if keep == len(self.tokens) or (keep and self._model.cuttable and self._model.kv.reaches(keep)):
            return keep
        return self.checkpoints.nearest(keep)

    def _same(self, tokens: Sequence[int]) -> int:
        return max(0, min(shared(self.tokens, list(tokens)), len(tokens) - 1))

    def cut(self, keep: int) -> int:
        """Drops what follows the first `keep` tokens, or more where only that is possible. Returns what is left."""
        if keep and self._model.cuttable and self._model.cut(keep):
            self.checkpoints.drop(keep)
        else:
            keep = self.checkpoints.back(keep)
        if not keep:
            self._model.clear()
        del self.tokens[keep:]
        return keep

    def adopt(self, tokens: list[int], checkpoints: list[Checkpoint]) -> None:
        """Takes note of what was put into the KV cache."""
        self.tokens = tokens
        self.checkpoints.put(checkpoints)

    def holds(self, tokens: Sequence[int]) -> bool:
        """Whether the KV cache begins with these tokens."""
        return self.tokens[: len(tokens)] == list(tokens)

    def reading_s(self, count: int) -> float:
        """Seconds that reading so many tokens would take; long where nothing was read yet."""
        return count / self._speed if self._speed else float("inf")

    def read(self, tokens: Sequence[int], progress: Progress, ahead: bool = False, marks: Sequence[int] = ()) -> bool:
        """Reads prompt tokens; False if halted. What is read `ahead` of a request gives way to it sooner.

        `marks` are where in the whole prompt the conversation may change one day.
        """
        done, begin = 0, len(self.tokens)
        stops = self._stops(marks, begin, begin + len(tokens), ahead)
        while done < len(tokens):
            progress(done, len(tokens))
            stop = next((stop - begin for stop in stops if stop > begin + done), len(tokens))
            if not ahead and done < len(tokens) - 1:  # alone, as while writing: kernels round otherwise for a batch,
                stop = min(stop, len(tokens) - 1)  # so the same prompt could be answered otherwise when it is cached
            chunk = tokens[done : done + self._chunk(stop - done, ahead)]
            began = monotonic()
            if not self.compute(chunk):
                return False
            if len(chunk) >= _ROWS:
                self._speed = len(chunk) / max(monotonic() - began, 1e-6)
                self._fastest = max(self._speed, self._fastest)
            done += len(chunk)
            if begin + done in stops:
                self.checkpoints.take(begin + done)
        progress(done, len(tokens))
        return True

    def _stops(self, marks: Sequence[int], begin: int, end: int, ahead: bool) -> list[int]:
        """Where checkpoints are taken on the way; the first may be here. Half a draft is no place for one."""
        if self._model.rewinds:
            return []
        if begin in marks:
            self.checkpoints.take(begin)
        return spread(marks, begin, end, self.checkpoints.capacity, not ahead)

    def _chunk(self, rest: int, ahead: bool) -> int:
        """Of the `rest`, tokens to read at once, so that a stop is in time.

        What slows reading as the text grows is one operation, attention; else a product of matrices is the longest.
        How fast this computer is just now decides how many times 64 they are, not which are read with the last ones,
        of which there are 64 or more if it can be: the same prompt gets the same answer, and reads its end no slower.
        """
        if ahead:
            operation, chunk, least = _AHEAD_OPERATION_S, _AHEAD_GPU_CHUNK_S, _ROWS
        else:
            operation, chunk, least = _OPERATION_S, _GPU_CHUNK_S, _STEP
        longest = max(_PRODUCT, 1 - self._speed / self._fastest) if self._fastest else 1.0
        seconds = chunk if self._model.on_gpu else operation * self._model.layers / longest
        least = min(least, self._model.batch)
        most = min(max(int(self._speed * seconds), least), self._model.batch)
        if rest < 2 * least:
            return min(rest, self._model.batch)
        return min(most, rest - least) // least * least

    def compute(self, tokens: Sequence[int], every: bool = False) -> bool:
        """Decodes; False if halted or full, the KV cache being what `tokens` says all the same.

        What follows the last can be sampled then; what follows `every` one of a few, if wanted.
        """
        if self._model.halt:
            return False
        if not self._model.cuttable and len(tokens) > 1:
            self.checkpoints.pass_by(len(self.tokens))  # a halt would leave a state that is neither here nor there
        outcome = None
        try:
            outcome = self._model.decode(tokens, every)
        finally:
            if outcome is not Outcome.DONE:
                self.cut(len(self.tokens))
        if outcome is Outcome.DONE:
            self.tokens += tokens
        return outcome is Outcome.DONE
