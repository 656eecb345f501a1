# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an address by ICMP echo, one question after the other; prints the median round trip in microseconds.

`ping -f` gives a mean, which one interruption in a thousand spoils. The kernel of the other end answers by itself.

Usage: python -m benchmarks.round_trips ADDRESS COUNT
"""

from __future__ import annotations

import socket
import statistics
import struct
import sys
import time

ECHO, REPLY = 8, 0
PATIENCE = 5.0


def question(number: int) -> bytes:
    """An echo request (RFC 792) with its checksum."""
    words = (ECHO << 8, 1, number)
    total = sum(words)
    return struct.pack("!4H", words[0], ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF, words[1], words[2])


def round_trip(wire: socket.socket, number: int) -> int:
    """Nanoseconds until this question's answer."""
    message = question(number)
    began = time.perf_counter_ns()
    wire.send(message)
    while True:
        packet = wire.recv(2048)
        ended = time.perf_counter_ns()
        kind, _flags, _number, answered = struct.unpack_from("!4H", packet, (packet[0] & 15) * 4)
        if kind == REPLY << 8 and answered == number:
            return ended - began


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as wire:
        wire.settimeout(PATIENCE)
        wire.connect((sys.argv[1], 0))
        print(statistics.median(round_trip(wire, number & 0xFFFF) for number in range(int(sys.argv[2]))) / 1000)


if __name__ == "__main__":
    main()
