"""Chat templates for models that carry none, and how to recognise which one a model was trained with.

Sources: the Mistral 7B model card; Meta's `llama` repository (chat_completion); the Zephyr and TinyLlama model cards;
OpenAI's ChatML note; Stanford Alpaca's and LMSYS Vicuna's training prompts. `stop` are strings that end a reply where
the model was trained without an end token of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A Jinja source and the strings that end a reply. `name` is "" for a model's own."""

    name: str
    source: str
    stop: tuple[str, ...] = ()


_MISTRAL = """{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]\
{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}\
{% else %}{{ raise_exception('no system role') }}{% endif %}{% endfor %}"""

_LLAMA_2 = """{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}\
{% set system = '<<SYS>>\\n' ~ messages[0].content ~ '\\n<</SYS>>\\n\\n' %}\
{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}\
{% for m in rest %}{% if m.role == 'user' %}\
{{ bos_token }}[INST] {% if loop.first %}{{ system }}{% endif %}{{ m.content }} [/INST]\
{% elif m.role == 'assistant' %} {{ m.content }} {{ eos_token }}{% endif %}{% endfor %}"""

_ZEPHYR = """{% for m in messages %}<|{{ m.role }}|>
{{ m.content }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""

_CHATML = """{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_ALPACA = """{% if messages[0].role == 'system' %}{{ messages[0].content }}{% set rest = messages[1:] %}\
{% else %}Below is an instruction that describes a task. Write a response that appropriately completes the request.\
{% set rest = messages %}{% endif %}\
{% for m in rest %}{% if m.role == 'user' %}


### Instruction:
{{ m.content }}{% else %}


### Response:
{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}


### Response:
{% endif %}"""

_VICUNA = """{% if messages[0].role == 'system' %}{{ messages[0].content }}{% set rest = messages[1:] %}\
{% else %}A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, \
detailed, and polite answers to the user's questions.{% set rest = messages %}{% endif %}\
{% for m in rest %}{% if m.role == 'user' %} USER: {{ m.content }}\
{% else %} ASSISTANT: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}\
{% if add_generation_prompt %} ASSISTANT:{% endif %}"""

BUILT_IN: tuple[ChatTemplate, ...] = (
    ChatTemplate("Mistral", _MISTRAL),
    ChatTemplate("Llama-2", _LLAMA_2),
    ChatTemplate("Zephyr", _ZEPHYR, ("<|user|>", "<|system|>")),
    ChatTemplate("ChatML", _CHATML, ("<|im_end|>",)),
    ChatTemplate("Alpaca", _ALPACA, ("### Instruction:",)),
    ChatTemplate("Vicuna", _VICUNA, ("USER:",)),
)
BY_NAME = {template.name: template for template in BUILT_IN}

_SIGNS = (  # in order: a name that holds both ("zephyr-7b … mistral") is the more special one
    ("Zephyr", ("zephyr", "tinyllama", "stablelm")),
    ("ChatML", ("chatml", "openhermes", "hermes-2", "dolphin", "qwen", "orca", "smollm")),
    ("Vicuna", ("vicuna", "wizardlm", "airoboros")),
    ("Alpaca", ("alpaca", "mythomax", "nous-hermes-l", "platypus")),
    ("Mistral", ("mistral", "mixtral")),
    ("Llama-2", ("llama-2", "llama2", "codellama")),
)
_CHATTY = re.compile(
    r"instruct|chat|assistant|hermes|zephyr|vicuna|alpaca|dolphin|orca|wizard|airoboros|mythomax|platypus|(^|[-.])it([-.]|$)"
)


def recognise(*names: str) -> ChatTemplate | None:
    """The template for a model without one, by its general name, file name or path; None if nothing speaks for one."""
    if is_base(*names):
        return None
    told = _told(names)
    return next((BY_NAME[name] for name, signs in _SIGNS if any(sign in told for sign in signs)), None)


def is_base(*names: str) -> bool:
    """Whether nothing in the names says that the model was taught to chat."""
    return not _CHATTY.search(_told(names))


def _told(names: Sequence[str]) -> str:
    return " ".join(names).lower().replace("_", "-").replace(" ", "-")
