"""The seal and the list, tried with real sockets: one name that only we take for a foreign one leads to this computer.

The resolver reads `127.1` as 127.0.0.1 without asking anybody, but it is no address to the rule that spares loopback.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.engine.seal import Refused
from desktop.services.locks import locked
from desktop.services.online.network import UNKNOWN, Connection, Network, is_loopback
from desktop.services.paths import Paths

FOREIGN = "127.1"
ABROAD = ("203.0.113.7", 443)  # RFC 5737: nobody's


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.close()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_connection_is_listed_under_the_name_that_was_asked_for(network: Network, port: int) -> None:
    with network.purpose("Search"), socket.create_connection((FOREIGN, port)) as made:
        network.count(made.fileno(), 10, 300)
        network.count(made.fileno(), 1, 30)
    (listed,) = network.connections()
    assert (listed.host, listed.port, listed.why) == (FOREIGN, port, "Search")
    assert (listed.sent, listed.received, listed.refused) == (11, 330, False)


def test_each_connection_is_a_row_of_its_own_the_newest_first(network: Network, port: int) -> None:
    for why in ("one", "two"):
        with network.purpose(why), socket.create_connection((FOREIGN, port)) as made:
            network.count(made.fileno(), 1, 1)
    assert [(c.why, c.sent) for c in network.connections()] == [("two", 1), ("one", 1)]


def test_what_has_no_purpose_is_listed_as_unknown(network: Network, port: int) -> None:
    socket.create_connection((FOREIGN, port)).close()
    assert [c.why for c in network.connections()] == [UNKNOWN]


def test_plumbing_on_this_computer_is_not_listed(network: Network, port: int) -> None:
    network.sealed = True
    socket.create_connection(("127.0.0.1", port)).close()
    socket.create_connection(("localhost", port)).close()
    for one in socket.socketpair():
        one.close()
    assert network.connections() == []


def test_a_mirror_on_this_computer_is_listed_and_never_refused(network: Network, port: int) -> None:
    network.sealed = True
    with network.purpose("Search"):
        socket.create_connection(("127.0.0.1", port)).close()
    assert [(c.host, c.refused) for c in network.connections()] == [("127.0.0.1", False)]


def test_a_sealed_network_is_refused_before_the_name_is_looked_up(network: Network) -> None:
    network.sealed = True
    with network.purpose("Search"), pytest.raises(Refused):
        socket.create_connection(("huggingface.co", 443))
    (listed,) = network.connections()
    assert (listed.host, listed.port, listed.why, listed.refused) == ("huggingface.co", 443, "Search", True)


@pytest.mark.parametrize("way", ["connect", "connect_ex"])
def test_an_address_without_a_name_is_refused_too(network: Network, way: str) -> None:
    network.sealed = True
    with socket.socket() as one, pytest.raises(Refused):
        getattr(one, way)(ABROAD)
    assert [(c.host, c.port, c.refused) for c in network.connections()] == [(*ABROAD, True)]


def test_datagrams_look_ups_and_ipv6_are_refused_too(network: Network) -> None:
    network.sealed = True
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        for _ in range(3):
            with pytest.raises(Refused):
                one.sendto(b"?", ("203.0.113.7", 53))
    assert len(network.connections()) == 1  # datagrams of one socket are one row
    for look_up in (socket.gethostbyname, socket.gethostbyaddr, lambda name: socket.getnameinfo((name, 1), 0)):
        with pytest.raises(Refused):
            look_up("2001:db8::1")


def test_asyncio_is_refused_too(network: Network) -> None:
    network.sealed = True
    with pytest.raises(Refused):
        asyncio.run(asyncio.open_connection(*ABROAD))


def test_the_purpose_goes_along_into_threads(network: Network, port: int) -> None:
    async def work() -> None:
        with network.purpose("Card"):
            made = await asyncio.to_thread(socket.create_connection, (FOREIGN, port))
        made.close()

    asyncio.run(work())
    bare = threading.Thread(target=lambda: socket.create_connection((FOREIGN, port)).close())
    bare.start()
    bare.join()
    assert [c.why for c in network.connections()] == [UNKNOWN, "Card"]


def test_one_sealed_network_is_enough_and_a_closed_one_is_silent(port: int) -> None:
    first, second = Network(sealed=True), Network()
    with pytest.raises(Refused):
        socket.create_connection((FOREIGN, port))
    assert [c.refused for c in second.connections()] == [False]  # it did not refuse
    first.close()
    socket.create_connection((FOREIGN, port)).close()
    assert len(first.connections()) == 1
    second.close()


def test_a_forgotten_network_seals_nothing(port: int) -> None:
    Network(sealed=True)
    socket.create_connection((FOREIGN, port)).close()


def test_the_list_outlasts_the_program(paths: Paths, port: int) -> None:
    file = paths.home / "connections.jsonl"
    first = Network(file)
    with first.purpose("Search"), socket.create_connection((FOREIGN, port)) as made:
        first.count(made.fileno(), 10, 300)
    first.close()
    again = Network(file)
    assert again.connections() == first.connections()
    assert again.connections()[0].received == 300
    again.forget()
    again.close()
    assert Network(file).connections() == []


def test_damaged_lines_are_passed_over(paths: Paths) -> None:
    file = paths.home / "connections.jsonl"
    good = Connection(1.0, "huggingface.co", 443, "Search", id="x")
    row = {name: getattr(good, name) for name in Connection.__slots__}
    lines = ["", "{", "[]", "null", '{"at": 1}', json.dumps({**row, "at": "soon", "id": "y"}), json.dumps(row), "\x00"]
    file.write_bytes("\n".join(lines).encode() + b"\xff\xfe\n")
    network = Network(file)
    assert network.connections() == [good]
    network.close()


def test_the_file_does_not_grow_without_end(paths: Paths, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.online.network._LARGEST", 4_000)
    monkeypatch.setattr("desktop.services.online.network._MOST", 10)
    file = paths.home / "connections.jsonl"
    network = Network(file)
    for number in range(60):
        with network.purpose(str(number)):
            socket.create_connection((FOREIGN, port)).close()
    assert file.stat().st_size < 6_000
    assert [c.why for c in network.connections()] == [str(n) for n in range(59, 49, -1)]
    network.close()
    assert [c.why for c in Network(file).connections()] == [str(n) for n in range(59, 49, -1)]


def test_two_programs_write_one_list(paths: Paths, port: int) -> None:
    file = paths.home / "connections.jsonl"
    first, second = Network(file), Network(file)  # each hears the other's, which two processes do not
    second.close()
    with first.purpose("first"):
        socket.create_connection((FOREIGN, port)).close()
    third = Network(file)
    assert [c.why for c in third.connections()] == ["first"]
    third.close()
    first.close()


def test_what_another_program_connects_to_and_forgets_is_seen(
    paths: Paths, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.services.online.network._LARGEST", 100)
    ours, theirs = Network(paths.home / "connections.jsonl"), Network(paths.home / "connections.jsonl")
    ours.close()  # which then hears nothing, like a program of its own
    with theirs.purpose("theirs"), socket.create_connection((FOREIGN, port)) as open_one:
        assert [c.why for c in ours.connections()] == ["theirs"]
        ours.forget()
        assert theirs.connections() == []
        with theirs.purpose("later"):  # the file is written anew: what was forgotten does not come back
            for _ in range(2):
                socket.create_connection((FOREIGN, port)).close()
        assert [c.why for c in ours.connections()] == ["later", "later"]
        theirs.count(open_one.fileno(), 1, 1)  # it goes on, so it is listed again
    assert [c.why for c in ours.connections()] == ["later", "later", "theirs"]
    theirs.close()


def test_emptying_the_list_waits_for_who_writes_it(paths: Paths, port: int) -> None:
    file = paths.home / "connections.jsonl"
    network = Network(file)
    socket.create_connection((FOREIGN, port)).close()
    with locked(file.with_suffix(".lock")):
        forgetting = threading.Thread(target=network.forget)
        forgetting.start()
        forgetting.join(0.2)
        assert forgetting.is_alive()
        assert len(network.connections()) == 1  # and who reads waits for nobody
    forgetting.join()
    assert network.connections() == []
    network.close()


def test_a_disk_that_refuses_does_not_end_a_connection(tmp_path: Path, port: int) -> None:
    (tmp_path / "a file").write_text("")
    network = Network(tmp_path / "a file" / "connections.jsonl")
    socket.create_connection((FOREIGN, port)).close()
    assert len(network.connections()) == 1
    network.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LocalHost.", "::1%lo"])
def test_this_computer(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.1", "localhost.example.org", "0.0.0.0", "192.168.0.1", "::ffff:8.8.8.8", ""])
def test_not_this_computer(host: str) -> None:
    assert not is_loopback(host)
