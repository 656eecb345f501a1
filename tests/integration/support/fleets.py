# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet in namespaces: what the roles declare of it, from the same plan by the same filters, without Ansible.

Nodes are namespaces beside each other, so names of containers are unique in the fleet. A client is in the same network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.containerland.net.plugins.plugin_utils import firewall, fleet, services, topologies
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import NodeInput, Options

from tests.integration.support.kernel import sh
from tests.integration.support.run import apply

CLIENT, CLIENT_ADDRESS = "client", "192.0.2.2"
FORWARDING = {"net.ipv4.ip_forward": 1, "net.ipv4.conf.all.rp_filter": 2}
Containers = Mapping[str, Sequence[Mapping[str, Any]]]


def build(containers: Containers, listed: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, Any]:
    """Nodes that are connected, with containers, the overlay and the services; the plan."""
    plan = plan_of(containers, listed, **options)
    places = {CLIENT: CLIENT_ADDRESS, **{name: entry["underlay"] for name, entry in plan["nodes"].items()}}
    apply("topology", underlay(places))
    for node in plan["nodes"]:
        wanted = topologies.containers_topology(plan, node)
        wanted.pop("commands")
        rules = firewall.containers_firewall(plan, node)
        sysctls = {**FORWARDING, **wanted.pop("sysctls"), **rules["sysctls"]}
        chains = [{**chain, "backend": "legacy"} for chain in rules["iptables_chain"]]
        # This kernel has nf_tables for bridges, but not for IP.
        tunnel = topologies.overlay_topology(plan, node, f"vxlan{plan['vni']}", source_guard=False)
        apply("topology", {"name": f"{node}-c", "netns": node, "sysctls": sysctls, "iptables_chain": chains, **wanted})
        apply("topology", {"name": f"{node}-o", "netns": node, **tunnel})
        balance(plan, node)
    return plan


def plan_of(containers: Containers, listed: Sequence[Mapping[str, Any]], **options: Any) -> dict[str, Any]:
    nodes = [
        NodeInput(name, f"192.0.2.{number}", containers=tuple({"name": own["name"], **own} for own in listed_here))
        for number, (name, listed_here) in enumerate(containers.items(), 11)
    ]
    return fleet.plan(nodes, Options(services=tuple(listed), vni=7, **options))


def balance(plan: Mapping[str, Any], node: str, proxy: str = "ipvs") -> Any:
    """What the role services does on a node."""
    seen = [f"address {plan['nodes'][node]['underlay']} eth0"]
    lists = services.services_topology(plan, node, proxy, holder="dummy", seen=seen)
    lists.pop("services")
    lists["iptables_chain"] = [{**chain, "backend": "legacy"} for chain in lists["iptables_chain"]]
    return apply("topology", {"name": f"{node}-s", "netns": node, **lists})


def remove(node: str) -> Any:
    """What it does to take the services away."""
    return apply("topology", {"name": f"{node}-s", "netns": node, "state": "absent"})


def in_node(node: str, script: str) -> str:
    return sh(f"ip netns exec {node} sh -ec '{script}'")


def underlay(places: Mapping[str, str]) -> dict[str, Any]:
    """Namespaces on one network, with an address each."""
    return {
        "name": "underlay",
        "namespaces": [{"name": name} for name in places],
        "bridge": [{"name": "underlay"}],
        "veth": [
            {
                "name": name,
                "master": "underlay",
                "peer": {"name": "eth0", "netns": name, "addresses": [f"{address}/24"]},
            }
            for name, address in places.items()
        ],
    }
