# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers whoever asks, by HTTP or UDP, with a name and the address that the question came from.

Usage: python3 who.py NAME PORT...
The name @ stands for CONTAINER@NODE, which a container's command has in its environment.
With ANSWERS=3 in its environment, it goes to the background once it can be asked, and ends after three answers, or
after two minutes.
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


def tcp_socket(port: int) -> socket.socket:
    # What an earlier run left for its two minutes does not stand in the way.
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64, reuse_port=True)


def udp_socket(port: int) -> socket.socket:
    both = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    both.bind(("::", port))
    return both


def http(name: str, listener: socket.socket) -> None:
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


def udp(name: str, both: socket.socket) -> None:
    while True:
        _question, peer = both.recvfrom(65536)
        both.sendto(answer(name, peer[0]), peer)
        answered()


def background() -> None:
    """Return in a process of its own session: Ansible ends the one that it started with all that belongs to it."""
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os.read(ready, 1)
        os._exit(0)
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(quiet, number)
    os.close(tell)


def main() -> None:
    name, *ports = sys.argv[1:]
    if name == "@":
        name = f"{os.environ['CONTAINER']}@{os.environ['NODE']}"
    sockets = [(http, tcp_socket(int(port))) for port in ports] + [(udp, udp_socket(int(port))) for port in ports]
    if most:
        background()
    threads = [threading.Thread(target=serve, args=(name, where)) for serve, where in sockets]
    if most:
        threads.append(threading.Timer(120, os._exit, (0,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
