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
_OTHERWISE = re.compile(r"orca-mini|tinyllama-1\.1b-chat-v0")  # their formats are none of ours
_FAMILIES = frozenset(
    "mistral mistralai mixtral llama meta codellama tinyllama intermediate step token stablelm stabilityai phi gemma "
    "falcon mpt gpt pythia qwen yi deepseek olmo smollm bloom thebloke hf model ggml gguf google microsoft".split()
)
_BETWEEN = re.compile(r"[^a-z0-9.]+|(?<=[a-z0-9])\.(?=q\d|iq\d|f16|bf16|f32)")
_SAYS = re.compile(  # what is neither a size, a version, a number of steps, nor a quantisation
    r"(?!$|(v?\d+([.]\d+)*[bkmt]?|\d+x\d+b|i?q\d+\w*|[bf]p?\d+|k|[sml]|xs|xxs|nl|gguf|\d+[bkmt])$)"
)
_CHATTY = re.compile(
    r"instruct|chat|assistant|hermes|zephyr|vicuna|alpaca|dolphin|orca|wizard|airoboros|mythomax|platypus|(^|[-.])it([-.]|$)"
)


def recognise(*names: str) -> ChatTemplate | None:
    """The template for a model without one, by its general name, file name or path; None if nothing speaks for one."""
    told = _told(names)
    if is_base(*names) or not _CHATTY.search(told) or _OTHERWISE.search(told):
        return None
    return next((BY_NAME[name] for name, signs in _SIGNS if any(sign in told for sign in signs)), None)


def is_base(*names: str) -> bool:
    """Whether a name is that of a base model, which goes on with a text: a known family, and nothing else in it.

    A name that says anything more ("starling-lm-7b-alpha") may be of a model taught to chat: then the person is asked.
    """
    if _CHATTY.search(_told(names)):
        return False
    return any("base" in words or words <= _FAMILIES for name in names if (words := _words(name)))


def _words(name: str) -> set[str]:
    """The words of a name without sizes, versions, steps and quantisation."""
    stem = name.lower().removesuffix(".gguf")
    return {word for word in _BETWEEN.split(stem) if _SAYS.match(word)}


def _told(names: Sequence[str]) -> str:
    return " ".join(names).lower().replace("_", "-").replace(" ", "-")
