# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Published ports: what ``publish`` of a container may say, and what is refused before any node is asked.

A published port answers on addresses of its own node only. The rules see to that (they match local destinations);
what could only be meant to catch other people's traffic is refused here already, with the option's path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .fleet_model import FleetError, Node
from .fleet_values import address_of, check_options, number
from .netaddr_names import (
    AddrFormatError,
    IPAddress,
    IPNetwork,
)

PROTOCOLS = ("tcp", "udp", "sctp")
OPTIONS = ("port", "to", "protocol", "from", "address")
LINK_LOCAL = {4: IPNetwork("169.254.0.0/16"), 6: IPNetwork("fe80::/10")}
MULTICAST = {4: IPNetwork("224.0.0.0/4"), 6: IPNetwork("ff00::/8")}

Port = dict[str, Any]


def ports_of(node: Node, owners: Mapping[IPAddress, str], prefixes: Sequence[IPNetwork]) -> dict[str, list[Port]]:
    """The published ports of a node's containers, by container, each with all its keys.

    Args:
        node: whose containers.
        owners: underlay address → its node, of the whole fleet; those of others are not this node's.
        prefixes: what holds all containers; the second one, if any, is IPv6.

    Returns:
        ``port``, ``to``: numbers; ``protocol``; ``from``: prefixes, none = everybody; ``address``: "" = all of the
        node's addresses.

    Raises:
        FleetError: an element cannot be meant, or two of the node are the same.
    """
    taken: dict[tuple[str, int], list[tuple[str, str]]] = {}
    found: dict[str, list[Port]] = {}
    for index, container in enumerate(node.given.containers):
        where = f"{node.name}: containers_list[{index}].publish"
        said = container.get("publish") or []
        if not isinstance(said, (list, tuple)) or not all(isinstance(item, Mapping) for item in said):
            raise FleetError(where, "must be a list of dictionaries, such as [{port: 8080, to: 80}]")
        for place, item in enumerate(said):
            path = f"{where}[{place}]"
            port = _port(item, path, [prefix.version for prefix in prefixes])
            _check_address(port["address"], f"{path}.address", node, owners, prefixes)
            _claim(port, path, str(container["name"]), taken)
            found.setdefault(str(container["name"]), []).append(port)
    return found


def _port(item: Mapping[str, Any], path: str, versions: Sequence[int]) -> Port:
    check_options(item, OPTIONS, path)
    if item.get("port") is None:
        raise FleetError(f"{path}.port", "is needed: the port of the node")
    protocol = str(item.get("protocol") or "tcp").lower()
    if protocol not in PROTOCOLS:
        raise FleetError(f"{path}.protocol", f"must be one of {', '.join(PROTOCOLS)}, not {item['protocol']!r}")
    port = number(item["port"], f"{path}.port")
    made: Port = {
        "port": port,
        "to": port if item.get("to") is None else number(item["to"], f"{path}.to"),
        "protocol": protocol,
        "from": [str(prefix) for prefix in _sources(item.get("from"), f"{path}.from", versions)],
        "address": "" if item.get("address") in (None, "") else str(address_of(item["address"], f"{path}.address")),
    }
    if made["address"] and made["from"]:
        version = IPAddress(made["address"]).version
        if version not in {IPNetwork(prefix).version for prefix in made["from"]}:
            raise FleetError(f"{path}.from", f"holds no IPv{version} prefix, but address is {made['address']}")
    return made


def _sources(value: Any, where: str, versions: Sequence[int]) -> list[IPNetwork]:
    if value in (None, ""):
        return []
    items = value if isinstance(value, (list, tuple)) else [value]
    found = []
    for item in items:
        text = str(item)
        try:
            # netaddr takes "5" for 0.0.0.5/32.
            network = IPNetwork(text if "." in text or ":" in text else "")
        except (AddrFormatError, ValueError, TypeError):
            raise FleetError(where, f"not a prefix: {item!r}") from None
        if network.ip != network.network:
            raise FleetError(where, f"{text} has host bits set; did you mean {network.cidr}?")
        if network.version not in versions:
            raise FleetError(where, f"{text} is IPv{network.version}, which these containers do not have")
        found.append(network)
    return found


def _check_address(
    text: str, where: str, node: Node, owners: Mapping[IPAddress, str], prefixes: Sequence[IPNetwork]
) -> None:
    """Refuses addresses that a node cannot have, or that are somebody else's (CVE-2020-8554)."""
    if not text:
        return
    address = IPAddress(text)
    version = address.version
    if version not in [prefix.version for prefix in prefixes]:
        raise FleetError(where, f"{address} is IPv{version}, which these containers do not have")
    if address.is_loopback():
        problem = "is the loopback; leave the address out, and the port answers there as well"
        raise FleetError(where, f"{address} {problem}")
    if int(address) == 0:
        raise FleetError(where, f"{address} stands for all addresses; leave it out for that")
    if address in MULTICAST[version] or int(address) == 2**32 - 1:
        raise FleetError(where, f"{address} is for many receivers, not an address of this node")
    if address in LINK_LOCAL[version]:
        raise FleetError(where, f"{address} is link-local, so others cannot be told from this node")
    for prefix in prefixes:
        if address in prefix:
            raise FleetError(where, f"{address} belongs to the containers ({prefix}), not to the node alone")
    other = owners.get(address, node.name)
    if other != node.name:
        raise FleetError(where, f"{address} is the address of {other}")


def _claim(port: Port, path: str, container: str, taken: dict[tuple[str, int], list[tuple[str, str]]]) -> None:
    """Two containers cannot have the same port; one of all addresses and one of a single address overlap."""
    others = taken.setdefault((port["protocol"], port["port"]), [])
    for address, owner in others:
        if not address or not port["address"] or address == port["address"]:
            place = port["address"] or address
            at = f" of {place}" if place else ""
            problem = f"{port['protocol']} port {port['port']}{at} is already published by container '{owner}'"
            raise FleetError(f"{path}.port", problem)
    others.append((port["address"], container))
