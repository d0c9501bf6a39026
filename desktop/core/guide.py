"""Find the help page that the guide should read before it answers a question.

A linear classifier over hashed character n-grams, made by ``packaging/guide/train_pages.py`` and
shipped as one small file. The file is believed in nothing: a length that does not add up, a name
that is no UTF-8 or a scale that is no number is a :class:`ValueError`, and after that no look-up
can fail.

It reads and writes nothing (the caller brings the bytes and opens the page) and it writes no
answers (the model does).
"""

from __future__ import annotations

import math
import re
import struct
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAGIC = b"ALCPAGE1"
# magic, buckets, topics (the first is "foreign"), languages, margin
HEADER = struct.Struct("<8sIHHf")
LONGEST_QUESTION = 1000  # characters looked at; no source: ten lines say what a question is about
LONGEST_FOLLOW_UP = 4  # words; a longer question stands for itself
FOLLOW_UP = 0.4  # share of the previous question in a follow-up; no source: less than half
HINT = 0.25  # added to the language of the window; scores lie between 0 and 1
MAX_BUCKETS = 1 << 20
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Match:
    """What a question is about; ``topic`` None is nothing that the help pages tell (decline).

    ``score`` is the classifier's value of the topic, near 1 where it is sure and near 0 where not.
    """

    language: str
    topic: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Pages:
    """The classifier: one row of signed bytes per bucket, one column per topic and per language.

    Column 0 is "foreign"; then come ``topics``, then ``languages``.
    """

    topics: tuple[str, ...]
    languages: tuple[str, ...]
    margin: float
    scales: tuple[float, ...]
    rarities: bytes
    weights: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> Pages:
        """Read what ``train_pages.py`` wrote; raise :class:`ValueError` where it is damaged."""
        if len(data) < HEADER.size:
            raise ValueError("the page index is cut off")
        magic, buckets, topics, languages, margin = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise ValueError("this is no page index of a known version")
        if not (0 < buckets <= MAX_BUCKETS and topics > 1 and languages):
            raise ValueError("the page index has impossible sizes")
        names, at = _read_names(data, HEADER.size, topics - 1 + languages)
        columns = topics + languages
        if len(data) != at + 4 * columns + buckets + buckets * columns:
            raise ValueError("the page index has another length than it says")
        scales = struct.unpack_from(f"<{columns}f", data, at)
        if not all(map(math.isfinite, (margin, *scales))):
            raise ValueError("the page index holds numbers that are none")
        at += 4 * columns
        return cls(
            topics=names[: topics - 1],
            languages=names[topics - 1 :],
            margin=margin,
            scales=scales,
            rarities=data[at : at + buckets],
            weights=data[at + buckets :],
        )

    def nearest(self, question: str, previous: str = "", language: str = "") -> Match | None:
        """Return what ``question`` is about, or None where it has no letter and no digit.

        ``previous`` is the question before: a short one ("and on a Mac?") that says too little
        alone is read together with it. ``language`` is the window's: it decides about words that
        several languages share.
        """
        if not _WORD.search(question):
            return None
        scores = self._scores(question)
        topic, score = self._topic(scores)
        if topic is None and previous and len(_WORD.findall(question)) <= LONGEST_FOLLOW_UP:
            earlier = self._scores(previous)
            both = zip(scores, earlier, strict=True)
            topic, score = self._topic([(1 - FOLLOW_UP) * a + FOLLOW_UP * b for a, b in both])
        return Match(self._language(scores, language), topic, score)

    def _topic(self, scores: Sequence[float]) -> tuple[str | None, float]:
        of_topics = scores[1 : 1 + len(self.topics)]
        best = max(of_topics)
        if scores[0] - best > self.margin:
            return None, scores[0]
        return self.topics[of_topics.index(best)], best

    def _language(self, scores: Sequence[float], hint: str) -> str:
        of_languages = list(scores[1 + len(self.topics) :])
        if hint in self.languages:
            of_languages[self.languages.index(hint)] += HINT
        return self.languages[of_languages.index(max(of_languages))]

    def _scores(self, question: str) -> list[float]:
        """One value a column: the weights of the question's buckets, by their rarity."""
        columns = len(self.scales)
        sums = [0] * columns
        square = 0
        rows = memoryview(self.weights).cast("b")
        for bucket in features(question, len(self.rarities)):
            rarity = self.rarities[bucket]
            square += rarity * rarity
            row = rows[bucket * columns : (bucket + 1) * columns]
            sums = [total + rarity * weight for total, weight in zip(sums, row, strict=True)]
        length = math.sqrt(square) or 1.0
        return [scale * total / length for scale, total in zip(self.scales, sums, strict=True)]


def features(text: str, buckets: int) -> list[int]:
    """Buckets of the character 1- to 4-grams, words and word pairs of ``text``, sorted, each once.

    Case, punctuation and the kind of space do not count. Trainer and look-up share this function.
    """
    words = _WORD.findall(unicodedata.normalize("NFC", text[:LONGEST_QUESTION]).lower())
    line = f" {' '.join(words)} " if words else ""
    grams = {f"{n}{line[i : i + n]}" for n in (1, 2, 3, 4) for i in range(len(line) - n + 1)}
    grams.update(f"w{word}" for word in words)
    grams.update(f"b{first} {second}" for first, second in pairwise(words))
    return sorted({zlib.crc32(gram.encode("utf-8", "replace")) % buckets for gram in grams})


def page_text(markdown: str) -> str:
    """Return a help page as the guide reads it: the title, then one line a paragraph, no ``#``."""
    title, _, body = markdown.partition("\n")
    paragraphs = (" ".join(part.split()) for part in body.split("\n\n"))
    return "\n".join([title.removeprefix("#").strip(), *filter(None, paragraphs)])


def _read_names(data: bytes, at: int, count: int) -> tuple[tuple[str, ...], int]:
    """Read ``count`` names, each a byte of length and UTF-8; return them and where they end."""
    names = []
    for _ in range(count):
        if at >= len(data) or at + 1 + data[at] > len(data):
            raise ValueError("the page index is cut off in its names")
        end = at + 1 + data[at]
        names.append(data[at + 1 : end].decode("utf-8"))  # UnicodeDecodeError is a ValueError
        at = end
    return tuple(names), at
