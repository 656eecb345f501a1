# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real requests between namespaces, by sockets of this process: to start a program in each takes seconds where the
kernel is emulated."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Sequence

from tests.integration.support.kernel import inside

SECONDS = 5
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
Address = tuple[str, int]


def open_socket(netns: str, family: int, kind: int) -> socket.socket:
    """A socket of a namespace; it stays there."""
    opened: socket.socket = inside(netns, lambda: socket.socket(family, kind))
    opened.settimeout(SECONDS)
    return opened


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(netns: str, name: str, address: str, port: int, kind: int = TCP) -> None:
    """Answers `name CLIENT` to each line or datagram, until the test's process ends."""
    listener = open_socket(netns, family_of(address), kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.settimeout(None)
    listener.bind((address, port))
    if kind == UDP:
        threading.Thread(target=_answer_datagrams, args=(listener, name), daemon=True).start()
        return
    listener.listen(256)
    threading.Thread(target=_accept, args=(listener, name), daemon=True).start()


def _accept(listener: socket.socket, name: str) -> None:
    while True:
        connection, peer = listener.accept()
        threading.Thread(target=_answer_lines, args=(connection, f"{name} {peer[0]}\n"), daemon=True).start()


def _answer_lines(connection: socket.socket, answer: str) -> None:
    with connection:
        while connection.recv(64):
            connection.sendall(answer.encode())


def _answer_datagrams(listener: socket.socket, name: str) -> None:
    while True:
        _data, peer = listener.recvfrom(64)
        listener.sendto(f"{name} {peer[0]}\n".encode(), peer)


class Client:
    """One connection (or, by UDP, one local port), open until it is closed."""

    def __init__(self, netns: str, address: str, port: int, kind: int = TCP, source: str = "") -> None:
        self.socket = open_socket(netns, family_of(address), kind)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((address, port))

    def ask(self) -> list[str]:
        """Who answers, and which client it sees."""
        self.socket.sendall(b"?\n")
        return self.socket.recv(128).decode().split()

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()


def ask(netns: str, address: str, port: int, kind: int = TCP, source: str = "") -> list[str]:
    """One question on a connection of its own."""
    client = Client(netns, address, port, kind, source)
    try:
        return client.ask()
    finally:
        client.close()


def count(netns: str, address: str, port: int, number: int, kind: int = TCP) -> Counter[str]:
    """Who answered how often."""
    return Counter(ask(netns, address, port, kind)[0] for _turn in range(number))


def even(counts: Counter[str], servers: Sequence[str]) -> bool:
    """Whether all of these, and nobody else, got the same share, but for one."""
    return set(counts) == set(servers) and max(counts.values()) - min(counts.values()) <= 1
