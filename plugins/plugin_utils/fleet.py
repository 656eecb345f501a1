# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet plan: from names and underlay addresses to subnets, addresses, MACs, MTUs and the shared peer list.

Computed once per play, on the controller, without asking any node. Everything that belongs to a node or a container
is a pure function of its own name, underlay address and pins (see fleet_subnets and fleet_containers for what that
guarantees), so nothing shifts when others come or go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from . import fleet_containers, fleet_publish, fleet_services, fleet_subnets
from .fleet_model import COLLISIONS, NETWORKS, STYLES, FleetError, Node, NodeInput, Options, Subnet
from .fleet_ways import has_own_network
from .netaddr_names import IPAddress

MTU_RANGE = (576, 65535)
# Outer Ethernet is not counted by the underlay's MTU; outer IP, UDP and VXLAN headers and the inner Ethernet are.
VXLAN_OVERHEAD = {4: 50, 6: 70}
IPV6_LEAST_MTU = 1280
#: The link in a container that has an `eth0` of its engine.
BESIDE = "ctl0"
# Per container, copied to the plan as given; the plan's own keys are made in _container.
PASSED_ON = ("labels", "command", "environment", "isolated", "attach", "source_guard", "source_addresses")


def plan(nodes: Sequence[NodeInput], options: Options) -> dict[str, Any]:
    """Compute the plan.

    Args:
        nodes: all nodes of the fleet; their order does not matter.
        options: what holds for the whole fleet.

    Returns:
        ``nodes``, by name: each node's slice; ``peers``: one entry per node, sorted by name; ``notes``: what
        the user should know; ``network``, ``style``, ``vni``, ``prefixes``: what was decided; ``services`` and
        ``services_prefixes``. Plain data only.

    Raises:
        FleetError: the inventory contradicts itself or does not fit; one sentence with node and option.
    """
    _check_options(options)
    ready = [_node(given) for given in sorted(nodes, key=lambda node: node.name)]
    owners = _owners(ready)
    _check_reachability(ready, options)
    families = [fleet_subnets.assign(ready, options, 4)]
    if options.prefix6:
        families.append(fleet_subnets.assign(ready, options, 6))
    notes: list[str] = []
    slices: dict[str, Any] = {}
    for index, node in enumerate(ready):
        subnets = [family[index] for family in families]
        containers = node.given.containers
        fleet_containers.check_names(node.name, containers)
        seats, said = fleet_containers.assign_seats(node.name, containers, subnets[0], options.collisions)
        notes += said
        ports = fleet_publish.ports_of(node, owners, [subnet.prefix for subnet in subnets])
        slices[node.name] = _slice(node, subnets, seats, ports, options)
    _check_macs(slices)
    prefixes = [family[0].prefix for family in families if family]
    services = fleet_services.services_of(options, ready, slices, prefixes)
    return {
        "network": options.network,
        "style": options.style,
        "vni": options.vni,
        "prefixes": [str(prefix) for prefix in prefixes],
        "nodes": slices,
        "peers": [_peer(entry, options) for entry in slices.values()],
        "notes": notes + services.pop("notes"),
        **services,
    }


def vtep_mac(node: str, vni: int) -> str:
    """A locally administered unicast MAC, the same for a node and VNI for life."""
    digest = hashlib.sha256(f"{node}/{vni}".encode()).digest()[:6]
    return _mac(bytes([digest[0] & 0xFC | 0x02]) + digest[1:])


def address_mac(address: IPAddress) -> str:
    """The MAC that goes with an IPv4 address, 0a:58 and its four bytes, as the CNI bridge plugin makes it."""
    return _mac(b"\x0a\x58" + int(address).to_bytes(4, "big"))


def _mac(octets: bytes) -> str:
    return ":".join(f"{octet:02x}" for octet in octets)


def _check_options(options: Options) -> None:
    for name, value, choices in (
        ("containers_network", options.network, NETWORKS),
        ("overlay_style", options.style, STYLES),
        ("containers_collisions", options.collisions, COLLISIONS),
    ):
        if value not in choices:
            raise FleetError(name, f"must be one of {', '.join(choices)}, not {value!r}")
    if not 1 <= options.vni < 2**24:
        raise FleetError("overlay_vni", f"must be from 1 to {2**24 - 1}, not {options.vni}")


def _node(given: NodeInput) -> Node:
    if not MTU_RANGE[0] <= given.mtu <= MTU_RANGE[1]:
        problem = f"must be from {MTU_RANGE[0]} to {MTU_RANGE[1]}, not {given.mtu}"
        raise FleetError(f"{given.name}: containers_underlay_mtu", problem)
    underlay, underlay6 = fleet_subnets.underlays_of(given)
    return Node(given, underlay, underlay6)


def _owners(nodes: Sequence[Node]) -> dict[IPAddress, str]:
    """Underlay address → its node; names and underlay addresses are unique, or FleetError."""
    known: dict[IPAddress, str] = {}
    for one, two in zip(nodes, nodes[1:]):
        if one.name == two.name:
            raise FleetError(one.name, "there are two nodes of this name")
    for node in nodes:
        for address in {node.underlay, node.underlay6} - {None}:
            other = known.setdefault(address, node.name)
            if other != node.name:
                problem = f"{address} is already the underlay address of {other}"
                raise FleetError(f"{node.name}: containers_underlay", problem)
    return known


def _check_reachability(nodes: Sequence[Node], options: Options) -> None:
    """There are the underlay addresses that the network needs."""
    if options.network == "none" or len(nodes) < 2:
        return
    for node in nodes:
        _check_reachable(node, nodes[0], options)


def _check_reachable(node: Node, first: Node, options: Options) -> None:
    where = f"{node.name}: containers_underlay"
    if node.underlay is None:
        problem = "other nodes need this node's underlay address; set it, or ansible_host, to an IP address"
        raise FleetError(where, problem)
    if first.underlay is not None and node.underlay.version != first.underlay.version:
        problem = f"{node.underlay} is IPv{node.underlay.version}, but {first.name} has {first.underlay}"
        raise FleetError(where, f"{problem}; all nodes need underlay addresses of one IP version")
    if options.network == "routed" and options.prefix6 and node.underlay6 is None:
        problem = "routes to containers_prefix6 need an IPv6 address of the node; set it or leave out the prefix"
        raise FleetError(where + "6", problem)


def _check_macs(slices: Mapping[str, Any]) -> None:
    owners: dict[str, str] = {}
    for name, entry in slices.items():
        other = owners.setdefault(entry["vtep"]["mac"], name)
        if other != name:
            raise FleetError(name, f"its VTEP MAC is that of {other}; choose another overlay_vni or name")


def _mtu(node: Node, options: Options) -> int:
    """MTU of containers, bridge and overlay link, in bytes."""
    mtu = node.given.mtu
    if options.network == "overlay":
        mtu -= VXLAN_OVERHEAD[node.underlay.version if node.underlay is not None else 4]
    if options.prefix6 and mtu < IPV6_LEAST_MTU:
        problem = f"leaves {mtu} bytes for containers, but IPv6 needs {IPV6_LEAST_MTU}"
        raise FleetError(f"{node.name}: containers_underlay_mtu", problem)
    return mtu


def _slice(
    node: Node,
    subnets: Sequence[Subnet],
    seats: Mapping[str, int],
    ports: Mapping[str, list[dict[str, Any]]],
    options: Options,
) -> dict[str, Any]:
    mtu = _mtu(node, options)
    containers = []
    for given in node.given.containers:
        made = _container(given, subnets, seats[str(given["name"])], mtu, options)
        if given["name"] in ports:
            made["publish"] = ports[given["name"]]
        containers.append(made)
    return {
        "name": node.name,
        "underlay": _text(node.underlay),
        "underlay6": _text(node.underlay6),
        "subnets": [str(subnet.network) for subnet in subnets],
        "mtu": mtu,
        "bridge": {
            "addresses": [subnet.interface(1, options.bridged) for subnet in subnets],
            "mac": address_mac(subnets[0].host(1)),
        },
        "vtep": {
            "mac": vtep_mac(node.name, options.vni),
            "addresses": [str(subnet.host(0)) for subnet in subnets],
        },
        "containers": containers,
    }


def _container(
    given: Mapping[str, Any], subnets: Sequence[Subnet], seat: int, mtu: int, options: Options
) -> dict[str, Any]:
    name = str(given["name"])
    beside = has_own_network(str(given.get("attach") or ""))
    made: dict[str, Any] = {
        "name": name,
        "netns": given.get("attach") or name,
        "interface": given.get("interface") or (BESIDE if beside else "eth0"),
        "host_interface": fleet_containers.host_interface(name),
        "addresses": [subnet.interface(seat, options.bridged) for subnet in subnets],
        "gateways": [str(subnet.host(1)) for subnet in subnets],
        "mac": address_mac(subnets[0].host(seat)),
        "mtu": mtu,
    }
    wanted = given.get("default_route")
    if not (wanted if wanted is not None else not beside):
        made["default_route"] = False
    made.update({key: given[key] for key in PASSED_ON if given.get(key) is not None})
    return made


def _peer(entry: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """What other nodes need to know of a node, the same for all of them."""
    peer = {
        "name": entry["name"],
        "underlay": entry["underlay"],
        "underlay6": entry["underlay6"],
        "subnets": entry["subnets"],
        "mac": entry["vtep"]["mac"],
        "gateways": entry["vtep"]["addresses"],
    }
    if options.bridged:
        peer["macs"] = [entry["bridge"]["mac"], *(container["mac"] for container in entry["containers"])]
    return peer


def _text(address: IPAddress | None) -> str:
    return "" if address is None else str(address)
