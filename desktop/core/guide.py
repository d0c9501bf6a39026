"""Find the help page that the guide should read before it answers a question.

A linear classifier over hashed character n-grams, made by ``packaging/guide/train_pages.py`` and
shipped as one small file. The file is believed in nothing: a length that does not add up, a name
that is no UTF-8 or a scale that is no number is a :class:`ValueError`, and after that no look-up
can fail.

It reads and writes nothing (the caller brings the bytes and opens the page) and it writes no
answers (the model does; for a question that is about nothing here it is given the first word of
its refusal, ``REFUSAL_STARTS``, because alone it takes the language from single words).
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
LANGUAGE_LEAD = 0.2  # below it a text could be either; by cross-validation, scores lie between 0 and 1
LEAST_LIKELY = 0.2  # of a topic that words are searched for; by trying: "멈췄어요" has 0.27 for "stop", "김치" 0.14
KOREAN = "ko"
REFUSAL_STARTS = {"en": "Sorry,", "ko": "죄송하지만", "it": "Mi dispiace,"}
MAX_BUCKETS = 1 << 20
_WORD = re.compile(r"\w+")
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")


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

    def nearest(self, question: str, language: str = "") -> Match | None:
        """Return what ``question`` is about, or None where it has no letter and no digit.

        ``language`` is the window's: it decides about texts that could be of several languages
        ("pizza", "12345").
        """
        if not _WORD.search(question):
            return None
        scores = self._scores(question)
        topic, score = self._topic(scores)
        spoken = language_of(question, self.languages, scores[1 + len(self.topics) :], language)
        return Match(spoken, topic, score)

    def likely(self, words: str) -> list[str]:
        """Return the topics that searched words may be about, the likeliest first; often one, at most three.

        A word or two say less than a question: what would be declined as foreign counts here, too.
        """
        if not _WORD.search(words):
            return []
        foreign, *scores = self._scores(words)[: 1 + len(self.topics)]
        least = max(LEAST_LIKELY, foreign / 2)
        return [
            topic for score, topic in sorted(zip(scores, self.topics, strict=True), reverse=True) if score >= least
        ][:3]

    def _topic(self, scores: Sequence[float]) -> tuple[str | None, float]:
        of_topics = scores[1 : 1 + len(self.topics)]
        best = max(of_topics)
        # A question between two topics is no foreign one: what all topics say counts as much as what the best says.
        known = (best + sum(score for score in of_topics if score > 0)) / 2
        if scores[0] - known > self.margin:
            return None, scores[0]
        return self.topics[of_topics.index(best)], best

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


def language_of(question: str, languages: Sequence[str], scores: Sequence[float], hint: str) -> str:
    """Return the language of ``question``: Korean by its script, another by a clear lead of its score.

    Without either it is ``hint``, and the first of ``languages`` where the hint is none of them.
    """
    if KOREAN in languages and _HANGUL.search(question):
        return KOREAN
    others = [pair for pair in zip(scores, languages, strict=True) if pair[1] != KOREAN]
    ranked = [*sorted(others, reverse=True), (0.0, ""), (0.0, "")]
    if ranked[0][0] - ranked[1][0] >= LANGUAGE_LEAD:
        return ranked[0][1]
    return hint if hint in languages else languages[0]


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
