# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many pings at once, from many namespaces, by one process: ICMP echo requests on raw sockets.

A ping program per pair would cost a process each; here a node and its containers are as many sockets.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from ._core.errors import KernelError, MissingError
from ._core.kernel import netlink, netns, packed_rows, wire

Result = TypeVar("Result")
_ECHO = struct.Struct("!BBHHH")
_REQUEST, _REPLY, _UNREACHABLE = {4: 8, 6: 128}, {4: 0, 6: 129}, {4: 3, 6: 1}
_LOOKUP_FAILED = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL)
_TOKEN_BYTES = 16


@dataclass
class Outcome:
    """What came of pinging one address: the reply's TTL (or hop limit), or why there was none; or not asked at all."""

    ttl: int | None = None
    error: str = "no answer"
    asked: bool = True


@dataclass
class Settings:
    """How patient to be: seconds per attempt, attempts, and how many requests may be under way at a time."""

    timeout: float = 1.0
    attempts: int = 2
    window: int = 256


class _Source:
    """The sockets of one namespace, and what was sent on them."""

    def __init__(self, ref: str, versions: set[int], token: bytes) -> None:
        self.sockets = {version: _inside(ref, _open_socket, version) for version in sorted(versions)}
        self.token = token
        self.identifier = int.from_bytes(os.urandom(2), "big")

    def send(self, address: str, sequence: int) -> None:
        version = version_of(address)
        body = struct.pack("!HH", self.identifier, sequence) + self.token
        packet = bytes([_REQUEST[version], 0, 0, 0]) + body
        if version == 4:  # the kernel fills in that of ICMPv6 itself
            packet = packet[:2] + struct.pack("!H", _checksum(packet)) + packet[4:]
        self.sockets[version].sendto(packet, (address, 0))

    def receive(self, version: int) -> Iterator[tuple[int, str, Outcome]]:
        """(sequence, sender, outcome) of each reply, and of each refusal, that waits."""
        sock = self.sockets[version]
        while True:
            try:
                data, extra, _flags, sender = sock.recvmsg(2048, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # a pending error of an earlier request; the reply is what counts
                continue
            ttl, data = _unwrap(data, extra, version)
            found = self._match(data, ttl, version)
            if found is not None:
                yield (found[0], str(sender[0]).split("%", maxsplit=1)[0], found[1])

    def _match(self, data: bytes, ttl: int, version: int) -> tuple[int, Outcome] | None:
        if len(data) < 8:
            return None
        kind, code, _sum, identifier, sequence = _ECHO.unpack_from(data)
        if kind == _REPLY[version] and identifier == self.identifier and data[8:].startswith(self.token):
            return sequence, Outcome(ttl)
        if kind == _UNREACHABLE[version]:
            inner = data[8:]
            start = (inner[0] & 15) * 4 if version == 4 and inner else 40
            if len(inner) >= start + 8:
                _kind, _code, _sum, identifier, sequence = _ECHO.unpack_from(inner, start)
                if identifier == self.identifier:
                    return sequence, Outcome(None, f"destination unreachable (code {code})")
        return None

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()


@dataclass
class _Round:
    """One attempt at the pairs that have no answer yet."""

    sources: Sequence[_Source]
    targets: Sequence[str]
    settings: Settings
    outcomes: list[list[Outcome]]
    under_way: dict[tuple[int, int], float] = field(default_factory=dict)

    def run(self, selector: selectors.BaseSelector, pairs: Sequence[tuple[int, int]]) -> None:
        waiting = deque(pairs)
        while waiting or self.under_way:
            while waiting and len(self.under_way) < self.settings.window:
                self._send(waiting.popleft())
            now = time.monotonic()
            self._expire(now)
            patience = max(0.0, min(self.under_way.values(), default=now) - now)
            for key, _events in selector.select(patience if self.under_way else 0):
                self._take(*key.data)

    def _send(self, pair: tuple[int, int]) -> None:
        source, target = pair
        try:
            self.sources[source].send(self.targets[target], target)
        except OSError as problem:
            self.outcomes[source][target].error = (problem.strerror or str(problem)).lower()
            return
        self.under_way[pair] = time.monotonic() + self.settings.timeout

    def _take(self, source: int, version: int) -> None:
        for target, sender, outcome in self.sources[source].receive(version):
            if target >= len(self.targets) or (outcome.ttl is not None and sender != self.targets[target]):
                continue
            if outcome.ttl is None and self.outcomes[source][target].ttl is not None:
                continue
            self.outcomes[source][target] = outcome
            self.under_way.pop((source, target), None)

    def _expire(self, now: float) -> None:
        # Insertion order is order of time, so the first that is still young ends the search.
        for pair, deadline in list(self.under_way.items()):
            if deadline > now:
                break
            del self.under_way[pair]


def probe(
    refs: Sequence[str], targets: Sequence[str], settings: Settings, skip: Sequence[Collection[str]] = ()
) -> list[list[Outcome]]:
    """Ping every target from every namespace.

    Args:
        refs: the namespaces, as `netns.open_ref` takes them.
        targets: IPv4 or IPv6 addresses in canonical form, at most 65536.
        settings: how patient to be.
        skip: per namespace, the targets to leave out; shorter than `refs` = none for the rest.

    Returns:
        One row per namespace, one outcome per target.

    Raises:
        MissingError: a namespace does not exist, or raw sockets are not permitted.
    """
    token = os.urandom(_TOKEN_BYTES)
    versions = {version_of(target) for target in targets}
    left_out = [*skip, *([()] * (len(refs) - len(skip)))]
    outcomes = [[Outcome(asked=target not in out) for target in targets] for out in left_out]
    sources: list[_Source] = []
    with selectors.DefaultSelector() as selector:
        try:
            for index, ref in enumerate(refs):
                sources.append(_Source(ref, versions, token))
                for version, sock in sources[-1].sockets.items():
                    selector.register(sock, selectors.EVENT_READ, (index, version))
            for _turn in range(settings.attempts):
                pairs = [
                    (s, t)
                    for s, row in enumerate(outcomes)
                    for t, cell in enumerate(row)
                    if cell.asked and cell.ttl is None
                ]
                if pairs:
                    _Round(sources, targets, settings, outcomes).run(selector, pairs)
        finally:
            for source in sources:
                source.close()
    return outcomes


def devices(ref: str, targets: Sequence[str]) -> list[str]:
    """By which link a namespace would send to each target, '' where it has no route (RTM_GETROUTE)."""
    names = dict(_inside(ref, socket.if_nameindex))
    with _inside(ref, netlink.Socket) as sock:
        return [names.get(_route_device(sock, target), "") for target in targets]


def _inside(ref: str, work: Callable[..., Result], *arguments: Any) -> Result:
    """Calls in a namespace; who stays in the own one needs no right to enter any."""
    if not ref:
        return work(*arguments)
    fd = netns.open_ref(ref)
    try:
        return netns.run_in(fd, work, *arguments)
    finally:
        os.close(fd)


def _route_device(sock: netlink.Socket, address: str) -> int:
    family, packed = wire.ip_bytes(address)
    header = wire.route_header.pack(family, len(packed) * 8, 0, 0, 0, 0, 0, 0, 0)
    try:
        replies = sock.query(wire.message(wire.RTM_GETROUTE, 0, header, wire.attribute(1, packed)))
    except KernelError as problem:
        if problem.errno in _LOOKUP_FAILED:
            return 0
        raise
    return packed_rows.parse_route(replies[0]).oif if replies else 0


def version_of(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


def _open_socket(version: int) -> socket.socket:
    try:
        if version == 4:
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        else:
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise MissingError("pinging needs root (CAP_NET_RAW) on the node") from None
    except OSError as problem:
        raise MissingError(f"no raw IPv{version} socket can be opened here: {problem.strerror}") from None
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    return sock


def _unwrap(data: bytes, extra: Sequence[tuple[int, int, bytes]], version: int) -> tuple[int, bytes]:
    """TTL and ICMP message; IPv4 hands out the whole packet, IPv6 the message and the hop limit beside it."""
    if version == 4:
        return data[8], data[(data[0] & 15) * 4 :]
    for level, kind, payload in extra:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT:
            return int.from_bytes(payload[:4], sys.byteorder), data
    return 0, data


def _checksum(data: bytes) -> int:
    total = int(sum(struct.unpack(f"!{len(data) // 2}H", data)))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
