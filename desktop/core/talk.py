"""What happens while a reply is asked for and written, as values, and the named openings a chat can start from.

Invariant: the events of one reply come in the order `MessageAdded` (the person's, then the reply's), `Waiting`,
`ModelLoading`, `ModelReady`, `Reading`, `Written`, `Ended`; exactly one `Ended` for every reply that was added, also
when an error follows it. Nothing here asks, stores or shows anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core.chat import Message, Opening, Role, Turn
from desktop.core.errors import N_
from desktop.core.generation import ModelInfo


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message is stored and on the active path: what the person wrote, or the still empty reply."""

    message: Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """The engine is at work for something else: another chat's reply, a load, or a look at the exact prompt."""


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """The chat's model is being loaded: fraction 0..1."""

    fraction: float


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The model is loaded; where it runs and how much it looks at."""

    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Reading:
    """The prompt is being read: tokens done of those that had to be read."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Written:
    """Text to add to the reply; whole characters only."""

    message_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The reply as it was stored: text, stop reason, statistics, note."""

    message: Message


@dataclass(frozen=True, slots=True)
class Retitled:
    """The chat's title was made from its first message."""

    chat_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Left:
    """Messages that the model no longer looks at; all of them, not only the newest."""

    ids: frozenset[str]


TalkEvent = MessageAdded | Waiting | ModelLoading | ModelReady | Reading | Written | Ended | Retitled | Left


@dataclass(frozen=True, slots=True)
class ExactPrompt:
    """What the model gets: the text, and every token as its number and its text."""

    text: str
    tokens: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ContextUse:
    """Tokens used of the context's size, and the messages that do not fit. `size` 0 means not known yet.

    `cached`: those of them the model has read already, so that nobody waits for them; None where that is not known.
    Of `used`, about: the opening, the guide's help page, the draft, and the messages that leave next, oldest first.
    """

    used: int
    size: int
    left: frozenset[str] = frozenset()
    cached: int | None = None
    instruction: int = 0
    page: int = 0
    draft: int = 0
    leaving: tuple[str, ...] = ()  # ids
    leaving_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    """An opening with a name. The instruction is English whatever the window speaks: models follow that best."""

    name: str
    opening: Opening


def _only_in(language: str, answer: str) -> Opening:
    """As turns, not as an instruction: it also holds for models that have no system role."""
    asked = f"You are a native speaker of {language}. Now you only response with {language}."
    return Opening(turns=(Turn(Role.USER, asked), Turn(Role.ASSISTANT, answer)))


PRESETS: tuple[Preset, ...] = (
    Preset(N_("None"), Opening()),
    Preset(N_("Answer only in Korean"), _only_in("korean", "네, 알겠습니다. 이제부터 한국어로만 답하겠습니다.")),
    Preset(N_("Answer only in Italian"), _only_in("italian", "Va bene. D'ora in poi risponderò solo in italiano.")),
    Preset(
        N_("Translator into English"),
        Opening(
            "You are a translator. Translate everything the user writes into natural English. "
            "Keep names, numbers and layout. Answer with the translation only."
        ),
    ),
    Preset(
        N_("Careful proofreader"),
        Opening(
            "You are a careful proofreader. Correct spelling, grammar and punctuation of the user's text in its own "
            "language, change nothing else, and list below it what you changed and why."
        ),
    ),
    Preset(
        N_("Code reviewer"),
        Opening(
            "You are an experienced code reviewer. Point out bugs first, then what is hard to read, each with the line "
            "and a better version. Say so plainly when nothing is wrong."
        ),
    ),
    Preset(
        N_("Short answers"),
        Opening("Answer in at most three sentences. Say plainly when you do not know."),
    ),
)
