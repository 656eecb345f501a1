# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the fleet plan to what makes its services answer on one node; pure, no Ansible.

Every node balances for itself: what asks there - its containers, the node, or somebody outside at one of the node's
addresses - is spread there over the servers of all nodes. So there is no node whose failure stops a service.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core import balance

from . import services_rules
from .fleet_model import FleetError
from .netaddr_names import (
    AddrFormatError,
    IPAddress,
    IPNetwork,
)
from .services_rules import Here
from .topologies import Lists, Plan, slice_of

PROXIES = ("ipvs", "iptables")
HOLDERS = ("dummy", "bridge")
# IPVS leaves the address translation of others alone unless it is told to track connections; a client whose server is
# gone, or gets no new connections, is sent to another one (kubernetes/pkg/proxy/ipvs).
IPVS_SYSCTLS = {
    "net/ipv4/vs/conntrack": 1,
    "net/ipv4/vs/expire_nodest_conn": 1,
    "net/ipv4/vs/expire_quiescent_template": 1,
}
# Answer for, and ask with, only those addresses that the link itself has (kubernetes#71555: never for all links).
STRICT_ARP = {"arp_ignore": 1, "arp_announce": 2}


def services_topology(
    plan: Plan,
    node: str,
    proxy: str = "iptables",
    interface: str = "svc0",
    holder: str = "bridge",
    bridge: str = "ctl0",
    seen: Sequence[str] = (),
    failing: Mapping[str, Collection[str]] | None = None,
) -> Lists:
    """What makes the services answer on a node.

    Args:
        plan: the fleet plan.
        node: name of the node.
        proxy: who spreads the connections: ipvs or iptables.
        interface: name of the link that holds the services' addresses.
        holder: its kind: dummy or bridge.
        bridge: the containers' bridge.
        seen: lines ``address ADDRESS LINK`` of the node.
        failing: servers (ADDRESS:PORT) that get no new connections, by service.

    Returns:
        ``link``, ``bridge``, ``namespaces``, ``sysctls``, ``iptables_chain`` and ``ipvs_service`` of the topology
        module, and ``services``, each as `balance.elements` takes it.

    Raises:
        FleetError: an option is wrong, or the proxy cannot do what a service asks for.
    """
    for name, value, choices in (("proxy", proxy, PROXIES), ("holder", holder, HOLDERS)):
        if value not in choices:
            raise FleetError(f"services_{name}", f"must be one of {', '.join(choices)}, not {value!r}")
    mine = slice_of(plan, node)
    lists: Lists = {"link": [], "bridge": [], "namespaces": [], "sysctls": {}, "iptables_chain": [], "ipvs_service": []}
    if not plan["services"]:
        return {**lists, "services": []}
    services = [node_service(plan, node, service, proxy, number) for number, service in enumerate(plan["services"])]
    for service in services:
        # Nobody watches a service without a check, so who failed before there was none says nothing.
        ill = (failing or {}).get(service["name"], ()) if "health" in service else ()
        for name, elements in balance.elements(service, ill).items():
            lists[name] += elements
    # What the plan gives this node may not be there yet, and has neighbours that know it without asking.
    given = {entry.split("/")[0] for entry in (*mine["bridge"]["addresses"], *mine["vtep"]["addresses"])}
    links = {address: names for address, names in _links(seen).items() if address not in given}
    here = Here.of(plan, mine, proxy, bridge, frozenset(a for a, names in links.items() if names - {interface}))
    lists["iptables_chain"] += services_rules.chains(here)
    _hold(lists, here, interface, holder)
    _answer_arp(lists, here, links, interface)
    if proxy == "ipvs":
        lists["sysctls"].update(IPVS_SYSCTLS)
        _serve_directly(lists, plan, mine, bridge)
    return {**lists, "services": services}


def node_service(plan: Plan, node: str, service: Mapping[str, Any], proxy: str, number: int = 0) -> dict[str, Any]:
    """A service as `balance.elements` takes it, for one node.

    Raises:
        FleetError: the proxy cannot do what the service asks for.
    """
    if service["method"] == "gatewaying" and proxy != "ipvs":
        problem = "gatewaying needs the proxy ipvs, which this node has not; use method: masq"
        raise FleetError(f"{node}: services_list[{number}].method", problem)
    mine = slice_of(plan, node)
    asked = [(address, service["port"]) for address in (*service["addresses"], *service["external_addresses"])]
    if service["ingress_port"]:
        asked += [(address, service["ingress_port"]) for address in services_rules.node_addresses(plan, mine)]
    made = {name: service[name] for name in ("name", "protocol", "scheduler", "affinity", "drain")}
    made["proxy"] = proxy
    made["frontends"] = [{"address": address, "port": port} for address, port in asked]
    made["servers"] = [
        {
            "address": server["address"],
            "port": server["port"],
            "weight": server["weight"],
            # What is not on this node's bridge cannot be handed a packet as it is.
            "method": service["method"] if _on_bridge(plan, node, server) else "masq",
        }
        for server in service["servers"]
        if _reached(plan, node, server)
    ]
    if "health" in service:
        made["health"] = service["health"]
    return made


def _reached(plan: Plan, node: str, server: Mapping[str, Any]) -> bool:
    """Without a network between the nodes, each has its own containers only."""
    return plan["network"] != "none" or server["node"] in ("", node)


def _on_bridge(plan: Plan, node: str, server: Mapping[str, Any]) -> bool:
    bridged = plan["network"] == "overlay" and plan["style"] == "l2"
    return bool(server["container"]) and (bridged or server["node"] == node)


def _hold(lists: Lists, here: Here, interface: str, holder: str) -> None:
    """IPVS balances what is addressed to the node itself (linux: ip_vs_core.c, LOCAL_IN), so it has the addresses."""
    held: dict[str, Any] = {
        "name": interface,
        "addresses": [f"{address}/{128 if ':' in address else 32}" for address in here.held],
        "exact_addresses": True,
        "addrgenmode": "none",
        # A bridge without ports has no carrier, and would check an IPv6 address for ever.
        "nodad": True,
    }
    if holder == "dummy":
        lists["link"].append({"kind": "dummy", **held})
    else:
        lists["bridge"].append(held)
    if 6 not in here.versions:
        lists["sysctls"][f"net/ipv6/conf/{interface}/disable_ipv6"] = 1


def _links(seen: Sequence[str]) -> dict[str, set[str]]:
    """Address → the links of the node that have it."""
    found: dict[str, set[str]] = {}
    for line in seen:
        words = line.split()
        if len(words) == 3 and words[0] == "address":
            found.setdefault(_canonical(words[1]), set()).add(words[2])
    return found


def _canonical(address: str) -> str:
    """As netaddr, and so the plan, writes it."""
    try:
        return str(IPAddress(address))
    except (AddrFormatError, ValueError):
        return address


def _answer_arp(lists: Lists, here: Here, links: Mapping[str, set[str]], interface: str) -> None:
    """No network learns of the services' addresses, for all nodes have them.

    External addresses may belong to any network that the node is in; the services' own are not asked for elsewhere.
    """
    external = bool(here.external(4))
    strict = {link for a, names in links.items() for link in names if a in here.underlay or (external and ":" not in a)}
    strict -= {"lo", interface, here.bridge}
    if here.bridged:
        strict.add(here.bridge)
    for link in sorted(strict):
        lists["sysctls"].update({f"net/ipv4/conf/{link}/{name}": value for name, value in STRICT_ARP.items()})


def _serve_directly(lists: Lists, plan: Plan, mine: Mapping[str, Any], bridge: str) -> None:
    """Servers that answer with the service's own address have it, and tell nobody."""
    held: dict[str, list[str]] = {}
    for service in plan["services"]:
        if service["method"] == "gatewaying":
            for server in service["servers"]:
                if server["node"] == mine["name"]:
                    known = held.setdefault(server["container"], [])
                    asked = (*service["addresses"], *service["external_addresses"])
                    known += [address for address in asked if address not in known]
    if not held:
        return
    containers = {container["name"]: container for container in mine["containers"]}
    for name, addresses in held.items():
        container = containers[name]
        sysctls = {f"net/ipv4/conf/{container['interface']}/{key}": value for key, value in STRICT_ARP.items()}
        lists["namespaces"].append({"name": container["netns"], "sysctls": sysctls})
        lists["link"].append(
            {
                "name": "lo",
                "netns": container["netns"],
                "addresses": [f"{address}/{128 if ':' in address else 32}" for address in addresses],
            }
        )
    # Their answers have a source address that the node itself has, which it would take for a forgery.
    lists["sysctls"][f"net/ipv4/conf/{bridge}/accept_local"] = 1


def services_hosts(plan: Plan, node: str) -> Lists:
    """Names of the services, and the containers of a node that are to know them.

    Returns:
        ``entries``: ``address`` and ``names`` of each; ``namespaces``: names below /etc/netns.
    """
    entries = [{"address": a, "names": [s["name"]]} for s in plan["services"] for a in s["addresses"]]
    own = [container["netns"] for container in slice_of(plan, node)["containers"] if not container.get("attach")]
    return {"entries": entries, "namespaces": own if entries else []}


def services_foreign(plan: Plan, seen: Sequence[str], interface: str = "svc0") -> list[str]:
    """Why services cannot have the addresses that they are to have, as far as only the node knows.

    Args:
        plan: the fleet plan.
        seen: lines ``gateway ADDRESS``, ``nameserver ADDRESS`` and ``address ADDRESS LINK`` of the node.
        interface: the link that holds the services' addresses.

    Returns:
        A sentence per address that is somebody else's, each with the path of the option.
    """
    uses = {"gateway": "the gateway of a route", "nameserver": "a name server"}
    taken: dict[str, str] = {}
    own: dict[str, str] = {}
    for what, address, *link in (words for line in seen if len(words := line.split()) >= 2):
        address = _canonical(address)
        if what in uses:
            taken[address] = f"{uses[what]} of this node"
        elif link != [interface]:
            own[address] = f"an address of {' '.join(link)} on this node"
    wanted = _addresses(plan)
    known = {address for address, _where, _external in wanted}
    alike = [
        f"{where}: {address} is {taken.get(address) or own[address]}"
        for address, where, external in wanted
        # Which node answers for an external address is the administrator's matter.
        if address in taken or (address in own and not external)
    ]
    # What is asked at any address of the prefix is for services only.
    return alike + [
        f"{option}: {prefix} holds {address}, {own[address]}; choose another prefix"
        for prefix, option in zip(plan["services_prefixes"], ("services_prefix", "services_prefix6"))
        for address in own
        if plan["services"] and address not in known and _is_inside(address, prefix)
    ]


def _is_inside(address: str, prefix: str) -> bool:
    network = IPNetwork(prefix)
    return (":" in address) == (network.version == 6) and IPAddress(address) in network


def _addresses(plan: Plan) -> list[tuple[str, str, bool]]:
    """Every address that services are to have, the path of its option, and whether it is external."""
    found = []
    for number, service in enumerate(plan["services"]):
        path = f"services_list[{number}]"
        found += [(a, f"{path}.{option}", False) for option, a in zip(("address", "address6"), service["addresses"])]
        external = enumerate(service["external_addresses"])
        found += [(address, f"{path}.external_addresses[{index}]", True) for index, address in external]
    return found
