"""Every import contract holds, and breaks when it is broken: contracts that cannot fail are common."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}
OFFENCES = [  # the contract (an import upwards closes a circle too), the module that offends, what is put at its end
    ("layers", "ui/formats.py", "import desktop.assembly"),
    ("layers no-cycles", "engine/frames.py", "def later():\n    from desktop.services import disk"),
    ("layers no-cycles", "services/disk.py", "from desktop import assembly"),
    ("layers", "spare.py", ""),  # a module that belongs to no layer
    ("core-pure", "core/window.py", "import os"),
    ("core-pure", "core/chat.py", "def later():\n    from asyncio import sleep"),
    ("no-qt-below", "services/disk.py", "from PySide6 import QtCore"),
    ("no-qt-below", "engine/frames.py", "import qasync"),
    ("one-importer", "engine/host.py", "from llama_cpp import llama_cpp"),
    ("window-without-engine", "services/machine.py", "from desktop.engine import llama"),
    ("services-by-controllers", "panes/help/view.py", "from desktop.services.help import Help"),
    ("services-by-controllers", "ui/labels.py", "import desktop.engine.frames"),
    ("controllers-without-widgets", "panes/help/controller.py", "from desktop.ui import theme"),
    ("panes-independent", "panes/help/view.py", "from desktop.panes.settings import view"),
    ("no-cycles", "core/errors.py", "def later():\n    import desktop.core.settings"),
]


def broken(folder: Path) -> set[str]:
    """Ids of the contracts that import-linter finds broken in the tree at `folder`."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
        "--no-logo",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    names = set(re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE))
    assert done.returncode == bool(names), done.stdout + done.stderr
    return {id for id, contract in CONTRACTS.items() if contract["name"] in names}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "desktop", folder / "desktop", ignore=shutil.ignore_patterns("__pycache__", "resources"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_all_contracts_hold(tree: Path) -> None:
    assert broken(tree) == set()


def test_no_contract_is_without_an_offence() -> None:
    assert {contract for contract, _, _ in OFFENCES if " " not in contract} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "module", "offence"), OFFENCES)
def test_an_offence_breaks_its_contract_and_no_other(tree: Path, contract: str, module: str, offence: str) -> None:
    path = tree / "desktop" / module
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n\n{offence}\n", "utf-8")
    found = broken(tree)
    if before is None:
        path.unlink()
    else:
        path.write_text(before, "utf-8")
    assert found == set(contract.split())


# import-linter sees packages from outside as one: that PySide6.QtCore is allowed where PySide6.QtWidgets is not, it
# cannot say.


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def beyond_qtcore(source: str) -> list[str]:
    return [name for name in imports(source) if re.match(r"PySide6\b(?!\.QtCore\b)", name)]


def controllers() -> list[Path]:
    patterns = CONTRACTS["controllers-without-widgets"]["source_modules"]
    files = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.glob("desktop/panes/*/*.py")}
    return [path for name, path in files.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]


def test_a_controller_is_on_qtcore_only() -> None:
    found = controllers()
    assert len(found) >= 4
    assert {path: beyond_qtcore(path.read_text("utf-8")) for path in found} == {path: [] for path in found}


def test_whatever_sees_services_is_named_as_a_controller() -> None:
    importers = CONTRACTS["services-by-controllers"]["allowed_importers"]
    assert {name for name in importers if ".panes." in name} == set(
        CONTRACTS["controllers-without-widgets"]["source_modules"]
    )


@pytest.mark.parametrize(
    "source",
    ["from PySide6 import QtWidgets", "from PySide6.QtGui import QColor", "import PySide6.QtWidgets", "import PySide6"],
)
def test_a_widget_in_a_controller_would_be_seen(source: str) -> None:
    assert beyond_qtcore(f"def later():\n    {source}\n")
    assert not beyond_qtcore("from PySide6.QtCore import QObject\nfrom PySide6 import QtCore\nimport PySide6.QtCore\n")
