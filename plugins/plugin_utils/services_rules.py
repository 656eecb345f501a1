# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter rules of a node's services; pure, no Ansible.

================  ======  ===========================================================================================
chain             table   what it holds
================  ======  ===========================================================================================
CTL-SVC-DISPATCH  nat     external addresses and ingress ports → the service's chain; before all rules of others (S11)
CTL-SVC-VIP       nat     a service's own address and port → its chain; reached by the node and its containers
CTL-SVC-<name>    nat     one of the service's servers, by chance; see _core/balance.py. Not with IPVS
CTL-SVC-INPUT     filter  refuses what is no service at the services' addresses, before all rules of others (S14)
CTL-SVC-ACCEPT    filter  accepts what nobody has dropped, after all rules of others: their policy may be DROP
CTL-SVC-ASKED     nat     what was asked of a service → the next; what others translate at the same addresses is theirs
CTL-SVC-MASQ      nat     the node's address, where the answer would not come back through the node
================  ======  ===========================================================================================

A service's own address is for the fleet. What is outside asks at external addresses and ingress ports; with iptables,
what goes on to a container then passes FORWARD like a published port, and with IPVS it passes INPUT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core import balance

from .netaddr_names import IPNetwork

Chain = dict[str, Any]
Jump = Mapping[str, str]

ANSWERS = "-m conntrack --ctstate RELATED,ESTABLISHED"
ECHO = {4: "-p icmp --icmp-type echo-request", 6: "-p ipv6-icmp --icmpv6-type echo-request"}
VIP = f"{balance.CHAIN}VIP"
MASQUERADE = "-j MASQUERADE --random-fully"


@dataclass(frozen=True)
class Here:
    """A node, as the rules see it.

    Args:
        services: as the fleet plan has them.
        prefixes: the services', by IP version.
        subnets: of this node's containers, by IP version.
        areas: what sits on the bridge, by IP version: the subnet, or the whole prefix where it spans all nodes.
        nodes: this node's own addresses where ingress ports answer, by IP version.
        underlay: all addresses of this node in the network between the nodes.
        proxy: ipvs or iptables.
        bridge: of the containers.
        bridged: whether the bridge spans all nodes.
        others: external addresses that another link of this node has: what else answers there is the node's own matter.
    """

    services: Sequence[Mapping[str, Any]]
    prefixes: Mapping[int, str]
    subnets: Mapping[int, str]
    areas: Mapping[int, str]
    nodes: Mapping[int, str]
    underlay: Sequence[str]
    proxy: str
    bridge: str
    bridged: bool
    others: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        plan: Mapping[str, Any],
        mine: Mapping[str, Any],
        proxy: str,
        bridge: str,
        others: frozenset[str] = frozenset(),
    ) -> Here:
        """What the plan says of a node."""
        return cls(
            services=plan["services"],
            prefixes=_by_version(plan["services_prefixes"]),
            subnets=_by_version(mine["subnets"]),
            areas=_by_version(mine["bridge"]["addresses"]),
            nodes=_by_version(node_addresses(plan, mine)),
            underlay=[address for address in (mine["underlay"], mine["underlay6"]) if address],
            proxy=proxy,
            bridge=bridge,
            bridged=plan["network"] == "overlay" and plan["style"] == "l2",
            others=others,
        )

    @property
    def versions(self) -> list[int]:
        return sorted(self.prefixes)

    @property
    def held(self) -> list[str]:
        """Every address that services have, once."""
        each = (address for s in self.services for address in (*s["addresses"], *s["external_addresses"]))
        return list(dict.fromkeys(each))

    def external(self, version: int) -> list[str]:
        """External addresses of one IP version, once."""
        each = (address for s in self.services for address in s["external_addresses"])
        return list(dict.fromkeys(address for address in each if _version(address) == version))


def node_addresses(plan: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """The node's own addresses where ingress ports answer: on the underlay, in the IP versions of the services."""
    versions = {_version(prefix) for prefix in plan["services_prefixes"]}
    return list(dict.fromkeys(a for a in (mine["underlay"], mine["underlay6"]) if a and _version(a) in versions))


def chains(here: Here) -> list[Chain]:
    """All chains but those that lead to servers."""
    found = []
    for version in here.versions:
        found += [_input(here, version), _accept(here, version)]
        found += _masquerade(here, version) + _dispatch(here, version)
    return found


def own_places(services: Sequence[Mapping[str, Any]], version: int) -> list[tuple[str, str]]:
    """Where the fleet may ask, in the form of `open_places`."""
    return [
        (service["name"], _asked(service, address, service["port"]))
        for service in services
        for address in service["addresses"]
        if _version(address) == version
    ]


def _asked(service: Mapping[str, Any], address: str, port: int) -> str:
    """What connection tracking knows of a question, whoever has translated it."""
    return f"-p {service['protocol']} -m conntrack --ctorigdst {address} --ctorigdstport {port}"


def open_places(services: Sequence[Mapping[str, Any]], version: int, node: str) -> list[tuple[str, str]]:
    """Where everybody may ask: (service, the words of a rule that say what was asked for).

    Args:
        services: as the fleet plan has them.
        version: IP version.
        node: the node's own address in it; "" = none.
    """
    found = []
    for service in services:
        asked = [(address, service["port"]) for address in service["external_addresses"]]
        if service["ingress_port"] and node:
            asked.append((node, service["ingress_port"]))
        for address, port in asked:
            if _version(address) == version:
                found.append((service["name"], _asked(service, address, port)))
    return found


def _chain(table: str, purpose: str, version: int, rules: Sequence[str], *jumps: Jump) -> Chain:
    made: Chain = {"chain": balance.CHAIN + purpose, "table": table, "ip_version": f"ipv{version}"}
    made["rules"] = list(rules)
    return {**made, "jumps": list(jumps)} if jumps else made


def _dispatch(here: Here, version: int) -> list[Chain]:
    """What is asked of a service leads to it, and to nothing else: not to ports that are published at all addresses."""
    prefix = here.prefixes[version]
    own: list[str] = []
    everybody: list[str] = []
    for service in here.services:
        ask = f"-p {service['protocol']} -m comment --comment {service['name']}"
        # IPVS waits where the packet comes to the node itself.
        lead = f"-j {balance.chain_name(service['name'])}" if here.proxy == "iptables" else "-j ACCEPT"
        port = f"--dport {service['port']}"
        own += [f"-d {a} {ask} {port} {lead}" for a in service["addresses"] if _version(a) == version]
        asked = [(address, service["port"]) for address in service["external_addresses"]]
        if service["ingress_port"] and version in here.nodes:
            asked.append((here.nodes[version], service["ingress_port"]))
        for address, number in asked:
            if _version(address) == version:
                # Where there is no server, nobody else is to answer in its place.
                rule = f"-d {address} {ask} --dport {number}"
                everybody += dict.fromkeys((f"{rule} {lead}", f"{rule} -j ACCEPT"))
    fleet = [f"-d {prefix} {who} -j {VIP}" for who in (f"-i {here.bridge}", "-m addrtype --src-type LOCAL")]
    ends = [f"-d {place} -j ACCEPT" for place in here.external(version)]
    rules = [*fleet, f"-d {prefix} -j ACCEPT", *everybody, *ends]
    # Before the rules of others that are for all addresses of the node, as these are for single ones (CVE-2019-9946).
    local = {"match": "-m addrtype --dst-type LOCAL", "position": "first"}
    jumps = [{"from": hook, **local} for hook in ("PREROUTING", "OUTPUT")]
    return [_chain("nat", "VIP", version, own), _chain("nat", "DISPATCH", version, rules, *jumps)]


def _input(here: Here, version: int) -> Chain:
    """With iptables, what gets here has found no service, or no server."""
    places = [here.prefixes[version], *(a for a in here.external(version) if a not in here.others)]
    rules = [f"{ANSWERS} -j RETURN", f"{ECHO[version]} -j RETURN"]
    if here.proxy == "ipvs":
        for service in here.services:
            ask = f"-p {service['protocol']} --dport {service['port']} -m comment --comment {service['name']} -j RETURN"
            rules += [f"-d {a} -i {here.bridge} {ask}" for a in service["addresses"] if _version(a) == version]
            rules += [f"-d {a} {ask}" for a in service["external_addresses"] if _version(a) == version]
    jumps = [{"from": "INPUT", "match": f"-d {place}", "position": "first"} for place in places]
    if here.proxy == "iptables" and version in here.nodes:
        jumps += [
            {
                "from": "INPUT",
                "match": f"-d {here.nodes[version]} -p {service['protocol']} --dport {service['ingress_port']}",
                "position": "first",
            }
            for service in here.services
            if service["ingress_port"]
        ]
    return _chain("filter", "INPUT", version, [*rules, "-j REJECT"], *jumps)


def _accept(here: Here, version: int) -> Chain:
    node = here.nodes.get(version, "")
    places = open_places(here.services, version, node)
    rules = [f"{words} -m comment --comment {name} -j ACCEPT" for name, words in places]
    # What is not a service was refused before; what only passes by is none of ours.
    rules.append(f"-d {here.prefixes[version]} -m addrtype --dst-type LOCAL -j ACCEPT")
    jumps = [{"from": hook, "position": "last"} for hook in ("FORWARD", "INPUT")]
    return _chain("filter", "ACCEPT", version, rules, *jumps)


def _masquerade(here: Here, version: int) -> list[Chain]:
    """Everybody keeps their address, except where the answer would go past the node that translated the question."""
    prefix, external = here.prefixes[version], here.external(version)
    wire = f"-o {here.bridge}"
    rules = []
    if any(service["method"] == "gatewaying" for service in here.services):
        # Who is asked directly answers directly; but not the node itself, at an address that both have.
        rules += [f"-d {place} ! -s {place} -j RETURN" for place in (prefix, *external)]
    # The node asks with the service's address, which every node has.
    rules += [f"-s {place} {MASQUERADE}" for place in (prefix, *external)]
    rules.append(f"-s {here.areas[version]} {wire} {MASQUERADE}")
    rules.append(f"-d {here.subnets[version]} {wire} -j RETURN")
    # Answers to this node's own containers come here by themselves.
    rules += [f"-s {here.subnets[version]} -j RETURN", MASQUERADE]
    places = [prefix, *external]
    if version in here.nodes and any(service["ingress_port"] for service in here.services):
        places.append(here.nodes[version])
    jumps = [
        {"from": "POSTROUTING", "match": f"! -o lo -m conntrack --ctorigdst {place} --ctdir ORIGINAL"}
        for place in places
    ]
    # By the port as well: others may translate what is asked at the same addresses.
    asked = [*own_places(here.services, version), *open_places(here.services, version, here.nodes.get(version, ""))]
    lead = dict.fromkeys(f"{words} -j {balance.CHAIN}MASQ" for _name, words in asked)
    return [_chain("nat", "MASQ", version, rules), _chain("nat", "ASKED", version, list(lead), *jumps)]


def _by_version(texts: Sequence[str]) -> dict[int, str]:
    return {_version(text): str(IPNetwork(text).cidr) if "/" in text else text for text in texts}


def _version(text: str) -> int:
    return 6 if ":" in text else 4
