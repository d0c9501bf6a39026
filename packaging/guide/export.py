"""Write the trained network as a GGUF, and what torch answers, to hold llama.cpp against.

    PYTHONPATH=. python packaging/guide/export.py --out DIR
    PYTHONPATH=. python packaging/guide/export.py --out DIR --reference probe.json    # torch
    PYTHONPATH=. python packaging/guide/evaluate.py --reference probe.json            # llama.cpp

Matrices are Q8_0, norms F32. The output matrix is left out: llama.cpp takes the embedding where it
is missing. The rotary pairs of the network are neighbours already, so q and k are written as they
are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import sentencepiece
import torch
import vocabulary
from corpus import ROOT, read
from model import Guide, Shape

from desktop.core.guide import page_text

TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}<|page|>{{ message['content'] }}<|end|>"
    "{%- elif message['role'] == 'user' -%}<|user|>{{ message['content'] }}<|end|>"
    "{%- elif message['role'] == 'assistant' -%}<|guide|>{{ message['content'] }}<|end|>"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|guide|>{%- endif -%}"
)
DESCRIPTION = "Answers questions about Alcove from a help page, in three languages."
TRAINED_CONTEXT = 1536
LAYER_NAMES = {
    "attention_norm": "attn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "out": "attn_output",
    "hidden_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


def load(folder: Path) -> Guide:
    """The trained network that ``train_model.py`` left in ``folder``."""
    state = torch.load(folder / "guide.pt", weights_only=True)
    guide = Guide(Shape(**state["shape"]))
    guide.load_state_dict(state["model"])
    return guide.eval()


def gguf_name(name: str) -> str:
    """The name that llama.cpp gives to the network's tensor ``name``."""
    if name == "embedding.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, number, part, _ = name.split(".")
    return f"blk.{number}.{LAYER_NAMES[part]}.weight"


def write(guide: Guide, words: sentencepiece.SentencePieceProcessor, path: Path) -> None:
    """Write everything that llama.cpp needs into one file."""
    shape = guide.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Alcove Guide")
    writer.add_description(DESCRIPTION)
    writer.add_languages(["en", "ko", "it"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(TRAINED_CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    _add_words(writer, words)
    for name, weight in guide.state_dict().items():
        kind = gguf.GGMLQuantizationType.Q8_0 if weight.dim() == 2 else gguf.GGMLQuantizationType.F32
        values = gguf.quants.quantize(weight.float().numpy(), kind)
        writer.add_tensor(gguf_name(name), values, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_words(writer: gguf.GGUFWriter, words: sentencepiece.SentencePieceProcessor) -> None:
    size = words.get_piece_size()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([words.id_to_piece(i).encode("utf-8") for i in range(size)])
    writer.add_token_scores([words.get_score(i) for i in range(size)])
    writer.add_token_types([_type_of(words, i) for i in range(size)])
    writer.add_unk_token_id(vocabulary.UNKNOWN)
    writer.add_bos_token_id(vocabulary.BOS)
    writer.add_eos_token_id(vocabulary.END)
    writer.add_eot_token_id(vocabulary.END)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_remove_extra_whitespaces(False)
    writer.add_chat_template(TEMPLATE)


def _type_of(words: sentencepiece.SentencePieceProcessor, token: int) -> gguf.TokenType:
    if words.is_unknown(token):
        return gguf.TokenType.UNKNOWN
    if words.is_control(token):
        return gguf.TokenType.CONTROL
    return gguf.TokenType.BYTE if words.is_byte(token) else gguf.TokenType.NORMAL


@torch.no_grad()
def reference(guide: Guide, words: sentencepiece.SentencePieceProcessor) -> list[dict[str, object]]:
    """Prompts with torch's own greedy answers and last logits, for llama.cpp to be held against."""
    corpus = read()
    found: list[dict[str, object]] = []
    for block in corpus.blocks[:: max(1, len(corpus.blocks) // 12)]:
        page = page_text(corpus.pages[block.language, block.topic].markdown)
        tokens = [vocabulary.PAGE, *words.encode(page), vocabulary.END]
        tokens += [
            vocabulary.USER,
            *words.encode(block.questions[0]),
            vocabulary.END,
            vocabulary.GUIDE,
        ]
        prompt, answer = list(tokens), list[int]()
        first = guide.logits(guide(torch.tensor([tokens])))[0, -1]
        while len(answer) < 160 and (not answer or answer[-1] != vocabulary.END):
            answer.append(int(guide.logits(guide(torch.tensor([tokens])))[0, -1].argmax()))
            tokens.append(answer[-1])
        found.append(
            {
                "page": page,
                "question": block.questions[0],
                "prompt": prompt,
                "logits": [round(value, 4) for value in first.tolist()],
                "answer": words.decode(answer[:-1]),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="working folder of train_model.py")
    parser.add_argument("--gguf", type=Path, default=ROOT / "resources" / "guide" / "guide.gguf")
    parser.add_argument("--reference", type=Path, help="also write prompts with torch's answers here")
    arguments = parser.parse_args()
    guide, words = load(arguments.out), vocabulary.load(arguments.out / "vocabulary.model")
    write(guide, words, arguments.gguf)
    print(f"{arguments.gguf}: {arguments.gguf.stat().st_size:,} bytes")
    if arguments.reference:
        arguments.reference.write_text(json.dumps(reference(guide, words)), encoding="utf-8")


if __name__ == "__main__":
    main()
