"""The data folder that the gallery and the tests of words and room live in: chats, models, downloads.

Invariant: what is in it was put there by the program's own services; the same for each language but for its words.
"""

from __future__ import annotations

import time
from pathlib import Path

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message, Role
from desktop.core.errors import NetworkError
from desktop.core.generation import StopReason, Timings, Usage
from desktop.core.repos import RepoFile
from desktop.core.transfer import Download, State
from desktop.services.models.modelfiles import How
from desktop.services.paths import Paths
from desktop.services.transfer.queue import Queue
from tests.hub.contents import Repository
from tests.hub.true_sizes import LLAMA_2, MISTRAL, TINYLLAMA, Shape, sparse_model
from tests.look.content import AGES_H, RICH, TITLES

MODEL = "mistral-7b-instruct-v0.1.Q4_K_M"
_MODELS = ((MODEL, MISTRAL), ("llama-2-7b-chat.Q5_K_M", LLAMA_2), ("tinyllama-1.1b-chat-v1.0.Q8_0", TINYLLAMA))
RUNNING = "Q4_0"
LOST = "The connection to {host} broke off. What has arrived is kept."  # of `services.online.faults`


async def furnish(home: Path, models: Path, language: str, held: Repository) -> None:
    """Makes the folder `home`; the models lie in `models` and are linked; what is downloaded comes out of `held`."""
    paths = Paths(home)
    paths.create()
    paths.preferences.write_text(f'[settings]\nlanguage = "{language}"\nappearance = "light"\n')
    Queue(paths.downloads).write({download.id: download for download in _downloads(held)})
    files = [_model(models / f"{name}.gguf", shape) for name, shape in _MODELS]
    async with Assembly.opened(paths) as alcove:
        for file in files:
            await alcove.library.import_file(file, How.LINK)
        await alcove.chats.add_all([_chat(language, at) for at in range(len(AGES_H))])


def _model(path: Path, shape: Shape) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path if path.exists() else sparse_model(path, shape, path.stem.rpartition(".")[2])


def _chat(language: str, at: int) -> tuple[Chat, list[Message]]:
    """The first is the rich one."""
    when, title = time.time() - AGES_H[at] * 3600, TITLES[language][at]
    said = RICH[language] if at == 0 else (title, RICH[language][3])
    messages: list[Message] = []
    for number, text in enumerate(said):
        parent = messages[-1].id if messages else None
        if number % 2:
            figures = Usage(212, 180, 164), Timings(0, 0.8, 96, 6.2)
            end = (MODEL, StopReason.STOP, *figures)
            messages.append(Message(f"{at}-{number}", parent, Role.ASSISTANT, text, when + number, *end))
        else:
            messages.append(Message(f"{at}-{number}", parent, Role.USER, text, when + number))
    chat = Chat(f"chat-{at}", title, when, when, messages[-1].id, at == 1, None, MODEL, titled=True)
    return chat, messages


def _downloads(held: Repository) -> list[Download]:
    """One of each state; the waiting one goes on as soon as the window is there."""
    rows = ((RUNNING, 0.0, State.WAITING), ("Q5_K_M", 0.62, State.PAUSED), ("Q6_K", 0.2, State.FAILED))
    return [_download(held, *row) for row in (*rows, ("Q2_K", 1.0, State.DONE))]


def _download(held: Repository, label: str, share: float, state: State) -> Download:
    path = next(path for path in held.files if path.endswith(f".{label}.gguf"))
    file = held.files[path]
    return Download(
        f"{held.id}:{label}",
        held.id,
        held.head,
        label,
        (RepoFile(path, file.size, file.sha256),),
        file.size,
        round(file.size * share),
        state,
        problem=NetworkError(LOST, host="huggingface.co") if state is State.FAILED else None,
    )
