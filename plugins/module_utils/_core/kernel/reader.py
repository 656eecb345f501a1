# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dumps of one namespace as rows."""

from __future__ import annotations

from typing import Any

from ..errors import KernelError
from . import packed
from .netlink import Socket

_FAMILIES = (packed.AF_INET, packed.AF_INET6)
_EAFNOSUPPORT, _EOPNOTSUPP = 97, 95
_ANY_TABLE = 0


def links(socket: Socket) -> list[packed.LinkRow]:
    return [packed.parse_link(message) for message in socket.dump(packed.dump_links())]


def addresses(socket: Socket) -> list[packed.AddressRow]:
    return [packed.parse_address(message) for message in socket.dump(packed.dump_addresses())]


def routes(socket: Socket) -> list[packed.RouteRow]:
    rows: list[packed.RouteRow] = []
    for family in _FAMILIES:
        rows += [packed.parse_route(message) for message in _dump(socket, packed.dump_routes(family, _ANY_TABLE))]
    return rows


def neighbors(socket: Socket) -> list[packed.NeighborRow]:
    messages = socket.dump(packed.dump_neighbors()) + socket.dump(packed.dump_neighbors(proxy=True))
    rows = [packed.parse_neighbor(message) for message in messages]
    return [row for row in rows if row.family in _FAMILIES]


def fdb(socket: Socket) -> list[packed.FdbRow]:
    return [packed.parse_fdb(message) for message in socket.dump(packed.dump_fdb())]


def vlans(socket: Socket) -> dict[int, tuple[tuple[int, bool, bool], ...]]:
    """Index of a port → sorted (vid, pvid, untagged)."""
    from . import messages

    dump = packed.dump_links(packed.RTEXT_FILTER_BRVLAN | packed.RTEXT_FILTER_SKIP_STATS, packed.AF_BRIDGE)
    found = {}
    for message in socket.dump(dump):
        row = packed.parse_link(message)
        found[row.index] = tuple(sorted(tuple(vlan) for vlan in messages.decode_vlans(message)))
    return found  # type: ignore[return-value]


def rules(socket: Socket) -> list[Any]:
    """kernel.rules.RuleSpec of both IP versions."""
    from . import rules as codec

    return [codec.decode_rule(message) for family in _FAMILIES for message in _dump(socket, codec.dump_rules(family))]


def netnsid(socket: Socket, fd: int) -> int | None:
    """The number under which the socket's namespace knows another one; None if it does not."""
    replies = socket.query(packed.get_netnsid(fd))
    return packed.parse_netnsid(replies[0]) if replies else None


def _dump(socket: Socket, message: bytes) -> list[bytes]:
    """A dump that is empty where the kernel was started without IPv6."""
    try:
        return socket.dump(message)
    except KernelError as problem:
        if problem.errno in (_EAFNOSUPPORT, _EOPNOTSUPP):
            return []
        raise
