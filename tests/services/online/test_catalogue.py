"""The catalogue's figures are those that were published."""

from __future__ import annotations

import pytest

from desktop.services.online import catalogue

FILES = {
    "TheBloke/Mistral-7B-Instruct-v0.1-GGUF": ("mistral-7b-instruct-v0.1.Q6_K.gguf", 5_940_000_000, 7_241_732_096),
    "TheBloke/zephyr-7B-beta-GGUF": ("zephyr-7b-beta.Q4_K_M.gguf", 4_370_000_000, 7_241_732_096),
    "TheBloke/Llama-2-7b-Chat-GGUF": ("llama-2-7b-chat.Q4_K_M.gguf", 4_080_000_000, 6_738_415_616),
    "TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF": ("tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf", 669_000_000, 1_100_048_384),
    "TheBloke/Mistral-7B-v0.1-GGUF": ("mistral-7b-v0.1.Q2_K.gguf", 3_080_000_000, 7_241_732_096),
}


def test_the_shelf() -> None:
    found = {listing.repository.id: listing for listing in catalogue.listings()}
    assert next(iter(found)) == "TheBloke/Mistral-7B-Instruct-v0.1-GGUF"
    assert found.keys() == FILES.keys()
    for repo, (path, size, parameters) in FILES.items():
        listing = found[repo]
        variant = listing.variant(path)
        assert variant is not None
        assert (variant.size, listing.repository.parameters) == (size, parameters)
        assert listing.repository.catalogue
        assert (listing.commit, variant.files[0].sha256) == ("", "")
        assert len(listing.variants) == 12
        assert all(v.quantisation is not None for v in listing.variants)


@pytest.mark.parametrize("repo", FILES)
def test_shapes(repo: str) -> None:
    shape = catalogue.shape(repo.lower())
    assert shape is not None
    assert set(shape) == set("layers embd ff heads kv vocab ctx".split())


def test_sizes_fit_the_shapes() -> None:
    """Bits per weight from size and shape are the type's own: a slip of a row would stand out."""
    for listing in catalogue.listings():
        for variant in listing.variants:
            assert variant.quantisation is not None
            bits = variant.size * 8 / listing.repository.parameters
            assert bits == pytest.approx(variant.quantisation.bits, rel=0.06), variant.path


def test_others_have_no_shape() -> None:
    assert catalogue.shape("somebody/else") is None
