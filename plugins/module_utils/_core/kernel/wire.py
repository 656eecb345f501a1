# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of netlink: headers, attributes, addresses. Numbers are those of linux/{netlink,rtnetlink}.h."""

from __future__ import annotations

import socket
import struct
import sys

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


def attributes(data: bytes, at: int) -> dict[int, bytes]:
    """All attributes from an offset to the end, by type without the nested flag; the last of a type wins."""
    found: dict[int, bytes] = {}
    unpack, end = _attribute_header.unpack_from, len(data) - 3
    while at < end:
        length, kind = unpack(data, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def to_text(payload: bytes) -> str:
    return payload.rstrip(b"\0").decode("utf-8", "surrogateescape")


def to_number(payload: bytes) -> int:
    """An unsigned number in host byte order, of whatever width."""
    return int.from_bytes(payload, sys.byteorder)


def to_ip(payload: bytes) -> str:
    return socket.inet_ntop(AF_INET if len(payload) == 4 else AF_INET6, payload)
