# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside a node or container: puts made-up frames on eth0.

Usage: python3 send.py WHAT
WHAT: '["udp", MAC, PORT, [[SOURCE, DESTINATION, TEXT], ...]]' | '["router"]' | '["frames", [HEX, ...]]'
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
ALL_NODES, ALL_NODES_MAC = "ff02::1", b"\x33\x33\x00\x00\x00\x01"


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: str, destination: str, port: int, text: str) -> bytes:
    """An IPv4 packet; without a checksum of UDP, which is allowed."""
    body = struct.pack("!HHHH", 4000, port, 8 + len(text), 0) + text.encode()
    parts = (0x45, 0, 20 + len(body), 0, 0, 64, socket.IPPROTO_UDP)
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    without = struct.pack("!BBHHHBBH", *parts, 0) + ends
    return struct.pack("!BBHHHBBH", *parts, checksum(without)) + ends + body


def link_local(mac: bytes) -> bytes:
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def router_advertisement(mac: bytes) -> bytes:
    """A router for half an hour, at the sender's own link-local address (RFC 4861)."""
    source, destination = link_local(mac), socket.inet_pton(socket.AF_INET6, ALL_NODES)
    fields = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    length = 4 + len(fields)
    pseudo = source + destination + struct.pack("!II", length, socket.IPPROTO_ICMPV6)
    sum_ = checksum(pseudo + struct.pack("!BBH", 134, 0, 0) + fields)
    message = struct.pack("!BBH", 134, 0, sum_) + fields
    return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_ICMPV6, 255) + source + destination + message


def main() -> None:
    what, *rest = json.loads(sys.argv[1])
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0))
        mine = wire.getsockname()[4]
        if what == "router":
            wire.send(ALL_NODES_MAC + mine + struct.pack("!H", ETH_P_IPV6) + router_advertisement(mine))
            return
        if what == "frames":
            for frame in rest[0]:
                wire.send(bytes.fromhex(frame))
                # One after the other, whichever processor takes them.
                time.sleep(0.002)
            return
        mac, port, frames = rest
        for source, destination, text in frames:
            packet = udp(source, destination, port, text)
            wire.send(bytes.fromhex(mac.replace(":", "")) + mine + struct.pack("!H", ETH_P_IP) + packet)


if __name__ == "__main__":
    main()
