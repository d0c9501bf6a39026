"""The workflows: valid by GitHub's schema, their scripts clean, and no more trusted than they need to be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from macos import bundle

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BY_TAG = {"Jimver/cuda-toolkit@v0.2.21"}  # which commit that is could not be checked when it was written

each = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda path: path.name)


def read(file: Path) -> dict[str, Any]:
    found = yaml.safe_load(file.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert [file.name for file in WORKFLOWS] == ["check.yml", "release.yml"]


def test_they_are_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout


@each
def test_a_script_in_a_step_is_clean(file: Path, shellcheck: Callable[[str], str]) -> None:
    scripts = [step["run"] for step in steps(read(file)) if "run" in step and step.get("shell") != "pwsh"]
    assert scripts
    for script in scripts:
        assert shellcheck(f"#!/usr/bin/env bash\nset -e -o pipefail\n{script}") == ""


@each
def test_nothing_is_pasted_into_a_script(file: Path) -> None:
    """An expression is, before the shell reads it; a variable of the environment is not."""
    assert not [step["run"] for step in steps(read(file)) if "${{" in step.get("run", "")]


@each
def test_an_action_is_pinned_to_a_commit_and_keeps_no_token(file: Path) -> None:
    for step in steps(read(file)):
        used = step.get("uses")
        assert used is None or used in BY_TAG or re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", used), used
        if used and used.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
    pins = set(re.findall(r"uses: (\S+@[0-9a-f]{40})(.*)", file.read_text("utf-8")))
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", said) for _pin, said in pins)  # and says which version that is


@each
def test_nothing_may_write_but_the_job_that_publishes(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == ({"publish": {"contents": "write"}} if file.name == "release.yml" else {})
    assert "pull_request_target" not in file.read_text("utf-8")


@each
def test_no_job_runs_for_ever_or_beside_its_own_like(file: Path) -> None:
    workflow = read(file)
    assert workflow["concurrency"]["group"]
    assert all(job["timeout-minutes"] <= 180 for job in workflow["jobs"].values())


def test_a_release_is_started_on_every_system_and_summed() -> None:
    (file,) = (file for file in WORKFLOWS if file.name == "release.yml")
    workflow = read(file)
    packages = workflow["jobs"]["package"]
    assert {row["name"] for row in packages["strategy"]["matrix"]["include"]} == {
        "linux-x86_64",
        "macos-arm64",
        "macos-x86_64",
        "windows-x64",
    }
    started = [step["run"] for step in packages["steps"] if step.get("name", "").startswith("Start what was built")]
    assert workflow["env"]["MACOSX_DEPLOYMENT_TARGET"] == bundle.OLDEST
    assert len(started) == 3
    assert all("--self-test" in script for script in started)
    assert ["ELSEWHERE" in script for script in started] == [False, True, True]  # Linux: `frozen.py`
    assert not packages["env"]["ELSEWHERE"].isascii()
    assert " " in packages["env"]["ELSEWHERE"]
    assert "SHA256SUMS" in file.read_text("utf-8")
    assert "--draft" in file.read_text("utf-8")  # a person publishes


def test_only_tests_that_nobody_has_seen_run_may_fail() -> None:
    heedless = [step for file in WORKFLOWS for step in steps(read(file)) if step.get("continue-on-error")]
    assert [step["name"] for step in heedless] == ["Test (macOS, Windows)"]


@pytest.mark.skipif(sys.platform != "linux", reason="the job that publishes runs on Linux")
@pytest.mark.parametrize("engines", ["success", "failure"])
def test_a_release_waits_for_packages_and_does_without_engines(tmp_path: Path, engines: str) -> None:
    publish = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["publish"]
    assert set(publish["needs"]) == {"package", "engine"}
    assert "needs.package.result == 'success'" in publish["if"]
    assert "needs.engine" not in publish["if"]
    made = ["package-linux/alcove.deb", *(["engine-cpu/cpu/llama.whl"] if engines == "success" else [])]
    for name in made:
        (tmp_path / "fetched" / name).parent.mkdir(parents=True)
        (tmp_path / "fetched" / name).write_bytes(b"x")
    (script,) = (step["run"] for step in publish["steps"] if step.get("name") == "Gather, and sum")
    told = {**os.environ, "ENGINES": engines}
    ran = subprocess.run(["bash", "-ec", script], cwd=tmp_path, env=told, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ("::warning::" in ran.stdout) is (engines != "success")
    archives = ["llama-cpp-python-cpu.tar.gz"] if engines == "success" else []
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == ["SHA256SUMS", "alcove.deb", *archives]


def test_the_check_is_the_readmes() -> None:
    assert [step["run"] for step in steps(read(ROOT / ".github" / "workflows" / "check.yml")) if "run" in step][
        -1
    ] == ".ci/run"
