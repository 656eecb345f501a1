# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which netlink messages change something, and what each is called.

Numbers are those of linux/rtnetlink.h, ip_vs.h, wireguard.h, netfilter/nfnetlink*.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct("=IHHII")
NOOP, ERROR = 1, 2
_REQUEST, _ACK = 0x1, 0x4
_ROUTE, _NETFILTER, _GENERIC = 0, 12, 16
_CONTROLLER, _BATCH_BEGIN, _BATCH_END = 16, 16, 17
_BRIDGE = getattr(socket, "AF_BRIDGE", 7)

_RTNETLINK = {
    16: "RTM_NEWLINK",
    17: "RTM_DELLINK",
    19: "RTM_SETLINK",
    20: "RTM_NEWADDR",
    21: "RTM_DELADDR",
    24: "RTM_NEWROUTE",
    25: "RTM_DELROUTE",
    28: "RTM_NEWNEIGH",
    29: "RTM_DELNEIGH",
    32: "RTM_NEWRULE",
    33: "RTM_DELRULE",
}
# Generic netlink: family → command → its name; '' for one that only reads.
_GENERIC_COMMANDS: dict[str, dict[int, str]] = {
    "IPVS": {
        1: "IPVS_NEW_SERVICE",
        2: "IPVS_SET_SERVICE",
        3: "IPVS_DEL_SERVICE",
        5: "IPVS_NEW_DEST",
        6: "IPVS_SET_DEST",
        7: "IPVS_DEL_DEST",
        **dict.fromkeys((4, 8, 11, 13, 15), ""),
    },
    "wireguard": {0: "", 1: "WG_SET_DEVICE"},
}
# Netfilter: (subsystem, message) → its name; '' for one that only reads.
_NETFILTER_MESSAGES = {
    (1, 1): "",
    (1, 2): "CT_DELETE",
    (6, 2): "IPSET_CREATE",
    (7, 0): "NFACCT_NEW",
    (8, 0): "CTTIMEOUT_NEW",
    (8, 1): "",
    **dict.fromkeys(((10, command) for command in (1, 4, 7, 10, 13, 16)), ""),
}


@dataclass(frozen=True)
class Message:
    """One request of a datagram.

    Attributes:
        data: all of it, with the padding that follows.
        label: what it is called; '' if it changes nothing.
    """

    data: bytes
    sequence: int
    label: str

    @property
    def deletes(self) -> bool:
        return "DEL" in self.label

    @property
    def transaction(self) -> bool:
        return self.label == "NFT_BATCH"

    def defused(self) -> bytes:
        """The same, as a message that the kernel acknowledges and ignores (netlink_rcv_skb)."""
        length, _kind, _flags, sequence, port = HEADER.unpack_from(self.data)
        return HEADER.pack(length, NOOP, _REQUEST | _ACK, sequence, port) + self.data[HEADER.size :]


def messages(protocol: int, data: bytes, families: dict[int, str]) -> Iterator[Message]:
    """The requests of a datagram; a transaction of nf_tables, which is all or nothing, is one. Without its end, it is
    tried and not kept.

    Args:
        families: the numbers of generic netlink's families.
    """
    if protocol == _NETFILTER and HEADER.unpack_from(data)[1] == _BATCH_BEGIN:
        yield Message(data, 0, "NFT_BATCH" if _BATCH_END in _types(data) else "")
        return
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _flags, sequence, _port = HEADER.unpack_from(data, at)
        whole = data[at : at + (length + 3 & ~3)]
        yield Message(whole, sequence, _label(protocol, kind, whole, families))
        at += length + 3 & ~3


def _types(data: bytes) -> Iterator[int]:
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _flags, _sequence, _port = HEADER.unpack_from(data, at)
        yield kind
        at += length + 3 & ~3


def _label(protocol: int, kind: int, message: bytes, families: dict[int, str]) -> str:
    first = message[HEADER.size]
    if protocol == _ROUTE:
        if kind % 4 == 2:  # RTM_GET…
            return ""
        return _RTNETLINK.get(kind, f"RTM {kind}") + (" (bridge)" if first == _BRIDGE and kind < 20 else "")
    if protocol == _GENERIC and kind == _CONTROLLER:
        return ""
    if protocol == _GENERIC:
        family = families.get(kind, str(kind))
        return _GENERIC_COMMANDS.get(family, {}).get(first, f"{family} command {first}")
    if protocol == _NETFILTER:
        return _NETFILTER_MESSAGES.get((kind >> 8, kind & 0xFF), f"netfilter {kind >> 8} {kind & 0xFF}")
    return f"netlink protocol {protocol} message {kind}"


def family_in(reply: bytes) -> tuple[int, str] | None:
    """Number and name of the family that the controller tells of."""
    if HEADER.unpack_from(reply)[1] != _CONTROLLER:
        return None
    found: dict[int, bytes] = {}
    at = HEADER.size + 4
    while at + 4 <= len(reply):
        length, kind = struct.unpack_from("=HH", reply, at)
        if length < 4:
            break
        found[kind] = reply[at + 4 : at + length]
        at += length + 3 & ~3
    if 1 not in found or 2 not in found:
        return None
    return struct.unpack_from("=H", found[1])[0], found[2].rstrip(b"\0").decode()


_GENERIC_NAMES = (name for commands in _GENERIC_COMMANDS.values() for name in commands.values())
#: All names.
LABELS = frozenset({*_RTNETLINK.values(), *_GENERIC_NAMES, *_NETFILTER_MESSAGES.values(), "NFT_BATCH"} - {""})
