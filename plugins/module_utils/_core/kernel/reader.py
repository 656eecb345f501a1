# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dumps of one namespace as rows."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from ..errors import KernelError
from . import packed
from .netlink import Socket

_FAMILIES = (packed.AF_INET, packed.AF_INET6)
_NOTHING = (errno.EAFNOSUPPORT, errno.EOPNOTSUPP, errno.ENOENT)


def links(socket: Socket) -> list[packed.LinkRow]:
    return [packed.parse_link(message) for message in socket.dump(packed.dump_links())]


def addresses(socket: Socket, family: int) -> list[packed.AddressRow]:
    """Of one family, or 0 for all."""
    return [packed.parse_address(message) for message in _dump(socket, packed.dump_addresses(family=family))]


def routes(socket: Socket, family: int, table: int) -> list[packed.RouteRow]:
    """Of one family, in one table or 0 for all."""
    return [packed.parse_route(message) for message in _dump(socket, packed.dump_routes(family, table))]


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


def netnsids(socket: Socket, fds: Sequence[int]) -> list[int | None]:
    """The numbers under which the socket's namespace knows other ones; None for each that it does not know."""
    replies = socket.ask([packed.get_netnsid(fd) for fd in fds])
    return [packed.parse_netnsid(reply) if reply is not None else None for reply in replies]


def _dump(socket: Socket, message: bytes) -> list[bytes]:
    """A dump that is empty where the kernel was started without IPv6, or has no such table yet."""
    try:
        return socket.dump(message)
    except KernelError as problem:
        if problem.errno in _NOTHING:
            return []
        raise
