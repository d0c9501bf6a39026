"""Ask the real guide, page look-up and GGUF together, and count how often it is right.

    PYTHONPATH=. python packaging/guide/evaluate.py                    # the held-out questions
    PYTHONPATH=. python packaging/guide/evaluate.py --held-back        # kept from the model only
    PYTHONPATH=. python packaging/guide/evaluate.py --reference FILE   # torch's, see export.py

Needs llama-cpp-python, not torch. Held-out questions (``heldout/<language>.tsv``) decide nothing:
their score is printed and that is all. An answer counts when it names the title of an expected
page and shares enough words with an answer or the page of that topic (token F1 of ``ENOUGH`` with
the best). A foreign question counts when the answer is one of the refusals, near enough.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import llama_cpp
from corpus import LANGUAGES, ROOT, Corpus, is_held_back, read, read_phrases

from desktop.core.guide import REFUSAL_STARTS, Pages, page_text

ENOUGH = 0.4
LONGEST_ANSWER = 160
NEAR = 0.5  # from here on two questions are neighbours (Jaccard of their character trigrams)
SPECIAL = ("<|page|>", "<|user|>", "<|guide|>", "<|end|>")


@dataclass(frozen=True, slots=True)
class Case:
    """A question and the topics that may answer it; none is foreign."""

    language: str
    question: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the guide did: ``found`` is the page given ("" none), ``right`` if an expected one."""

    case: Case
    found: str
    right: bool
    answer: str
    good: bool
    declined: bool
    declined_somehow: bool
    declined_alone: bool  # in the right language, without the start of a refusal
    near: bool  # a question or phrase like it is in the corpus


class Engine:
    """The GGUF by llama.cpp's own calls, always the likeliest token."""

    def __init__(self, path: Path) -> None:
        self._log = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self._log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        model_options = llama_cpp.llama_model_default_params()
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_options)
        options = llama_cpp.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_threads, options.n_threads_batch = (
            1536,
            1536,
            2,
            2,
        )
        self._context = llama_cpp.llama_init_from_model(self._model, options)
        self._vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        self.words = llama_cpp.llama_vocab_n_tokens(self._vocabulary)
        self.page, self.user, self.guide, self.end = (self.cut(part, True)[0] for part in SPECIAL)

    def cut(self, text: str, special: bool = False) -> list[int]:
        raw = text.encode()
        room = (llama_cpp.llama_token * (len(raw) + 8))()
        count = llama_cpp.llama_tokenize(self._vocabulary, raw, len(raw), room, len(room), False, special)
        return list(room[:count])

    def prompt(self, page: str, question: str) -> list[int]:
        """Roles as tokens, what people wrote as plain text."""
        start = [self.page, *self.cut(page), self.end] if page else []
        return [*start, self.user, *self.cut(question), self.end, self.guide]

    def logits(self, tokens: list[int]) -> list[float]:
        """Read ``tokens`` and return the logits after the last."""
        room = (llama_cpp.llama_token * len(tokens))(*tokens)
        batch = llama_cpp.llama_batch_get_one(room, len(tokens))
        if llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError("llama_decode failed")
        return llama_cpp.llama_get_logits_ith(self._context, -1)[: self.words]

    def answer(self, tokens: list[int]) -> str:
        """Write greedily after ``tokens`` until the end token."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), True)
        written, logits = b"", self.logits(tokens)
        for _ in range(LONGEST_ANSWER):
            token = max(range(self.words), key=logits.__getitem__)
            if token == self.end:
                break
            piece = ctypes.create_string_buffer(64)
            size = llama_cpp.llama_token_to_piece(self._vocabulary, token, piece, 64, 0, False)
            written += piece.raw[:size]
            logits = self.logits([token])
        return written.decode("utf-8", "replace")


def held_out() -> Iterator[Case]:
    """The questions that were written apart and are used for nothing else."""
    for language in LANGUAGES:
        path = ROOT / "packaging" / "guide" / "heldout" / f"{language}.tsv"
        for line in path.read_text(encoding="utf-8").splitlines():
            topics, tab, question = line.partition("\t")
            if tab and question.strip():
                wanted = () if topics.strip() == "-" else tuple(topics.strip().split("|"))
                yield Case(language, question.strip(), wanted)


def held_back(corpus: Corpus) -> Iterator[Case]:
    """Corpus questions that the model never trained on (the page look-up did)."""
    for block in corpus.blocks:
        for question in block.questions:
            if is_held_back(block, question):
                yield Case(block.language, question, (block.topic,))
    for language, questions in corpus.foreign.items():
        for question in questions:
            if is_held_back(None, question):
                yield Case(language, question, ())


def _bag(text: str) -> Counter[str]:
    """Words; for Korean pairs of syllables, because particles hang on the words."""
    words = re.findall(r"\w+", text.lower())
    return Counter(
        part
        for word in words
        for part in ([word[i : i + 2] for i in range(len(word) - 1)] if re.search("[가-힣]", word) else [word])
    )


def overlap(one: str, other: str) -> float:
    """Token F1 of two texts."""
    a, b = _bag(one), _bag(other)
    shared = (a & b).total()
    return 2 * shared / (a.total() + b.total()) if shared else 0.0


def trigrams(text: str) -> frozenset[str]:
    """The character trigrams of the words of ``text``."""
    line = " ".join(["", *re.findall(r"\w+", text.lower()), ""])
    return frozenset(line[i : i + 3] for i in range(len(line) - 2))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def known(corpus: Corpus) -> dict[str, list[frozenset[str]]]:
    """The trigrams of all questions and phrases that the look-up trains on, by language."""
    texts = [(block.language, question) for block in corpus.blocks for question in block.questions]
    texts += [(language, question) for language, foreign in corpus.foreign.items() for question in foreign]
    texts += [(language, phrase) for language, _, phrase in read_phrases()]
    return {code: [trigrams(text) for language, text in texts if language == code] for code in LANGUAGES}


def is_refusal(answer: str, corpus: Corpus, *languages: str) -> bool:
    """Whether ``answer`` is, near enough, one of the refusals in ``languages``."""
    refusals = [text for language in languages for text in corpus.refusals[language]]
    return any(overlap(answer, refusal) >= 0.6 for refusal in refusals)


def is_good(case: Case, answer: str, corpus: Corpus) -> bool:
    """Whether ``answer`` is good for one of the case's topics."""
    for topic in case.topics:
        page = corpus.pages[case.language, topic]
        references = [page_text(page.markdown), *page.paragraphs] + [
            text
            for block in corpus.blocks
            if (block.language, block.topic) == (case.language, topic)
            for text in block.answers
        ]
        if page.title in answer and max(overlap(answer, text) for text in references) >= ENOUGH:
            return True
    return False


def ask(case: Case, engine: Engine, pages: Pages, corpus: Corpus, how: Namespace) -> Outcome:
    """Look the page up (or take the right one), ask, judge."""
    window = "" if how.no_hint else case.language
    match = pages.nearest(case.question, window)
    found = (match.language, match.topic) if match and match.topic else None
    if how.right_page:
        found = (case.language, case.topics[0]) if case.topics else None
    text = page_text(corpus.pages[found].markdown) if found else ""
    prompt = engine.prompt(text, case.question)
    alone = answer = engine.answer(prompt)
    if not text:  # the look-up says in which language to decline
        start = REFUSAL_STARTS[match.language if match else window or LANGUAGES[0]]
        answer = start + engine.answer([*prompt, *engine.cut(start)])
    wanted = [(case.language, topic) for topic in case.topics]
    return Outcome(
        case,
        "/".join(found) if found else "",
        found in wanted if wanted else found is None,
        answer,
        is_good(case, answer, corpus),
        is_refusal(answer, corpus, case.language),
        is_refusal(answer, corpus, *LANGUAGES),
        is_refusal(alone, corpus, case.language),
        any(_likeness(trigrams(case.question), other) >= NEAR for other in how.known[case.language]),
    )


def share(outcomes: list[Outcome], what: str) -> float:
    """How many of ``outcomes`` have the property ``what``, between 0 and 1."""
    return round(sum(getattr(o, what) for o in outcomes) / max(1, len(outcomes)), 4)


def summary(outcomes: list[Outcome]) -> dict[str, float | int]:
    """Shares on the topic and foreign apart."""
    topic = [outcome for outcome in outcomes if outcome.case.topics]
    foreign = [outcome for outcome in outcomes if not outcome.case.topics]
    return {
        "on_topic": len(topic),
        "page_right": share(topic, "right"),
        "answer_right": share(topic, "good"),
        "answer_right_when_page_right": share([o for o in topic if o.right], "good"),
        "wrongly_declined": share(topic, "declined"),
        "foreign": len(foreign),
        "no_page": share(foreign, "right"),
        "declined": share(foreign, "declined"),
        "declined_in_any_language": share(foreign, "declined_somehow"),
        "declined_without_a_start": share(foreign, "declined_alone"),
        "on_topic_without_neighbour": len([o for o in topic if not o.near]),
        "page_right_without_neighbour": share([o for o in topic if not o.near], "right"),
        "foreign_without_neighbour": len([o for o in foreign if not o.near]),
        "declined_without_neighbour": share([o for o in foreign if not o.near], "declined"),
    }


def compare(engine: Engine, path: Path) -> int:
    """Hold llama.cpp against torch; return how many prompts differ in tokens or text."""
    wrong = 0
    for entry in json.loads(path.read_text(encoding="utf-8")):
        tokens = engine.prompt(entry["page"], entry["question"])
        text = engine.answer(tokens)
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(engine._context), True)
        gap = max(abs(a - b) for a, b in zip(engine.logits(tokens), entry["logits"], strict=True))
        same = (tokens == entry["prompt"], text == entry["answer"])
        wrong += same != (True, True)
        print(f"tokens {same[0]}  text {same[1]}  largest logit difference {gap:.3f}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gguf", type=Path, default=ROOT / "resources" / "guide" / "guide.gguf")
    parser.add_argument("--pages", type=Path, default=ROOT / "resources" / "guide" / "pages.bin")
    parser.add_argument("--held-back", action="store_true", help="corpus questions kept from the model")
    parser.add_argument("--right-page", action="store_true", help="give the right page: the model alone")
    parser.add_argument("--no-hint", action="store_true", help="do not tell the look-up the window's language")
    parser.add_argument("--reference", type=Path, help="compare with torch instead")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    engine = Engine(arguments.gguf)
    if arguments.reference:
        raise SystemExit(1 if compare(engine, arguments.reference) else 0)
    corpus, pages = read(), Pages.from_bytes(arguments.pages.read_bytes())
    cases = list(held_back(corpus) if arguments.held_back else held_out())
    arguments.known = known(corpus)
    outcomes = [ask(case, engine, pages, corpus, arguments) for case in cases]
    results = {code: summary([o for o in outcomes if o.case.language == code]) for code in LANGUAGES}
    results["all"] = summary(outcomes)
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    for code, numbers in results.items():
        print(f"{code}:", ", ".join(f"{name} {value}" for name, value in numbers.items()))


if __name__ == "__main__":
    main()
