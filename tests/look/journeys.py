"""What is done at the window to find words and room: run in the program's own process, and told line by line."""

from __future__ import annotations

from desktop.panes.chat.snippet import tidy
from tests.bench.window import PART
from tests.flows.driver import tell
from tests.flows.person import Person
from tests.look.content import NAMES, RICH, TITLES
from tests.look.painted import Painted, Written
from tests.look.room import cramped
from tests.look.scenes import AFTER, FLEETING, FURTHER
from tests.look.stage import PSEUDO, Stage
from tests.look.words import untranslated

HASTE = 0.1
SIZES = {100: ((900, 600), (760, 520)), 200: ((1280, 800), (900, 600), (760, 520))}


async def words(person: Person, pseudo: str) -> None:
    """Tells every text that has gone past translation."""
    stage = Stage(person, pseudo, HASTE)
    await stage.dress(PSEUDO)
    await stage.resize(1100, 760)
    content = written_by_people(stage)
    for name, scene in FURTHER.items():
        await scene(stage)
        await stage.settle()
        for fault in untranslated(drawn(stage), content):
            tell(f"{name}: {fault}")
        await leave(stage, name)


async def room(person: Person, pseudo: str, text_size: str) -> None:
    """Tells everything that has not the room it needs."""
    stage = Stage(person, pseudo, HASTE)
    percent = int(text_size)
    for name, scene in FURTHER.items():
        await stage.dress("en", text_size=percent)
        await stage.resize(*SIZES[percent][0])
        await scene(stage)
        for language in (PSEUDO, "ko", "it"):
            await stage.dress(language, text_size=percent)
            if name in FLEETING:
                await scene(stage)
            for width, height in SIZES[percent]:
                await stage.resize(width, height)
                for fault in cramped(drawn(stage)):
                    tell(f"{name} {language} {width}×{height}: {fault}")
        await stage.dress("en", text_size=percent)
        await leave(stage, name)


async def leave(stage: Stage, name: str) -> None:
    if name in AFTER:
        await AFTER[name](stage)
    await stage.clear()


def drawn(stage: Stage) -> list[Written]:
    """What is written when everything draws itself."""
    with Painted() as heard:
        for top in (stage.window, *stage.above()):
            top.grab()
    return heard.all


def written_by_people(stage: Stage) -> str:
    """All that needs no translation, because a person, a model or a standard wrote it."""
    pages = [f"{page.title}\n{page.text}" for page in stage.root._alcove.help.pages("en")]
    written = [*TITLES["en"], *RICH["en"], PART]
    return "\n".join(
        [*pages, *written, *(tidy(text, [])[0] for text in written), *NAMES, str(stage.root._alcove.paths.models)]
    )
