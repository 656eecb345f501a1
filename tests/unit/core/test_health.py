# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of answers and misses, and what a watch does with its files; servers here are real ones on loopback."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core import health_watch
from ansible_collections.containerland.net.plugins.module_utils._core.errors import StoreError
from ansible_collections.containerland.net.plugins.module_utils._core.health import Check, Judge, problem_of
from ansible_collections.containerland.net.plugins.module_utils._core.health_watch import Watch, read_failing

CHECK = Check(rise=2, fall=3)


@pytest.mark.parametrize(
    ("failing", "heard", "opinions"),
    [
        (False, "++-+", "...."),
        (False, "---", "..!"),
        (False, "--+---", ".....!"),
        (False, "---++", "..!.!"),
        (True, "+-++", "...!"),
        (True, "---", "..."),
    ],
)
def test_a_single_answer_or_miss_changes_nothing(failing: bool, heard: str, opinions: str) -> None:
    judge = Judge(failing)
    assert "".join("!" if judge.hear(one == "+", CHECK) else "." for one in heard) == opinions


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts servers that answer everything with these bytes; gives their ports."""
    listeners = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            try:
                while True:
                    connection, _peer = listener.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(answer)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("type_", "answer", "problem"),
    [
        ("tcp", b"", ""),
        ("http", b"HTTP/1.1 204 Fine\r\n\r\n", ""),
        ("http", b"HTTP/1.1 302 Elsewhere\r\nContent-Length: 0\r\n\r\n", ""),
        ("http", b"HTTP/1.1 503 Ill\r\nContent-Length: 0\r\n\r\n", "HTTP status 503"),
        ("http", b"SSH-2.0-OpenSSH\r\n", "no answer in HTTP"),
        ("http", b"HTTP/1.1 100 Continue\r\n\r\n", "HTTP status 100"),
        ("http", b"", "no answer in HTTP"),
    ],
)
def test_asking(answering: Callable[[bytes], int], type_: str, answer: bytes, problem: str) -> None:
    assert problem_of(Check(type=type_), "127.0.0.1", answering(answer), "web") == problem


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in problem_of(Check(), "127.0.0.1", port, "web")
    assert "refused" in problem_of(Check(port=port), "127.0.0.1", 1, "web")


class Files:
    """The files of a watch, its kernel, and a world in which servers fail."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.ill: set[str] = set()
        self.applied: list[dict[str, list[str]]] = []
        self.said: list[str] = []
        (path / "etc").mkdir()
        monkeypatch.setattr(health_watch, "problem_of", self.ask)

    def ask(self, _check: Check, address: str, _port: int, _host: str) -> str:
        return "no answer" if address in self.ill else ""

    def write(self, **servers: Sequence[str]) -> None:
        check = {"type": "tcp", "interval": 0, "rise": 2, "fall": 3}
        services = [
            {"name": name, "health": check, "servers": [{"address": a, "port": 80, "weight": 1} for a in addresses]}
            for name, addresses in servers.items()
        ]
        file = self.path / "etc" / "lb.json"
        file.with_suffix(".new").write_text(json.dumps({"version": 1, "services": services}))
        os.rename(file.with_suffix(".new"), file)

    def apply(self, services: Sequence[Any], failing: Any) -> None:
        self.applied.append({service["name"]: list(failing.get(service["name"], ())) for service in services})

    def watch(self) -> Watch:
        return Watch("lb", self.said.append, self.apply, str(self.path / "etc"), str(self.path / "run"))

    def failing(self) -> Any:
        return read_failing(str(self.path / "run" / "lb.json"))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    return Files(tmp_path, monkeypatch)


def ticks(watch: Watch, number: int = 1) -> None:
    """As many rounds, each with the answers to what the one before has asked."""
    for _turn in range(number):
        watch.tick(time.monotonic())
        for watched in watch._servers.values():
            assert watched.asked is not None
            watched.asked.result(timeout=5)


def test_a_server_that_fails_is_taken_out_and_comes_back(files: Files) -> None:
    files.write(web=["10.0.0.1", "10.0.0.2"], db=["10.0.0.3"])
    watch = files.watch()
    ticks(watch, 4)
    assert files.applied == [{"db": [], "web": []}], "at the start it puts right what the one before has left"
    files.ill = {"10.0.0.2"}
    ticks(watch, 4)
    assert files.applied[1:] == [{"db": [], "web": ["10.0.0.2:80"]}]
    assert files.failing() == {"web": ["10.0.0.2:80"]}
    files.ill = set()
    ticks(watch, 3)
    assert files.applied[2:] == [{"db": [], "web": []}] and files.failing() == {}
    assert files.said == ["web: 10.0.0.2:80 fails: no answer", "web: 10.0.0.2:80 answers again"]


def test_opinions_outlive_the_process_and_a_new_file(files: Files) -> None:
    files.write(web=["10.0.0.1", "10.0.0.2"])
    files.ill = {"10.0.0.2"}
    ticks(files.watch(), 5)
    again = files.watch()
    ticks(again, 2)
    assert files.applied[-1] == {"web": ["10.0.0.2:80"]}
    files.write(web=["10.0.0.2", "10.0.0.4"])
    ticks(again)
    assert files.applied[-1] == {"web": ["10.0.0.2:80"]}
    files.write(web=["10.0.0.4"])
    ticks(again)
    assert files.applied[-1] == {"web": []} and files.failing() == {}


def test_what_others_have_changed_is_repaired_now_and_then(files: Files) -> None:
    files.write(web=["10.0.0.1"])
    watch = files.watch()
    for now in (100.0, 101.0, 109.0, 110.0, 111.0):
        watch.tick(now)
    assert len(files.applied) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"failing": []}', '{"failing": {"web": 3}}', "\x00"])
def test_a_damaged_opinion_is_none(files: Files, text: str) -> None:
    (files.path / "run").mkdir()
    (files.path / "run" / "lb.json").write_text(text)
    files.write(web=["10.0.0.1"])
    ticks(files.watch(), 2)
    assert files.failing() == {}


def test_what_drips_is_not_waited_for() -> None:
    """Each byte comes in time, and the answer never."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _peer = listener.accept()
            with connection:
                for byte in b"HTTP/1.1 2" * 100:
                    time.sleep(0.05)
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        port = listener.getsockname()[1]
        assert "timed out" in problem_of(Check(type="http", timeout=0.3), "127.0.0.1", port, "web")


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1, "services": [1]}', '{"version": 1}'])
def test_a_damaged_file_is_said(files: Files, text: str) -> None:
    (files.path / "etc" / "lb.json").write_text(text)
    with pytest.raises(StoreError, match="is damaged"):
        files.watch().tick(0)


def test_no_file_is_said(files: Files) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*: No such file"):
        files.watch().tick(0)
