# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into the fleet plan and what comes out of it; no computation, no Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .netaddr_names import IPAddress, IPNetwork

NETWORKS = ("none", "routed", "overlay")
STYLES = ("l3", "l2")
COLLISIONS = ("refuse", "probe")


class FleetError(Exception):
    """The plan cannot be made; the message is one sentence that names node and option.

    Args:
        where: node and option as the user knows them, for example ``node1: containers_subnet``.
        problem: what is wrong, and the way out.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")


@dataclass(frozen=True)
class NodeInput:
    """What the inventory says about one node; addresses as the user wrote them.

    Args:
        name: inventory name.
        underlay, underlay6: the node's own address on the network that joins the nodes, per family; "" = unknown.
        containers: elements of ``containers_list``.
        subnet, subnet6: pinned subnets; "" = derived.
        mtu: MTU of the underlay, in bytes.
        reached: where Ansible reaches it, if that is an address, in canonical form.
    """

    name: str
    underlay: str = ""
    underlay6: str = ""
    containers: tuple[Mapping[str, Any], ...] = ()
    subnet: str = ""
    subnet6: str = ""
    mtu: int = 1500
    reached: str = ""


@dataclass(frozen=True)
class Options:
    """What holds for the whole fleet.

    Args:
        prefix, prefix6: where the nodes' subnets are taken from; prefix6 "" = no IPv6.
        node_length, node_length6: prefix length of a node's subnet.
        network: how containers reach other nodes: none, routed or overlay.
        style: of the overlay: l3 (a subnet per node) or l2 (one bridge domain over all nodes).
        vni: VXLAN network identifier; VTEP MACs depend on it.
        collisions: what to do if two containers of a node fall on the same address: refuse or probe.
        services: elements of ``services_list``.
        services_prefix, services_prefix6: where the services' addresses are taken from; prefix6 "" = no IPv6.
        services_drained: containers (NAME@NODE) and nodes that are to get no new connections.
    """

    prefix: str = "10.244.0.0/16"
    prefix6: str = ""
    node_length: int = 24
    node_length6: int = 64
    network: str = "overlay"
    style: str = "l3"
    vni: int = 4096
    collisions: str = "refuse"
    services: tuple[Mapping[str, Any], ...] = ()
    services_prefix: str = "10.96.0.0/16"
    services_prefix6: str = ""
    services_drained: tuple[str, ...] = ()

    @property
    def bridged(self) -> bool:
        """Whether all nodes share one bridge domain."""
        return self.network == "overlay" and self.style == "l2"


@dataclass(frozen=True)
class Subnet:
    """A node's share of a prefix."""

    network: IPNetwork
    prefix: IPNetwork
    pinned: bool = False

    def host(self, number: int) -> IPAddress:
        """The address `number` places after the network address."""
        return IPAddress(int(self.network.first) + number, self.network.version)

    def interface(self, number: int, bridged: bool) -> str:
        """That address with the prefix length that a link carries: the whole prefix if all nodes share one bridge."""
        return f"{self.host(number)}/{(self.prefix if bridged else self.network).prefixlen}"


@dataclass(frozen=True)
class Node:
    """A node with what was derived for it."""

    given: NodeInput
    underlay: IPAddress | None
    underlay6: IPAddress | None
    subnets: tuple[Subnet, ...] = ()
    seats: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.given.name
