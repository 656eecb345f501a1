# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services in the fleet plan: their addresses, and their servers among the containers of all nodes.

A service's address is a pure function of its name, so nothing shifts when others come or go. No function of a name
alone can avoid all collisions; they are refused with the pin (``address``) that settles them for good, as with
containers.

An address that is caught on every node must be nobody else's (CVE-2020-8554): what could only be meant to catch other
people's traffic is refused here, with the option's path. What only a node can know (its gateway and DNS servers) is
asked there, by the role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import fleet_servers, fleet_service_options
from .fleet_model import FleetError, Node, Options
from .fleet_service_options import Service, special_use
from .fleet_subnets import number_of, parse_network
from .netaddr_names import IPAddress, IPNetwork

# A larger prefix has more addresses; as many as this keep the number of a service the same in IPv4 and IPv6.
MAX_SEATS = 2**16 - 2
RESERVED = {
    ("tcp", 22): "is how people and Ansible reach the nodes",
    ("udp", 4789): "is how the overlay's packets reach the nodes",
}

Slices = Mapping[str, Any]


def services_of(
    options: Options, nodes: Sequence[Node], slices: Slices, prefixes: Sequence[IPNetwork]
) -> dict[str, Any]:
    """The services, resolved.

    Args:
        options: with the services as the user wrote them.
        nodes: all nodes of the fleet.
        slices: each node's part of the plan; containers that serve are marked there.
        prefixes: what holds all containers.

    Returns:
        ``services``: one entry per service, in the order of the list; ``services_prefixes``; ``notes``.

    Raises:
        FleetError: a service cannot be meant, or two exclude each other.
    """
    if not options.services:
        if options.services_drained:
            raise FleetError("services_drained", "there are no services; services_list says which there are to be")
        return {"services": [], "services_prefixes": [], "notes": []}
    own = _prefixes(options, nodes, prefixes)
    services = [fleet_service_options.parse(item, f"services_list[{k}]") for k, item in enumerate(options.services)]
    _check_names(services)
    _assign_addresses(services, own)
    places = fleet_servers.places_of(slices)
    drained = fleet_servers.drained(options.services_drained, places, slices)
    underlay = {address: node.name for node in nodes for address in (node.underlay, node.underlay6) if address}
    reached = {address: node.name for node in nodes for address in _reached(node)}
    for service in services:
        _check_addresses(service, own, prefixes, underlay, reached)
        fleet_servers.resolve(service, places, own, drained)
    fleet_servers.mark(services, slices)
    _check_claims(services, slices)
    _check_ingress(services, nodes)
    notes = [f"service '{service.made['name']}' has no servers" for service in services if not service.made["servers"]]
    return {
        "services": [service.made for service in services],
        "services_prefixes": [str(prefix) for prefix in own],
        "notes": notes,
    }


def derived_address(name: str, prefix: IPNetwork) -> IPAddress:
    """The address of a prefix that a service's name stands for."""
    return IPAddress(prefix.first + 1 + number_of(name) % min(prefix.size - 2, MAX_SEATS), prefix.version)


def _prefixes(options: Options, nodes: Sequence[Node], containers: Sequence[IPNetwork]) -> list[IPNetwork]:
    """The services' prefixes, IPv4 first; they overlap nothing else of the fleet."""
    own = [parse_network(options.services_prefix, "services_prefix", 4)]
    if options.services_prefix6:
        own.append(parse_network(options.services_prefix6, "services_prefix6", 6))
        if not options.prefix6:
            raise FleetError("services_prefix6", "needs containers_prefix6: containers without IPv6 cannot serve it")
    for prefix, option in zip(own, ("services_prefix", "services_prefix6")):
        if prefix.size < 4:
            raise FleetError(option, f"{prefix} is too small, it must have room for two services")
        use = special_use(prefix)
        if use:
            raise FleetError(option, f"{prefix} {use}")
        for other in containers:
            if other.version == prefix.version and (other in prefix or prefix in other):
                raise FleetError(option, f"{prefix} overlaps the containers' {other}; choose another one")
        for node in nodes:
            for address in (node.underlay, node.underlay6, *_reached(node)):
                if address is not None and address.version == prefix.version and address in prefix:
                    problem = f"{prefix} holds {address}, the address of {node.name}; choose another one"
                    raise FleetError(option, problem)
    return own


def _reached(node: Node) -> list[IPAddress]:
    """Where Ansible reaches a node, if that is an address."""
    return [IPAddress(node.given.reached)] if node.given.reached else []


def _check_names(services: Sequence[Service]) -> None:
    seen: set[str] = set()
    for service in services:
        name = service.made["name"]
        if name in seen:
            raise FleetError(f"{service.path}.name", f"there is already a service '{name}'")
        seen.add(name)


def _assign_addresses(services: Sequence[Service], own: Sequence[IPNetwork]) -> None:
    """Pins first, then the names; who falls on an address that another one has is refused, with a free one."""
    if len(own) < 2:
        for service in services:
            if service.pins["address6"] is not None:
                raise FleetError(f"{service.path}.address6", "there is no IPv6 for services; set services_prefix6")
    for prefix, option in zip(own, ("address", "address6")):
        pinned = {s.pins[option]: s.made["name"] for s in services if s.pins[option] is not None}
        natural = {s.made["name"]: derived_address(s.made["name"], prefix) for s in services if s.pins[option] is None}
        taken = dict(pinned)
        for service in services:
            name = service.made["name"]
            address = service.pins[option]
            if address is None:
                address = natural[name]
                if address in taken:
                    free = _free(address, {*taken, *natural.values()}, prefix)
                    problem = f"'{name}' and '{taken[address]}' fall on the same address {address}; pin it"
                    raise FleetError(f"{service.path}.{option}", f"{problem}, for example {option}: {free}")
                taken[address] = name
            elif address.version != prefix.version or address not in prefix:
                use = special_use(address)
                where = f"{service.path}.{option}"
                raise FleetError(where, f"{address} {use}" if use else f"{address} is not inside {prefix}")
            service.made["addresses"].append(str(address))


def _free(address: IPAddress, taken: set[IPAddress], prefix: IPNetwork) -> IPAddress:
    candidate = address
    while candidate in taken:
        offset = (int(candidate) - prefix.first) % min(prefix.size - 2, MAX_SEATS)
        candidate = IPAddress(prefix.first + 1 + offset, prefix.version)
    return candidate


def _check_addresses(
    service: Service,
    own: Sequence[IPNetwork],
    containers: Sequence[IPNetwork],
    underlay: Mapping[IPAddress, str],
    reached: Mapping[IPAddress, str],
) -> None:
    """External addresses are not those of anybody in the fleet."""
    for index, text in enumerate(service.made["external_addresses"]):
        where = f"{service.path}.external_addresses[{index}]"
        address = IPAddress(text)
        use = special_use(address)
        if use:
            raise FleetError(where, f"{address} {use}")
        if address.version not in [prefix.version for prefix in own]:
            raise FleetError(where, f"{address} is IPv6, but there is no services_prefix6")
        for prefix, whose in ((p, w) for group, w in ((own, "services"), (containers, "containers")) for p in group):
            if prefix.version == address.version and address in prefix:
                raise FleetError(where, f"{address} belongs to the {whose} ({prefix})")
        if text in service.made["external_addresses"][:index]:
            raise FleetError(where, f"{address} is there twice")
        if address in underlay:
            raise FleetError(where, f"{address} is the address of {underlay[address]}; ingress_port answers there")
        if address in reached:
            raise FleetError(where, f"{address} is where Ansible reaches {reached[address]}, which it would cut off")


def _check_claims(services: Sequence[Service], slices: Slices) -> None:
    """Nobody answers at the same address and port as another one."""
    taken: dict[tuple[str, str, int], str] = {}
    for service in services:
        made = service.made
        for address in (*made["addresses"], *made["external_addresses"]):
            other = taken.setdefault((made["protocol"], address, made["port"]), made["name"])
            if other != made["name"]:
                problem = f"{made['protocol']} port {made['port']} of {address} is already that of service '{other}'"
                raise FleetError(f"{service.path}.port", problem)
        if made["ingress_port"]:
            other = taken.setdefault((made["protocol"], "", made["ingress_port"]), made["name"])
            if other != made["name"]:
                problem = f"{made['protocol']} port {made['ingress_port']} is already that of service '{other}'"
                raise FleetError(f"{service.path}.ingress_port", problem)
    by_claim = {claim: service for service in services for claim in _claims(service.made)}
    for node, entry in slices.items():
        mine = {entry["underlay"], entry["underlay6"]}
        for container in entry["containers"]:
            for port in container.get("publish") or ():
                asked = "" if not port["address"] or port["address"] in mine else port["address"]
                found = by_claim.get((port["protocol"], asked, port["port"]))
                if found is not None:
                    option = "port" if asked else "ingress_port"
                    what = f"{port['protocol']} port {port['port']}"
                    problem = f"{what} is published by container '{container['name']}' of {node}"
                    raise FleetError(f"{found.path}.{option}", problem)


def _claims(made: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    addresses = (*made["addresses"], *made["external_addresses"])
    found = [(made["protocol"], address, made["port"]) for address in addresses]
    return [*found, (made["protocol"], "", made["ingress_port"])] if made["ingress_port"] else found


def _check_ingress(services: Sequence[Service], nodes: Sequence[Node]) -> None:
    for service in services:
        made = service.made
        where = f"{service.path}.ingress_port"
        use = RESERVED.get((made["protocol"], made["ingress_port"]))
        if use:
            raise FleetError(where, f"{made['ingress_port']} {use}; choose another port")
        for node in nodes:
            if made["ingress_port"] and node.underlay is None:
                problem = f"{node.name} has no address to answer at; set its containers_underlay"
                raise FleetError(where, problem)
