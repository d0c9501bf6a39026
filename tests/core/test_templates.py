"""Built-in templates: the published prompt of each, and which model name gets which."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.chat import Opening, Role, Turn
from desktop.core.prompt import Vocabulary, exact_text, pieces
from desktop.core.templates import BUILT_IN, BY_NAME, is_base, recognise

TURNS = [Turn(Role.USER, "U1"), Turn(Role.ASSISTANT, "R1"), Turn(Role.USER, "U2")]
VOCABULARY = Vocabulary("<s>", "</s>", ("<s>", "</s>"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Mistral", "<s>[INST] S\n\nU1 [/INST] R1</s>[INST] U2 [/INST]"),
        ("Llama-2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST] R1 </s><s>[INST] U2 [/INST]"),
        ("Zephyr", "<|system|>\nS</s>\n<|user|>\nU1</s>\n<|assistant|>\nR1</s>\n<|user|>\nU2</s>\n<|assistant|>\n"),
        (
            "ChatML",
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\nR1<|im_end|>\n"
            "<|im_start|>user\nU2<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "Alpaca",
            "S\n\n### Instruction:\nU1\n\n### Response:\nR1\n\n### Instruction:\nU2\n\n### Response:\n",
        ),
        ("Vicuna", "S USER: U1 ASSISTANT: R1</s> USER: U2 ASSISTANT:"),
    ],
)
def test_the_published_prompt(name: str, expected: str) -> None:
    assert exact_text(pieces(BY_NAME[name], Opening("S"), TURNS, VOCABULARY, datetime(2026, 1, 1))) == expected


def test_alpaca_and_vicuna_have_an_instruction_of_their_own() -> None:
    for name in ("Alpaca", "Vicuna"):
        text = exact_text(pieces(BY_NAME[name], Opening(), TURNS, VOCABULARY, datetime(2026, 1, 1)))
        assert text.index(".") < text.index("U1")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("mistral-7b-instruct-v0.1.Q6_K.gguf", "Mistral"),
        ("mixtral-8x7b-instruct-v0.1.Q4_K_M.gguf", "Mistral"),
        ("llama-2-7b-chat.Q4_K_M.gguf", "Llama-2"),
        ("codellama_codellama-7b-instruct-hf", "Llama-2"),
        ("zephyr-7b-beta.Q4_K_M.gguf", "Zephyr"),
        ("TinyLlama 1.1B Chat v1.0", "Zephyr"),
        ("openhermes-2.5-mistral-7b.Q4_K_M.gguf", "ChatML"),
        ("dolphin-2.1-mistral-7b", "ChatML"),
        ("Mistral-7B-OpenOrca", "ChatML"),
        ("Qwen1_5-0_5B-Chat", "ChatML"),
        ("nous-hermes-llama2-13b", "Alpaca"),
        ("mythomax-l2-13b", "Alpaca"),
        ("vicuna-7b-v1.5", "Vicuna"),
        ("airoboros-l2-7b", "Vicuna"),
        ("gemma-2b-it", None),
        ("mistral-7b-v0.1.Q4_K_M.gguf", None),
        ("mistral-7b-italian", None),
        ("tinyllama-1.1b-chat-v0.3.Q4_K_M.gguf", None),
        ("orca_mini_v3_7b", None),
        ("", None),
    ],
)
def test_names_speak_for_templates(model: str, name: str | None) -> None:
    found = recognise("", model)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("mistral-7b-v0.1.Q4_K_M.gguf", True),
        ("Llama-2-7B", True),
        ("mistral-7b-italian", False),
        ("Mixtral-8x7B-v0.1", True),
        ("TinyLlama-1.1B-intermediate-step-1431k-3T.IQ3_XXS.gguf", True),
        ("stablelm-3b-4e1t", False),
        ("some-base-model.f16.gguf", True),
        ("my-model", False),
        ("starling-lm-7b-alpha.Q4_K_M.gguf", False),
        ("phind-codellama-34b-v2.Q4_K_M.gguf", False),
        ("synthia-7b-v1.3", False),
        ("xwin-lm-7b-v0.1", False),
        ("tulu-2-7b", False),
        ("gemma 2b it", False),
        ("gemma-2-2b-it-Q4_K_M.gguf", False),
        ("phi_3_mini_4k_instruct", False),
    ],
)
def test_base_models_say_nothing_of_chatting(model: str, base: bool) -> None:
    assert is_base(model) is base


@given(st.lists(st.text(max_size=30), max_size=3))
def test_any_names(names: list[str]) -> None:
    assert recognise(*names) in (None, *BUILT_IN)
    assert recognise(*names) is None or not is_base(*names)
