"""Read what people wrote for the guide: help pages, questions with their answers, foreign
questions.

Everything is returned in a fixed order (language, then topic), so that a seed alone decides a
training. Held-out questions are not read here: nothing that trains can reach them.
"""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "ko", "it")
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Page:
    """One help page as written: Markdown whose first line is ``# Title``."""

    language: str
    topic: str
    title: str
    markdown: str

    @property
    def paragraphs(self) -> list[str]:
        """The text below the title, one entry a paragraph."""
        return [" ".join(part.split()) for part in self.markdown.split("\n\n")[1:] if part.strip()]


@dataclass(frozen=True, slots=True)
class Block:
    """One aspect of a topic: every answer fits every question."""

    language: str
    topic: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Pages by (language, topic), blocks in order, foreign questions and refusals by language."""

    pages: dict[tuple[str, str], Page]
    blocks: tuple[Block, ...]
    foreign: dict[str, tuple[str, ...]]
    refusals: dict[str, tuple[str, ...]]


def read(root: Path = ROOT) -> Corpus:
    """Read the corpus of the repository at ``root``; half-written topics are left out."""
    pages: dict[tuple[str, str], Page] = {}
    blocks: list[Block] = []
    foreign: dict[str, tuple[str, ...]] = {}
    refusals: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        folder = root / "packaging" / "guide" / "corpus" / language
        for path in sorted(folder.glob("*.txt")):
            found = _read_blocks(path, language)
            if path.stem == "_foreign":
                foreign[language] = tuple(q for block in found for q in block.questions)
                refusals[language] = tuple(a for block in found for a in block.answers)
                continue
            page = _read_page(root, language, path.stem)
            if page is not None and found:
                pages[language, path.stem] = page
                blocks += [block for block in found if block.answers]
    return Corpus(pages, tuple(blocks), foreign, refusals)


def read_phrases(root: Path = ROOT) -> list[tuple[str, str, str]]:
    """Read the key words of each topic as (language, topic, phrase); topic "" is foreign."""
    found = []
    for language in LANGUAGES:
        path = root / "packaging" / "guide" / "phrases" / f"{language}.txt"
        for line in path.read_text(encoding="utf-8").splitlines():
            topic, _, phrases = unicodedata.normalize("NFC", line).partition(": ")
            topic = topic.removeprefix("_foreign")
            found += [(language, topic, part.strip()) for part in phrases.split(" | ") if part.strip()]
    return found


def is_held_back(block: Block | None, question: str) -> bool:
    """Whether the model never trains on this question, so that it can be watched while training.

    About one in thirty, by checksum: the same questions on every machine. ``block`` None is
    foreign.
    """
    name = "foreign" if block is None else f"{block.language}/{block.topic}"
    return zlib.crc32(f"{name}/{question}".encode()) % 30 == 0


def _read_page(root: Path, language: str, topic: str) -> Page | None:
    path = root / "resources" / "help" / language / f"{topic}.md"
    if not path.exists():
        return None
    markdown = unicodedata.normalize("NFC", path.read_text(encoding="utf-8")).strip() + "\n"
    return Page(language, topic, markdown.partition("\n")[0].removeprefix("# ").strip(), markdown)


def _read_blocks(path: Path, language: str) -> list[Block]:
    text = unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    blocks = []
    for part in text.split("\n\n"):
        lines = [line.strip() for line in part.splitlines()]
        questions = tuple(line[1:].strip() for line in lines if line.startswith("?"))
        answers = tuple(line[1:].strip() for line in lines if line.startswith("="))
        if questions or answers:
            blocks.append(Block(language, path.stem, questions, answers))
    return blocks
