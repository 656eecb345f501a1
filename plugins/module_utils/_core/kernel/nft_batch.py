# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions of nf_tables (nfnetlink_rcv_batch): requests between a beginning and an end, in one datagram."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ..errors import KernelError
from . import netns
from .nftables import NETLINK_NETFILTER, message

_NFTABLES = 10
_BATCH_BEGIN, _BATCH_END = 16, 17
_REQUEST, _ACK, _ERROR = 0x1, 0x4, 2
_HEADER = 20
# A transaction must fit the socket's send buffer, which only root can enlarge.
_BATCH_BYTES = 100 * 1024
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_RECEIVE_SECONDS = 10


def carry_out(fd: int | None, first: Sequence[bytes], more: Iterable[bytes]) -> None:
    """Sends requests in as few transactions as hold them; the first ones are not divided.

    Raises:
        KernelError: one was refused, and all of its transaction; earlier transactions stand.
    """
    part, size = list(first), sum(map(len, first))
    for request in more:
        if part and size + len(request) > _BATCH_BYTES:
            transact(fd, part)
            part, size = [], 0
        part.append(request)
        size += len(request)
    if part:
        transact(fd, part)


def transact(fd: int | None, requests: Sequence[bytes], end: bool = True) -> None:
    """One transaction, all or nothing.

    Args:
        end: False for a rehearsal: without an end, the kernel tries all and keeps nothing.

    Raises:
        KernelError: the kernel refused.
    """
    # Only the last request is acknowledged, but errors are reported for each.
    parts = [message(0, _BATCH_BEGIN, 0, number=_NFTABLES), *requests]
    if end:
        parts.append(message(0, _BATCH_END, 0, number=_NFTABLES))
    data, last = b"", len(requests)
    for number, part in enumerate(parts):
        length, kind, flags = struct.unpack_from("=IHH", part)
        flags |= _REQUEST | (_ACK if number == last else 0)
        data += struct.pack("=IHHII", length, kind, flags, number + 1, 0) + part[16:]
    opened = netns.open_sockets([fd], NETLINK_NETFILTER)[0] if fd is not None else _own_socket()
    try:
        with opened:
            for option in (_CAP_ACK, _EXT_ACK):
                with suppress(OSError):
                    opened.setsockopt(_SOL_NETLINK, option, 1)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _RECEIVE_SECONDS, 0))
            opened.bind((0, 0))
            opened.sendto(data, (0, 0))
            _await(opened, last + 1)
    except OSError as problem:
        raise KernelError(problem.errno or errno.EIO, "send a request to nf_tables") from None


def _await(opened: socket.socket, last: int) -> None:
    """Until the last request is answered, or something was refused, which the beginning or a request is told."""
    while True:
        data, at = opened.recv(65536), 0
        while at + _HEADER <= len(data):
            length, kind, _flags, number, _port, code = struct.unpack_from("=IHHIIi", data, at)
            if kind == _ERROR and code:
                raise KernelError(-code, "change nf_tables")
            if kind == _ERROR and number == last:
                return
            at += max(length + 3 & ~3, 16)


def _own_socket() -> socket.socket:
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    except OSError as problem:
        raise KernelError(problem.errno or errno.EIO, "open a netlink socket") from None
