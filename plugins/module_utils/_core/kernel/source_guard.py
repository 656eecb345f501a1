# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of nf_tables that let only known sources in: by a port of a bridge, and by a VXLAN tunnel.

They are tables of our own, so accepting rules of others, and flushing those, do not open them; and they need neither
iptables nor br_netfilter. As `nft list ruleset` shows them:

    table bridge containerland {
        set ports     { type ifname }
        set macs      { type ifname . ether_addr }
        set addresses { type ifname . ether_addr . ipv4_addr }
        set addresses6 { type ifname . ether_addr . ipv6_addr }
        chain ports {
            type filter hook prerouting priority -300
            iifname != @ports accept
            iifname . ether saddr != @macs drop
            …
            drop
        }
        chain local { type filter hook input priority -300 … }
    }
    table ip containerland-vxlan7 {
        set vni-7-port-4789 { type ipv4_addr }
        chain tunnel {
            type filter hook input priority -300
            udp dport 4789 @th,96,24 7 ip saddr != @vni-7-port-4789 drop
        }
    }

A port is asked in prerouting, which is before the bridge learns the source, before br_netfilter, and before the node
sees anything. Frames to 01:80:c2:00:00:0x do not come that way, but are learned from (br_handle_frame): `local` is for
them. What is no IP or ARP does not pass at all: other protocols have no source that could be checked, and a tag of
VLAN 0 is looked through by `meta protocol`, as by whoever receives it.

A tunnel is asked in input, where IPv4 fragments have been put together again (ip_local_deliver); IPv6 does that later,
so what comes in fragments for the tunnel's port has to come from a peer, whatever the tunnel.
"""

from __future__ import annotations

import socket
import struct

from .nft_tables import Chain, Expression, Rule, Set, Table
from .nftables import attribute

PORTS_TABLE = "containerland"
TUNNEL_PREFIX = "containerland-"
PORTS, MACS, IPV4, IPV6 = "ports", "macs", "addresses", "addresses6"

_IFNAME, _MAC, _IPV4, _IPV6 = 41, 9, 7, 8  # nft(8)'s numbers of data types
_TYPE_BITS = 6
_PREROUTING, _INPUT, _FIRST = 0, 1, -300
# Registers of 32 bits; a name takes four, a MAC two.
_NAME, _SOURCE, _ADDRESS = 0, 4, 6
_LINK, _NETWORK, _TRANSPORT = 0, 1, 2
_META_PROTOCOL, _META_IIFNAME, _META_L4PROTO = 1, 6, 16
_IP, _ARP, _IP6 = b"\x08\x00", b"\x08\x06", b"\x86\xdd"
_UDP, _ICMPV6 = b"\x11", b"\x3a"
_SOLICITATION, _ADVERTISEMENT, _MLD2_REPORT = b"\x87", b"\x88", b"\x8f"
_FRAGMENT_HEADER = 44
_DROP, _ACCEPT = 0, 1


def name_key(port: str) -> bytes:
    return port.encode().ljust(16, b"\0")


def mac_key(port: str, mac: str) -> bytes:
    return name_key(port) + bytes.fromhex(mac.replace(":", "")) + b"\0\0"


def address_key(port: str, mac: str, address: str) -> bytes:
    return mac_key(port, mac) + packed(address)


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def unpacked(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address)


def split_key(key: bytes) -> tuple[str, str, str]:
    """Port, MAC and address of a key; what it does not have is empty."""
    port = key[:16].rstrip(b"\0").decode("utf-8", "surrogateescape")
    mac = key[16:22].hex(":")
    return port, mac, unpacked(key[24:]) if len(key) in (28, 40) else ""


def ports_table() -> Table:
    """The guard of all ports of bridges in a namespace."""
    return Table("bridge", PORTS_TABLE, _PORT_SETS, (Chain(_CHAIN, _PREROUTING, _FIRST), _LOCAL), _PORT_RULES)


def tunnel_set(vni: int, port: int) -> str:
    return f"vni-{vni}-port-{port}"


def tunnel_table(device: str, family: str, vni: int, port: int) -> Table:
    """The guard of one tunnel, whose outer packets are of this IP version."""
    six = family == "ipv6"
    peers = tunnel_set(vni, port)
    stranger = (_payload(0, _NETWORK, 8 if six else 12, 16 if six else 4), _lookup(peers, inverted=True))
    asked = (_meta(_META_L4PROTO), _is(_UDP), _payload(0, _TRANSPORT, 2, 2), _is(struct.pack("!H", port)))
    network = (_payload(0, _TRANSPORT, 12, 3), _is(vni.to_bytes(3, "big")))
    rules = [Rule(_TUNNEL, (*asked, *network, *stranger, *_DROPPED))]
    if six:
        rules.append(Rule(_TUNNEL, (_is_fragment(), _is(b"\1"), *asked, *stranger, *_DROPPED)))
    sets = (Set(peers, _IPV6 if six else _IPV4, 16 if six else 4),)
    return Table(family, TUNNEL_PREFIX + device, sets, (Chain(_TUNNEL, _INPUT, _FIRST),), tuple(rules))


def _number(value: int) -> bytes:
    return struct.pack("!I", value)


def _register(index: int) -> bytes:
    """A register by its 32-bit index, as the kernel dumps it: one of 128 bits where it begins there."""
    return _number(1 + index // 4 if index % 4 == 0 else 8 + index)


def _meta(key: int, register: int = 0) -> Expression:
    return Expression("meta", ((2, _number(key)), (1, _register(register))))


def _payload(register: int, base: int, offset: int, length: int) -> Expression:
    places = ((2, base), (3, offset), (4, length))
    return Expression("payload", ((1, _register(register)), *((which, _number(value)) for which, value in places)))


def _is_fragment() -> Expression:
    """1 for packets with a fragment header (NFT_EXTHDR_F_PRESENT)."""
    places = ((3, 0), (4, 1), (5, 1), (6, 0))
    numbers = tuple((which, _number(value)) for which, value in places)
    return Expression("exthdr", ((1, _register(0)), (2, bytes([_FRAGMENT_HEADER])), *numbers))


def _is(value: bytes) -> Expression:
    return Expression("cmp", ((1, _register(0)), (2, _number(0)), (3, attribute(1, value))))


def _lookup(name: str, inverted: bool = False) -> Expression:
    return Expression("lookup", ((1, name.encode() + b"\0"), (2, _register(0)), (5, _number(int(inverted)))))


def _verdict(code: int) -> Expression:
    return Expression("immediate", ((1, _number(0)), (2, attribute(2, attribute(1, _number(code))))))


_DROPPED = (Expression("counter"), _verdict(_DROP))
_CHAIN, _TUNNEL = "ports", "tunnel"
_LOCAL = Chain("local", _INPUT, _FIRST)
_NAME_AND_MAC = _IFNAME << _TYPE_BITS | _MAC
_PORT_SETS = (
    # In this order elements come, so that no port is guarded before what it may send is known.
    Set(MACS, _NAME_AND_MAC, 24),
    Set(IPV4, _NAME_AND_MAC << _TYPE_BITS | _IPV4, 28),
    Set(IPV6, _NAME_AND_MAC << _TYPE_BITS | _IPV6, 40),
    Set(PORTS, _IFNAME, 16, is_text=True),
)
_PORT = _meta(_META_IIFNAME)
_FROM = (_PORT, _payload(_SOURCE, _LINK, 6, 6))


def _port_rule(*parts: Expression, verdict: int = _ACCEPT) -> Rule:
    return Rule(_CHAIN, (*parts, *(_DROPPED if verdict == _DROP else (_verdict(verdict),))))


def _protocol(value: bytes) -> tuple[Expression, ...]:
    return (_meta(_META_PROTOCOL), _is(value))


def _icmpv6(kind: bytes) -> tuple[Expression, ...]:
    return (_meta(_META_L4PROTO), _is(_ICMPV6), _payload(0, _TRANSPORT, 0, 1), _is(kind))


def _address(base: int, offset: int, length: int) -> Expression:
    return _payload(_ADDRESS, base, offset, length)


_SENDER = (_PORT, _payload(_SOURCE, _NETWORK, 8, 6))
_TARGET = (*_FROM, _address(_TRANSPORT, 8, 16))
_UNSPECIFIED = (*_protocol(_IP6), _payload(0, _NETWORK, 8, 16), _is(bytes(16)))
_PORT_RULES = (
    _port_rule(_PORT, _lookup(PORTS, inverted=True)),
    _port_rule(*_FROM, _lookup(MACS, inverted=True), verdict=_DROP),
    # ARP: the sender; or nobody yet, who asks whether their own address is free (RFC 5227).
    _port_rule(*_protocol(_ARP), *_SENDER, _address(_NETWORK, 14, 4), _lookup(IPV4)),
    _port_rule(
        *_protocol(_ARP),
        *(_payload(0, _NETWORK, 14, 4), _is(bytes(4))),
        *_SENDER,
        *(_address(_NETWORK, 24, 4), _lookup(IPV4)),
    ),
    # No link but the loopback carries its addresses (CVE-2020-8558), whatever iptables has lost.
    _port_rule(*_protocol(_IP), _payload(0, _NETWORK, 16, 1), _is(b"\x7f"), verdict=_DROP),
    _port_rule(*_protocol(_IP), *_FROM, _address(_NETWORK, 12, 4), _lookup(IPV4)),
    # Neighbour discovery: whose address is advertised, and by whom; or is asked for by nobody yet (RFC 4862).
    _port_rule(*_protocol(_IP6), *_icmpv6(_ADVERTISEMENT), *_TARGET, _lookup(IPV6, inverted=True), verdict=_DROP),
    _port_rule(*_protocol(_IP6), *_FROM, _address(_NETWORK, 8, 16), _lookup(IPV6)),
    _port_rule(*_UNSPECIFIED, *_icmpv6(_SOLICITATION), *_TARGET, _lookup(IPV6)),
    _port_rule(*_UNSPECIFIED, *_icmpv6(_MLD2_REPORT)),
    _port_rule(verdict=_DROP),
    Rule(_LOCAL.name, (_PORT, _lookup(PORTS), *_FROM, _lookup(MACS, inverted=True), *_DROPPED)),
)
