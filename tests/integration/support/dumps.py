# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that rtnetlink(7) says about this network namespace, attribute by attribute, and by number, so that nothing of
it needs to be known here but what moves by itself. A hundred times quicker than to start ip(8), which matters where
the kernel is emulated; shares no code with the collection's own readers.

The numbers are those of linux/if_link.h, if_addr.h, neighbour.h, rtnetlink.h and fib_rules.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Set
from typing import Any

_BRIDGE = getattr(socket, "AF_BRIDGE", 7)
_REQUEST_DUMP, _INTERRUPTED, _ERROR, _DONE = 0x301, 0x10, 2, 3
_HEADER = struct.Struct("=IHHII")
_SIZES = {"link": 16, "address": 8, "route": 12, "neighbor": 12, "rule": 12, "fdb": 12, "vlan": 16}

#: Part → (type of the request, what follows its header), each asked for in turn.
_QUESTIONS: tuple[tuple[str, int, bytes], ...] = (
    ("link", 18, struct.pack("=BxHiII", 0, 0, 0, 0, 0)),
    ("address", 22, struct.pack("=BBBBI", 0, 0, 0, 0, 0)),
    ("route", 26, struct.pack("=BBBBBBBBI", socket.AF_INET, *[0] * 8)),
    ("route", 26, struct.pack("=BBBBBBBBI", socket.AF_INET6, *[0] * 8)),
    ("neighbor", 30, struct.pack("=BxxxiHBB", 0, 0, 0, 0, 0)),
    ("neighbor", 30, struct.pack("=BxxxiHBB", 0, 0, 0, 8, 0)),  # the proxies
    ("rule", 34, struct.pack("=12B", socket.AF_INET, *[0] * 11)),
    ("rule", 34, struct.pack("=12B", socket.AF_INET6, *[0] * 11)),
    ("fdb", 30, struct.pack("=BxHiII", _BRIDGE, 0, 0, 0, 0)),
    ("vlan", 18, struct.pack("=BxHiIIHHI", _BRIDGE, 0, 0, 0, 0, 8, 29, 2)),
)

_IFNAME, _LINK, _MASTER, _ALIAS, _LINKINFO, _AF_SPEC, _LINK_NETNS = 3, 5, 10, 20, 18, 26, 37
#: Queueing and traffic, carrier, what the driver allows, PROMISC and ALLMULTI counters.
_LINK_RESTLESS = {6, 7, 16, 23, 30, 33, 35, 41, 47, 48, 59, 61, _AF_SPEC}
#: The address that a link is born with (IFLA_PERM_ADDRESS): none that is made anew with the address that it had.
_PERMANENT = 54
_KIND, _DATA, _STATISTICS, _PORT_KIND, _PORT_DATA = 1, 2, 3, 4, 5
#: A bridge's root, its timers, the topology change, another querier, how much it learned.
_BRIDGE_RESTLESS = {10, 11, 12, 14, 16, 17, 18, 19, 47, 48}
#: A port's state, its root and bridge, its timers, how many hosts and groups it has heard of.
_PORT_RESTLESS = {1, 13, 14, 21, 22, 23, 38, 41}
#: What a port that is made anew has another of: its number, its identifier.
_PORT_NUMBERS = {15, 17, 18}
#: Kind → which of its data is the number of a link.
_DATA_LINKS = {
    "vxlan": {3},
    "bond": {2, 11},
    **{kind: {1} for kind in ("gre", "gretap", "ipip", "sit", "ip6gre", "ip6tnl")},
}
#: UP, BROADCAST, LOOPBACK, POINTOPOINT, NOARP, MASTER, SLAVE, MULTICAST.
_FLAGS = 0x1C9B
#: Not OPTIMISTIC, DADFAILED, TENTATIVE.
_ADDRESS_FLAGS = ~(0x04 | 0x08 | 0x40)
_ONLINK, _CLONED = 0x04, 0x200
_NOARP, _PERMANENT, _PROXY = 0x40, 0x80, 0x08

Attributes = dict[int, bytes]


def dumps(*, numbers: bool) -> dict[str, list[Any]]:
    """What is there, by part (`link`, `address`, …), without what moves by itself.

    Args:
        numbers: with the indexes of links and the like, which what is made anew cannot get back; without them,
            names of links stand for the indexes, and the order does not count.
    """
    found: dict[str, list[Any]] = {part: [] for part, _type, _body in _QUESTIONS}
    names: dict[int, str] = {}
    for part, kind, body in _QUESTIONS:
        for message in _dump(kind, body):
            header = message[: _SIZES[part]]
            attributes = _attributes(message[_SIZES[part] :])
            if part == "link":
                names[struct.unpack_from("=4xi", header)[0]] = _text(attributes[_IFNAME])
            found[part].append((header, attributes))
    settled = {
        part: [entry for parts in messages if (entry := _SETTLE[part](*parts, None if numbers else names)) is not None]
        for part, messages in found.items()
    }
    return settled if numbers else {part: sorted(entries, key=repr) for part, entries in settled.items()}


def _dump(kind: int, body: bytes) -> list[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        while True:
            netlink.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 1, 0) + body)
            messages, whole = [], True
            for flags, message in _answers(netlink):
                messages.append(message)
                whole = whole and not flags & _INTERRUPTED
            if whole:
                return messages


def _answers(netlink: socket.socket) -> Iterator[tuple[int, bytes]]:
    while True:
        data = netlink.recv(1 << 17)
        at = 0
        while at < len(data):
            length, kind, flags, _sequence, _port = _HEADER.unpack_from(data, at)
            message = data[at + _HEADER.size : at + length]
            if kind in (_ERROR, _DONE):
                code = -int.from_bytes(message[:4], sys.byteorder, signed=True)
                if code not in (0, errno.EOPNOTSUPP):  # a kernel without it has nothing of it
                    raise OSError(code, os.strerror(code))
                return
            yield flags, message
            at += length + 3 & ~3


def _attributes(data: bytes) -> Attributes:
    found: Attributes = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        # One of a kind, as a rule; what is repeated (VLANs of a port) counts in its order.
        found[kind & 0x3FFF] = found.get(kind & 0x3FFF, b"") + data[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")


def _number(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


def _shown(attributes: Attributes, without: Set[int] = frozenset()) -> dict[str, str]:
    return {f"attribute {kind}": data.hex() for kind, data in attributes.items() if kind not in without}


def _link_of(index: int, names: dict[int, str] | None) -> int | str:
    return index if names is None else names.get(index, "none")


def _linked(shown: dict[str, Any], which: Set[int], names: dict[int, str] | None) -> dict[str, Any]:
    """The same, with names for the numbers of links, if there are names to be had."""
    if names is not None:
        for name in (f"attribute {kind}" for kind in which):
            if name in shown:
                shown[name] = names.get(_number(bytes.fromhex(shown[name])), "none")
    return shown


def _link(header: bytes, attributes: Attributes, names: dict[int, str] | None) -> dict[str, Any]:
    kind_of_device, index, flags = struct.unpack_from("=xxHiI", header)
    settled: dict[str, Any] = {"name": _text(attributes[_IFNAME]), "type": kind_of_device, "flags": flags & _FLAGS}
    restless = _LINK_RESTLESS | {_IFNAME, _ALIAS, _LINKINFO} | ({_PERMANENT} if names is not None else set())
    if names is None:
        settled["index"] = index
    elif _LINK_NETNS in attributes:
        restless |= {_LINK, _LINK_NETNS}  # a number in another namespace
    settled.update(_linked(_shown(attributes, restless), {_LINK, _MASTER}, names))
    settled["alias"] = _text(attributes.get(_ALIAS, b""))
    settled["inet6"] = _inet6(attributes.get(_AF_SPEC, b""))
    info = _attributes(attributes.get(_LINKINFO, b""))
    kind, port = _text(info.get(_KIND, b"")), _text(info.get(_PORT_KIND, b""))
    restless = _BRIDGE_RESTLESS if kind == "bridge" else set()
    settled[f"kind {kind}"] = _linked(
        _shown(_attributes(info.get(_DATA, b"")), restless), _DATA_LINKS.get(kind, set()), names
    )
    restless = _PORT_RESTLESS | (_PORT_NUMBERS if names is not None else set()) if port == "bridge" else set()
    settled[f"port of {port}"] = _shown(_attributes(info.get(_PORT_DATA, b"")), restless)
    return settled


def _inet6(data: bytes) -> dict[str, str]:
    """How the link gets its addresses: the token, and the way of making them."""
    inet6 = _attributes(_attributes(data).get(socket.AF_INET6, b""))
    return {f"attribute {kind}": inet6[kind].hex() for kind in (7, 8) if kind in inet6}


def _address(header: bytes, attributes: Attributes, names: dict[int, str] | None) -> dict[str, Any] | None:
    family, length, _flags, scope, index = struct.unpack("=BBBBI", header)
    local = attributes.get(2, attributes.get(1, b""))
    if local[:2] == b"\xfe\x80" and family == socket.AF_INET6:
        return None
    settled = {"family": family, "length": length, "scope": scope, "link": _link_of(index, names)}
    settled["flags"] = _number(attributes.get(8, header[2:3])) & _ADDRESS_FLAGS
    # Its label is the link's old name after a renaming.
    return {**settled, **_shown(attributes, {6, 8} if names is None else {3, 6, 8})}


def _route(header: bytes, attributes: Attributes, names: dict[int, str] | None) -> dict[str, Any] | None:
    family, _length, _source, _tos, _table, _protocol, _scope, kind, flags = struct.unpack("=BBBBBBBBI", header)
    local, anycast, multicast = 2, 4, 5
    v6 = family == socket.AF_INET6
    if flags & _CLONED or kind in (anycast, multicast) or (v6 and kind == local):
        return None
    if v6 and attributes.get(1, b"")[:2] in (b"\xfe\x80", b"\xff\x00"):
        return None
    settled: dict[str, Any] = {"header": header[:8].hex(), "onlink": bool(flags & _ONLINK)}
    settled.update(_linked(_shown(attributes, {9, 12}), {3, 4}, names))
    settled["hops"] = list(_hops(attributes.get(9, b""), names))
    return settled


def _hops(data: bytes, names: dict[int, str] | None) -> Iterator[dict[str, Any]]:
    while data:
        length, flags, weight, index = struct.unpack_from("=HBBi", data)
        shown = _shown(_attributes(data[8:length]))
        yield {"onlink": bool(flags & _ONLINK), "weight": weight, "link": _link_of(index, names), **shown}
        data = data[length + 3 & ~3 :]


def _neighbor(header: bytes, attributes: Attributes, names: dict[int, str] | None) -> dict[str, Any] | None:
    family, index, state, flags, kind = struct.unpack("=BxxxiHBB", header)
    if not (flags & _PROXY or state & _PERMANENT):
        return None
    settled = {"family": family, "link": _link_of(index, names), "state": state, "flags": flags, "type": kind}
    return {**settled, **_shown(attributes, {3, 4})}


def _fdb(header: bytes, attributes: Attributes, names: dict[int, str] | None) -> dict[str, Any] | None:
    _family, index, state, flags, _kind = struct.unpack("=BxxxiHBB", header)
    mac = attributes.get(2, b"")
    if mac[:2] == b"\x33\x33" or mac[:3] == b"\x01\x00\x5e" or not state & (_PERMANENT | _NOARP):
        return None
    settled = {"link": _link_of(index, names), "permanent": bool(state & _PERMANENT), "flags": flags}
    return {**settled, **_linked(_shown(attributes, {3, 4}), {8, 9}, names)}


def _rule(header: bytes, attributes: Attributes, _names: dict[int, str] | None) -> dict[str, Any]:
    return {"header": header.hex(), **_shown(attributes)}


def _vlan(_header: bytes, attributes: Attributes, _names: dict[int, str] | None) -> dict[str, Any] | None:
    if _AF_SPEC not in attributes:
        return None
    return {"link": _text(attributes[_IFNAME]), "vlans": attributes[_AF_SPEC].hex()}


_SETTLE: dict[str, Callable[[bytes, Attributes, dict[int, str] | None], dict[str, Any] | None]] = {
    "link": _link,
    "address": _address,
    "route": _route,
    "neighbor": _neighbor,
    "rule": _rule,
    "fdb": _fdb,
    "vlan": _vlan,
}
