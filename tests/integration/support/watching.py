# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets that are sent while a run is at work, after each of its stages, and what of them arrives."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.module_utils._core.model import Step

from tests.integration.support.kernel import inside
from tests.integration.support.traffic import UDP, open_socket

_AT_ONCE, _AT_LAST = 0.01, 0.5
_IP = 0x0800


class Probes:
    """Senders and receivers by UDP; both stay in the namespaces that they were opened in."""

    def __init__(self) -> None:
        self.arrived: set[str] = set()
        self._senders: list[Callable[[], object]] = []
        self._sinks: list[socket.socket] = []

    def sink(self, netns: str, address: str, port: int) -> None:
        """Remembers the text of all that arrives there."""
        opened = open_socket(netns, socket.AF_INET, UDP)
        opened.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND: the address may come later
        opened.bind((address, port))
        opened.setblocking(False)
        self._sinks.append(opened)

    def datagram(self, netns: str, address: str, port: int, text: str) -> None:
        """Sent by the system, from another port each time: the kernel remembers what became of a flow."""

        def send() -> None:
            with open_socket(netns, socket.AF_INET, UDP) as opened:
                opened.sendto(text.encode(), (address, port))

        self._senders.append(send)

    def frame(self, netns: str, device: str, made: Callable[[], bytes]) -> None:
        """Sent as it is, where the device is there and up."""
        opened = inside(netns, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        self._senders.append(lambda: opened.sendto(made(), (device, 0)))

    def send(self, wait: float = _AT_ONCE) -> None:
        for sender in self._senders:
            with suppress(OSError):
                sender()
        time.sleep(wait)
        for sink in self._sinks:
            with suppress(BlockingIOError):
                while True:
                    self.arrived.add(sink.recv(100).decode())

    def settled(self) -> set[str]:
        """What has arrived since the last time, with what is still on the way."""
        self.send(_AT_LAST)
        found, self.arrived = self.arrived, set()
        return found


def watched(probes: Probes, late: str = "") -> type[KernelWorld]:
    """A kernel that is probed whenever it has carried out what travels together.

    Args:
        late: a kind (the beginning of its name) whose steps come last, as if nobody had cared about the order.
    """

    class Watched(KernelWorld):
        def execute(self, steps: Sequence[Step]) -> Iterator[int]:
            ordered = sorted(steps, key=lambda step: bool(late) and step.key.kind.startswith(late))
            for done in super().execute(ordered):
                probes.send()
                yield done

    return Watched


def mac(netns: str, device: str) -> str:
    """The address of a link as the kernel says it; nobody's if there is none."""

    def read() -> str:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as opened:
            try:
                opened.bind((device, 0))
            except OSError:
                return "02:00:00:00:00:00"
            found: bytes = opened.getsockname()[4]
            return found.hex(":")

    said: str = inside(netns, read)
    return said


def udp_frame(source_mac: str, destination_mac: str, source: str, destination: str, port: int, data: bytes) -> bytes:
    """Ethernet, IPv4 and UDP, the latter without a checksum."""
    body = struct.pack("!HHHH", 4000, port, 8 + len(data), 0) + data
    ends = socket.inet_aton(source) + socket.inet_aton(destination)
    parts = (0x45, 0, 20 + len(body), 0, 0, 64, socket.IPPROTO_UDP)
    total = sum(struct.unpack("!10H", struct.pack("!BBHHHBBH", *parts, 0) + ends))
    total = (total & 0xFFFF) + (total >> 16)
    head = struct.pack("!BBHHHBBH", *parts, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF)
    macs = bytes.fromhex((destination_mac + source_mac).replace(":", ""))
    return macs + struct.pack("!H", _IP) + head + ends + body


def vxlan_data(vni: int, frame: bytes) -> bytes:
    return struct.pack("!II", 0x08000000, vni << 8) + frame
