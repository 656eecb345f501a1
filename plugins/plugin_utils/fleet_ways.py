# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way packets leave a container: by our bridge alone, or beside the network that its engine gave it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from .netaddr_names import IPNetwork

Route = dict[str, Any]
#: Those who give their containers a network themselves.
ENGINES = ("docker:", "podman:", "lxc:", "machine:")
PRIORITY = 10244


def has_own_network(attach: str) -> bool:
    """Whether the namespace that is attached has, most likely, an `eth0` and a default route already."""
    return attach.startswith(ENGINES)


def ways(container: Mapping[str, Any], prefixes: Sequence[str], bridge: str) -> tuple[list[Route], list[Route]]:
    """The routes and rules inside of a container.

    One that keeps its engine's default route reaches the fleet by ours, and answers by ours what came to its address
    there: else the engine would answer for it, with another address.

    Args:
        container: of the fleet plan.
        prefixes: of the fleet's containers and services.
        bridge: names the table of what is answered; a container may have legs in more than one network.

    Returns:
        ``route`` and ``rule`` of the topology module.
    """
    routes: list[Route] = []
    rules: list[Route] = []
    for address, gateway in zip(container["addresses"], container["gateways"]):
        own = IPNetwork(address)
        place = {"netns": container["netns"]}
        way = {"gateway": gateway, "device": container["interface"]}
        family = "ipv6" if own.version == 6 else "ipv4"
        if container.get("default_route", True):
            routes.append({**place, "dest": "default", "family": family, **way})
            continue
        table = str(_table(bridge))
        reached = [
            prefix for prefix in map(IPNetwork, prefixes) if prefix.version == own.version and prefix != own.cidr
        ]
        routes += [{**place, "dest": str(prefix), **way} for prefix in reached]
        # What is near is not sent by way of the gateway.
        routes.append({**place, "dest": str(own.cidr), "table": table, "device": container["interface"]})
        routes.append({**place, "dest": "default", "family": family, "table": table, **way})
        rules.append({**place, "priority": PRIORITY, "from": str(IPNetwork(own.ip)), "table": table})
    return routes, rules


def _table(bridge: str) -> int:
    return 10000 + zlib.crc32(bridge.encode()) % 10000
