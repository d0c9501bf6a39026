"""The models of other applications: found in every layout, offered in place, and nothing of them touched."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from gguf import GGUFWriter

from desktop.core.errors import ModelFileError
from desktop.core.generation import load_settings
from desktop.core.settings import resolve
from desktop.engine.client import Engine
from desktop.services.models import elsewhere
from desktop.services.models.applications import Layout, Place, Surroundings, places
from desktop.services.models.elsewhere import Findings
from desktop.services.models.library import How, Model, Origin
from desktop.services.paths import Paths
from tests.models import tiny_model
from tests.services.database import run
from tests.services.shelves import files_in, fresh, put, sha256

links = pytest.mark.skipif(os.name == "nt", reason="Windows asks for a right to make links")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "김철수 D'Angelò"
    folder.mkdir()
    return folder


def search(home: Path, models: Sequence[Model] = (), system: str = "linux", **environment: str) -> Findings:
    return run(elsewhere.found(models, Surroundings(home, environment, system, home / "root")))


def hub_cache(folder: Path, file: Path, name: str = "tiny.Q4_K_M.gguf", commit: str = "c0ffee") -> Path:
    """A file as huggingface_hub keeps it: a link into a blob that is called by its checksum."""
    repository = folder / "models--TheBloke--Tiny-GGUF"
    blob = repository / "blobs" / sha256(file)
    put(file, blob)
    link = repository / "snapshots" / commit / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(Path(os.path.relpath(blob, link.parent)))
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(commit)
    return link


def ollama(folder: Path, file: Path, name: str = "registry.ollama.ai/library/llama3/8b") -> Path:
    """A model as Ollama keeps it: a manifest that names a blob without an ending."""
    blob = put(file, folder / "blobs" / f"sha256-{sha256(file)}")
    layers = [
        {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'0' * 64}"},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{sha256(file)}"},
    ]
    manifest = folder / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return blob


@links
def test_the_cache_of_the_hub_with_origin_and_checksum(home: Path, tiny: Path) -> None:
    link = hub_cache(home / ".cache/huggingface/hub", tiny / "tiny.gguf")
    (one,) = search(home).found
    origin = Origin("TheBloke/Tiny-GGUF", "c0ffee", link.name, sha256(link))
    assert (one.application, one.name, one.path, one.origin) == ("Hugging Face", "tiny.Q4_K_M", link, origin)
    assert (one.size, one.architecture, one.quantisation) == (link.stat().st_size, "llama", "F32")
    assert one.hashes == (sha256(link),)


@links
@pytest.mark.parametrize(
    ("variable", "below"), [("HF_HUB_CACHE", "."), ("HUGGINGFACE_HUB_CACHE", "."), ("HF_HOME", "hub")]
)
def test_a_cache_that_was_moved(home: Path, tiny: Path, variable: str, below: str) -> None:
    hub_cache(home / "moved" / below, tiny / "tiny.gguf")
    assert len(search(home, **{variable: str(home / "moved")}).found) == 1


@links
def test_of_two_commits_the_present_one_is_offered(home: Path, tiny: Path) -> None:
    hub = home / ".cache/huggingface/hub"
    hub_cache(hub, tiny / "tiny.gguf", commit="aaa")
    hub_cache(hub, tiny / "tiny.gguf", name="only-then.gguf", commit="aaa")
    hub_cache(hub, tiny / "other.gguf", commit="bbb")
    assert {(one.name, one.path.parent.name) for one in search(home).found} == {
        ("tiny.Q4_K_M", "bbb"),
        ("only-then", "aaa"),
    }


@pytest.mark.parametrize(
    ("manifest", "name"),
    [
        ("registry.ollama.ai/library/llama3/8b", "llama3:8b"),
        ("registry.ollama.ai/library/mistral/latest", "mistral"),
        ("registry.ollama.ai/mattw/pygmalion/7b", "mattw/pygmalion:7b"),
        ("hf.co/TheBloke/Tiny-GGUF/Q4_K_M", "hf.co/TheBloke/Tiny-GGUF:Q4_K_M"),
    ],
)
def test_a_blob_of_ollama_by_the_name_one_types_there(home: Path, tiny: Path, manifest: str, name: str) -> None:
    blob = ollama(home / ".ollama/models", tiny / "tiny.gguf", manifest)
    (one,) = search(home).found
    assert (one.application, one.name, one.path, one.hashes) == ("Ollama", name, blob, (sha256(blob),))


def test_a_linked_blob_without_an_ending_talks(paths: Paths, home: Path, tiny: Path) -> None:
    blob = ollama(home / ".ollama/models", tiny / "tiny.gguf")

    async def main() -> None:
        library = await fresh(paths)
        around = Surroundings(home, {}, "linux", home)
        (one,) = (await elsewhere.found(library.all(), around)).found
        model = await library.link(one)
        assert (model.name, model.linked, model.path, model.sha256) == ("llama3:8b", True, blob, sha256(blob))
        assert (await elsewhere.found(library.all(), around)).found == ()
        engine = Engine()
        try:
            info = await engine.load(library.find("llama3:8b").path, load_settings(resolve({"context": 256})))
            assert info.context >= 256
        finally:
            await engine.close()
        await library.remove(model.name)
        assert blob.is_file()
        assert len((await elsewhere.found(library.all(), around)).found) == 1

    run(main())


def test_folders_of_files_of_four_applications(home: Path, tiny: Path) -> None:
    file = tiny / "tiny.gguf"
    expected = {
        ("LM Studio", "studio", put(file, home / ".lmstudio/models/a/b/studio.gguf")),
        ("LM Studio", "older", put(file, home / ".cache/lm-studio/models/a/b/older.gguf")),
        ("Jan", "qwen", put(file, home / ".config/Jan/data/llamacpp/models/qwen/model.gguf")),
        ("GPT4All", "nomic", put(file, home / ".local/share/nomic.ai/GPT4All/nomic.gguf")),
        ("llama.cpp", "a_b_c", put(file, home / ".cache/llama.cpp/a_b_c.gguf")),
        ("text-generation-webui", "webui", put(file, home / "text-generation-webui/user_data/models/webui.gguf")),
    }
    before = files_in(home)
    findings = search(home)
    assert {(one.application, one.name, one.path) for one in findings.found} == expected
    assert (findings.skipped, findings.complete) == ((), True)
    assert files_in(home) == before


def test_folders_that_applications_were_told_to_use(home: Path, tiny: Path) -> None:
    one = put(tiny / "tiny.gguf", home / "big disk" / "studio" / "one.gguf")
    two = put(tiny / "tiny.gguf", home / "big disk" / "jan" / "two.gguf")
    (home / "place").mkdir()
    (home / ".lmstudio-home-pointer").write_text(f"{home / 'place'}\n")
    (home / "place" / "settings.json").write_text(json.dumps({"downloadsFolder": str(one.parent)}))
    (home / ".config" / "Jan").mkdir(parents=True)
    (home / ".config" / "Jan" / "settings.json").write_text(json.dumps({"data_folder": str(two.parent)}))
    assert {found.path for found in search(home).found} == {one, two}
    for nonsense in (
        '{"downloadsFolder": "/a\\u0000b"}',
        '{"downloadsFolder": "/\\ud800"}',
        "{",
        "[]",
        '{"downloadsFolder": 3}',
        '{"downloadsFolder": "relative"}',
        "[" * 100_000,
    ):
        (home / "place" / "settings.json").write_text(nonsense)
        assert {found.path for found in search(home).found} == {two}


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}, {"/d/nomic.ai/GPT4All", "/c/Jan/data"}),
        (
            "darwin",
            {},
            {
                "/h/Library/Application Support/nomic.ai/GPT4All",
                "/h/Library/Application Support/Jan/data",
                "/h/Library/Caches/llama.cpp",
                "/h/.cache/huggingface/hub",
                "/h/.ollama/models",
            },
        ),
        (
            "win32",
            {"APPDATA": "/h/Roaming", "OLLAMA_MODELS": "/o"},
            {"/h/AppData/Local/nomic.ai/GPT4All", "/h/Roaming/Jan/data", "/o", "/h/.lmstudio/models"},
        ),
    ],
)
def test_where_applications_keep_models(system: str, environment: dict[str, str], expected: set[str]) -> None:
    found = places(Surroundings(Path("/h"), environment, system))
    folders = [place.folder.as_posix() for place in found]
    assert expected <= set(folders)
    assert len(folders) == len(set(folders))
    assert ("/usr/share/ollama/.ollama/models" in folders) == (system == "linux")
    assert next(p for p in found if p.application == "Ollama").layout is Layout.OLLAMA


@links
def test_what_the_library_has_is_left_out(paths: Paths, home: Path, tiny: Path) -> None:
    """The same file, by whatever name and through whatever link; and the same content, where that is known."""
    link = hub_cache(home / ".cache/huggingface/hub", tiny / "tiny.gguf")
    studio = home / ".lmstudio/models/a/b/again.gguf"
    studio.parent.mkdir(parents=True)
    studio.symlink_to(link)
    ollama(home / ".ollama/models", tiny / "other.gguf")

    async def main() -> None:
        library = await fresh(paths)
        around = Surroundings(home, {}, "linux", home)
        assert len((await elsewhere.found(library.all(), around)).found) == 2  # not three: one has two names
        await library.import_file(link.resolve(), How.LINK)
        await library.import_file(tiny / "other.gguf", How.COPY)
        assert (await elsewhere.found(library.all(), around)).found == ()

    run(main())


def gguf_of(path: Path, architecture: str, kind: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(path, architecture)
    if kind:
        writer.add_type(kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes among files, and asks for a right to make links")
def test_what_goes_with_models_is_passed_over_and_what_is_unreadable_is_told(home: Path, tiny: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    gguf_of(folder / "mmproj-F16.gguf", "clip")
    gguf_of(folder / "imatrix.gguf", "llama", "imatrix")
    gguf_of(folder / "lora.gguf", "llama", "adapter")
    (folder / "text.gguf").write_text("no model " * 99)
    (folder / "empty.gguf").touch()
    os.mkfifo(folder / "pipe.gguf")
    tiny_model(folder / "big.gguf", shards=10)
    tiny_model(folder / "torn.gguf", shards=10)
    (folder / "torn-00002-of-00003.gguf").unlink()
    (folder / "dangling.gguf").symlink_to("nowhere")
    gone = ollama(home / ".ollama/models", tiny / "tiny.gguf")
    gone.unlink()
    findings = search(home)
    assert [one.name for one in findings.found] == ["big"]
    told = {skipped.path.name: str(skipped.problem) for skipped in findings.skipped}
    assert set(told) == {"text.gguf", "empty.gguf", "torn-00001-of-00003.gguf", gone.name}
    assert "not a GGUF" in told["text.gguf"]
    assert "torn-00002-of-00003.gguf” is not there" in told["torn-00001-of-00003.gguf"]


def test_what_goes_with_a_model_is_not_imported_as_one(paths: Paths, tmp_path: Path) -> None:
    gguf_of(tmp_path / "eyes.gguf", "clip")
    gguf_of(paths.models / "a" / "b" / "mmproj.gguf", "clip")

    async def main() -> None:
        library = await fresh(paths)
        assert len(library.all()) == 1
        with pytest.raises(ModelFileError, match=r"“eyes\.gguf” belongs to a model but is none"):
            await library.import_file(tmp_path / "eyes.gguf")

    run(main())


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{",
        '{"layers": 3}',
        '{"layers": [{}]}',
        '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../etc/passwd"}]}',
        '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": 7}]}',
        "[" * 100_000,
    ],
)
def test_manifests_that_make_no_sense(home: Path, manifest: str) -> None:
    file = home / ".ollama/models/manifests/registry.ollama.ai/library/x/latest"
    file.parent.mkdir(parents=True)
    file.write_text(manifest)
    assert search(home) == Findings((), (), True)


@links
def test_links_that_lead_round_in_circles_end(home: Path, tiny: Path) -> None:
    folder = home / ".lmstudio/models"
    put(tiny / "tiny.gguf", folder / "a" / "b" / "x.gguf")
    for link in (folder / "a" / "round", folder / "a" / "b" / "up", folder / "self"):
        link.symlink_to(folder)
    assert [one.name for one in search(home).found] == ["x"]


def test_a_search_ends_at_its_bounds_and_says_so(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / ".lmstudio/models"
    for number in range(20):
        put(tiny / "tiny.gguf", folder / f"{number:02d}.gguf")
    put(tiny / "tiny.gguf", folder / "1/2/3/4/5/6" / "too deep.gguf")
    assert len(search(home).found) == 20
    monkeypatch.setattr(elsewhere, "_MOST_ENTRIES", 10)
    few = search(home)
    assert len(few.found) <= 10
    assert not few.complete
    monkeypatch.setattr(elsewhere, "_LIMIT_S", -1.0)
    assert search(home) == Findings((), (), False)


def test_a_folder_that_may_not_be_entered_is_told(home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ollama's service keeps its folder on Linux. Tests may run as root, whom nothing is forbidden."""
    closed = home / ".ollama/models/manifests"
    closed.mkdir(parents=True)
    real = os.stat

    def stat(path: object, **options: object) -> os.stat_result:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return real(path, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "stat", stat)
    (skipped,) = search(home).skipped
    assert (skipped.application, skipped.path) == ("Ollama", closed)
    assert "may not read" in str(skipped.problem)


def test_a_hundred_models_are_found_quickly(home: Path, tiny: Path) -> None:
    """Only beginnings are read: a vocabulary is parsed when a file is linked."""
    for number in range(100):
        link = home / ".lmstudio/models" / f"{number}" / "m.gguf"
        put(tiny / "tiny.gguf", link)
    read: list[int] = []
    real = elsewhere.gguf.begun

    def counted(data: bytes, size: int | None = None) -> object:
        read.append(len(data))
        return real(data, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elsewhere.gguf, "begun", counted)
        assert len(search(home).found) == 100
    assert max(read) <= 64 << 10


def test_the_loop_is_free_while_disks_are_searched(home: Path) -> None:
    async def main() -> None:
        task = asyncio.create_task(elsewhere.found((), Surroundings(home, {}, "linux", home)))
        await asyncio.sleep(0)
        assert not task.done()
        assert isinstance(await task, Findings)

    run(main())


def test_variables_that_lead_nowhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for nonsense in ("~nobody/x", "relative", "a" * 5000, "\udc80"):
        assert search(home, HF_HOME=nonsense, OLLAMA_MODELS=nonsense, LLAMA_CACHE=nonsense).found == ()
    monkeypatch.setenv("HOME", str(home))  # the person's own surroundings
    assert isinstance(run(elsewhere.found(())), Findings)


def test_a_place_is_looked_into_once(home: Path) -> None:
    around = Surroundings(home, {"HF_HUB_CACHE": str(home / ".cache/huggingface/hub")}, "linux")
    assert places(around).count(Place("Hugging Face", home / ".cache/huggingface/hub", Layout.HUB)) == 1
