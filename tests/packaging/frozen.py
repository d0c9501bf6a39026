"""The packaged program, lived with: `python -m pytest tests/packaging/frozen.py`, with `-k headless` without a screen.

It is no part of the ordinary suite: it needs what `packaging/build.py` made, in `dist/alcove` or where ALCOVE_BUNDLE
says, and fails without. All but `headless` needs Xvfb and xdotool. The program lies in a folder with spaces and Hangul
that nobody may write to, is run by a person without rights, with an empty PATH and a home called D'Angelò 김철수.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from desktop.services.chats.drafts import BEHIND_S
from tests import models

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = Path(os.environ.get("ALCOVE_BUNDLE", ROOT / "dist" / "alcove"))
NOBODY = 65534  # on Debian and elsewhere
PATIENCE_S = 120.0  # a busy machine takes seconds for what takes a tenth of one
SETTINGS = '[settings]\nlanguage = "en"\nnotifications = false\n'
ASKED = {  # what the guide knows, and a word that its answer has
    "How do I get a model?": "Download",
    "모델은 어떻게 받나요?": "내려받기",
    "Come scarico un modello?": "Scarica",
}
T = TypeVar("T")
Process = subprocess.Popen[bytes]


def until(found: Callable[[], T], saw: Callable[[], object] = lambda: "") -> T:
    """What it gives as soon as that is true of anything."""
    end = time.monotonic() + PATIENCE_S
    while not (what := found()):
        assert time.monotonic() < end, f"waited in vain; what is seen: {saw()}"
        time.sleep(0.05)
    return what


@dataclass(frozen=True, slots=True)
class Installed:
    """The program, and the person whose home this is."""

    folder: Path
    home: Path
    display: str = ""

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "Alcove"

    @property
    def environment(self) -> dict[str, str]:
        screen = {"DISPLAY": self.display} if self.display else {"QT_QPA_PLATFORM": "offscreen"}
        temporary = str(self.home.parent / "tmp")
        return {
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "PATH": str(self.home / "no programs"),
            "TMPDIR": temporary,
            **screen,
        }

    def start(self, *arguments: str | Path) -> Process:
        command = [str(self.folder / "alcove"), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
        return subprocess.Popen(command, env=self.environment, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments: str | Path) -> str:
        """What a verb prints; its status is 0."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=2 * PATIENCE_S)
        assert process.returncode == 0, (out.decode(), err.decode())
        assert b"Traceback" not in err, err.decode()
        return out.decode()

    @contextmanager
    def window(self, *files: Path) -> Iterator[Process]:
        """The window's process; killed with all that is left of it when the block is left by a failure."""
        process = self.start(*files)
        try:
            yield process
        finally:
            for left in self.processes():
                left.kill()
            process.communicate()

    def processes(self) -> list[psutil.Process]:
        """Whatever runs of the program."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.exe()).is_relative_to(self.folder):
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found

    def engines(self) -> list[psutil.Process]:
        return [process for process in self.processes() if "engine-host" in process.cmdline()]

    def foreign(self) -> set[str]:
        """Libraries that are brought, and that a process of the program took from the system all the same."""
        brought = tuple(path.name for path in (self.folder / "_internal").iterdir() if ".so" in path.name)
        mapped = {Path(area.path) for process in self.processes() for area in process.memory_maps()}
        return {str(path) for path in mapped if path.name.startswith(brought) and self.folder not in path.parents}

    def replies(self, which: str = "stop_reason IS NOT NULL") -> list[str]:
        """What models wrote, as it is stored; the replies that have ended, if nothing else is asked for."""
        if not (self.data / "alcove.db").exists():
            return []
        with closing(sqlite3.connect(self.data / "alcove.db")) as database:
            rows = database.execute(f"SELECT text FROM message WHERE role = 'assistant' AND {which} ORDER BY seq")
            return [text for (text,) in rows]

    def changed(self, mark: Path) -> list[str]:
        """Files that were written since the mark was made, outside the data folder."""
        places = (self.home.parent, self.folder.parent)
        written = (path for place in places for path in place.rglob("*") if path.is_file() and path != mark)
        late = (path for path in written if path.stat().st_mtime_ns > mark.stat().st_mtime_ns)
        return [str(path) for path in late if not path.is_relative_to(self.data)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The program, where nobody may write."""
    assert (BUNDLE / "alcove").exists(), f"there is no program in {BUNDLE}: python packaging/build.py --stage"
    made = Path(tempfile.mkdtemp(prefix="alcove-"))
    made.chmod(0o755)
    folder = made / "프로그램 폴더 (read only)" / "alcove"
    shutil.copytree(BUNDLE, folder, symlinks=True)
    for path in (folder.parent, folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222 | 0o444)
    yield folder
    for path in (folder.parent, folder, *(path for path in folder.rglob("*") if path.is_dir())):
        path.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def headless(folder: Path) -> Iterator[Installed]:
    made = Path(tempfile.mkdtemp(prefix="alcove-"))
    made.chmod(0o755)
    home = made / "D'Angelò 김철수"
    alcove = Installed(folder, home)
    for place in (home, made / "tmp", alcove.data):
        place.mkdir(parents=True)
    (alcove.data / "preferences.toml").write_text(SETTINGS)
    if os.geteuid() == 0:
        for path in (made, *made.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    yield alcove
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """An X server of our own."""
    assert shutil.which("Xvfb"), "Xvfb is not installed"
    assert shutil.which("xdotool"), "xdotool is not installed"
    ours, its = os.pipe()
    command = ["Xvfb", "-displayfd", str(its), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac"]
    with subprocess.Popen(command, pass_fds=[its], stderr=subprocess.DEVNULL) as server:
        os.close(its)
        with open(ours) as said:
            number = said.readline().strip()
        yield f":{number}"
        server.terminate()


@dataclass(frozen=True, slots=True)
class Hands:
    """Keys, as X delivers them; there is no window manager, so the window that was opened last is given the focus."""

    alcove: Installed

    def do(self, *command: str) -> str:
        done = subprocess.run(
            ["xdotool", *command], env={**os.environ, "DISPLAY": self.alcove.display}, capture_output=True, text=True
        )
        return done.stdout

    def window(self, title: str) -> str:
        """Waits for a window of this title, and turns to it."""
        (number, *_others) = until(lambda: self.do("search", "--onlyvisible", "--name", title).split())
        self.do("windowfocus", "--sync", number)
        return number

    def accept(self, title: str, done: Callable[[], object]) -> None:
        """Presses Return in a dialogue; again, where the window behind it took the focus back meanwhile."""

        def accepted() -> object:
            for number in self.do("search", "--onlyvisible", "--name", title).split():
                self.do("windowfocus", number)
                time.sleep(0.5)
                self.key("Return")
            return done()

        until(accepted)

    def key(self, *keys: str) -> None:
        self.do("key", "--clearmodifiers", *keys)

    def write(self, text: str) -> None:
        """Writes a message; again, where the field was not there yet, or lost a letter that no key of X has by itself.

        It is seen in the drafts, which are written a while behind.
        """

        def written() -> bool:
            self.key("ctrl+a")
            self.do("type", "--clearmodifiers", "--delay", "20" if text.isascii() else "100", text)
            time.sleep(3 * BEHIND_S)
            drafts = self.alcove.data / "drafts.json"
            return drafts.exists() and json.dumps(text) in drafts.read_text("utf-8")

        until(written)

    def ask_another(self, model: str, question: str) -> list[str]:
        """Chooses a model in the palette and asks it; the reply that is being written then. It may be tried again."""
        self.key("Escape")
        self.write(question)
        for act in (("key", "ctrl+shift+m"), ("type", model), ("key", "Return"), ("key", "Return")):
            self.do(*act)
            time.sleep(1.5)
        return self.alcove.replies("stop_reason IS NULL")


@pytest.fixture
def alcove(headless: Installed, display: str) -> Installed:
    return Installed(headless.folder, headless.home, display)


def model(alcove: Installed, name: str, context: int = 32768) -> Path:
    """A model on a person's desk, who speaks the alphabet without an end."""
    made = models.scripted_model(alcove.home / name, {}, context=context)
    made.chmod(0o644)
    return made


def test_headless_the_command_line_answers_in_three_languages(headless: Installed) -> None:
    mark = headless.home.parent / "mark"
    mark.touch()
    for question, word in ASKED.items():
        assert word in headless.run("chat", "-p", question)
    assert headless.run("--version").startswith("Alcove ")
    assert headless.changed(mark) == []
    assert headless.processes() == []


def test_headless_it_finds_nothing_wrong_with_itself(headless: Installed) -> None:
    findings = json.loads(headless.run("--self-test", "--json"))
    assert findings
    headless.run("doctor")
    assert headless.processes() == []


def test_headless_every_part_has_its_licence(headless: Installed) -> None:
    text = (headless.folder / "_internal" / "desktop" / "resources" / "licences.txt").read_text("utf-8")
    for part in ("Alcove ", "Python 3", "PySide6_Essentials", "llama_cpp_python", "numpy", "Lucide", "pyinstaller"):
        assert f"\n  {part}" in text
    for words in ("GNU LESSER GENERAL PUBLIC LICENSE", "The ggml authors", "Unicode", "PYTHON SOFTWARE FOUNDATION"):
        assert words in text


def test_headless_the_window_opens_and_leaves_no_process(headless: Installed) -> None:
    with headless.window() as process:
        until((headless.data / "alcove.db-wal").exists)
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert headless.processes() == []


@pytest.mark.parametrize(("language", "question"), [*zip(("en", "ko", "it"), ASKED, strict=True)])
def test_a_life_with_the_window(alcove: Installed, language: str, question: str) -> None:
    (alcove.data / "preferences.toml").write_text(SETTINGS.replace('"en"', f'"{language}"'))
    mark = alcove.home.parent / "mark"
    mark.touch()
    hands = Hands(alcove)
    with alcove.window() as process:
        hands.window("Alcove")
        hands.write(question)
        hands.key("Return")
        (answer,) = until(alcove.replies)
        assert ASKED[question] in answer
        hands.key("ctrl+q")
        assert process.wait(PATIENCE_S) == 0
        until(lambda: not alcove.processes(), alcove.processes)
    assert alcove.changed(mark) == []


def test_a_double_click_brings_a_model_also_to_the_open_window(alcove: Installed) -> None:
    hands = Hands(alcove)
    first, second = model(alcove, "첫째 모델.gguf"), model(alcove, "l'altro.GGUF", 4096)
    with alcove.window(first) as process:
        for file in (first, second):
            if file is second:
                assert alcove.run(second) == ""
            hands.accept("Import model", lambda name=file.stem: name in alcove.run("models"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert alcove.processes() == []


def test_a_killed_engine_is_loaded_again(alcove: Installed) -> None:
    hands = Hands(alcove)
    alcove.run("models", "import", model(alcove, "endless.gguf"), "--link")
    with alcove.window() as process:
        hands.window("Alcove")
        until(lambda: hands.ask_another("endless", "go"))
        (engine,) = until(alcove.engines)
        assert alcove.foreign() == set()
        engine.kill()
        (half,) = until(lambda: alcove.replies("note != ''"))
        assert half.startswith("a")
        hands.key("ctrl+r")
        (another,) = until(alcove.engines)
        assert another.pid != engine.pid
        until(lambda: alcove.replies("stop_reason IS NULL"))
        hands.key("ctrl+q")
        assert process.wait(PATIENCE_S) == 0
        until(lambda: not alcove.processes(), alcove.processes)
