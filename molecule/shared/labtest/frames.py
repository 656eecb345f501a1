# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames with any source, byte by byte, and who gets them. Each carries its name, by which it is known again."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .machine import Machine
from .send import checksum

IP, ARP, VLAN, IP6 = 0x0800, 0x0806, 0x8100, 0x86DD
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SEND = Path(__file__).with_name("send.py")
#: What makes a part of a frame, given the data that it carries.
Made = Callable[[bytes], bytes]
#: The name of the frame that ends a test.
LAST = "the last one"
_LISTEN = """
import re, socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((sys.argv[1], 3))
print("ready", flush=True)
while True:
    frame, place = wire.recvfrom(2000)
    # Not what this machine sends itself.
    for name in re.findall(rb"<<(.*?)>>", frame) if place[2] != socket.PACKET_OUTGOING else ():
        print(name.decode(), flush=True)
"""


def received(receiver: Machine, sender: Machine, frames: Mapping[str, Made], usual: Made) -> set[str]:
    """The names of the frames that the sender puts on its eth0 and that arrive at the receiver's.

    Args:
        usual: a frame that arrives whatever the rules; sent last, it tells that nothing more is on the way.
    """
    with listening(receiver) as arrived:
        put(sender, *(frame(name_of(name)) for name, frame in frames.items()), usual(name_of(LAST)))
        return arrived()


def name_of(name: str) -> bytes:
    """A name as a frame carries it."""
    return f"<<{name}>>".encode()


@contextlib.contextmanager
def listening(receiver: Machine) -> Iterator[Callable[[], set[str]]]:
    """What returns the names of all that has arrived at its eth0 before the last one."""
    listener = receiver.start("python3", "-u", "-c", _LISTEN, "eth0", stdout=subprocess.PIPE)
    assert listener.stdout is not None
    lines = listener.stdout
    # Who waits for a frame that does not come, is told so.
    patience = threading.Timer(20, listener.kill)

    def arrived() -> set[str]:
        found: set[str] = set()
        while LAST not in found:
            line = lines.readline().decode().strip()
            assert line, f"{receiver.name}: the last frame did not arrive, but {sorted(found)}"
            found.add(line)
        return found - {LAST}

    try:
        lines.readline()
        patience.start()
        yield arrived
    finally:
        patience.cancel()
        listener.kill()
        listener.wait()


def put(sender: Machine, *frames: bytes) -> None:
    """Puts frames on the sender's eth0."""
    said = json.dumps(["frames", [frame.hex() for frame in frames]])
    sender.sh(f"python3 {shlex.quote(str(_SEND))} {shlex.quote(said)}")


@contextlib.contextmanager
def unguarded(node: Machine, table: str = "bridge containerland", chain: str = "ports") -> Iterator[None]:
    """As if the source guard were not there."""
    node.sh(f"nft insert rule {table} {chain} accept comment off")
    try:
        yield
    finally:
        handle = f"nft --handle list chain {table} {chain} | sed -n 's/.*accept comment \"off\" # handle //p'"
        node.sh(f"nft delete rule {table} {chain} handle $({handle})")


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def address(text: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ethernet(source: str, destination: str, protocol: int, carried: Made) -> Made:
    return lambda data: mac(destination) + mac(source) + struct.pack("!H", protocol) + carried(data)


def priority(carried: Made, protocol: int) -> Made:
    """What follows the protocol VLAN: a tag of VLAN 0, which receivers take for none (802.1p)."""
    return lambda data: struct.pack("!HH", 0, protocol) + carried(data)


def plain(data: bytes) -> bytes:
    """Of a protocol that nobody knows."""
    return data + bytes(46)


def arp(mac_: str, address_: str, asks: str = "") -> Made:
    """A request for an address, or, without one, an answer to everybody."""
    kind = struct.pack("!HHBBH", 1, IP, 6, 4, 1 if asks else 2)
    return lambda data: kind + mac(mac_) + address(address_) + bytes(6) + address(asks or address_) + data


def udp(source: str, destination: str, port: int = 7999) -> Made:
    """A packet of either IP version; by IPv4 without a checksum of UDP, which is allowed."""

    def made(data: bytes) -> bytes:
        body = struct.pack("!HHHH", 4000, port, 8 + len(data), 0) + data
        if ":" in source:
            return _ipv6(source, destination, socket.IPPROTO_UDP, 64, body, 6)
        return ipv4(source, destination, body)

    return made


def ipv4(source: str, destination: str, body: bytes, fragment: int = 0) -> bytes:
    """A packet with UDP; `fragment`: the field of flags and offset."""
    parts = (0x45, 0, 20 + len(body), 77, fragment, 64, socket.IPPROTO_UDP)
    ends = address(source) + address(destination)
    head = struct.pack("!BBHHHBBH", *parts, checksum(struct.pack("!BBHHHBBH", *parts, 0) + ends))
    return head + ends + body


def advertisement(source: str, target: str) -> Made:
    """To all nodes: whoever sends this has the target (RFC 4861)."""
    return _neighbor(_ADVERTISEMENT, source, target)


def solicitation(source: str, target: str) -> Made:
    """To all nodes: who has the target?"""
    return _neighbor(_SOLICITATION, source, target)


def vxlan(vni: int, frame: bytes) -> bytes:
    """What a UDP packet carries (RFC 7348)."""
    return struct.pack("!II", 0x08000000, vni << 8) + frame


def _neighbor(kind: int, source: str, target: str) -> Made:
    def made(data: bytes) -> bytes:
        option = data + bytes(-(len(data) + 2) % 8)
        # Of a type that is for experiments (RFC 4727).
        option = bytes([253, (len(option) + 2) // 8]) + option
        flags = 0x20000000 if kind == _ADVERTISEMENT else 0
        message = struct.pack("!BBHI", kind, 0, 0, flags) + address(target) + option
        return _ipv6(source, "ff02::1", socket.IPPROTO_ICMPV6, 255, message, 2)

    return made


def _ipv6(source: str, destination: str, protocol: int, hops: int, body: bytes, sum_at: int) -> bytes:
    ends = address(source) + address(destination)
    sum_ = checksum(ends + struct.pack("!II", len(body), protocol) + body)
    body = body[:sum_at] + struct.pack("!H", sum_) + body[sum_at + 2 :]
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, hops) + ends + body
