# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches, dumps and errors: the protocol against a scripted kernel, the rest against the real one."""

from __future__ import annotations

import errno
import struct

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import KernelError, MissingError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel import netlink, netns, packed

DONE, INTERRUPTED, TEXT_FOLLOWS = 3, 0x10, 0x200


class ScriptedKernel:
    """Stands for a socket; answers each request with the next list of (type, flags, body)."""

    def __init__(self, *answers: list[tuple[int, int, bytes]]) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.waiting: list[bytes] = []

    def setsockopt(self, *_unused: object) -> None:
        pass

    def bind(self, _unused: object) -> None:
        pass

    def close(self) -> None:
        pass

    def sendto(self, data: bytes, _unused: object) -> None:
        self.requests.append(bytes(data))
        sequence = struct.unpack_from("=I", data, 8)[0]
        self.waiting.append(b"".join(_message(*one, sequence) for one in self.answers.pop(0)))

    def recv_into(self, buffer: bytearray, *_: int) -> int:
        if not self.waiting:
            raise BlockingIOError(errno.EAGAIN, "")
        data = self.waiting.pop(0)
        buffer[: len(data)] = data
        return len(data)


def _message(kind: int, flags: int, body: bytes, sequence: int) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def scripted(*answers: list[tuple[int, int, bytes]]) -> tuple[netlink.Socket, ScriptedKernel]:
    kernel = ScriptedKernel(*answers)
    return netlink.Socket(sock=kernel), kernel  # type: ignore[arg-type]


END = (DONE, 0, bytes(4))


def test_an_interrupted_dump_is_repeated() -> None:
    sock, kernel = scripted([(16, INTERRUPTED, b"old!"), END], [(16, 0, b"new!"), END])
    assert [message[16:] for message in sock.dump(packed.dump_links())] == [b"new!"]
    assert len(kernel.requests) == 2


def test_a_dump_that_is_always_interrupted_fails_with_eintr() -> None:
    sock, kernel = scripted(*[[(DONE, INTERRUPTED, bytes(4))]] * 9)
    with pytest.raises(KernelError) as caught:
        sock.dump(packed.dump_links())
    assert caught.value.errno == errno.EINTR and len(kernel.requests) == 6


def test_an_error_at_the_end_of_a_dump_has_the_kernels_words() -> None:
    words = struct.pack("=iHH", -errno.EINVAL, 8, 1) + b"bad\0"
    sock, _unused = scripted([(DONE, TEXT_FOLLOWS, words)])
    with pytest.raises(KernelError, match=r"bad \(EINVAL\)"):
        sock.dump(packed.dump_links())


def test_a_lost_answer_does_not_hang() -> None:
    sock, _unused = scripted([])
    with pytest.raises(KernelError) as caught:
        sock.send([packed.link_delete(3)])
    assert caught.value.errno in (errno.ETIMEDOUT, errno.EAGAIN)


def test_answers_of_an_abandoned_request_are_skipped() -> None:
    sock, kernel = scripted([(16, 0, b"late"), END], [(16, 0, b"mine"), END])
    sock._transmit([packed.dump_links()], 1)
    assert [message[16:] for message in sock.dump(packed.dump_links())] == [b"mine"]
    assert not kernel.waiting


def test_each_failure_belongs_to_its_message(private: None) -> None:
    """Also over several chunks, and the messages after a failed one apply."""
    wanted = [packed.veth_create(f"a{number}", f"b{number}") for number in range(600)]
    wanted[300] = packed.veth_create("a5", "other")
    with netlink.Socket() as sock:
        results = sock.send(wanted)
        assert [at for at, result in enumerate(results) if result] == [300]
        assert results[300].errno == errno.EEXIST  # type: ignore[union-attr]
        assert len(sock.dump(packed.dump_links())) == 2 * 599 + 1
        assert sock.send([]) == []


def test_kernels_words_reach_the_error(private: None) -> None:
    with netlink.Socket() as sock:
        sock.send([packed.link_set(1, up=True)])
        (error,) = sock.send([packed.route_new(packed.RouteSpec("192.0.2.0/24", gateway="198.51.100.1"))])
        assert error is not None and error.words == "Nexthop has invalid gateway"
        with pytest.raises(KernelError) as caught:
            sock.query(packed.get_link("nothing"))
        assert caught.value.errno == errno.ENODEV
        with pytest.raises(KernelError, match="FIB table does not exist"):
            sock.dump(packed.dump_routes(2, 4711))


def test_lost_answers_are_reported_and_the_socket_recovers(private: None) -> None:
    with netlink.Socket() as sock:
        sock._sock.setsockopt(1, 8, 1)  # SO_RCVBUF, as small as the kernel allows
        with pytest.raises(KernelError) as caught:
            sock.send([packed.link_delete(4711)] * 200)
        assert caught.value.errno == errno.ENOBUFS
        assert sock.send([packed.link_set(1, up=True)]) == [None]


def test_kernel_filters(private: None) -> None:
    with netlink.Socket() as sock:
        sock.send([packed.veth_create("a", "b", index=10, peer_index=11), packed.link_set(1, up=True)])
        sock.send([packed.link_set(index, up=True) for index in (10, 11)])
        sock.send([packed.address_new(index, f"10.0.{index}.1/24") for index in (1, 10, 11)])
        sock.send([packed.neighbor_new(index, f"10.0.{index}.2", "02:00:00:00:00:01") for index in (10, 11)])
        addresses = [packed.parse_address(one).address for one in sock.dump(packed.dump_addresses(10, 2))]
        assert addresses == ["10.0.10.1"]
        neighbors = [packed.parse_neighbor(one) for one in sock.dump(packed.dump_neighbors(11, 2))]
        assert [row.address for row in neighbors] == ["10.0.11.2"]
        routes = [packed.parse_route(one) for one in sock.dump(packed.dump_routes(2, packed.RT_TABLE_MAIN))]
        assert [(row.dst, row.scope) for row in routes] == [
            (f"10.0.{index}.0/24", packed.RT_SCOPE_LINK) for index in (10, 11)
        ]


def test_what_is_added_can_be_deleted(private: None) -> None:
    spec = packed.RouteSpec("198.51.100.0/24", gateway="10.0.0.2", metric=5, table=1000)
    with netlink.Socket() as sock:
        add = [
            packed.veth_create("a", "b", index=10, peer_index=11, group=7),
            packed.link_set(11, up=True),
            packed.link_set(10, up=True, name="c", alias="x", addrgenmode=1),
            packed.address_new(10, "10.0.0.1/24"),
            packed.route_new(spec),
            packed.neighbor_new(10, "10.0.0.2", "02:00:00:00:00:01"),
            packed.fdb_new(10, "33:33:00:00:00:77"),
        ]
        assert sock.send(add) == [None] * len(add)
        row = packed.parse_link(sock.query(packed.get_link("c"))[0])
        assert (row.alias, row.addrgenmode, row.up) == ("x", 1, True)
        again = [error and error.errno for error in sock.send(add[3:6])]
        assert again == [errno.EEXIST] * 3
        take = [
            packed.fdb_delete(10, "33:33:00:00:00:77"),
            packed.neighbor_delete(10, "10.0.0.2"),
            packed.route_delete(spec),
            packed.address_delete(10, "10.0.0.1/24"),
            packed.link_delete_group(7),
        ]
        assert sock.send(take) == [None] * len(take)
        assert len(sock.dump(packed.dump_links())) == 1


def test_one_socket_for_each_namespace(private: None) -> None:
    fds = netns.create_many(["one", "two"])
    for number, sock in enumerate(netlink.open_many(list(fds.values()))):
        assert sock.send([packed.veth_create(f"in{number}", "peer")]) == [None]
    with netlink.Socket(netns_fd=fds["two"]) as sock:
        assert packed.parse_link(sock.query(packed.get_link("in1"))[0]).kind == "veth"
        (reply,) = sock.query(packed.get_netnsid(fds["one"]))
        assert packed.parse_netnsid(reply) is None


def test_generic_families(private: None) -> None:
    with netlink.Socket(netlink.NETLINK_GENERIC) as sock:
        assert sock.family("nlctrl") == 16
        with pytest.raises(MissingError, match="has no 'no_such'"):
            sock.family("no_such")
