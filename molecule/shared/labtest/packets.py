# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that no program sends by itself, made byte by byte: frames with forged addresses, router advertisements."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

from .machine import Machine

#: (source, destination, what it says)
Frame = tuple[str, str, str]
PORT = 7999
_SEND = Path(__file__).with_name("send.py")
_RECEIVE = f"""
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("", {PORT}))
print("ready", flush=True)
while True:
    print(line.recv(100).decode(), flush=True)
"""


def received(node: Machine, sender: Machine, mac: str, frames: list[Frame]) -> set[str]:
    """Which of the UDP packets that `sender` puts on its wire, for a link of the node with this MAC, get to a server
    on the node that listens at all addresses. The last one tells that nothing more is on the way."""
    server = node.start("python3", "-u", "-c", _RECEIVE, stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        server.stdout.readline()
        said = shlex.quote(json.dumps(["udp", mac, PORT, frames]))
        sender.sh(f"python3 {shlex.quote(str(_SEND))} {said}")
        found: set[str] = set()
        while frames[-1][2] not in found:
            found.add(server.stdout.readline().decode().strip())
        return found
    finally:
        server.kill()
        server.wait()


def advertise_router(sender: Machine) -> None:
    """Says to all neighbours on its wire that it is their default router."""
    sender.sh(f"python3 {shlex.quote(str(_SEND))} {shlex.quote(json.dumps(['router']))}; sleep 0.2")
