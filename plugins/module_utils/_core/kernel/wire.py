# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of netlink: headers, attributes, addresses. Numbers are those of linux/{netlink,rtnetlink}.h."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import InputError

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH = 28, 29, 30
RTM_NEWNSID, RTM_GETNSID = 88, 90

REPLACE, EXCL, CREATE, APPEND = 0x100, 0x200, 0x400, 0x800
NESTED = 0x8000

AF_INET, AF_INET6, AF_BRIDGE = 2, 10, 7
IFF_UP = 0x1

link_header = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
address_header = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefixlen, flags, scope, index
# rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags
route_header = struct.Struct("=BBBBBBBBI")
neighbor_header = struct.Struct("=BxxxiHBB")  # ndmsg: family, ifindex, state, flags, type

_message_header = struct.Struct("=IHHII")
_attribute_header = struct.Struct("=HH")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def message(kind: int, flags: int, header: bytes, *attributes: bytes) -> bytes:
    """A complete nlmsg; sequence number and port are zero."""
    body = header + b"".join(attributes)
    return _message_header.pack(16 + len(body), kind, flags, 0, 0) + body


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    length = len(payload)
    return _attribute_header.pack(4 + length, kind) + payload + _PADDING[length & 3]


def u8(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=B", value))


def u16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=H", value))


def be16(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("!H", value))


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode("utf-8", "surrogateescape") + b"\0")


def mac_bytes(mac: str) -> bytes:
    """The six bytes of ``02:00:00:00:00:01``."""
    try:
        data = bytes.fromhex(mac.replace(":", ""))
    except ValueError:
        data = b""
    if len(data) != 6:
        raise InputError("mac", f"not a MAC address: {mac!r}")
    return data


def ip_bytes(address: str) -> tuple[int, bytes]:
    """Family and bytes of an address without a prefix."""
    family = AF_INET6 if ":" in address else AF_INET
    try:
        return family, socket.inet_pton(family, address)
    except (OSError, ValueError):
        raise InputError("address", f"not an IP address: {address!r}") from None


def cidr_bytes(cidr: str) -> tuple[int, bytes, int]:
    """Family, bytes and prefix length; an address without a length is a host's."""
    address, slash, length = cidr.partition("/")
    family, data = ip_bytes(address)
    most = len(data) * 8
    if not slash:
        return family, data, most
    if not (length.isascii() and length.isdigit() and int(length) <= most):
        raise InputError("address", f"not a prefix: {cidr!r}")
    return family, data, int(length)


class _Layout(NamedTuple):
    """Where the attributes of some messages are: all their headers at once, what these hold, and where the data is."""

    headers: struct.Struct
    expected: tuple[int, ...]
    slices: tuple[tuple[int, int, int], ...]


# Messages about like objects are laid out alike. Walking through the 40 attributes of a link takes Python 8 µs; seeing
# that they are where they were last time, less than 1.
_layouts: dict[tuple[int, int, frozenset[int]], list[_Layout]] = {}
_MOST_LAYOUTS = 512


def attributes(data: bytes, at: int, wanted: frozenset[int] = frozenset()) -> dict[int, bytes]:
    """Attributes from an offset to the end, by type without the nested flag; the last of a type wins.

    Args:
        wanted: types to look for; none for all.
    """
    place = len(data), at, wanted
    known = _layouts.get(place, ())
    for headers, expected, slices in known:
        if headers.unpack_from(data, at) == expected:
            return {kind: data[start:end] for kind, start, end in slices}
    found = tuple(walk(data, at))
    slices = tuple(part for part in found if not wanted or part[0] in wanted)
    if len(_layouts) < _MOST_LAYOUTS and len(known) < _MOST_LAYOUTS >> 4:
        layout = _layout(data, at, found, slices)
        if layout is not None:
            _layouts[place] = [*known, layout]
    return {kind: data[start:end] for kind, start, end in slices}


def walk(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Type without the nested flag, beginning and end of each attribute from an offset on."""
    unpack, end = _attribute_header.unpack_from, len(data) - 3
    while at < end:
        length, kind = unpack(data, at)
        if length < 4:
            break
        yield kind & 0x3FFF, at + 4, at + length
        at += length + 3 & ~3


def _layout(
    data: bytes, at: int, found: Sequence[tuple[int, int, int]], slices: tuple[tuple[int, int, int], ...]
) -> _Layout | None:
    """None if the attributes do not fill the message: what follows the last one counts too."""
    sizes = [end - start + 3 & ~3 for _kind, start, end in found]
    if not found or found[-1][1] + sizes[-1] < len(data):
        return None
    headers = struct.Struct("=" + "".join(f"HH{size}x" for size in sizes[:-1]) + "HH")
    return _Layout(headers, headers.unpack_from(data, at), slices)


def to_text(payload: bytes) -> str:
    return payload.rstrip(b"\0").decode("utf-8", "surrogateescape")


def to_number(payload: bytes) -> int:
    """An unsigned number in host byte order, of whatever width."""
    return int.from_bytes(payload, sys.byteorder)


def to_ip(payload: bytes) -> str:
    return socket.inet_ntop(AF_INET if len(payload) == 4 else AF_INET6, payload)
