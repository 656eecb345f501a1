# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of connection tracking (ctnetlink), as far as they hold clients to a server that is no more.

Numbers are those of linux/netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import NamedTuple

from . import wire
from .netlink import Socket

NETLINK_NETFILTER = 12

_GET, _DELETE = 0x101, 0x102  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_*
_ORIGINAL, _REPLY, _ZONE = 1, 2, 18
_IP, _PROTOCOL = 1, 2


class Flow(NamedTuple):
    """Who asked for `asked`, and is answered by `server`: (address, port) each."""

    protocol: int
    asked: tuple[str, int]
    server: tuple[str, int]


def purge(socket: Socket, flows: Collection[Flow]) -> int:
    """Forgets all entries of these flows, whoever asked; an address of '' and a port of 0 stand for any.

    Returns how many there were.

    Raises:
        KernelError: the kernel has no ctnetlink, or does not let this process look.
    """
    wanted: dict[tuple[int, tuple[str, int]], list[tuple[str, int]]] = {}
    for flow in flows:
        wanted.setdefault((flow.protocol, flow.server), []).append(flow.asked)
    protocols = {flow.protocol for flow in flows}
    messages = []
    for family in {wire.AF_INET6 if ":" in flow.server[0] else wire.AF_INET for flow in flows}:
        for entry in socket.dump(wire.message(_GET, 0, _header(family))):
            found = wire.attributes(entry, 20)
            # A busy node has hundreds of thousands of them, most of another protocol.
            if _protocol_of(found[_ORIGINAL]) not in protocols:
                continue
            protocol, _source, asked = _tuple(found[_ORIGINAL])
            _protocol, server, _client = _tuple(found[_REPLY])
            known = [*wanted.get((protocol, server), ()), *wanted.get((protocol, (server[0], 0)), ())]
            if any(_covers(one, asked) for one in known):
                messages.append(_delete(family, found))
    socket.send(messages)
    return len(messages)


def _covers(wanted: tuple[str, int], asked: tuple[str, int]) -> bool:
    return wanted[0] in ("", asked[0]) and wanted[1] in (0, asked[1])


def _header(family: int) -> bytes:
    """struct nfgenmsg."""
    return struct.pack("=BBH", family, 0, 0)


def _delete(family: int, entry: dict[int, bytes]) -> bytes:
    attributes = [wire.attribute(_ORIGINAL | wire.NESTED, entry[_ORIGINAL])]
    if _ZONE in entry:
        attributes.append(wire.attribute(_ZONE, entry[_ZONE]))
    return wire.message(_DELETE, 0, _header(family), *attributes)


def _protocol_of(payload: bytes) -> int:
    ports = wire.attributes(payload, 0)[_PROTOCOL]
    return wire.to_number(wire.attributes(ports[:8], 0).get(1, b""))


def _tuple(payload: bytes) -> tuple[int, tuple[str, int], tuple[str, int]]:
    """Protocol, source and destination; ports are 0 for protocols that have none."""
    found = wire.attributes(payload, 0)
    addresses, ports = wire.attributes(found[_IP], 0), wire.attributes(found[_PROTOCOL], 0)
    source, destination = (addresses.get(kind) or addresses[kind + 2] for kind in (1, 2))
    return (
        wire.to_number(ports.get(1, b"")),
        (wire.to_ip(source), int.from_bytes(ports.get(2, b""), "big")),
        (wire.to_ip(destination), int.from_bytes(ports.get(3, b""), "big")),
    )
