# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers serve: by their labels, over all nodes, or as the service lists them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .fleet_model import FleetError
from .fleet_service_options import Service, special_use
from .netaddr_names import IPAddress, IPNetwork


@dataclass(frozen=True)
class Place:
    """A container, as services see it."""

    node: str
    name: str
    addresses: tuple[str, ...]
    labels: Mapping[str, str]
    attached: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.node}"


class Places:
    """The containers of all nodes, in the order of nodes and their lists.

    What services ask for is looked up: a hundred of them must not each go through a hundred thousand containers.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self.all = places

    def with_labels(self, labels: Mapping[str, str]) -> list[Place]:
        """Those that have all the labels, of which there is at least one."""
        candidates = min((self._by_label.get(label, []) for label in labels.items()), key=len)
        return [place for place in candidates if labels.items() <= place.labels.items()]

    @cached_property
    def _by_label(self) -> dict[tuple[str, str], list[Place]]:
        found: dict[tuple[str, str], list[Place]] = {}
        for place in self.all:
            for label in place.labels.items():
                found.setdefault(label, []).append(place)
        return found

    @cached_property
    def by_address(self) -> dict[str, Place]:
        """Address → who has it."""
        return {address: place for place in self.all for address in place.addresses}


def places_of(slices: Mapping[str, Any]) -> Places:
    """The containers of all nodes.

    Raises:
        FleetError: labels are not a dictionary.
    """
    found = []
    for node, entry in slices.items():
        for index, container in enumerate(entry["containers"]):
            labels = container.get("labels") or {}
            if not isinstance(labels, Mapping):
                where = f"{node}: containers_list[{index}].labels"
                raise FleetError(where, f"must be a dictionary, such as {{app: web}}, not {labels!r}")
            addresses = tuple(text.split("/")[0] for text in container["addresses"])
            texts = {str(label): str(value) for label, value in labels.items()}
            found.append(Place(node, container["name"], addresses, texts, bool(container.get("attach"))))
    return Places(found)


def drained(said: Sequence[Any], places: Places, slices: Mapping[str, Any]) -> set[str]:
    """Full names of the containers that are to get no new connections: listed one by one, or by their node.

    Raises:
        FleetError: there is no such container or node.
    """
    known = {place.full_name for place in places.all}
    found: set[str] = set()
    for index, entry in enumerate(said):
        name = str(entry)
        if name in known:
            found.add(name)
        elif name in slices:
            found |= {place.full_name for place in places.all if place.node == name}
        else:
            problem = f"there is no node, and no container NAME@NODE, that is called {name!r}"
            raise FleetError(f"services_drained[{index}]", problem)
    return found


def resolve(service: Service, places: Places, own: Sequence[IPNetwork], drained: Collection[str]) -> None:
    """Gives the service its servers, IPv4 first: node and container ("" = none of the fleet), address, port, weight.

    Raises:
        FleetError: a server that is listed cannot serve.
    """
    versions = [prefix.version for prefix in own]
    if service.select is None:
        _resolve_listed(service, places, own, drained)
        return
    chosen = places.with_labels(service.select)
    _check_direct(service, chosen)
    service.made["servers"] = [
        {
            "node": place.node,
            "container": place.name,
            "address": address,
            "port": service.made["target_port"],
            "weight": 0 if place.full_name in drained else 1,
        }
        for version in versions
        for place in chosen
        for address in place.addresses
        if (":" in address) == (version == 6)
    ]


def _resolve_listed(service: Service, places: Places, own: Sequence[IPNetwork], drained: Collection[str]) -> None:
    seen: set[tuple[str, int]] = set()
    for index, server in enumerate(service.servers):
        where = f"{service.path}.servers[{index}].address"
        _check(IPAddress(server["address"]), where, own)
        if service.made["method"] == "gatewaying" and server["port"] != service.made["port"]:
            raise FleetError(f"{service.path}.servers[{index}].port", "gatewaying cannot change the port; leave it out")
        ident = (server["address"], server["port"])
        if ident in seen:
            raise FleetError(where, f"{ident[0]} with port {ident[1]} is listed already")
        seen.add(ident)
        place = places.by_address.get(server["address"])
        _check_direct(service, [place] if place else [])
        made = {"node": place.node if place else "", "container": place.name if place else "", **server}
        if place is not None and place.full_name in drained:
            made["weight"] = 0
        service.made["servers"].append(made)
    service.made["servers"].sort(key=lambda server: ":" in server["address"])


def mark(services: Sequence[Service], slices: Mapping[str, Any]) -> None:
    """Says of each container that serves that it does, so that its node need not go through the servers of all."""
    serving = {(server["node"], server["container"]) for service in services for server in service.made["servers"]}
    for node, entry in slices.items():
        for container in entry["containers"]:
            if (node, container["name"]) in serving:
                container["serves"] = True


def _check_direct(service: Service, chosen: Sequence[Place]) -> None:
    """A server that answers with the service's address needs it inside, with settings that are not ours elsewhere."""
    attached = [place for place in chosen if place.attached]
    if attached and service.made["method"] == "gatewaying":
        problem = f"gatewaying needs a namespace made here, but {attached[0].full_name} is attached; use method: masq"
        raise FleetError(f"{service.path}.method", problem)


def _check(address: IPAddress, where: str, own: Sequence[IPNetwork]) -> None:
    use = special_use(address)
    if use:
        raise FleetError(where, f"{address} {use}")
    if address.version not in [prefix.version for prefix in own]:
        raise FleetError(where, f"{address} is IPv6, but there is no services_prefix6")
    for prefix in own:
        if address.version == prefix.version and address in prefix:
            raise FleetError(where, f"{address} is an address of services ({prefix}), so it would lead in a circle")
