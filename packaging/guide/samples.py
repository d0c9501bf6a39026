"""Turn the corpus into token sequences: [page] [question] [answer], sometimes with earlier turns.

The text of every part is tokenised by itself and the roles are put between as single tokens,
exactly as the application must do it. Only the guide's answers carry the full weight in the loss.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sentencepiece
from corpus import LANGUAGES, Block, Corpus, Page, is_held_back
from noise import misspell
from vocabulary import BOS, END, GUIDE, PAGE, USER

from desktop.core.guide import page_text

# How many of a hundred samples are of which kind. No source: set by hand, to the shares a chat is
# likely to have.
KINDS = {
    "single": 60,
    "pages between turns": 10,
    "one page before turns": 6,
    "foreign": 7,
    "foreign with a page": 4,
    "no page": 2,
    "other title": 6,
    "copy a sentence": 5,
}
READING = 0.2  # the share of page and question tokens that count in the loss
READING_WEIGHT = 0.1  # and how much, against 1 for the answer's
MISSPELT = 0.6  # the share of questions that get noise
OFTEN = 4  # how often a topic counts that training goes on for


@dataclass(slots=True)
class Sample:
    """A token sequence and the weight of each token as something to predict."""

    tokens: list[int]
    weights: list[float]


class Author:
    """Writes samples without end from one source of randomness; questions of topics in ``often`` come more."""

    def __init__(
        self, corpus: Corpus, words: sentencepiece.SentencePieceProcessor, seed: int, often: Sequence[str] = ()
    ) -> None:
        self._dice = random.Random(seed)
        self._words = words
        self._corpus = corpus
        self._pages = list(corpus.pages.values())
        self._asked = [
            (block, question)
            for block in corpus.blocks
            for question in block.questions * (OFTEN if block.topic in often else 1)
            if not is_held_back(block, question)
        ]
        self._foreign = {
            language: [q for q in corpus.foreign.get(language, ()) if not is_held_back(None, q)]
            for language in LANGUAGES
        }
        self._languages = [language for language in LANGUAGES if self._foreign[language]]

    def __iter__(self) -> Iterator[Sample]:
        while True:
            yield self._write()

    def _write(self) -> Sample:
        kind = self._dice.choices(list(KINDS), list(KINDS.values()))[0]
        sample = Sample([], [])
        if self._dice.random() < 0.1:  # an engine that adds BOS must not break the guide
            self._put(sample, [BOS])
        match kind:
            case "single":
                self._on_topic(sample, *self._dice.choice(self._asked))
            case "pages between turns":
                self._long(sample)
            case "one page before turns":
                self._page_first(sample)
            case "foreign" | "foreign with a page":
                page = self._dice.choice(self._pages) if kind == "foreign with a page" else None
                self._decline(sample, self._dice.choice(self._languages), page)
            case "no page":
                block, question = self._dice.choice(self._asked)
                self._decline(sample, block.language, None, question)
            case "other title":
                self._on_topic(sample, *self._dice.choice(self._asked), title=self._phrase())
            case "copy a sentence":
                self._copy(sample)
        return sample

    def _on_topic(self, sample: Sample, block: Block, question: str, title: str = "") -> None:
        page = self._corpus.pages[block.language, block.topic]
        answer = self._dice.choice(block.answers)
        text = page_text(page.markdown)
        if title:
            text = title + text[len(page.title) :]
            answer = answer.replace(page.title, title)
        self._turn(sample, text, self._noisy(question, block.language), answer)

    def _decline(self, sample: Sample, language: str, page: Page | None, question: str = "") -> None:
        question = question or self._dice.choice(self._foreign[language])
        refusal = self._dice.choice(self._corpus.refusals[language])
        text = page_text(page.markdown) if page else ""
        self._turn(sample, text, self._noisy(question, language), refusal)

    def _long(self, sample: Sample) -> None:
        """Two to five turns; each question on the topic has its page before it."""
        block, question = self._dice.choice(self._asked)
        for _ in range(self._dice.choice((2, 2, 2, 3, 4, 5))):
            if self._dice.random() < 0.15 and block.language in self._languages:
                self._decline(sample, block.language, None)
            else:
                self._on_topic(sample, block, question)
            block, question = self._next(block)

    def _page_first(self, sample: Sample) -> None:
        """The last question's page first, then one or two earlier turns without theirs."""
        block, question = self._dice.choice(self._asked)
        if self._dice.random() < 0.8:
            self._part(sample, PAGE, page_text(self._corpus.pages[block.language, block.topic].markdown))
            answer = self._dice.choice(block.answers)
        else:
            question = self._dice.choice(self._foreign[block.language] or [question])
            answer = self._dice.choice(self._corpus.refusals.get(block.language, block.answers))
        for _ in range(self._dice.choice((1, 1, 2))):
            earlier, earlier_question = self._next(block)
            self._part(sample, USER, self._noisy(earlier_question, block.language))
            self._part(sample, GUIDE, self._dice.choice(earlier.answers))
        self._turn(sample, "", self._noisy(question, block.language), answer)

    def _copy(self, sample: Sample) -> None:
        """Ask with words of one sentence of any page; the answer is that sentence, copied."""
        page = self._dice.choice(self._pages)
        formulas = [
            answer[answer.rindex(". ") + 2 :] if ". " in answer else answer
            for block in self._corpus.blocks
            if (block.language, block.topic) == (page.language, page.topic)
            for answer in block.answers
        ]
        sentences = [s for part in page.paragraphs for s in part.replace(". ", ".\n").split("\n")]
        sentence = self._dice.choice(sentences)
        words = sentence.rstrip(".").split(" ")
        at = self._dice.randrange(max(1, len(words) - 2))
        question = " ".join(words[at : at + self._dice.choice((2, 3, 4))]).lower()
        self._turn(sample, page_text(page.markdown), question, f"{sentence} {formulas[0]}")

    def _next(self, block: Block) -> tuple[Block, str]:
        while True:
            found = self._dice.choice(self._asked)
            if found[0].language == block.language:
                return found

    def _phrase(self) -> str:
        words = self._dice.choice(self._asked)[1].rstrip("?.! ").split(" ")
        at = self._dice.randrange(len(words))
        return " ".join(words[at : at + self._dice.choice((1, 2, 3))]).capitalize() or "Alcove"

    def _noisy(self, question: str, language: str) -> str:
        noisy = misspell(question, language, self._dice) if self._dice.random() < MISSPELT else question
        if self._dice.random() < 0.01:  # bytes are tokens too: let them be seen
            noisy += " " + chr(self._dice.choice((0x1F600, 0x4E00, 0x0430, 0x3042)) + self._dice.randrange(64))
        return noisy

    def _turn(self, sample: Sample, page: str, question: str, answer: str) -> None:
        if page:
            self._part(sample, PAGE, page)
        self._part(sample, USER, question)
        self._put(sample, [GUIDE])
        self._put(sample, [*self._words.encode(answer), END], counts=True)

    def _part(self, sample: Sample, role: int, text: str) -> None:
        self._put(sample, [role, *self._words.encode(text), END])

    def _put(self, sample: Sample, tokens: Sequence[int], counts: bool = False) -> None:
        sample.tokens += tokens
        if counts:
            sample.weights += [1.0] * len(tokens)
        else:
            read = (self._dice.random() < READING for _ in tokens)
            sample.weights += [READING_WEIGHT if counted else 0.0 for counted in read]
