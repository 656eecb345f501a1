# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that the kernel reports, and the requests that ask for them.

Each dump request sets only what strict checking (NETLINK_GET_STRICT_CHK) lets pass, so that the kernel
filters.
Each parser takes one message, header included, as `Socket.dump` and `Socket.query` return it.
"""

from __future__ import annotations

import functools
import struct
from typing import NamedTuple

from . import wire

RTEXT_FILTER_VF, RTEXT_FILTER_BRVLAN, RTEXT_FILTER_SKIP_STATS = 0x1, 0x2, 0x8
NTF_PROXY = 0x08
_BODY = 16
_ANYWHERE = {wire.AF_INET: "0.0.0.0", wire.AF_INET6: "::"}
_nexthop = struct.Struct("=HBBi")
_lifetimes = struct.Struct("=II")
FOREVER = 0xFFFFFFFF


class LinkRow(NamedTuple):
    """A link; `link` is the index of its parent or peer, in namespace `link_netnsid` if that is not None.

    `info_data`, `slave_data` and `af_spec` are the undecoded IFLA_INFO_DATA, IFLA_INFO_SLAVE_DATA and IFLA_AF_SPEC,
    `raw` is the message.
    """

    index: int  # type: ignore[assignment]
    name: str
    kind: str
    flags: int
    up: bool
    mtu: int
    mac: str
    broadcast: str
    master: int
    link: int | None
    link_netnsid: int | None
    group: int
    txqueuelen: int
    alias: str
    slave_kind: str
    af_spec: bytes
    info_data: bytes
    slave_data: bytes
    raw: bytes

    @property
    def addrgenmode(self) -> int | None:
        """IFLA_AF_SPEC > AF_INET6 > IFLA_INET6_ADDR_GEN_MODE; None where IPv6 is off for the link."""
        inet6 = wire.attributes(self.af_spec, 0).get(wire.AF_INET6)
        mode = wire.attributes(inet6, 0).get(8) if inet6 else None
        return mode[0] if mode else None


class AddressRow(NamedTuple):
    """An address of a link; `flags` are all 32 bits of IFA_FLAGS, `valid_lifetime` seconds or FOREVER."""

    index: int  # type: ignore[assignment]
    family: int
    address: str
    peer: str | None
    prefixlen: int
    scope: int
    flags: int
    label: str
    broadcast: str | None
    protocol: int
    valid_lifetime: int


class Nexthop(NamedTuple):
    gateway: str | None
    oif: int
    weight: int
    flags: int


class RouteRow(NamedTuple):
    """A route; `via` is a gateway of the other family (RTA_VIA), `flags` are rtm_flags."""

    family: int
    dst: str
    table: int
    protocol: int
    scope: int
    type: int
    tos: int
    metric: int
    gateway: str | None
    via: str | None
    oif: int
    source: str | None
    flags: int
    nexthops: tuple[Nexthop, ...]
    mtu: int


class NeighborRow(NamedTuple):
    """A neighbour entry; `mac` is empty while unresolved and for a proxy entry."""

    index: int  # type: ignore[assignment]
    family: int
    address: str
    mac: str
    state: int
    flags: int
    ext_flags: int


class FdbRow(NamedTuple):
    """A forwarding entry; absent numbers are 0 (`vlan`, `vni`, `port`, `via`, `master`, `nh_id`)."""

    index: int  # type: ignore[assignment]
    mac: str
    destination: str | None
    vlan: int
    vni: int
    port: int
    via: int
    state: int
    flags: int
    master: int
    nh_id: int


def dump_links(ext_mask: int = RTEXT_FILTER_SKIP_STATS, family: int = 0, master: int = 0) -> bytes:
    """All links, or those of a master; AF_BRIDGE and RTEXT_FILTER_BRVLAN read VLANs, of all ports only."""
    attributes = [wire.u32(29, ext_mask)] if ext_mask else []
    if master:
        attributes.append(wire.u32(10, master))
    return wire.message(wire.RTM_GETLINK, 0, wire.link_header.pack(family, 0, 0, 0, 0), *attributes)


def get_link(name: str = "", index: int = 0) -> bytes:
    """One link, by name or index; ENODEV if there is none."""
    attributes = [wire.u32(29, RTEXT_FILTER_SKIP_STATS)]
    if name:
        attributes.append(wire.text(3, name))
    return wire.message(wire.RTM_GETLINK, 0, wire.link_header.pack(0, 0, index, 0, 0), *attributes)


def dump_addresses(index: int = 0, family: int = 0) -> bytes:
    return wire.message(wire.RTM_GETADDR, 0, wire.address_header.pack(family, 0, 0, 0, index))


def dump_routes(family: int, table: int = 0) -> bytes:
    """The routes of one family, of one table or all; ENOENT if that table does not exist."""
    header = wire.route_header.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
    return wire.message(wire.RTM_GETROUTE, 0, header, *([wire.u32(15, table)] if table else []))


def dump_neighbors(index: int = 0, family: int = 0, proxy: bool = False) -> bytes:
    """Neighbours of one link or all; the kernel lists proxy entries apart from the others."""
    header = wire.neighbor_header.pack(family, 0, 0, NTF_PROXY if proxy else 0, 0)
    return wire.message(wire.RTM_GETNEIGH, 0, header, *([wire.u32(8, index)] if index else []))


def dump_fdb(index: int = 0, bridge: int = 0) -> bytes:
    """Forwarding entries of one device, of one bridge and its ports, or all."""
    attributes = [wire.u32(8, index)] if index else []
    if bridge:
        attributes.append(wire.u32(9, bridge))
    header = wire.neighbor_header.pack(wire.AF_BRIDGE, 0, 0, 0, 0)
    return wire.message(wire.RTM_GETNEIGH, 0, header, *attributes)


def get_netnsid(netns_fd: int) -> bytes:
    """The id by which a socket's namespace knows another one (compare `LinkRow.link_netnsid`)."""
    return wire.message(wire.RTM_GETNSID, 0, bytes(4), wire.u32(3, netns_fd))


def parse_netnsid(message: bytes) -> int | None:
    """None if the other namespace has no id here, hence no link of it is known here."""
    found = wire.attributes(message, _BODY + 4).get(1)
    number = struct.unpack("=i", found)[0] if found else -1
    return number if number >= 0 else None


# IFLA_*: ADDRESS, BROADCAST, IFNAME, MTU, LINK, MASTER, TXQLEN, LINKINFO, IFALIAS, AF_SPEC, GROUP, LINK_NETNSID
_OF_LINKS = frozenset((1, 2, 3, 4, 5, 10, 13, 18, 20, 26, 27, 37))
_number, _signed = struct.Struct("=I").unpack, struct.Struct("=i").unpack
_ZERO = bytes(4)


def parse_link(message: bytes) -> LinkRow:
    _family, _type, index, flags, _change = wire.link_header.unpack_from(message, _BODY)
    found = wire.attributes(message, _BODY + 16, _OF_LINKS)
    get = found.get
    info = wire.attributes(found[18], 0) if 18 in found else {}
    return LinkRow(
        index,
        wire.to_text(get(3, b"")),
        wire.to_text(info[1]) if 1 in info else "",
        flags,
        bool(flags & wire.IFF_UP),
        _number(get(4, _ZERO))[0],
        get(1, b"").hex(":"),
        get(2, b"").hex(":"),
        _number(get(10, _ZERO))[0],
        _number(found[5])[0] if 5 in found else None,
        _signed(found[37])[0] if 37 in found else None,
        _number(get(27, _ZERO))[0],
        _number(get(13, _ZERO))[0],
        wire.to_text(found[20]) if 20 in found else "",
        wire.to_text(info[4]) if 4 in info else "",
        get(26, b""),
        info.get(2, b""),
        info.get(5, b""),
        message,
    )


def parse_address(message: bytes) -> AddressRow:
    family, prefixlen, flags, scope, index = wire.address_header.unpack_from(message, _BODY)
    get = wire.attributes(message, _BODY + 8).get
    address, local, broadcast, lifetimes = get(1), get(2), get(4), get(6)
    # Without a peer, IPv4 reports the address twice and IPv6 only as IFA_ADDRESS.
    own = local or address or b""
    return AddressRow(
        index=index,
        family=family,
        address=wire.to_ip(own),
        peer=wire.to_ip(address) if address and address != own else None,
        prefixlen=prefixlen,
        scope=scope,
        flags=wire.to_number(get(8) or bytes((flags,))),
        label=wire.to_text(get(3, b"")),
        broadcast=wire.to_ip(broadcast) if broadcast else None,
        protocol=wire.to_number(get(11, b"")),
        valid_lifetime=_lifetimes.unpack_from(lifetimes)[1] if lifetimes else FOREVER,
    )


def parse_route(message: bytes) -> RouteRow:
    return _parse_route(message[_BODY:])


@functools.lru_cache(maxsize=4096)
def _parse_route(body: bytes) -> RouteRow:
    """Namespaces have many routes in common, those of lo and of a subnet among them."""
    header = wire.route_header.unpack_from(body)
    family, length, _src, tos, table, protocol, scope, kind, flags = header
    found = wire.attributes(body, 12)
    get = found.get
    address = wire.to_ip(found[1]) if 1 in found else _ANYWHERE.get(family, "")
    metrics = get(8)
    return RouteRow(
        family=family,
        dst=f"{address}/{length}",
        table=wire.to_number(found[15]) if 15 in found else table,
        protocol=protocol,
        scope=scope,
        type=kind,
        tos=tos,
        metric=wire.to_number(get(6, b"")),
        gateway=wire.to_ip(found[5]) if 5 in found else None,
        via=wire.to_ip(found[18][2:]) if 18 in found else None,
        oif=wire.to_number(get(4, b"")),
        source=wire.to_ip(found[7]) if 7 in found else None,
        flags=flags,
        nexthops=_nexthops(found[9]) if 9 in found else (),
        mtu=wire.to_number(wire.attributes(metrics, 0).get(2, b"")) if metrics else 0,
    )


def _nexthops(data: bytes) -> tuple[Nexthop, ...]:
    hops = []
    at = 0
    while at + 8 <= len(data):
        length, flags, more, oif = _nexthop.unpack_from(data, at)
        if length < 8:
            break
        found = wire.attributes(data[at : at + length], 8)
        gateway = found.get(5) or found.get(18, b"")[2:]
        hops.append(Nexthop(wire.to_ip(gateway) if gateway else None, oif, more + 1, flags))
        at += length + 3 & ~3
    return tuple(hops)


def parse_neighbor(message: bytes) -> NeighborRow:
    family, index, state, flags, _type = wire.neighbor_header.unpack_from(message, _BODY)
    get = wire.attributes(message, _BODY + 12).get
    address = get(1)
    return NeighborRow(
        index=index,
        family=family,
        address=wire.to_ip(address) if address else "",
        mac=get(2, b"").hex(":"),
        state=state,
        flags=flags,
        ext_flags=wire.to_number(get(15, b"")),
    )


def parse_fdb(message: bytes) -> FdbRow:
    _family, index, state, flags, _type = wire.neighbor_header.unpack_from(message, _BODY)
    get = wire.attributes(message, _BODY + 12).get
    destination = get(1)
    return FdbRow(
        index=index,
        mac=get(2, b"").hex(":"),
        destination=wire.to_ip(destination) if destination else None,
        vlan=wire.to_number(get(5, b"")),
        vni=wire.to_number(get(7, b"")),
        port=int.from_bytes(get(6, b""), "big"),
        via=wire.to_number(get(8, b"")),
        state=state,
        flags=flags,
        master=wire.to_number(get(9, b"")),
        nh_id=wire.to_number(get(13, b"")),
    )
