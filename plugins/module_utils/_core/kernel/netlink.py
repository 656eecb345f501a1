# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink sockets: batches, single requests, dumps.

A message is the bytes of one complete nlmsg, as `packed` and `messages` make them; sequence numbers and the
request flags are set here. The kernel does not stop at a failed message of a batch: later ones still apply.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
import threading
from collections.abc import Iterator, Sequence

from ..errors import KernelError, MissingError
from . import netns

NETLINK_ROUTE = 0
NETLINK_GENERIC = 16

# Bounds of one sendto(): the errors of a chunk must fit the receive buffer, or they are lost.
CHUNK_MESSAGES = 256
CHUNK_BYTES = 128 * 1024
DUMP_TRIES = 6

_SOL_NETLINK = 270
_OPTIONS = (11, 10, 12)  # NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER_BYTES = 4 * 1024 * 1024
_RECEIVE_BYTES = 128 * 1024
_RECEIVE_SECONDS = 10

_NLMSG_NOOP, _NLMSG_ERROR, _NLMSG_DONE = 1, 2, 3
_REQUEST, _ACK, _DUMP_INTR, _CAPPED, _ACK_TLVS = 0x1, 0x4, 0x10, 0x100, 0x200
_DUMP = 0x300
_WORDS = 1  # NLMSGERR_ATTR_MSG

_header = struct.Struct("=IHHII")
_flags_at, _sequence_at = struct.Struct("=H"), struct.Struct("=II")
_buffers = threading.local()


class Socket:
    """One netlink socket; it stays in the namespace where it was opened. Not for use by two threads at once.

    Args:
        protocol: NETLINK_ROUTE, NETLINK_GENERIC …
        netns_fd: open it inside this namespace; None is the calling thread's.
        sock: adopt this socket (from `netns.open_sockets`) instead of opening one.
    """

    def __init__(
        self, protocol: int = NETLINK_ROUTE, netns_fd: int | None = None, sock: socket.socket | None = None
    ) -> None:
        if sock is None:
            sock = _open(protocol, netns_fd)
        self._sock = sock
        self._sequence = 0
        self._families: dict[str, int] = {}
        try:
            self._set_up()
        except OSError as error:
            sock.close()
            raise KernelError(error.errno or errno.EIO, "set up a netlink socket") from None

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, messages: Sequence[bytes]) -> list[KernelError | None]:
        """Send all messages, and return for each, in order, None or why the kernel refused it.

        Raises:
            KernelError: ENOBUFS if answers were lost. What was applied is unknown then: observe,
                never send again.
        """
        results: list[KernelError | None] = []
        for chunk in _chunks(messages):
            results.extend(self._send_chunk(chunk))
        return results

    def query(self, message: bytes) -> list[bytes]:
        """Send one request, and return what the kernel replies (headers included); raises its error."""
        first = self._transmit([message], _REQUEST | _ACK)
        replies: list[bytes] = []
        while True:
            for kind, _flags, reply in self._receive(first):
                if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                    _raise_if(_error_in(reply))
                    return replies
                replies.append(reply)

    def ask(self, messages: Sequence[bytes]) -> list[bytes | None]:
        """Send requests that get one message each as their reply; None for each that the kernel refused."""
        found: list[bytes | None] = []
        for chunk in _chunks(messages):
            first = self._transmit(chunk, _REQUEST)
            replies: list[bytes | None] = [None] * len(chunk)
            waiting = len(chunk)
            while waiting > 0:
                for kind, _flags, reply in self._receive(first):
                    waiting -= 1
                    if kind != _NLMSG_ERROR:
                        replies[_sequence_at.unpack_from(reply, 8)[0] - first] = reply
            found += replies
        return found

    def dump(self, message: bytes) -> list[bytes]:
        """All replies to a dump; one that changes interrupted is started anew, EINTR after five retries."""
        for _turn in range(DUMP_TRIES):
            interrupted, replies = self._dump_once(message)
            if not interrupted:
                return replies
        raise KernelError(errno.EINTR, "", "the configuration changed during each of several dumps")

    def family(self, name: str) -> int:
        """The id of a generic netlink family, remembered; MissingError if the kernel lacks it."""
        if name not in self._families:
            self._families[name] = self._look_up_family(name)
        return self._families[name]

    def _look_up_family(self, name: str) -> int:
        text = name.encode() + b"\0"
        body = struct.pack("=BBHHH", 3, 1, 0, 4 + len(text), 2) + text + bytes(-len(text) % 4)
        try:
            replies = self.query(_header.pack(16 + len(body), 0x10, 0, 0, 0) + body)
        except KernelError as error:
            if error.errno != errno.ENOENT:
                raise
            raise MissingError(f"this kernel has no '{name}' (is its module installed?)") from None
        for kind, start, end in _attributes(replies[0], 20):
            if kind == 1:
                return int.from_bytes(replies[0][start:end], sys.byteorder)
        raise MissingError(f"this kernel has no '{name}'")

    def _set_up(self) -> None:
        for option in _OPTIONS:
            try:
                self._sock.setsockopt(_SOL_NETLINK, option, 1)
            except OSError as error:  # an older kernel: less help, same protocol
                if error.errno != errno.ENOPROTOOPT:
                    raise
        for forced, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
            try:
                self._sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
            except PermissionError:
                self._sock.setsockopt(socket.SOL_SOCKET, plain, _BUFFER_BYTES)
        # The kernel answers within sendto(); a wait can only mean a lost answer, and must not be forever.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", _RECEIVE_SECONDS, 0))
        self._sock.bind((0, 0))

    def _send_chunk(self, messages: Sequence[bytes]) -> list[KernelError | None]:
        # Messages are worked off in order, and who asks for no acknowledgement hears of errors nevertheless.
        first = self._transmit(messages, _REQUEST, _ACK)
        results: list[KernelError | None] = [None] * len(messages)
        last = first + len(messages) - 1
        while True:
            for kind, _flags, reply in self._receive(first):
                sequence = _sequence_at.unpack_from(reply, 8)[0]
                if kind == _NLMSG_ERROR and sequence <= last:
                    results[sequence - first] = _error_in(reply)
                    if sequence == last:
                        return results

    def _dump_once(self, message: bytes) -> tuple[bool, list[bytes]]:
        first = self._transmit([message], _REQUEST | _DUMP)
        replies: list[bytes] = []
        all_flags = 0
        while True:
            for kind, flags, reply in self._receive(first):
                all_flags |= flags
                if kind > _NLMSG_DONE:
                    replies.append(reply)
                    continue
                error = _error_in(reply)
                if error is not None and error.errno == errno.EINTR:
                    return True, replies
                _raise_if(error)
                return bool(all_flags & _DUMP_INTR), replies

    def _transmit(self, messages: Sequence[bytes], flags: int, of_last: int = 0) -> int:
        """Send as one datagram, the last with flags of its own; returns the first sequence number."""
        first = self._sequence + 1
        # Sequence numbers are 32 bits; start over long before they wrap, never within a chunk.
        if first + len(messages) > 0x7FFFFFFF:
            first = 1
        self._sequence = first + len(messages) - 1
        data = bytearray()
        for sequence, message in enumerate(messages, first):
            at = len(data)
            data += message
            if len(message) & 3:
                data += bytes(-len(message) & 3)
            _flags_at.pack_into(data, at + 6, _flags_at.unpack_from(message, 6)[0] | flags)
            _sequence_at.pack_into(data, at + 8, sequence, 0)
        if of_last:
            _flags_at.pack_into(data, at + 6, _flags_at.unpack_from(data, at + 6)[0] | of_last)
        try:
            self._sock.sendto(data, (0, 0))
        except OSError as error:
            raise KernelError(error.errno or errno.EIO, "send a netlink request") from None
        return first

    def _receive(self, first: int) -> list[tuple[int, int, bytes]]:
        """Type, flags and bytes of each message of one datagram that answers `first` or a later request."""
        buffer = _receive_buffer()
        try:
            size = self._sock.recv_into(buffer, 0, socket.MSG_TRUNC)
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                self._drain()
            number = errno.ETIMEDOUT if error.errno == errno.EAGAIN else error.errno or errno.EIO
            raise KernelError(number, "receive a netlink answer") from None
        if size > len(buffer):
            raise KernelError(errno.EMSGSIZE, "receive a netlink answer")
        found = []
        at, unpack = 0, _header.unpack_from
        while at + 16 <= size:
            length, kind, flags, sequence, _port = unpack(buffer, at)
            if length < 16:
                break
            # Answers to an earlier request are left from a call that raised: skip them.
            if sequence >= first and kind != _NLMSG_NOOP:
                found.append((kind, flags, bytes(buffer[at : at + length])))
            at += length + 3 & ~3
        return found

    def _drain(self) -> None:
        """Drop what still waits; until then, the kernel drops every answer to a socket that overran."""
        while True:
            try:
                self._sock.recv_into(_receive_buffer(), 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    return


def open_many(fds: Sequence[int], protocol: int = NETLINK_ROUTE) -> list[Socket]:
    """One socket inside each namespace; 18 µs each, where a thread for each would cost ten times that."""
    return [Socket(protocol, sock=sock) for sock in netns.open_sockets(fds, protocol)]


def _open(protocol: int, netns_fd: int | None) -> socket.socket:
    if netns_fd is not None:
        return netns.open_sockets([netns_fd], protocol)[0]
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    except OSError as error:
        raise KernelError(error.errno or errno.EIO, "open a netlink socket") from None


def _chunks(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for at, message in enumerate(messages):
        if at > start and (at - start >= CHUNK_MESSAGES or size + len(message) > CHUNK_BYTES):
            yield messages[start:at]
            start, size = at, 0
        size += len(message)
    if start < len(messages):
        yield messages[start:]


def _error_in(reply: bytes) -> KernelError | None:
    """The error of an NLMSG_ERROR or NLMSG_DONE; None for an acknowledgement."""
    _length, kind, flags, _sequence, _port = _header.unpack_from(reply)
    code = struct.unpack_from("=i", reply, 16)[0] if len(reply) >= 20 else 0
    if code >= 0:
        return None
    words = ""
    if flags & _ACK_TLVS:
        for attribute, start, end in _attributes(reply, _words_offset(reply, kind, flags)):
            if attribute == _WORDS:
                words = reply[start:end].rstrip(b"\0").decode("utf-8", "replace")
    return KernelError(-code, "", words)


def _words_offset(reply: bytes, kind: int, flags: int) -> int:
    if kind == _NLMSG_DONE:
        return 20
    if flags & _CAPPED:
        return 36
    return 20 + (int(struct.unpack_from("=I", reply, 20)[0]) + 3 & ~3)


def _attributes(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Type, start and end of each attribute from an offset on."""
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, at + 4, at + length
        at += length + 3 & ~3


def _raise_if(error: KernelError | None) -> None:
    if error is not None:
        raise error


def _receive_buffer() -> bytearray:
    """One buffer per thread: allocating one per recv() doubles the cost of reading a namespace back."""
    buffer: bytearray | None = getattr(_buffers, "buffer", None)
    if buffer is None:
        buffer = _buffers.buffer = bytearray(_RECEIVE_BYTES)
    return buffer
