"""The guide as it ships: asked what it was never taught with, in three languages, through the real engine.

The questions in `packaging/guide/heldout` were written before training and serve nothing but this and the evaluation
beside them, which asks all of them and judges the answers more closely (`packaging/guide/evaluate.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.core.guide import REFUSAL_STARTS
from desktop.services.help import LANGUAGES, Help
from desktop.services.paths import resources
from tests.flows.program import Program

HELD_OUT = Path(__file__).parents[2] / "packaging" / "guide" / "heldout"
EVERY = 6  # through the engine goes every sixth question: thirty on topic and ten foreign in each language


def questions(language: str) -> tuple[list[tuple[set[str], str]], list[str]]:
    """On topic, with the pages that may answer; and foreign."""
    rows = [line.split("\t") for line in (HELD_OUT / f"{language}.tsv").read_text("utf-8").splitlines()]
    known = [(set(topics.split("|")), question) for topics, question in rows if topics != "-"]
    return known, [question for topics, question in rows if topics == "-"]


@pytest.fixture(scope="module")
def pages() -> Help:
    return Help(resources())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_found(pages: Help, language: str) -> None:
    known, foreign = questions(language)
    assert len(known) >= 100
    assert len(foreign) >= 50
    pages.spoken = language
    found = [pages.nearest(question)[0] for _topics, question in known]
    right = sum(page is not None and page.topic in topics for page, (topics, _q) in zip(found, known, strict=True))
    assert right / len(known) >= 0.85
    assert sum(pages.nearest(question)[0] is None for question in foreign) / len(foreign) >= 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_answers_from_the_page_and_declines_the_rest(pages: Help, alcove: Program, language: str) -> None:
    known, foreign = questions(language)
    titles = {page.topic: page.title for page in pages.pages(language)}
    asked = known[::EVERY] + [(set(), question) for question in foreign[::EVERY]]
    given = "".join(question.replace("\n", " ") + "\n/clear\n" for _topics, question in asked)
    told = alcove.run("chat", "--json", given=given.encode())
    assert told.status == 0
    replies = [record["text"] for record in told.records]
    good = sum(
        any(titles[topic] in reply for topic in topics)
        for (topics, _question), reply in zip(asked, replies, strict=True)
        if topics
    )
    assert good / len(known[::EVERY]) >= 0.8  # of thirty; the whole set has to reach 0.85 in the evaluation
    refused = [reply for (topics, _question), reply in zip(asked, replies, strict=True) if not topics]
    declined = sum(any(reply.startswith(start) for start in REFUSAL_STARTS.values()) for reply in refused)
    assert declined / len(refused) >= 0.8
    assert {record["stop_reason"] for record in told.records} == {"stop"}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How do I download a model?", ("“Models”, “Find”", "“Download”", "Getting a model")),
        ("모델은 어떻게 내려받나요?", ("‘모델’", "‘찾기’", "‘내려받기’", "모델 내려받기")),
        ("Come scarico un modello?", ("“Modelli”, “Trova”", "“Scarica”", "Scaricare un modello")),
        ("How do I delete a chat?", ("“Move to bin”", "Deleting chats")),
        ("대화를 삭제하려면 어떻게 하나요?", ("‘휴지통으로 이동’", "대화 삭제와 복원")),
        ("Come elimino una chat?", ("“Sposta nel cestino”", "Eliminare una chat")),
        ("What is the command palette?", ("Ctrl+K", "The command palette")),
        ("명령 팔레트가 뭐예요?", ("Ctrl+K", "명령 팔레트")),
        ("Che cos'è il riquadro comandi?", ("comandi, chat, modelli", "Riquadro comandi")),
        ("Wie wird das Wetter in Hamburg?", ("English, Korean and Italian",)),
    ],
)
def test_what_people_ask_first(alcove: Program, question: str, words: tuple[str, ...]) -> None:
    record = alcove.run("chat", "-p", question, "--json").record
    assert record["stop_reason"] == "stop"
    assert [word for word in words if word not in record["text"]] == []
