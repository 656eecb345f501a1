# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generic netlink of IPVS, by hand: pyroute2 knows it from 0.8.1 on only, and asks for DEL where it says update.

Numbers, structs and their byte orders are those of linux/ip_vs.h and net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..errors import KernelError, MissingError
from . import wire
from .netlink import Socket

FAMILY = "IPVS"
ABSENT = "this kernel has no IPVS: load the module ip_vs (modprobe ip_vs), or boot a kernel that has it"
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
METHODS = {"masq": 0, "local": 1, "tunneling": 2, "gatewaying": 3, "bypass": 4}
TUNNELS = {"ipip": 0, "gue": 1, "gre": 2}
CHECKSUMS = {"none": 0, "csum": 1, "remcsum": 2}
#: Of the scheduler: what sh and mh call SCHED1 and SCHED2; nobody uses the third.
FLAGS = {"fallback": 0x8, "port": 0x10, "flag-3": 0x20}
PERSISTENT, ONE_PACKET = 0x1, 0x4

_NEW_SERVICE, _SET_SERVICE, _DEL_SERVICE, _GET_SERVICE = 1, 2, 3, 4
_NEW_DEST, _SET_DEST, _DEL_DEST, _GET_DEST, _GET_INFO = 5, 6, 7, 8, 15
_SERVICE, _DEST = 1, 2  # IPVS_CMD_ATTR_*
_METHOD_BITS, _ALL_BITS = 0x7, 0xFFFFFFFF
_PROTOCOL_NAMES = {number: name for name, number in PROTOCOLS.items()}
_METHOD_NAMES = {number: name for name, number in METHODS.items()}
_TUNNEL_NAMES = {number: name for name, number in TUNNELS.items()}
_CHECKSUM_NAMES = {number: name for name, number in CHECKSUMS.items()}
_STATISTICS = (
    *("connections", "packets_in", "packets_out", "bytes_in", "bytes_out"),
    *("connections_per_second", "packets_in_per_second", "packets_out_per_second"),
    *("bytes_in_per_second", "bytes_out_per_second"),
)


class ServiceId(NamedTuple):
    """What identifies a virtual service: protocol, address and port, or the firewall mark and IP version.

    str() is its name, as people and keys have it: ``tcp 10.96.0.10:80``, ``udp [fd00::1]:53``, ``fwmark 5 ipv6``.
    """

    protocol: str = ""
    address: str = ""
    port: int = 0
    fwmark: int = 0
    family: int = wire.AF_INET

    def __str__(self) -> str:
        if self.fwmark:
            return f"fwmark {self.fwmark}" + (" ipv6" if self.family == wire.AF_INET6 else "")
        return f"{self.protocol} {endpoint(self.address, self.port)}"


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def parse_endpoint(text: str) -> tuple[str, int]:
    address, _colon, port = text.rpartition(":")
    return address.strip("[]"), int(port)


def parse_service(name: str) -> ServiceId:
    """The identity from its name."""
    first, _blank, rest = name.partition(" ")
    if first == "fwmark":
        mark, _blank, version = rest.partition(" ")
        return ServiceId(fwmark=int(mark), family=wire.AF_INET6 if version else wire.AF_INET)
    address, port = parse_endpoint(rest)
    return ServiceId(first, address, port, family=wire.AF_INET6 if ":" in address else wire.AF_INET)


@dataclass(frozen=True)
class ServiceRow:
    """A service as the kernel has it.

    Attributes:
        flags: all bits of IP_VS_SVC_F_*.
        timeout: of persistence, seconds; meaningful if flags has PERSISTENT.
        netmask: prefix length of clients that persist together.
        statistics: counters, and rates per second.
    """

    id: ServiceId
    scheduler: str
    flags: int
    timeout: int
    netmask: int
    engine: str
    statistics: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerRow:
    """A server of a service (a destination, in the kernel's words).

    Attributes:
        active, inactive, persistent: connections.
        tunnel_port: UDP port of GUE.
    """

    address: str
    port: int
    method: str
    weight: int
    upper: int
    lower: int
    active: int
    inactive: int
    persistent: int
    tunnel_type: str
    tunnel_port: int
    tunnel_checksum: str
    statistics: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return endpoint(self.address, self.port)


# -- requests; `family` is `Socket.family(FAMILY)` of a NETLINK_GENERIC socket


def new_service(family: int, service: ServiceId, values: Mapping[str, Any]) -> bytes:
    """Values: scheduler, flags (bits), timeout, netmask (prefix length), engine."""
    return _message(family, _NEW_SERVICE, _service(service, values))


def set_service(family: int, service: ServiceId, values: Mapping[str, Any]) -> bytes:
    """As `new_service`, of one that exists; everything is set, for the kernel takes nothing else."""
    return _message(family, _SET_SERVICE, _service(service, values))


def delete_service(family: int, service: ServiceId) -> bytes:
    return _message(family, _DEL_SERVICE, _service(service))


def new_server(family: int, service: ServiceId, server: str, values: Mapping[str, Any]) -> bytes:
    """Values: method, weight, upper, lower; tunnel_type, tunnel_port, tunnel_checksum."""
    return _message(family, _NEW_DEST, _service(service), _server(server, values))


def set_server(family: int, service: ServiceId, server: str, values: Mapping[str, Any]) -> bytes:
    """As `new_server`, of one that exists."""
    return _message(family, _SET_DEST, _service(service), _server(server, values))


def delete_server(family: int, service: ServiceId, server: str) -> bytes:
    return _message(family, _DEL_DEST, _service(service), _server(server))


# -- looking


def family_of(socket: Socket) -> int | None:
    """The id of the family; None where the kernel has no IPVS."""
    try:
        return socket.family(FAMILY)
    except MissingError:
        return None


def version(socket: Socket) -> tuple[str, int]:
    """IPVS's version, and how many entries the hash table of connections has."""
    found = wire.attributes(socket.query(_message(socket.family(FAMILY), _GET_INFO))[0], 20)
    number = wire.to_number(found[1])
    return f"{number >> 16 & 0xFF}.{number >> 8 & 0xFF}.{number & 0xFF}", wire.to_number(found[2])


def services(socket: Socket) -> list[ServiceRow]:
    family = family_of(socket)
    if family is None:
        return []
    found = (_parse_service(reply) for reply in _dump(socket, _message(family, _GET_SERVICE)))
    return [row for row in found if row.id.fwmark or row.id.protocol in PROTOCOLS]


def servers(socket: Socket, service: ServiceId) -> list[ServerRow]:
    """None, too, if there is no such service."""
    family = socket.family(FAMILY)
    request = _message(family, _GET_DEST, _service(service))
    return [_parse_server(reply, service.family) for reply in _dump(socket, request)]


def _dump(socket: Socket, request: bytes) -> list[bytes]:
    try:
        return socket.dump(request)
    except KernelError as problem:
        if problem.errno == errno.EPERM:
            # GENL_ADMIN_PERM: what a user namespace gives its root does not count.
            needs = "needs CAP_NET_ADMIN in the initial user namespace of the node"
            raise MissingError(f"reading the services of IPVS {needs}: run the task with become: true") from None
        raise KernelError(problem.errno, "read the IPVS services", problem.words) from None


# -- encoding and decoding


def _message(family: int, command: int, *attributes: bytes) -> bytes:
    return wire.message(family, 0, struct.pack("=BBH", command, 1, 0), *attributes)


def _nested(kind: int, attributes: Sequence[bytes]) -> bytes:
    return wire.attribute(kind | wire.NESTED, b"".join(attributes))


def _address(kind: int, address: str) -> bytes:
    """union nf_inet_addr: 16 bytes, of which IPv4 has the first four."""
    return wire.attribute(kind, wire.ip_bytes(address)[1].ljust(16, b"\0"))


def _service(service: ServiceId, values: Mapping[str, Any] | None = None) -> bytes:
    if service.fwmark:
        attributes = [wire.u16(1, service.family), wire.u32(5, service.fwmark)]
    else:
        protocol = wire.u16(2, PROTOCOLS[service.protocol])
        place = [_address(3, service.address), wire.be16(4, service.port)]
        attributes = [wire.u16(1, service.family), protocol, *place]
    if values is not None:
        attributes += [
            wire.text(6, values["scheduler"]),
            wire.attribute(7, struct.pack("=II", values["flags"], _ALL_BITS)),
            wire.u32(8, values["timeout"]),
            wire.attribute(9, _netmask(service.family, values["netmask"])),
        ]
        if values["engine"]:
            attributes.append(wire.text(11, values["engine"]))
    return _nested(_SERVICE, attributes)


def _netmask(family: int, length: int) -> bytes:
    """A mask in network byte order for IPv4, a prefix length in that of the host for IPv6."""
    if family == wire.AF_INET6:
        return struct.pack("=I", length)
    return struct.pack("!I", _ALL_BITS << 32 - length & _ALL_BITS)


def _server(name: str, values: Mapping[str, Any] | None = None) -> bytes:
    address, port = parse_endpoint(name)
    family = wire.AF_INET6 if ":" in address else wire.AF_INET
    attributes = [wire.u16(11, family), _address(1, address), wire.be16(2, port)]
    if values is not None:
        numbers = (METHODS[values["method"]], values["weight"], values["upper"], values["lower"])
        attributes += [wire.u32(3 + index, number) for index, number in enumerate(numbers)]
        attributes += [
            wire.u8(13, TUNNELS[values["tunnel_type"]]),
            wire.be16(14, values["tunnel_port"]),
            wire.u16(15, CHECKSUMS[values["tunnel_checksum"]]),
        ]
    return _nested(_DEST, attributes)


def _parse_service(reply: bytes) -> ServiceRow:
    found = wire.attributes(wire.attributes(reply, 20)[_SERVICE], 0)
    family = wire.to_number(found[1])
    if 5 in found:
        identity = ServiceId(fwmark=wire.to_number(found[5]), family=family)
    else:
        protocol = wire.to_number(found[2])
        name = _PROTOCOL_NAMES.get(protocol, str(protocol))
        identity = ServiceId(name, _to_address(family, found[3]), _to_port(found[4]), family=family)
    mask = found[9]
    netmask = wire.to_number(mask) if family == wire.AF_INET6 else bin(int.from_bytes(mask, "big")).count("1")
    return ServiceRow(
        id=identity,
        scheduler=wire.to_text(found[6]),
        flags=wire.to_number(found[7][:4]),
        timeout=wire.to_number(found[8]),
        netmask=netmask,
        engine=wire.to_text(found.get(11, b"")),
        statistics=_statistics(found.get(12) or found.get(10, b"")),
    )


def _parse_server(reply: bytes, family: int) -> ServerRow:
    found = wire.attributes(wire.attributes(reply, 20)[_DEST], 0)
    if 11 in found:
        family = wire.to_number(found[11])
    method, weight, upper, lower, active, inactive, persistent = (wire.to_number(found[kind]) for kind in range(3, 10))
    return ServerRow(
        address=_to_address(family, found[1]),
        port=_to_port(found[2]),
        method=_METHOD_NAMES.get(method & _METHOD_BITS, str(method & _METHOD_BITS)),
        weight=weight,
        upper=upper,
        lower=lower,
        active=active,
        inactive=inactive,
        persistent=persistent,
        tunnel_type=_TUNNEL_NAMES.get(wire.to_number(found.get(13, b"")), "ipip"),
        tunnel_port=_to_port(found.get(14, b"")),
        tunnel_checksum=_CHECKSUM_NAMES.get(wire.to_number(found.get(15, b"")), "none"),
        statistics=_statistics(found.get(12) or found.get(10, b"")),
    )


def _to_address(family: int, payload: bytes) -> str:
    return wire.to_ip(payload[:4] if family == wire.AF_INET else payload)


def _to_port(payload: bytes) -> int:
    return int.from_bytes(payload, "big")


def _statistics(payload: bytes) -> dict[str, int]:
    found = wire.attributes(payload, 0)
    return {name: wire.to_number(found.get(kind, b"")) for kind, name in enumerate(_STATISTICS, 1)}
