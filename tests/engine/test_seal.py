"""A process that has closed itself off connects to nothing, this computer included."""

from __future__ import annotations

import subprocess
import sys

import pytest

from desktop.engine.process import environment

ATTEMPTS = {
    "connect": "socket.socket().connect(('127.0.0.1', 9))",
    "connect_ex": "socket.socket().connect_ex(('127.0.0.1', 9))",
    "look-up": "socket.getaddrinfo('localhost', 80)",
    "old look-up": "socket.gethostbyname('localhost')",
    "reverse": "socket.gethostbyaddr('127.0.0.1')",
    "name": "socket.getnameinfo(('127.0.0.1', 80), 0)",
    "datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "request": "__import__('urllib.request').request.urlopen('http://127.0.0.1:9')",
}


def said(code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_every_way_out_is_refused(attempt: str) -> None:
    close = "from desktop.engine.seal import close_off; close_off(); close_off()"
    assert "The engine has no network." in said(f"import socket; {close}; {attempt}")


def test_nothing_is_refused_before() -> None:
    assert "no network" not in said(f"import socket, desktop.engine.seal; {ATTEMPTS['look-up']}")


@pytest.mark.parametrize(("module", "main"), [("host", "_serve"), ("survey", "main"), ("gauge", "main")])
def test_the_engines_processes_are_closed_off(module: str, main: str) -> None:
    served = f"from desktop.engine import {module}; assert {module}.{main}() == 0"
    heard = "os.dup2(kept, 2)"  # the host has closed it to whoever may be gone by now
    assert "The engine has no network." in said(
        f"import os, socket; kept = os.dup(2); {served}; {heard}; {ATTEMPTS['look-up']}"
    )
