"""`alcove models` where other applications' files are concerned: what they are called, and which of them is meant."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from desktop.cli import _parser
from desktop.services.paths import resources
from desktop.ui.translation import use
from tests.models import tiny_model
from tests.services.models.test_elsewhere import ollama


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, and a data folder in it."""
    use("en", resources() / "locale")
    for name in ("OLLAMA_MODELS", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "data"))
    return tmp_path


def alcove(*given: str | Path) -> None:
    parsed = _parser().parse_args(["models", *map(str, given)])
    assert asyncio.run(parsed.run(parsed)) == 0


@pytest.mark.parametrize("how", ["--link", "--copy"])
def test_a_blob_of_ollama_keeps_the_name_it_goes_by_there(
    person: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    blob = ollama(person / ".ollama/models", tiny_model(person / "made.gguf"), "registry.ollama.ai/library/m/8b")
    alcove("elsewhere", "--json")
    (offered,) = json.loads(capsys.readouterr().out)
    alcove("import", how, offered["path"], "--json")
    model = json.loads(capsys.readouterr().out)
    assert (model["name"], model["linked"], model["sha256"]) == ("m:8b", how == "--link", blob.name.split("-")[1])


def test_a_file_that_nobody_knows_is_called_as_it_is(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tiny_model(person / "mine")
    alcove("import", "--link", file, "--json")
    assert json.loads(capsys.readouterr().out)["name"] == "mine"


def test_what_is_passed_over_is_told_with_its_path(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = person / ".ollama/models/blobs" / f"sha256-{'0' * 64}"
    manifest = person / ".ollama/models/manifests/registry.ollama.ai/library/m/8b"
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{'0' * 64}"}
    for file, text in ((empty, ""), (manifest, json.dumps({"layers": [layer]}))):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    alcove("elsewhere", "--json")
    assert f"{empty}: This file is empty" in capsys.readouterr().err


def test_a_list_tells_which_files_are_gone_or_others(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(("here", "gone", "other"), 1):
        alcove("import", "--link", tiny_model(person / f"{name}.gguf", seed=number))
    (person / "gone.gguf").unlink()
    tiny_model(person / "other.gguf", seed=9)
    capsys.readouterr()
    alcove()
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    ends = {"gone": "file missing", "here": "linked", "other": "file changed", "Guide": "tokens"}
    assert all(rows[name].endswith(end) for name, end in ends.items()), rows
    alcove("--json")
    states = {row["name"]: (row["present"], row["changed"]) for row in json.loads(capsys.readouterr().out)}
    assert states == {"Guide": (True, False), "gone": (False, False), "here": (True, False), "other": (True, True)}


@pytest.mark.parametrize("verb", ["info", "import", "remove", "verify", "elsewhere"])
def test_every_option_is_explained(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["models", verb, "--help"])
    listed = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert listed
    assert all(len(words) > 1 for words in listed), listed
