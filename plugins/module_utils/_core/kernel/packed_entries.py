# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, routes, neighbours and forwarding entries, packed. Defaults are those of iproute2's commands."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import InputError
from . import wire
from .packed_rows import Nexthop

IFA_F_NODAD = 0x02
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK, RT_SCOPE_HOST, RT_SCOPE_NOWHERE = 0, 253, 254, 255
RT_TABLE_MAIN, RT_TABLE_LOCAL = 254, 255
RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST = 1, 2, 3, 4, 5
RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT = 6, 7, 8
RTPROT_STATIC = 4
RTNH_F_ONLINK = 4
NUD_REACHABLE, NUD_STALE, NUD_NOARP, NUD_PERMANENT = 0x02, 0x04, 0x40, 0x80
NTF_SELF, NTF_MASTER, NTF_PROXY, NTF_EXT_LEARNED, NTF_ROUTER = 0x02, 0x04, 0x08, 0x10, 0x80

_ADD, _REPLACE = wire.CREATE | wire.EXCL, wire.CREATE | wire.REPLACE
_LINK_SCOPED = (RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST)
_LOCAL_TABLE = (RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST)


@dataclass(frozen=True)
class RouteSpec:
    """A route as `ip route` takes it; None is what `ip route` would fill in.

    Args:
        dst: prefix or address in CIDR form, never "default" (write 0.0.0.0/0 or ::/0).
        gateway: may be IPv6 for an IPv4 route.
        oif: index of the outgoing link, 0 for none.
        nexthops: instead of `gateway` and `oif`.
        protocol: who made it; new routes are RTPROT_STATIC, deletion matches any.
    """

    dst: str
    gateway: str | None = None
    oif: int = 0
    nexthops: Sequence[Nexthop] = ()
    metric: int | None = None
    table: int | None = None
    scope: int | None = None
    type: int = RTN_UNICAST
    source: str | None = None
    onlink: bool = False
    mtu: int | None = None
    protocol: int | None = None
    tos: int = 0


def address_new(
    index: int,
    address: str,
    *,
    peer: str | None = None,
    nodad: bool = False,
    broadcast: str | None = None,
    scope: int | None = None,
    label: str | None = None,
    replace: bool = False,
) -> bytes:
    """Give a link the address "10.0.0.1/24"; with a peer, the prefix length is the peer's ("10.0.0.2/32")."""
    family, local, length, far = _local_and_peer(address, peer)
    if scope is None:
        scope = RT_SCOPE_HOST if family == wire.AF_INET and local[0] == 127 else RT_SCOPE_UNIVERSE
    attributes = [wire.attribute(2, local), wire.attribute(1, far)]
    if broadcast is not None:
        attributes.append(wire.attribute(4, _same_family(family, broadcast)))
    if label is not None:
        attributes.append(wire.text(3, label))
    flags = IFA_F_NODAD if nodad else 0
    header = wire.address_header.pack(family, length, flags, scope, index)
    return wire.message(wire.RTM_NEWADDR, _REPLACE if replace else _ADD, header, *attributes)


def address_delete(index: int, address: str, *, peer: str | None = None) -> bytes:
    family, local, length, far = _local_and_peer(address, peer)
    header = wire.address_header.pack(family, length, 0, 0, index)
    return wire.message(wire.RTM_DELADDR, 0, header, wire.attribute(2, local), wire.attribute(1, far))


def route_new(spec: RouteSpec, *, replace: bool = False) -> bytes:
    """Add a route; `replace` overwrites one with the same destination, table, metric and tos."""
    protocol = RTPROT_STATIC if spec.protocol is None else spec.protocol
    return _route(wire.RTM_NEWROUTE, _REPLACE if replace else _ADD, spec, protocol, _new_scope)


def route_delete(spec: RouteSpec) -> bytes:
    """Delete the first route that matches all that the spec says."""
    return _route(wire.RTM_DELROUTE, 0, spec, spec.protocol or 0, _delete_scope)


def neighbor_new(
    index: int,
    address: str,
    mac: str | None = None,
    *,
    state: int = NUD_PERMANENT,
    flags: int = 0,
    replace: bool = False,
) -> bytes:
    """A neighbour, or with NTF_PROXY (and no mac) an address to answer for."""
    return _neighbor(wire.RTM_NEWNEIGH, _REPLACE if replace else _ADD, index, address, mac, state, flags)


def neighbor_delete(index: int, address: str, *, flags: int = 0) -> bytes:
    return _neighbor(wire.RTM_DELNEIGH, 0, index, address, None, 0, flags)


def fdb_new(
    index: int,
    mac: str,
    *,
    destination: str | None = None,
    vlan: int | None = None,
    vni: int | None = None,
    port: int | None = None,
    via: int | None = None,
    state: int = NUD_PERMANENT,
    flags: int = NTF_SELF,
    append: bool = False,
    replace: bool = False,
) -> bytes:
    """A forwarding entry of a VXLAN device or NIC (NTF_SELF) or of the bridge it is a port of (NTF_MASTER).

    `append` adds a further destination to an entry, as flooding (00:00:00:00:00:00) to several peers needs.
    """
    how = wire.CREATE | wire.APPEND if append else _REPLACE if replace else _ADD
    attributes = _fdb_attributes(mac, destination, vlan, vni, port, via)
    header = wire.neighbor_header.pack(wire.AF_BRIDGE, index, state, flags, 0)
    return wire.message(wire.RTM_NEWNEIGH, how, header, *attributes)


def fdb_delete(
    index: int,
    mac: str,
    *,
    destination: str | None = None,
    vlan: int | None = None,
    vni: int | None = None,
    port: int | None = None,
    via: int | None = None,
    flags: int = NTF_SELF,
) -> bytes:
    """Without a destination, all destinations of the MAC go.

    The state has to be permanent: a device without a table of its own refuses any other (ndo_dflt_fdb_del).
    """
    attributes = _fdb_attributes(mac, destination, vlan, vni, port, via)
    header = wire.neighbor_header.pack(wire.AF_BRIDGE, index, NUD_PERMANENT, flags, 0)
    return wire.message(wire.RTM_DELNEIGH, 0, header, *attributes)


def _local_and_peer(address: str, peer: str | None) -> tuple[int, bytes, int, bytes]:
    family, local, length = wire.cidr_bytes(address)
    if peer is None:
        return family, local, length, local
    peer_family, far, length = wire.cidr_bytes(peer)
    if peer_family != family:
        raise InputError("peer", f"not of the family of {address!r}: {peer!r}")
    return family, local, length, far


def _same_family(family: int, address: str) -> bytes:
    found, data = wire.ip_bytes(address)
    if found != family:
        raise InputError("address", f"of another IP version than the rest: {address!r}")
    return data


def _new_scope(spec: RouteSpec, family: int) -> int:
    if family == wire.AF_INET6:
        return RT_SCOPE_UNIVERSE
    if spec.type == RTN_LOCAL:
        return RT_SCOPE_HOST
    direct = spec.type == RTN_UNICAST and spec.gateway is None and not spec.nexthops
    return RT_SCOPE_LINK if direct or spec.type in _LINK_SCOPED else RT_SCOPE_UNIVERSE


def _delete_scope(_spec: RouteSpec, family: int) -> int:
    """IPv4 matches any scope by NOWHERE; IPv6 knows none."""
    return RT_SCOPE_NOWHERE if family == wire.AF_INET else RT_SCOPE_UNIVERSE


def _route(
    kind: int, flags: int, spec: RouteSpec, protocol: int, default_scope: Callable[[RouteSpec, int], int]
) -> bytes:
    family, dst, length = wire.cidr_bytes(spec.dst)
    table = spec.table
    if table is None:
        table = RT_TABLE_LOCAL if spec.type in _LOCAL_TABLE else RT_TABLE_MAIN
    scope = default_scope(spec, family) if spec.scope is None else spec.scope
    narrow = table if table < 256 else 0
    header = wire.route_header.pack(
        family, length, 0, spec.tos, narrow, protocol, scope, spec.type, RTNH_F_ONLINK if spec.onlink else 0
    )
    attributes = [wire.attribute(1, dst)] if length else []
    attributes += _route_attributes(spec, family)
    if not narrow:
        attributes.append(wire.u32(15, table))
    return wire.message(kind, flags, header, *attributes)


def _route_attributes(spec: RouteSpec, family: int) -> list[bytes]:
    attributes = []
    if spec.gateway is not None:
        attributes.append(_gateway(family, spec.gateway))
    if spec.oif:
        attributes.append(wire.u32(4, spec.oif))
    if spec.metric is not None:
        attributes.append(wire.u32(6, spec.metric))
    if spec.source is not None:
        attributes.append(wire.attribute(7, _same_family(family, spec.source)))
    if spec.mtu is not None:
        attributes.append(wire.attribute(8, wire.u32(2, spec.mtu)))
    if spec.nexthops:
        attributes.append(wire.attribute(9, b"".join(_nexthop(family, hop) for hop in spec.nexthops)))
    return attributes


def _gateway(family: int, gateway: str) -> bytes:
    """RTA_GATEWAY, or RTA_VIA where the gateway is of the other family."""
    found, data = wire.ip_bytes(gateway)
    if found == family:
        return wire.attribute(5, data)
    return wire.attribute(18, struct.pack("=H", found) + data)


def _nexthop(family: int, hop: Nexthop) -> bytes:
    gateway = _gateway(family, hop.gateway) if hop.gateway is not None else b""
    return struct.pack("=HBBi", 8 + len(gateway), hop.flags, hop.weight - 1, hop.oif) + gateway


def _neighbor(kind: int, how: int, index: int, address: str, mac: str | None, state: int, flags: int) -> bytes:
    family, data = wire.ip_bytes(address)
    attributes = [wire.attribute(1, data)]
    if mac is not None:
        attributes.append(wire.attribute(2, wire.mac_bytes(mac)))
    return wire.message(kind, how, wire.neighbor_header.pack(family, index, state, flags, 0), *attributes)


def _fdb_attributes(
    mac: str, destination: str | None, vlan: int | None, vni: int | None, port: int | None, via: int | None
) -> list[bytes]:
    attributes = [wire.attribute(2, wire.mac_bytes(mac))]
    if destination is not None:
        attributes.append(wire.attribute(1, wire.ip_bytes(destination)[1]))
    if vlan is not None:
        attributes.append(wire.u16(5, vlan))
    if port is not None:
        attributes.append(wire.be16(6, port))
    if vni is not None:
        attributes.append(wire.u32(7, vni))
    if via is not None:
        attributes.append(wire.u32(8, via))
    return attributes
