"""What a repository of the Hub holds: files, the variants they make, and what a person pasted to get there.

Invariant: a path that passed `safe` stays inside the folder it is joined to on every system; a `Variant` holds whole
models only (every part of a split one, no projectors, no importance matrices), and its label is unique in its
repository. Nothing here asks the Hub: that is `services.online.hub`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from desktop.core import quants
from desktop.core.errors import N_
from desktop.core.gguf import Header

HUB = "https://huggingface.co"
_LONGEST_PATH = 240  # Windows allows 260 for the whole path where long ones are not switched on
_LONGEST_ID = 96  # huggingface_hub: validate_repo_id
_MOST_PARTS = 999

# llama.cpp pull request 6920, merged on 29 April 2024: BPE files say since then how their text is to be cut.
_BPE_FIX = 1_714_348_800.0
_BPE = frozenset(
    "falcon gpt2 gptneox mpt starcoder starcoder2 bloom refact qwen qwen2 qwen2moe phi2 stablelm codeshell olmo dbrx "
    "command-r jais".split()
)
_BPE_NAMES = ("llama-3", "llama3", "deepseek")  # of architecture "llama" or "deepseek2", yet with a BPE tokenizer
_OUTDATED = N_(
    "These files were made before April 2024, when llama.cpp changed how such models read text. They can answer badly: "
    "look for a newer repository of the same model."
)


@dataclass(frozen=True, slots=True)
class RepoFile:
    """A file of a repository. `sha256` is empty where the Hub names none: small files, and the catalogue's."""

    path: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """What is said about a repository in one row. `modified` is in seconds since 1970; 0 and "" mean unknown."""

    id: str
    downloads: int = 0
    likes: int = 0
    modified: float = 0.0
    licence: str = ""
    gated: bool = False
    parameters: int = 0
    architecture: str = ""
    context_length: int = 0
    catalogue: bool = False  # the figures are the catalogue's, not the Hub's

    @property
    def author(self) -> str:
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Variant:
    """One quantisation of a model: one file, or all the parts of a split one, in order."""

    label: str
    quantisation: quants.FileType | None
    files: tuple[RepoFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    @property
    def path(self) -> str:
        """The file that is opened: the first part."""
        return self.files[0].path


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository as it stands at a commit; "" where the catalogue speaks, which knows none.

    `at` is when the Hub said so, in seconds since 1970; `stale` marks that it did not answer when asked again.
    """

    repository: Repository
    commit: str
    variants: tuple[Variant, ...]
    at: float = 0.0
    stale: bool = False

    def variant(self, named: str) -> Variant | None:
        """The variant called so: by its label, a file's path or name, or its type, in any case."""
        wanted = named.casefold()
        for variant in self.variants:
            paths = {file.path.casefold() for file in variant.files}
            if wanted in {variant.label.casefold(), *paths, *(path.rpartition("/")[2] for path in paths)}:
                return variant
        alike = [v for v in self.variants if v.quantisation and v.quantisation.name.casefold() == wanted]
        return alike[0] if len(alike) == 1 else None


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a pasted text points at: a repository, perhaps a file or variant of it; or `url`, a file of another host."""

    repo: str = ""
    file: str = ""
    revision: str = "main"
    url: str = ""
    variant: str = ""


_FORBIDDEN = frozenset('\\:*?"<>|')
_DEVICES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
    }
)


def safe(path: str) -> bool:
    """Whether a path of a repository can be joined to a folder on any system without leaving it or meaning a device."""
    if not path or len(path) > _LONGEST_PATH or any(c in _FORBIDDEN or unicodedata.category(c)[0] == "C" for c in path):
        return False
    return all(_safe_part(part) for part in path.split("/"))


def _safe_part(part: str) -> bool:
    """An empty part is a leading or doubled slash; Windows drops dots and blanks at the end."""
    return bool(part) and part == part.rstrip(". ") and part.partition(".")[0].rstrip().lower() not in _DEVICES


_SPLIT = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE | re.DOTALL)
_NO_MODEL = re.compile(r"mmproj|imatrix|(?:^|/)ggml-vocab-|[-_.]vocab\.gguf$", re.IGNORECASE)


def variants(files: Iterable[RepoFile]) -> tuple[Variant, ...]:
    """The models among a repository's files, smallest first."""
    wholes: list[Variant] = []
    splits: dict[tuple[str, int], dict[int, RepoFile]] = {}
    for file in {file.path: file for file in files}.values():
        if (
            not file.path.lower().endswith(".gguf")
            or file.size <= 0
            or not safe(file.path)
            or _NO_MODEL.search(file.path)
        ):
            continue
        split = _SPLIT.fullmatch(file.path)
        if split is None:
            wholes.append(_variant((file,), file.path[: -len(".gguf")]))
        else:
            splits.setdefault((split[1], int(split[3])), {})[int(split[2])] = file
    for (stem, count), parts in splits.items():
        if 0 < count <= _MOST_PARTS and set(parts) == set(range(1, count + 1)):
            wholes.append(_variant(tuple(parts[n] for n in range(1, count + 1)), stem))
    return tuple(sorted(_told_apart(wholes), key=lambda v: (v.size, v.label)))


def _variant(files: tuple[RepoFile, ...], stem: str) -> Variant:
    folder, _, name = stem.rpartition("/")
    label = quants.label(name) or quants.label(folder) or name
    return Variant(label, quants.from_file_name(label), files)


def _told_apart(found: Sequence[Variant]) -> list[Variant]:
    """Labels made unique: where two are alike, the files' names, and where these are alike too, the paths."""
    for naming in (_file_stem, _path_stem):
        counted = Counter(v.label.casefold() for v in found)
        found = [v if counted[v.label.casefold()] == 1 else replace(v, label=naming(v)) for v in found]
    return list(found)


def _path_stem(variant: Variant) -> str:
    return variant.path[: -len(".gguf")]


def _file_stem(variant: Variant) -> str:
    return _path_stem(variant).rpartition("/")[2]


def outdated(listing: Listing, header: Header | None = None) -> str:
    """Why these files may answer badly in today's engine, as a message id; "" where nothing speaks for it.

    The header knows it; before one is here, the repository's date and the architecture tell what is likely.
    """
    if header is not None:
        return "" if header.has_tokenizer_pre else _OUTDATED
    repository = listing.repository
    name = repository.name.casefold()
    bpe = repository.architecture in _BPE or any(part in name for part in _BPE_NAMES)
    return _OUTDATED if bpe and 0 < repository.modified < _BPE_FIX else ""


_ID_PART = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_ID = re.compile(rf"({_ID_PART}/{_ID_PART})")
_URL = re.compile(r"(?:(https?)://)?([A-Za-z0-9.-]+(?::\d{1,5})?)(/[^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE)
_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_NO_AUTHORS = frozenset(
    "api blog buckets chat collections datasets docs enterprise inference join learn login models organizations papers "
    "posts pricing search settings spaces support tasks terms-of-service".split()
)
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_TAG = re.compile(r"(.*[^/:]):([A-Za-z0-9_.-]+)", re.DOTALL)


def valid_id(repo: str) -> bool:
    """Whether a text has the form of a repository's id, author and name (huggingface_hub: validate_repo_id)."""
    return len(repo) <= _LONGEST_ID and bool(_ID.fullmatch(repo)) and "--" not in repo and ".." not in repo


def pasted(text: str, endpoint: str = HUB) -> Pasted | None:
    """What a text from the clipboard points at; None if it is words to search for. `endpoint`: the Hub's address."""
    text = text.strip().strip("<>\"'")
    if valid_id(text):
        return Pasted(text)
    tagged = _TAG.fullmatch(text)
    if tagged and valid_id(tagged[1]):
        return Pasted(tagged[1], variant=tagged[2])
    found = _URL.fullmatch(text)
    if found is None:
        return None
    scheme, host, path, query = (found[1] or "").lower(), found[2].lower(), found[3], found[4] or ""
    ours = re.sub(r"^https?://", "", endpoint).partition("/")[0].lower()
    if host in _HOSTS or host == ours:
        return _of_hub(path, query)
    if scheme and (scheme == "https" or host.partition(":")[0] in ("127.0.0.1", "localhost")):
        name = _unescaped(path).rpartition("/")[2]
        return Pasted(url=text) if name.lower().endswith(".gguf") and safe(name) else None
    return _of_id_and_file(text)


def _of_id_and_file(text: str) -> Pasted | None:
    """`author/name/folder/file.gguf`, as some programs write it."""
    parts = text.split("/", 2)
    if len(parts) == 3 and text.lower().endswith(".gguf") and valid_id("/".join(parts[:2])) and safe(parts[2]):
        return Pasted("/".join(parts[:2]), parts[2])
    return None


def _of_hub(path: str, query: str) -> Pasted | None:
    """A page of the Hub: `/author/name`, `…/blob|resolve|tree|raw/revision/file`, or Ollama's `…:variant`."""
    parts = [part for part in path.split("/") if part]
    if len(parts) < 2 or parts[0].lower() in _NO_AUTHORS:
        return None
    name, _, variant = _unescaped(parts[1]).partition(":")
    repo = f"{_unescaped(parts[0])}/{name}"
    if not valid_id(repo):
        return None
    shown = re.search(r"(?:^|&)show_file_info=([^&]+)", query)
    if len(parts) < 4 or parts[2] not in ("blob", "resolve", "tree", "raw"):
        file = _unescaped(shown[1]) if shown else ""
        return Pasted(repo, file, variant=variant) if not file or safe(file) else None
    taken = 6 if parts[3] == "refs" else 4  # refs/pr/1 and refs/convert/… may stand unescaped
    revision, file = _unescaped("/".join(parts[3:taken])), _unescaped("/".join(parts[taken:]))
    if (file and not safe(file)) or not safe(revision):
        return None
    return Pasted(repo, "" if parts[2] == "tree" else file, revision)


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode(errors="replace"), text)
