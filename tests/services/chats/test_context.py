"""What a context holds by what is stored: parts that are together never more than the whole, and what leaves next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.core.chat import Chat, Message, Opening, Role
from desktop.core.generation import Usage
from desktop.services.chats.context import guided, use_of

CHAT = Chat("c", "", 0.0, 0.0, opening=Opening("Be brief. " * 8))


def talk(*texts: str, prompt: int = 0) -> list[Message]:
    """Questions and answers in turn; the last answer's tokens were counted, if `prompt` is given."""
    made: list[Message] = []
    for at, text in enumerate(texts):
        last_answer = at % 2 == 1 and at == len(texts) - 1
        counted = Usage(prompt_tokens=prompt, completion_tokens=50) if prompt and last_answer else Usage()
        role = Role.ASSISTANT if at % 2 else Role.USER
        made.append(Message(f"m{at}", made[-1].id if made else None, role, text, 0.0, usage=counted))
    return made


def test_the_oldest_quarter_leaves_next() -> None:
    path = talk(*["word " * 80] * 8, prompt=800)  # about a hundred tokens each
    use = use_of(CHAT, path, "", 1024, frozenset(), moving=True)
    assert use.used == 850
    assert use.leaving == ("m0", "m1", "m2", "m3")  # 256 tokens are a quarter: three messages, in whole exchanges
    assert 350 < use.leaving_tokens < 450


def test_what_has_left_does_not_leave_again() -> None:
    path = talk(*["word " * 80] * 8, prompt=600)
    use = use_of(CHAT, path, "", 1024, frozenset({"m0", "m1"}), moving=True)
    assert use.leaving[0] == "m2"
    assert use.left == {"m0", "m1"}


def test_nothing_leaves_where_the_chat_stops_instead() -> None:
    use = use_of(CHAT, talk("a " * 400, "b " * 400, prompt=500), "", 512, frozenset(), moving=False)
    assert (use.leaving, use.leaving_tokens) == ((), 0)


def test_an_empty_chat_holds_its_opening_and_the_draft() -> None:
    use = use_of(CHAT, [], "What is it?", 512, frozenset(), moving=True)
    assert use.used == use.instruction + use.draft > use.draft > 0
    assert use.leaving == ()


def test_the_guide_reads_a_page() -> None:
    use = guided(talk("Where?", "There, in the list of models.", prompt=400), "And now?", 512)
    assert use.used == 450 + use.draft
    assert 400 < use.page < 450
    assert use.leaving == ()


@given(
    st.lists(st.text(max_size=300), max_size=12),
    st.integers(0, 5000),
    st.text(max_size=400),
    st.integers(64, 8192),
    st.integers(0, 12),
    st.booleans(),
)
def test_the_parts_are_never_more_than_the_whole(
    texts: list[str], prompt: int, draft: str, size: int, gone: int, moving: bool
) -> None:
    path = talk(*texts, prompt=prompt)
    left = frozenset(message.id for message in path[: gone - gone % 2])
    use = use_of(CHAT, path, draft, size, left, moving=moving)
    assert 0 <= use.instruction + use.draft + use.leaving_tokens <= use.used
    assert not left & set(use.leaving)
    assert use.leaving_tokens >= 0
    assert guided(path, draft, size).page <= guided(path, draft, size).used
