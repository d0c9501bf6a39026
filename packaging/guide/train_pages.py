"""Train the classifier that finds the help page, and measure it by cross-validation.

    PYTHONPATH=. python packaging/guide/train_pages.py            # writes resources/guide/pages.bin
    PYTHONPATH=. python packaging/guide/train_pages.py --folds    # only measures

Ridge regression on tf-idf of hashed n-grams, solved by conjugate gradients: no randomness, seconds
on one core. The features are ``desktop.core.guide.features``. A foreign
question answered with a help page counts as bad as a question on the topic declined: the margin is
where cross-validation with whole blocks left out gives both errors the same rate. It never reads
the held-out questions.
"""

from __future__ import annotations

import argparse
import random
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from corpus import LANGUAGES, ROOT, Corpus, read, read_phrases
from numpy.typing import NDArray
from scipy import sparse

from desktop.core.guide import HEADER, MAGIC, features, language_of

BUCKETS = 32768  # 16,384 lost a point of a hundred in cross-validation
RIDGE = 1.0  # 0.5 and 2 were a point worse
PAGE_WEIGHT, PHRASE_WEIGHT, FOREIGN_WEIGHT = 0.5, 2.0, 1.5  # a question on the topic weighs 1
FOLDS = 5
RUN = 10  # foreign questions written one after the other are about like things: they are left out together
RARITY_STEP = 0.04  # rarities are stored as bytes: 255 steps reach 10.2, one document in 27,000
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """A text of one topic ("" is foreign); ``block`` groups what was written together."""

    text: str
    language: str
    topic: str
    weight: float
    block: int = -1


def questions(corpus: Corpus) -> list[Example]:
    """Everything that people ask, foreign questions last."""
    asked = [
        Example(question, block.language, block.topic, 1.0, number)
        for number, block in enumerate(corpus.blocks)
        for question in block.questions
    ]
    foreign = [
        Example(question, language, "", FOREIGN_WEIGHT)
        for language, texts in corpus.foreign.items()
        for question in texts
    ]
    return asked + foreign


def readings(corpus: Corpus) -> list[Example]:
    """What is only read: sentences of pages and answers (no closing formula), phrases."""
    found = [
        Example(sentence, page.language, page.topic, PAGE_WEIGHT)
        for page in corpus.pages.values()
        for text in (page.title, *page.paragraphs)
        for sentence in _sentences(text)
    ]
    for block in corpus.blocks:
        for answer in block.answers:
            found += [Example(s, block.language, block.topic, PAGE_WEIGHT) for s in _sentences(answer)[:-1]]
    found += [Example(text, language, topic, PHRASE_WEIGHT) for language, topic, text in read_phrases()]
    return found


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?]) ", text)


def counts(texts: Sequence[str]) -> sparse.csr_matrix:
    """Which buckets each text has, 1 or 0."""
    rows = [features(text, BUCKETS) for text in texts]
    ends = np.cumsum([0] + [len(row) for row in rows])
    columns = np.concatenate([np.array(row, dtype=np.int32) for row in rows])
    return sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(rows), BUCKETS))


def rarities_of(found: sparse.csr_matrix) -> NDArray[np.uint8]:
    """How rare each bucket is, log of the inverse share of texts, in steps of ``RARITY_STEP``."""
    share = (found.sum(0).A1 if hasattr(found.sum(0), "A1") else np.asarray(found.sum(0)).ravel()) + 1
    return np.clip(np.log((found.shape[0] + 1) / share) / RARITY_STEP, 0, 255).round().astype(np.uint8)


def weighed(found: sparse.csr_matrix, rarities: NDArray[np.uint8]) -> sparse.csr_matrix:
    """Rows of length 1, every bucket by its rarity."""
    scaled = found @ sparse.diags(rarities.astype(np.float32))
    lengths = np.sqrt(np.asarray(scaled.multiply(scaled).sum(1)).ravel())
    return (sparse.diags(1 / np.maximum(lengths, 1e-6)) @ scaled).tocsr().astype(np.float32)


def solve(x: sparse.csr_matrix, y: Matrix, weights: Matrix) -> Matrix:
    """Minimise the weighted squared error plus ``RIDGE`` times the squared solution."""
    transposed = (sparse.diags(weights) @ x).T.tocsr()
    rest = transposed @ y
    solution, direction, square = np.zeros_like(rest), rest.copy(), (rest * rest).sum(0)
    for _ in range(40):
        step = transposed @ (x @ direction) + RIDGE * direction
        length = square / ((direction * step).sum(0) + 1e-12)
        solution += length * direction
        rest -= length * step
        new = (rest * rest).sum(0)
        direction = rest + (new / (square + 1e-12)) * direction
        square = new
    return solution


def fit(examples: Sequence[Example], topics: Sequence[str]) -> tuple[Matrix, NDArray[np.uint8]]:
    """Return weights ``[buckets, 1 + topics + languages]`` and rarities."""
    found = counts([example.text for example in examples])
    rarities = rarities_of(found)
    wanted = np.zeros((len(examples), 1 + len(topics) + len(LANGUAGES)), np.float32)
    for i, example in enumerate(examples):
        wanted[i, 1 + topics.index(example.topic) if example.topic else 0] = 1
        wanted[i, 1 + len(topics) + LANGUAGES.index(example.language)] = 1
    weights = np.array([example.weight for example in examples], np.float32)
    return solve(weighed(found, rarities), wanted, weights), rarities


def equal_errors(on_topic: Matrix, foreign: Matrix) -> float:
    """The margin that as many questions ``on_topic`` exceed as ``foreign`` ones do not."""
    on_topic, foreign = np.sort(on_topic), np.sort(foreign)
    margins = np.concatenate([on_topic, foreign])
    declined = 1 - np.searchsorted(on_topic, margins, "right") / len(on_topic)
    answered = np.searchsorted(foreign, margins, "right") / len(foreign)
    return float(margins[np.abs(declined - answered).argmin()])


def folds(asked: Sequence[Example], whole_blocks: bool) -> list[list[int]]:
    """Split the questions into ``FOLDS``: at random, or a block never on both sides."""
    numbers = list(range(len(asked)))
    random.Random(7).shuffle(numbers)
    if not whole_blocks:
        return [numbers[i::FOLDS] for i in range(FOLDS)]
    return [[n for i, n in enumerate(numbers) if _fold_of(asked[n], i) == fold] for fold in range(FOLDS)]


def _fold_of(example: Example, position: int) -> int:
    return (example.block * 7919 if example.topic else position // RUN) % FOLDS


def cross_validate(corpus: Corpus, topics: Sequence[str], margin: float | None = None) -> float:
    """Print what unseen questions get, and return the margin.

    Without ``margin`` whole blocks are left out and it is found; with it, single questions.
    """
    asked, read_only = questions(corpus), readings(corpus)
    scores = np.zeros((len(asked), 1 + len(topics) + len(LANGUAGES)), np.float32)
    for fold in folds(asked, whole_blocks=margin is None):
        left_out = set(fold)
        kept = [example for i, example in enumerate(asked) if i not in left_out]
        weights, rarities = fit(kept + read_only, topics)
        scores[fold] = weighed(counts([asked[i].text for i in fold]), rarities) @ weights
    on_topic = np.array([bool(example.topic) for example in asked])
    wanted = np.array([topics.index(e.topic) if e.topic else -1 for e in asked])
    of_topics = scores[:, 1 : 1 + len(topics)]
    known = (of_topics.max(1) + np.maximum(of_topics, 0).sum(1)) / 2
    lead = scores[:, 0] - known
    print("whole blocks left out:" if margin is None else "single questions left out:")
    if margin is None:
        margin = equal_errors(lead[on_topic], lead[~on_topic])
    right = of_topics.argmax(1) == wanted
    of_languages = scores[:, 1 + len(topics) :].tolist()
    spoken = {
        hint: np.array(
            [
                language_of(e.text, LANGUAGES, found, e.language if hint == "window" else "") == e.language
                for e, found in zip(asked, of_languages, strict=True)
            ]
        )
        for hint in ("window", "none")
    }
    for language in LANGUAGES:
        mine = np.array([example.language == language for example in asked])
        print(
            f"  {language}: topic {right[mine & on_topic].mean():.1%},"
            f" foreign caught {(lead > margin)[mine & ~on_topic].mean():.1%},"
            f" on topic called foreign {(lead > margin)[mine & on_topic].mean():.1%},"
            f" page given and right {(right & (lead <= margin))[mine & on_topic].mean():.1%},"
            f" language of foreign {spoken['window'][mine & ~on_topic].mean():.1%},"
            f" without hint {spoken['none'][mine & ~on_topic].mean():.1%}"
        )
    print(
        f"  all: topic {right[on_topic].mean():.1%}, foreign caught {(lead > margin)[~on_topic].mean():.1%},"
        f" on topic called foreign {(lead > margin)[on_topic].mean():.1%},"
        f" page given and right {(right & (lead <= margin))[on_topic].mean():.1%}, margin {margin:.3f}",
        flush=True,
    )
    return margin


def pack(topics: Sequence[str], margin: float, weights: Matrix, rarities: NDArray[np.uint8]) -> bytes:
    """The file: header, names, scales, rarities, weights (see ``Pages.from_bytes``)."""
    names = b"".join(bytes([len(n.encode())]) + n.encode() for n in (*topics, *LANGUAGES))
    # The largest weights are few: cutting them at 99.99 % leaves the others finer steps.
    scales = np.maximum(np.quantile(np.abs(weights), 0.9999, axis=0), 1e-9) / 127
    rounded = np.clip((weights / scales).round(), -127, 127).astype(np.int8)
    header = HEADER.pack(MAGIC, BUCKETS, 1 + len(topics), len(LANGUAGES), margin)
    packed_scales = struct.pack(f"<{len(scales)}f", *scales)
    return header + names + packed_scales + rarities.tobytes() + rounded.tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folds", action="store_true", help="only measure; write nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "resources" / "guide" / "pages.bin")
    arguments = parser.parse_args()
    corpus = read()
    topics = sorted({block.topic for block in corpus.blocks})
    margin = cross_validate(corpus, topics)
    cross_validate(corpus, topics, margin)
    if arguments.folds:
        return
    weights, rarities = fit(questions(corpus) + readings(corpus), topics)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(pack(topics, margin, weights, rarities))
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
