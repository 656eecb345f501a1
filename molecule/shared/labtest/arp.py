# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers for an address on a wire.

Run inside a node or container: asks by ARP on eth0, and prints the MACs of all that answer within half a second.
Usage: python3 arp.py ADDRESS
"""

from __future__ import annotations

import shlex
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

ETH_P_ARP, REQUEST, REPLY = 0x0806, 1, 2
PATIENCE = 0.5


def who_has(machine: Any, address: str) -> set[str]:
    """The MACs that answer a machine of the lab."""
    return set(machine.sh(f"python3 {shlex.quote(str(Path(__file__)))} {address}").split())


def ask(address: str) -> set[str]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as wire:
        wire.bind(("eth0", ETH_P_ARP))
        mine = wire.getsockname()[4]
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, REQUEST)
        body = head + mine + bytes(4) + bytes(6) + socket.inet_aton(address)
        wire.send(b"\xff" * 6 + mine + struct.pack("!H", ETH_P_ARP) + body)
        found = set()
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                frame = wire.recv(100)
            except TimeoutError:
                break
            if frame[20:22] == struct.pack("!H", REPLY) and frame[28:32] == socket.inet_aton(address):
                found.add(frame[22:28].hex(":"))
        return found


if __name__ == "__main__":
    print(" ".join(sorted(ask(sys.argv[1]))))
