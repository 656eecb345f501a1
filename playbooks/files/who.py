# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers whoever asks, by HTTP or UDP, with a name and the address that the question came from.

Usage: python3 who.py NAME PORT...
The name @ stands for CONTAINER@NODE, which a container's command has in its environment.
With ANSWERS=3 in its environment, it ends after three answers, or after two minutes.
"""

from __future__ import annotations

import itertools
import os
import socket
import sys
import threading

count = itertools.count(1)
most = int(os.environ.get("ANSWERS", "0"))


def answer(name: str, peer: str) -> bytes:
    return f"{name} {peer.removeprefix('::ffff:').split('%')[0]}\n".encode()


def answered() -> None:
    if next(count) == most:
        os._exit(0)


def http(name: str, port: int) -> None:
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    while True:
        connection, peer = listener.accept()
        with connection:
            try:
                connection.settimeout(5)
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + answer(name, peer[0]))
            except OSError:
                continue
        answered()


def udp(name: str, port: int) -> None:
    both = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", port))
    while True:
        _question, peer = both.recvfrom(65536)
        both.sendto(answer(name, peer[0]), peer)
        answered()


def main() -> None:
    name, *ports = sys.argv[1:]
    if name == "@":
        name = f"{os.environ['CONTAINER']}@{os.environ['NODE']}"
    threads = [threading.Thread(target=serve, args=(name, int(port))) for port in ports for serve in (http, udp)]
    if most:
        threads.append(threading.Timer(120, os._exit, (0,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
