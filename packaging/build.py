"""Makes the packages of this system out of a clean checkout, in one command: `python3 packaging/build.py`.

Invariant: what is shipped is built in an environment of its own, `build/venv`, with the versions of `constraints.txt`
and an engine for every processor (`engine/build.py`). With `--here`, what is installed beside this Python is taken as
it is: quicker, and good for this computer only. Two builds of one commit hold the same files. It needs Python 3.11 and
a C++ compiler; on Windows NSIS, too. `installer.py` and `macos/` sign, where they are given an identity.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import product

_HERE = Path(__file__).resolve().parent
_ENGINE = product.BUILD / "engine"


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds Alcove's packages.")
    parser.add_argument(
        "--here", action="store_true", help="take what is installed beside this Python, engine included"
    )
    parser.add_argument("--stage", action="store_true", help="only the folder dist/alcove, and no packages of it")
    given = parser.parse_args()
    if not given.here:
        return _apart(["--here", *(["--stage"] if given.stage else [])])
    stage()
    if not given.stage:
        _pack()
    return 0


def _pack() -> None:
    """What this system's people open, of what is staged."""
    if sys.platform == "linux":
        from linux import archives

        archives.make(moment())
    elif sys.platform == "win32":
        import installer

        installer.make()
    elif sys.platform == "darwin":
        from macos import bundle

        bundle.finish()


def _apart(arguments: list[str]) -> int:
    """The same in an environment of its own, which is made where it is not there yet."""
    folder = product.BUILD / "venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    if not list(_ENGINE.glob("*.whl")):
        _run(sys.executable, _HERE / "engine" / "build.py", _ENGINE)
    wheel = next(_ENGINE.glob("*.whl"))
    constraints = ("-c", _HERE / "constraints.txt")
    _run(python, "-m", "pip", "install", "--quiet", *constraints, wheel, f"{product.ROOT}[package]")
    return subprocess.run([python, __file__, *arguments], check=False).returncode


def stage() -> None:
    """The program as a folder, `dist/alcove`, and what takes how much room in it, `dist/sizes.txt`."""
    import icons
    import sizes

    icons.make()
    _run(sys.executable, product.ROOT / "scripts" / "compile_messages.py")
    where = ("--distpath", product.DIST, "--workpath", product.BUILD / "pyinstaller")
    surroundings = {"SOURCE_DATE_EPOCH": str(moment()), "PYTHONHASHSEED": "1"}
    _run(
        sys.executable,
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--log-level",
        "WARN",
        *where,
        _HERE / "alcove.spec",
        **surroundings,
    )
    if sys.platform == "linux":
        strip()
    refuse_unfit()
    text = sizes.table(product.STAGED)
    (product.DIST / "sizes.txt").write_text(text, "utf-8")
    print(text, end="", flush=True)


def refuse_unfit() -> None:
    """Ends the build where the program does not run. What it finds wrong here may be this computer's, and is said."""
    program = product.STAGED / ("alcove-cli.exe" if sys.platform == "win32" else product.EXECUTABLE)
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ALCOVE_HOME": home}
        done = subprocess.run([program, "--self-test", "--json"], env=environment, capture_output=True, check=False)
    try:
        findings = json.loads(done.stdout)["findings"]
    except ValueError:
        said = done.stderr.decode("utf-8", "replace")
        raise SystemExit(f"The program that was built does not run:\n{said}") from None
    for finding in findings:
        if not finding["well"]:
            print(f"{finding['topic']}: {finding['seen']}", flush=True)


def moment() -> int:
    """When this commit was made: the time of every file that is shipped."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return int(said or subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=product.ROOT))


def strip() -> None:
    """Takes the debugging symbols out of Python's own libraries; the others come without, or must not be touched."""
    inner = product.STAGED / "_internal"
    for path in (*inner.glob("libpython*"), *inner.glob("python3*/lib-dynload/*.so"), *inner.glob("yaml/*.so")):
        _run("strip", "--strip-unneeded", path)


def _run(*command: str | Path, **surroundings: str) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd=product.ROOT, env={**os.environ, **surroundings})


if __name__ == "__main__":
    sys.exit(main())
