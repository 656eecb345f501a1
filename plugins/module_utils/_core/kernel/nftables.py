# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few requests to nf_tables that iptables itself has no words for.

Numbers are those of linux/netfilter/nfnetlink.h and nf_tables.h.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import KernelError, MissingError
from . import netlink, netns

NETLINK_NETFILTER = 12
AF = {"ipv4": 2, "ipv6": 10}
_NFTABLES = 10
_DELTABLE, _GETCHAIN, _DELCHAIN, _GETGEN = 2, 4, 5, 16
_BATCH_BEGIN, _BATCH_END = 16, 17
_REQUEST, _ACK, _NONREC = 0x1, 0x4, 0x100
_TABLE_NAME, _CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_USE = 1, 1, 3, 4, 5, 6
_GEN_ID, _BATCH_GENID = 1, 1
_ACCEPT = b"\0\0\0\1"


@dataclass(frozen=True)
class NftChain:
    """A chain of nf_tables; `idle`: it is built in, holds no rule, and accepts all."""

    table: str
    name: str
    idle: bool


def message(
    subsystem: int, command: int, family: int, attributes: bytes = b"", flags: int = 0, number: int = 0
) -> bytes:
    """A request to a part of netfilter (struct nfgenmsg)."""
    body = struct.pack("=BBH", family, 0, socket.htons(number)) + attributes
    return struct.pack("=IHHII", 16 + len(body), subsystem << 8 | command, flags, 0, 0) + body


def attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def text(number: int, value: str) -> bytes:
    return attribute(number, value.encode("utf-8", "surrogateescape") + b"\0")


def attributes(reply: bytes) -> dict[int, bytes]:
    """The attributes after struct nfgenmsg."""
    found, at = {}, 20
    while at + 4 <= len(reply):
        length, number = struct.unpack_from("=HH", reply, at)
        if length < 4:
            break
        found[number & 0x3FFF] = reply[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def chains(fd: int | None, family: str) -> list[NftChain]:
    """All chains of a family; none where the kernel has no nf_tables."""
    try:
        with netlink.Socket(NETLINK_NETFILTER, fd) as asked:
            return list(_chains(asked, family))
    except (KernelError, MissingError):
        return []


def _chains(asked: netlink.Socket, family: str) -> Iterator[NftChain]:
    for reply in asked.dump(message(_NFTABLES, _GETCHAIN, AF[family])):
        found = attributes(reply)
        idle = _CHAIN_HOOK in found and found.get(_CHAIN_POLICY) == _ACCEPT and not any(found.get(_CHAIN_USE, b""))
        yield NftChain(_string(found[_CHAIN_TABLE]), _string(found[_CHAIN_NAME]), idle)


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")


def remove_empty(fd: int | None, family: str, tables: set[str]) -> None:
    """Removes those of the tables that hold only idle chains, if any."""
    for table in sorted(tables):
        try:
            with netlink.Socket(NETLINK_NETFILTER, fd) as asked:
                generation = attributes(asked.query(message(_NFTABLES, _GETGEN, 0))[0])[_GEN_ID]
                found = [chain for chain in _chains(asked, family) if chain.table == table]
        except (KernelError, MissingError):
            return
        if all(chain.idle for chain in found):
            _remove(fd, family, table, [chain.name for chain in found], generation)


def _remove(fd: int | None, family: str, table: str, names: list[str], generation: bytes) -> None:
    """One transaction. It fails, and nothing is lost, if anything was changed meanwhile or anything would go along."""
    named = text(_CHAIN_TABLE, table)
    requests = [message(_NFTABLES, _DELCHAIN, AF[family], named + text(_CHAIN_NAME, name), _NONREC) for name in names]
    requests.append(message(_NFTABLES, _DELTABLE, AF[family], text(_TABLE_NAME, table), _NONREC))
    _batch(fd, requests, generation)


def _batch(fd: int | None, requests: list[bytes], generation: bytes) -> None:
    """Only the requests are acknowledged: whether the batch's ends are differs from kernel to kernel."""
    begin = message(0, _BATCH_BEGIN, 0, attribute(_BATCH_GENID, generation), number=_NFTABLES)
    end = message(0, _BATCH_END, 0, number=_NFTABLES)
    data = b""
    for number, request in enumerate([begin, *requests, end], 1):
        length, kind, flags = struct.unpack_from("=IHH", request)
        ack = 0 if request in (begin, end) else _ACK
        data += struct.pack("=IHHII", length, kind, flags | _REQUEST | ack, number, 0) + request[16:]
    try:
        opened = netns.open_sockets([fd], NETLINK_NETFILTER)[0] if fd is not None else _own_socket()
    except (KernelError, MissingError, OSError):
        return
    with opened, contextlib.suppress(OSError):
        opened.bind((0, 0))
        opened.sendto(data, (0, 0))


def _own_socket() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
