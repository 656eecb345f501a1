# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which subnet of the prefix a node gets: a pure function of its own underlay address.

The index of the subnet is the low bits of the underlay address: with 10.244.0.0/16 and /24 subnets, the node at
192.0.2.11 has 10.244.11.0/24. Nothing else enters, so a node keeps its subnet whoever comes or goes, and people can
read it. Nodes of one underlay subnet cannot collide as long as the prefix has at least as many subnets as the
underlay has addresses; a hash of the name would collide in one fleet of two from 20 nodes on 256 subnets. Where two
nodes do collide (two underlay subnets), moving one of them silently would move it again when the other one leaves:
the plan is refused instead, with the pin (``containers_subnet``) that settles it for good.

A node without an underlay address (a single node needs none) takes its index from a hash of its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .fleet_model import FleetError, Node, NodeInput, Options, Subnet
from .netaddr_names import (
    AddrFormatError,
    IPAddress,
    IPNetwork,
)

SMALLEST = {4: 30, 6: 126}


def number_of(text: str) -> int:
    """A stable, evenly spread number for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def parse_network(text: str, where: str, version: int) -> IPNetwork:
    """A prefix of that IP version without host bits, or FleetError."""
    try:
        network = IPNetwork(text)
    except (AddrFormatError, ValueError, TypeError):
        raise FleetError(where, f"not a prefix: {text!r}") from None
    if "/" not in text or network.version != version:
        raise FleetError(where, f"{text!r} is not an IPv{version} prefix such as {_example(version)}")
    if network.ip != network.network:
        raise FleetError(where, f"{text} has host bits set; did you mean {network.cidr}?")
    return network


def parse_address(text: str, where: str) -> IPAddress:
    """A unicast address that another node can have, or FleetError."""
    try:
        # netaddr takes "5" for 0.0.0.5, as inet_aton does.
        address = IPAddress(text if "." in text or ":" in text else "")
    except (AddrFormatError, ValueError, TypeError):
        problem = f"not an IP address: {text!r}; set containers_underlay to the node's address"
        raise FleetError(where, problem) from None
    if address.is_multicast() or address.is_loopback() or int(address) == 0:
        raise FleetError(where, f"{text} is not an address that other nodes can reach")
    return address


def underlays_of(given: NodeInput) -> tuple[IPAddress | None, IPAddress | None]:
    """The node's underlay addresses: the main one, and an extra one for IPv6 routes."""
    main = parse_address(given.underlay, f"{given.name}: containers_underlay") if given.underlay else None
    extra = parse_address(given.underlay6, f"{given.name}: containers_underlay6") if given.underlay6 else None
    if extra is not None and extra.version != 6:
        raise FleetError(f"{given.name}: containers_underlay6", f"{extra} is not an IPv6 address")
    return main, extra or (main if main is not None and main.version == 6 else None)


def assign(nodes: Sequence[Node], options: Options, version: int) -> list[Subnet]:
    """The subnets of the nodes, in their order.

    Raises:
        FleetError: a prefix or pin is wrong, the prefix is too small, or two nodes' subnets overlap.
    """
    name, length = _family(options, version)
    prefix = parse_network(options.prefix if version == 4 else options.prefix6, name, version)
    if not prefix.prefixlen <= length <= SMALLEST[version]:
        problem = f"node subnets of /{length} do not fit; it must be from {prefix.prefixlen} to {SMALLEST[version]}"
        raise FleetError("containers_node_length" + ("6" if version == 6 else ""), problem)
    _check_room(nodes, prefix, length, name)
    _check_underlays(nodes, prefix, name)
    subnets = [_subnet(node, prefix, length, version) for node in nodes]
    _check_overlaps(nodes, subnets, version)
    return subnets


def _example(version: int) -> str:
    return "10.244.0.0/16" if version == 4 else "fd00:244::/48"


def _family(options: Options, version: int) -> tuple[str, int]:
    if version == 4:
        return "containers_prefix", options.node_length
    return "containers_prefix6", options.node_length6


def _check_room(nodes: Sequence[Node], prefix: IPNetwork, length: int, option: str) -> None:
    room = 2 ** (length - prefix.prefixlen)
    if len(nodes) > room:
        problem = f"{prefix} has room for {room} node subnets of /{length}, but there are {len(nodes)} nodes"
        raise FleetError(option, f"{problem}; choose a shorter prefix")


def _check_underlays(nodes: Sequence[Node], prefix: IPNetwork, option: str) -> None:
    for node in nodes:
        for address in (node.underlay, node.underlay6):
            if address is not None and address.version == prefix.version and address in prefix:
                problem = f"its underlay address {address} lies inside {option} {prefix}; choose another {option}"
                raise FleetError(node.name, problem)


def _subnet(node: Node, prefix: IPNetwork, length: int, version: int) -> Subnet:
    pin = node.given.subnet if version == 4 else node.given.subnet6
    if pin:
        return _pinned(node, pin, prefix)
    seed = number_of(node.name) if node.underlay is None else int(node.underlay)
    index = seed % 2 ** (length - prefix.prefixlen)
    first = int(prefix.first) + (index << ((32 if version == 4 else 128) - length))
    return Subnet(IPNetwork((first, length), version=version), prefix)


def _pinned(node: Node, pin: str, prefix: IPNetwork) -> Subnet:
    suffix = "6" if prefix.version == 6 else ""
    where = f"{node.name}: containers_subnet{suffix}"
    network = parse_network(pin, where, prefix.version)
    if network not in prefix:
        raise FleetError(where, f"{network} is not inside containers_prefix{suffix} {prefix}")
    if network.prefixlen > SMALLEST[prefix.version]:
        raise FleetError(where, f"{network} is too small, it must be /{SMALLEST[prefix.version]} or larger")
    return Subnet(network, prefix, pinned=True)


def _check_overlaps(nodes: Sequence[Node], subnets: Sequence[Subnet], version: int) -> None:
    """Refuses two nodes on the same addresses; sorted neighbours suffice, as prefixes nest or are apart."""
    option = "containers_subnet" + ("6" if version == 6 else "")
    order = sorted(zip(subnets, nodes), key=lambda pair: (pair[0].network.first, -pair[0].network.last))
    for (one, first), (two, second) in zip(order, order[1:]):
        if two.network.first <= one.network.last:
            mover = first if two.pinned and not one.pinned else second
            other = second if mover is first else first
            mine, theirs = (one, two) if mover is first else (two, one)
            problem = (
                f"{mine.network} overlaps {theirs.network} of {other.name}; "
                f"set {option} of {mover.name} to a free subnet{_free(subnets, mine)}"
            )
            raise FleetError(f"{mover.name}: {option}", problem)


def _free(subnets: Sequence[Subnet], wanted: Subnet) -> str:
    """Text that proposes a free subnet of the same size, the lowest after the wanted one (wrapping)."""
    size = wanted.network.size
    taken = sorted((s.network.first, s.network.last) for s in subnets)
    starts = [wanted.network.last + 1, int(wanted.prefix.first)]
    for start in starts:
        candidate = start
        for first, last in taken:
            if first <= candidate + size - 1 and last >= candidate:
                candidate = (last // size + 1) * size
        if candidate + size - 1 <= wanted.prefix.last:
            free = IPNetwork((candidate, wanted.network.prefixlen), version=wanted.network.version)
            return f", for example {free}"
    return ""
