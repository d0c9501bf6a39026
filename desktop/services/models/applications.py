"""Where other applications keep their models, on each system.

Invariant: a table and the few files in which those applications note another place; nothing is searched and nothing is
written. Sources: each application's documentation of its data folder, and huggingface_hub's `constants.py`. Looking
into the folders is `elsewhere`'s affair.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_LARGEST_NOTE = 1 << 20  # bytes of a settings file; they have a few thousand


class Layout(StrEnum):
    """How files lie in a folder."""

    FILES = "files"  # .gguf files, some folders deep
    HUB = "hub"  # huggingface_hub's cache: models--author--name/snapshots/<commit>/<file>, links into blobs
    OLLAMA = "ollama"  # manifests name blobs


@dataclass(frozen=True, slots=True)
class Place:
    """A folder where an application keeps models, whether or not it exists."""

    application: str
    folder: Path
    layout: Layout = Layout.FILES


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides where things are: the person's folder, variables, `sys.platform`, and where the disk begins."""

    home: Path
    environment: Mapping[str, str]
    system: str
    root: Path = Path("/")

    def folder(self, variable: str, default: str) -> Path:
        value = self.environment.get(variable)
        return _expanded(value) if value else self.home / default

    @property
    def data(self) -> Path:
        if self.system == "win32":
            return self.folder("LOCALAPPDATA", "AppData/Local")
        return self._mac or self.folder("XDG_DATA_HOME", ".local/share")

    @property
    def config(self) -> Path:
        if self.system == "win32":
            return self.folder("APPDATA", "AppData/Roaming")
        return self._mac or self.folder("XDG_CONFIG_HOME", ".config")

    @property
    def cache(self) -> Path:
        if self.system == "win32":
            return self.data
        return self.home / "Library/Caches" if self._mac else self.folder("XDG_CACHE_HOME", ".cache")

    @property
    def _mac(self) -> Path | None:
        return self.home / "Library/Application Support" if self.system == "darwin" else None


def places(around: Surroundings) -> list[Place]:
    """Every place where models of another application may be, each once."""
    found = [*_hub(around), *_ollama(around), *_others(around)]
    return list({place.folder: place for place in reversed(found)}.values())[::-1]


def _hub(around: Surroundings) -> Iterator[Place]:
    chosen = (around.environment.get(name) for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"))
    folders = [_expanded(value) for value in chosen if value]
    folders.append(around.folder("HF_HOME", ".cache/huggingface") / "hub")
    folders.append(around.folder("XDG_CACHE_HOME", ".cache") / "huggingface" / "hub")
    yield from (Place("Hugging Face", folder, Layout.HUB) for folder in folders)


def _ollama(around: Surroundings) -> Iterator[Place]:
    folders = [around.folder("OLLAMA_MODELS", ".ollama/models"), around.home / ".ollama/models"]
    if around.system == "linux":  # where its service keeps them: the installer's and Arch Linux's
        folders += [around.root / "usr/share/ollama/.ollama/models", around.root / "var/lib/ollama/.ollama/models"]
        folders += [around.root / "var/lib/ollama"]
    yield from (Place("Ollama", folder, Layout.OLLAMA) for folder in folders)


def _others(around: Surroundings) -> Iterator[Place]:
    home = around.home
    studio = _said(home / ".lmstudio-home-pointer", "") or home / ".lmstudio"
    for folder in (
        _said(studio / "settings.json", "downloadsFolder"),
        studio / "models",
        home / ".lmstudio/models",
        home / ".cache/lm-studio/models",
    ):
        if folder is not None:
            yield Place("LM Studio", folder)
    for folder in (
        _said(around.config / "Jan/settings.json", "data_folder"),
        around.config / "Jan/data",
        around.data / "Jan/data",
        home / "jan",
    ):
        if folder is not None:
            yield Place("Jan", folder)
    yield Place("GPT4All", around.data / "nomic.ai/GPT4All")
    yield Place("GPT4All", home / ".var/app/io.gpt4all.gpt4all/data/nomic.ai/GPT4All")
    yield Place("llama.cpp", Path(around.environment.get("LLAMA_CACHE") or around.cache / "llama.cpp"))
    for above in (home, home / "Documents", home / "Downloads", home / "Desktop"):  # it has no installer
        for models in ("models", "user_data/models"):
            yield Place("text-generation-webui", above / "text-generation-webui" / models)


def _said(file: Path, key: str) -> Path | None:
    """The folder that a settings file names under a key, or with its whole text where there is no key."""
    with suppress(OSError, ValueError, RecursionError, AttributeError):
        if file.stat().st_size <= _LARGEST_NOTE:
            text = file.read_text("utf-8")
            value = json.loads(text).get(key) if key else text.strip()
            path = _expanded(value) if isinstance(value, str) and value else None
            usable = path is not None and path.is_absolute() and b"\0" not in os.fsencode(path)
            return path if usable else None
    return None


def _expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))  # pathlib's raises where there is no such person
