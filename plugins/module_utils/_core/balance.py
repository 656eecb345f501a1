# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a service of one node spreads its connections over its servers: the elements of a topology that do it; pure.

The controller declares them, and whoever watches the servers' health on the node applies them again when a server
fails or comes back. Both ask this function, so they cannot disagree.

A service is plain data, which also stands in a file on the node:

===========  ==========================================================================================
key          meaning
===========  ==========================================================================================
name         its name
proxy        ipvs or iptables
protocol     tcp, udp or sctp
scheduler    IPVS's name of it; iptables chooses at random, by weight
affinity     seconds for which a client stays with its server; 0 = not at all
drain        seconds for which a server that goes keeps its connections
frontends    where clients ask: ``address`` and ``port`` of each
servers      who answers: ``address``, ``port``, ``weight`` and ``method`` of each
===========  ==========================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

# A chain's name has at most 28 bytes. What is derived is in capitals, which no service's name has.
CHAIN = "CTL-SVC-"
CHAIN_BYTES = 28

Service = Mapping[str, Any]
Server = Mapping[str, Any]
Element = dict[str, Any]


def elements(service: Service, failing: Collection[str] = ()) -> dict[str, list[Element]]:
    """The elements that spread the connections of a service.

    Args:
        service: as above.
        failing: servers that get no new connections, as `label` names them.

    Returns:
        ``ipvs_service`` or ``iptables_chain`` of the topology module.
    """
    servers = [{**server, "weight": 0} if label(server) in failing else server for server in service["servers"]]
    if service["proxy"] == "ipvs":
        return {"ipvs_service": [_ipvs_service(service, frontend, servers) for frontend in service["frontends"]]}
    return {"iptables_chain": [chain for version in versions(service) for chain in _chains(service, servers, version)]}


def label(server: Server) -> str:
    """ADDRESS:PORT of a server."""
    return f"{_bracketed(server['address'])}:{server['port']}"


def versions(service: Service) -> list[int]:
    """The IP versions that clients can ask in."""
    return sorted({_version(frontend["address"]) for frontend in service["frontends"]})


def chain_name(service: str) -> str:
    """The chain that leads to a service's servers."""
    room = CHAIN_BYTES - len(CHAIN)
    return CHAIN + (service if len(service) <= room else f"{service[: room - 9]}-{_hash(service)[:8]}")


def _ipvs_service(service: Service, frontend: Mapping[str, Any], servers: Sequence[Server]) -> Element:
    version = _version(frontend["address"])
    return {
        "address": frontend["address"],
        "port": frontend["port"],
        "protocol": service["protocol"],
        "scheduler": service["scheduler"],
        "persistence": {"timeout": service["affinity"]},
        "servers": [
            {name: server[name] for name in ("address", "port", "weight", "method")}
            for server in servers
            if _version(server["address"]) == version
        ],
        "exact_servers": True,
        "drain": service["drain"],
    }


def _chains(service: Service, servers: Sequence[Server], version: int) -> list[Element]:
    """The service's chain, and with affinity one per server, which remembers who came.

    Chains of servers that get no new connections stay, without a rule.
    """
    mine = [server for server in servers if _version(server["address"]) == version]
    live = [server for server in mine if server["weight"]]
    if not service["affinity"]:
        rules = _by_chance(live, [_translation(service, server) for server in live])
        return [_chain(chain_name(service["name"]), rules, version)]
    names = {label(server): _server_name(service, server) for server in mine}
    known = [
        f"-m recent --name {names[label(server)]} --rcheck --seconds {service['affinity']} --reap --rsource"
        f" -j {CHAIN}{names[label(server)]}"
        for server in live
    ]
    rules = known + _by_chance(live, [f"-j {CHAIN}{names[label(server)]}" for server in live])
    remembering = [
        _chain(
            f"{CHAIN}{names[label(server)]}",
            _remember(names[label(server)], _translation(service, server)) if server["weight"] else [],
            version,
        )
        for server in mine
    ]
    return [*remembering, _chain(chain_name(service["name"]), rules, version)]


def _by_chance(live: Sequence[Server], targets: Sequence[str]) -> list[str]:
    """A rule per server: each takes its share of what those before it have left."""
    rules = []
    left = sum(server["weight"] for server in live)
    for server, target in zip(live, targets):
        share = server["weight"] / left
        left -= server["weight"]
        chance = f"-m statistic --mode random --probability {share:.11f} " if left else ""
        rules.append(chance + target)
    return rules


def _remember(name: str, translation: str) -> list[str]:
    return [f"-m recent --name {name} --set --rsource", translation]


def _translation(service: Service, server: Server) -> str:
    return f"-p {service['protocol']} -j DNAT --to-destination {label(server)}"


def _chain(name: str, rules: Sequence[str], version: int) -> Element:
    return {"chain": name, "table": "nat", "ip_version": f"ipv{version}", "rules": list(rules)}


def _server_name(service: Service, server: Server) -> str:
    return f"SERVER-{_hash(service['name'] + ' ' + service['protocol'] + ' ' + label(server))[:12].upper()}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
