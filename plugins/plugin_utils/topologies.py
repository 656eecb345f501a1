# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the fleet plan to the lists that the topology module takes; pure, no Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .fleet_model import FleetError
from .fleet_ways import ways

Plan = Mapping[str, Any]
Lists = dict[str, Any]

# An IPv4-only network has no IPv6 address, link-local included, and a container takes no route from a redirect.
IPV4_SYSCTLS = {
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.default.accept_redirects": 0,
    "net.ipv6.conf.all.disable_ipv6": 1,
    "net.ipv6.conf.default.disable_ipv6": 1,
}
# No router advertisement or redirect of a neighbour changes a route (CVE-2020-10749).
IPV6_SYSCTLS = {
    "net.ipv4.conf.all.accept_redirects": 0,
    "net.ipv4.conf.default.accept_redirects": 0,
    "net.ipv6.conf.all.accept_ra": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv6.conf.all.accept_redirects": 0,
    "net.ipv6.conf.default.accept_redirects": 0,
}


def slice_of(plan: Plan, node: str) -> Mapping[str, Any]:
    """A node's part of the plan."""
    try:
        found: Mapping[str, Any] = plan["nodes"][node]
    except KeyError:
        raise FleetError(node, "this host is not in the group that the fleet plan was made for") from None
    return found


def containers_topology(plan: Plan, node: str, bridge: str = "ctl0", source_guard: bool = True) -> Lists:
    """The namespaces of a node, its bridge, the links between them and the default routes inside.

    Args:
        plan: the fleet plan.
        node: name of the node.
        bridge: name of the bridge.
        source_guard: whether containers may send only as themselves; each may say otherwise.

    Returns:
        ``sysctls``, ``namespaces``, ``bridge``, ``veth``, ``route`` and ``rule`` of the topology module, and
        ``commands`` of netns_commands.
    """
    mine = slice_of(plan, node)
    ipv6 = len(plan["prefixes"]) > 1
    own = [c for c in mine["containers"] if not c.get("attach")]
    guarded = any(_guarded(c, source_guard, ()) for c in mine["containers"])
    answered = _answered_for(plan, mine)
    prefixes = [*plan["prefixes"], *plan.get("services_prefixes", ())]
    led = [ways(container, prefixes, bridge) for container in mine["containers"]]
    inside = IPV6_SYSCTLS if ipv6 else IPV4_SYSCTLS
    return {
        "sysctls": _bridge_sysctls(bridge, ipv6),
        "namespaces": [{"name": c["netns"], "sysctls": dict(inside)} for c in own],
        "bridge": [
            {
                "name": bridge,
                "addresses": list(mine["bridge"]["addresses"]),
                "exact_addresses": True,
                "mac": mine["bridge"]["mac"],
                "mtu": mine["mtu"],
                **_ipv6_link(ipv6),
                # Else a container has frames for its neighbour sent to itself by one that no filter sees.
                **({"linklocal_learning": False} if guarded else {}),
            }
        ],
        "veth": [
            {**_veth(c, bridge, ipv6), **_guarded(c, source_guard, answered.get(c["name"], ()))}
            for c in mine["containers"]
        ],
        "route": [route for routes, _rules in led for route in routes],
        "rule": [rule for _routes, rules in led for rule in rules],
        "commands": [_command(container, node) for container in mine["containers"] if container.get("command")],
    }


def routed_routes(plan: Plan, node: str) -> list[dict[str, Any]]:
    """Routes from a node to the other nodes' subnets by way of their underlay addresses."""
    slice_of(plan, node)
    return [
        {"dest": subnet, "gateway": peer["underlay6"] if ":" in subnet else peer["underlay"]}
        for peer in plan["peers"]
        if peer["name"] != node
        for subnet in peer["subnets"]
    ]


def overlay_topology(
    plan: Plan, node: str, interface: str, port: int = 4789, bridge: str = "ctl0", source_guard: bool = True
) -> Lists:
    """The VXLAN link of a node with all its peers.

    L3 style: the link carries the subnet's first address, and each peer is a neighbour with a route behind it.
    L2 style: the link is a port of the bridge; each peer has a permanent entry for each of its MACs, and gets
    what is flooded, so that address resolution works as on any bridge.
    With `source_guard`, only peers may send into it.

    Returns:
        The lists ``vxlan``, ``neighbor`` and ``route`` of the topology module.
    """
    mine = slice_of(plan, node)
    others = [peer for peer in plan["peers"] if peer["name"] != node]
    link: dict[str, Any] = {
        "name": interface,
        "vni": plan["vni"],
        "port": port,
        "mac": mine["vtep"]["mac"],
        "mtu": mine["mtu"],
        "learning": False,
        "exact_addresses": True,
    }
    if source_guard:
        link["source_guard"] = True
    if mine["underlay"]:
        link["local"] = mine["underlay"]
    if plan["style"] == "l2":
        link.update(_bridged_link(others, bridge))
        return {"vxlan": [link], "neighbor": [], "route": []}
    addresses = mine["vtep"]["addresses"]
    link["addresses"] = [f"{address}/{128 if ':' in address else 32}" for address in addresses]
    link["master"] = ""
    link["peers"] = [
        {"underlay": p["underlay"], "mac": p["mac"], "gateway": p["gateways"][0], "destinations": p["subnets"][:1]}
        for p in others
    ]
    link.update(_ipv6_link(len(plan["prefixes"]) > 1))
    # A peer of the vxlan option has one gateway; what the second family needs beside it is said here.
    more = [(p, *pair) for p in others for pair in list(zip(p["gateways"], p["subnets"]))[1:]]
    return {
        "vxlan": [link],
        "neighbor": [{"device": interface, "address": gateway, "mac": p["mac"]} for p, gateway, _unused in more],
        "route": [
            {"dest": subnet, "gateway": gateway, "device": interface, "onlink": True}
            for _unused, gateway, subnet in more
        ],
    }


def _bridged_link(others: Sequence[Mapping[str, Any]], bridge: str) -> dict[str, Any]:
    flood = [{"underlay": peer["underlay"]} for peer in others]
    known = [{"underlay": p["underlay"], "endpoints": [{"mac": mac} for mac in p["macs"]]} for p in others]
    return {"master": bridge, "addrgenmode": "none", "addresses": [], "peers": flood + known}


def _ipv6_link(ipv6: bool) -> dict[str, Any]:
    return {"nodad": True} if ipv6 else {"addrgenmode": "none"}


def _bridge_sysctls(bridge: str, ipv6: bool) -> dict[str, int]:
    """The node takes no route from what a container sends (CVE-2020-10749), and sends it no redirects."""
    four = {f"net/ipv4/conf/{bridge}/{name}": 0 for name in ("send_redirects", "accept_redirects")}
    if not ipv6:
        return {f"net/ipv6/conf/{bridge}/disable_ipv6": 1, **four}
    return {**{f"net/ipv6/conf/{bridge}/{name}": 0 for name in ("accept_ra", "accept_redirects")}, **four}


def _command(container: Mapping[str, Any], node: str) -> dict[str, Any]:
    """A command, which learns from its environment where it runs."""
    environment = {"CONTAINER": container["name"], "NODE": node, **(container.get("environment") or {})}
    return {
        "name": container["name"],
        "netns": container["netns"],
        "command": container["command"],
        "environment": environment,
    }


def _answered_for(plan: Plan, mine: Mapping[str, Any]) -> dict[str, list[str]]:
    """Addresses of services that containers answer with by themselves."""
    found: dict[str, list[str]] = {}
    for service in plan.get("services", ()):
        if service["method"] == "gatewaying":
            for server in service["servers"]:
                if server["node"] == mine["name"]:
                    known = found.setdefault(server["container"], [])
                    known += [*service["addresses"], *service["external_addresses"]]
    return found


def _guarded(container: Mapping[str, Any], wanted: bool, answered: Sequence[str]) -> dict[str, Any]:
    said = container.get("source_guard")
    if not (wanted if said is None else said):
        return {}
    more = sorted({*(container.get("source_addresses") or ()), *answered})
    return {"source_guard": True, **({"source_addresses": more} if more else {})}


def _veth(container: Mapping[str, Any], bridge: str, ipv6: bool) -> dict[str, Any]:
    link = {
        "name": container["host_interface"],
        "master": bridge,
        "mtu": container["mtu"],
        # A bridge port needs no address of its own, and without one it floods less.
        "addrgenmode": "none",
        # With br_netfilter, the bridge itself sends what a container asks of its own published port or service back.
        "hairpin": bool(container.get("publish") or container.get("serves")),
        "alias": f"container {container['name']}",
        "peer": {
            "name": container["interface"],
            "netns": container["netns"],
            "addresses": list(container["addresses"]),
            "exact_addresses": True,
            "mac": container["mac"],
            "mtu": container["mtu"],
            # The link-local address that its guard knows.
            **({**_ipv6_link(True), "addrgenmode": "eui64"} if ipv6 else _ipv6_link(False)),
        },
    }
    if container.get("isolated"):
        link["isolated"] = True
    return link
