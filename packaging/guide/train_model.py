"""Train the guide's network on the corpus: fixed seed, fixed steps, resumable.

    PYTHONPATH=. nice -n 5 python packaging/guide/train_model.py --out DIR --steps 850

Writes ``vocabulary.model`` and ``guide.pt`` to DIR; run again with the same DIR to go on after an
interruption, or with more steps and the topics whose pages changed (``--often``) to teach it these.
Does not write the GGUF: that is ``export.py``.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
import vocabulary
from corpus import Corpus, is_held_back, read
from model import Guide, Shape
from samples import Author, Sample
from sentencepiece import SentencePieceProcessor
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from desktop.core.guide import page_text

SEED = 20261121
BATCH_TOKENS = 6144  # padded; about 30 samples
POOL = 384  # samples sorted by length together, so that little is padding
LONGEST = 1536
WARM_UP = 60
COOL_DOWN = 0.45  # the last share of the steps, in which the rate falls to nothing
RATE_MATRICES, RATE_REST = 0.015, 0.003
SAVE_EVERY = 100


class Muon(Optimizer):
    """Momentum with orthogonalised updates, in float32.

    Jordan 2024, kellerjordan.github.io/posts/muon
    """

    def __init__(self, parameters: list[Tensor], rate: float, decay: float = 0.05) -> None:
        super().__init__(parameters, {"lr": rate, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                moved = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                moved.lerp_(weight.grad, 0.05)
                update = _orthogonal(weight.grad.lerp(moved, 0.95))
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(update, alpha=-group["lr"] * max(1, weight.shape[0] / weight.shape[1]) ** 0.5)


def _orthogonal(matrix: Tensor) -> Tensor:
    """Five Newton-Schulz steps towards the nearest half-orthogonal matrix."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for a, b, c in [(3.4445, -4.7750, 2.0315)] * 5:
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


def batches(author: Author) -> Iterator[tuple[Tensor, Tensor]]:
    """Tokens and weights ``[samples, length]``, padded on the right with weight 0."""
    samples = iter(author)
    dice = random.Random(SEED)
    while True:
        pool = sorted(itertools.islice(samples, POOL), key=lambda sample: len(sample.tokens))
        rows: list[list[Sample]] = [[]]
        for sample in pool:
            if len(sample.tokens) > LONGEST:
                continue
            if (len(rows[-1]) + 1) * len(sample.tokens) > BATCH_TOKENS:
                rows.append([])
            rows[-1].append(sample)
        dice.shuffle(rows)
        yield from (_padded(row) for row in rows if row)


def _padded(row: list[Sample]) -> tuple[Tensor, Tensor]:
    length = max(len(sample.tokens) for sample in row)
    tokens = torch.full((len(row), length), vocabulary.END)
    weights = torch.zeros(len(row), length)
    for i, sample in enumerate(row):
        tokens[i, : len(sample.tokens)] = torch.tensor(sample.tokens)
        weights[i, : len(sample.tokens)] = torch.tensor(sample.weights)
    return tokens, weights


def loss_of(guide: Guide, tokens: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the cross-entropy of the tokens that count."""
    hidden = guide(tokens[:, :-1])
    counted = weights[:, 1:] > 0
    losses = F.cross_entropy(guide.logits(hidden[counted]), tokens[:, 1:][counted], reduction="none")
    weight = weights[:, 1:][counted]
    return (losses * weight).sum() / weight.sum()


def rate_at(step: int, steps: int) -> float:
    """Share of the full rate: up in a line, flat, down in a line."""
    falling = steps * (1 - COOL_DOWN)
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 1.0 if step < falling else max(0.0, (steps - step) / (steps - falling))


def held_back(corpus: Corpus, words: SentencePieceProcessor) -> list[Sample]:
    """The questions that are never trained on, each after its page, shortest first."""
    rows = []
    for block in corpus.blocks:
        page = page_text(corpus.pages[block.language, block.topic].markdown)
        for question in (q for q in block.questions if is_held_back(block, q)):
            asked = [vocabulary.PAGE, *words.encode(page), vocabulary.END]
            asked += [vocabulary.USER, *words.encode(question), vocabulary.END, vocabulary.GUIDE]
            answer = [*words.encode(block.answers[0]), vocabulary.END]
            rows.append(Sample(asked + answer, [0.0] * len(asked) + [1.0] * len(answer)))
    return sorted(rows, key=lambda sample: len(sample.tokens))


@torch.no_grad()
def held_back_loss(guide: Guide, rows: list[Sample]) -> float:
    """Loss on the answers of :func:`held_back`."""
    parts = [loss_of(guide, *_padded(rows[at : at + 16])) for at in range(0, len(rows), 16)]
    return float(sum(parts)) / len(parts) if parts else math.nan


def text_lines(corpus: Corpus) -> Iterator[str]:
    """Everything the vocabulary is made from; what the guide says counts three times."""
    for page in corpus.pages.values():
        yield from [page.title, *page.paragraphs] * 3
    for block in corpus.blocks:
        yield from block.answers * 3
        yield from block.questions
    for foreign in (corpus.foreign, corpus.refusals):
        yield from itertools.chain.from_iterable(foreign.values())


def optimisers(guide: Guide) -> list[Optimizer]:
    matrices = [w for name, w in guide.named_parameters() if w.dim() == 2 and "embedding" not in name]
    rest = [w for name, w in guide.named_parameters() if w.dim() == 1 or "embedding" in name]
    adam = torch.optim.AdamW(rest, RATE_REST, betas=(0.9, 0.98), weight_decay=0.0)
    return [Muon(matrices, RATE_MATRICES), adam]


def train(out: Path, steps: int, shape: Shape, often: list[str]) -> None:
    """Train for ``steps`` in all, going on from ``out/checkpoint.pt`` where there is one."""
    corpus = read()
    if not (out / "vocabulary.model").exists():
        vocabulary.train(text_lines(corpus), out / "vocabulary.model", shape.vocabulary)
    words = vocabulary.load(out / "vocabulary.model")
    torch.manual_seed(SEED)
    guide = Guide(shape)
    steerers = optimisers(guide)
    first = _resume(out, guide, steerers)
    print(f"{sum(w.numel() for w in guide.parameters()):,} parameters, from step {first}", flush=True)
    kept_apart = held_back(corpus, words)
    began, seen, mean = time.monotonic(), 0, math.nan
    stream = itertools.islice(batches(Author(corpus, words, SEED, often)), first, steps)
    for step, (tokens, weights) in enumerate(stream, first):
        loss = _step(guide, steerers, rate_at(step, steps), tokens, weights)
        seen += tokens.numel()
        mean = loss if math.isnan(mean) else 0.95 * mean + 0.05 * loss
        if step % 20 == 19:
            spent = time.monotonic() - began
            pace = f"{seen / spent:.0f} tokens/s {spent:.0f} s"
            print(f"{step + 1} loss {mean:.3f} {pace}", flush=True)
        if step % SAVE_EVERY == SAVE_EVERY - 1 or step == steps - 1:
            _save(out, step + 1, guide, steerers)
            print(f"{step + 1} held back {held_back_loss(guide, kept_apart):.3f}", flush=True)
    torch.save({"shape": asdict(shape), "model": guide.state_dict()}, out / "guide.pt")


def _step(guide: Guide, steerers: list[Optimizer], rate: float, tokens: Tensor, weights: Tensor) -> float:
    """One step at ``rate`` times each optimiser's full rate; return the loss before it."""
    # bfloat16 doubled the pace on a processor with AVX-512 BF16; elsewhere it may be slower.
    with torch.autocast("cpu", torch.bfloat16):
        loss = loss_of(guide, tokens, weights)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(guide.parameters(), 1.0)
    for steerer, full in zip(steerers, (RATE_MATRICES, RATE_REST), strict=True):
        steerer.param_groups[0]["lr"] = full * rate
        steerer.step()
        steerer.zero_grad()
    return loss.item()


def _resume(out: Path, guide: Guide, steerers: list[Optimizer]) -> int:
    """Load the last checkpoint into the arguments; return how many steps it has seen."""
    if not (out / "checkpoint.pt").exists():
        return 0
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    guide.load_state_dict(state["model"])
    for steerer, saved in zip(steerers, state["optimisers"], strict=True):
        steerer.load_state_dict(saved)
    return int(state["step"])


def _save(out: Path, step: int, guide: Guide, steerers: list[Optimizer]) -> None:
    state = {
        "step": step,
        "model": guide.state_dict(),
        "optimisers": [steerer.state_dict() for steerer in steerers],
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="working folder")
    parser.add_argument("--steps", type=int, default=850)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--often", nargs="*", default=[], help="topics that are asked about more often")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    train(arguments.out, arguments.steps, Shape(), arguments.often)


if __name__ == "__main__":
    main()
