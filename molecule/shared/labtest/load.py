# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady load on a service, and servers for it: connections that begin all the time, and some that stay.

Usage: python3 load.py serve NAME PORT | python3 load.py ask ADDRESS PORT FILE
A server greets with its name, and says each line back. `ask` goes on until there is the file, then prints as JSON what
came of it.
"""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

HELD = 12
PAUSE = 0.02
PATIENCE = 3.0


class Greeter(socketserver.StreamRequestHandler):
    """Greets, then repeats what is said."""

    name = b""

    def handle(self) -> None:
        self.wfile.write(self.name + b"\n")
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


def serve(name: str, port: int) -> None:
    Greeter.name = name.encode()
    with Server(("::", port), Greeter) as server:
        server.serve_forever()


def connect(address: str, port: int) -> tuple[Any, str]:
    """A connection, and who answers."""
    line = socket.create_connection((address, port), timeout=PATIENCE)
    return line, line.makefile("r").readline().strip()


def ask(address: str, port: int, until: Path) -> dict[str, Any]:
    """When each answer came and from whom; who has the connections that stay; what failed."""
    held = [connect(address, port) for _turn in range(HELD)]
    answers: list[tuple[float, str]] = []
    errors: list[str] = []
    turn = 0
    while not until.exists():
        try:
            line, name = connect(address, port)
            with closing(line):
                answers.append((time.time(), name))
            turn += 1
            old, name = held[turn % HELD]
            old.sendall(b"still there?\n")
            if old.recv(100) != b"still there?\n":
                errors.append(f"{name} has closed a connection")
        except OSError as problem:
            errors.append(f"{type(problem).__name__}: {problem}")
        time.sleep(PAUSE)
    return {"answers": answers, "errors": errors, "held": [name for _line, name in held]}


if __name__ == "__main__":
    what, first, second, *rest = sys.argv[1:]
    if what == "serve":
        serve(first, int(second))
    else:
        print(json.dumps(ask(first, int(second), Path(rest[0]))))
