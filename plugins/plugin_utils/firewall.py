# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the fleet plan to the packet filter rules of a node's containers; pure, no Ansible.

Every network of a node has chains of its own, named after its bridge (``CTL-ctl0-TO``):

=======  ======  ==================================================================================================
chain    table   what it holds
=======  ======  ==================================================================================================
GUARD    raw     drops what must not arrive: loopback addresses from a wire, and what containers may not ask for
PUBLISH  nat     published ports; reached for local destinations only, after all rules of others (S10, S11)
TO       filter  drops what may not go to containers, before all rules of others; lets the others judge the rest
FROM     filter  the same for what comes from containers
USER     filter  empty, the administrator's; asked first by TO and FROM, and never rewritten
ACCEPT   filter  accepts what nobody has dropped, after all rules of others: their policy may be DROP
EGRESS   nat     the node's address for what leaves the network
HAIRPIN  nat     the bridge's address where the answer would not come back through the node
=======  ======  ==================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import services_rules
from .fleet_model import FleetError
from .netaddr_names import (
    AddrFormatError,
    IPAddress,
    IPNetwork,
)
from .topologies import Lists, Plan, slice_of

EGRESS = ("masquerade", "routed", "none")
# Where clouds answer whoever asks with the credentials of the machine.
METADATA = ("169.254.169.254/32", "fd00:ec2::254/128")
LOOPBACK = "127.0.0.0/8"
ANSWERS = "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
REJECTED = {4: "icmp-admin-prohibited", 6: "icmp6-adm-prohibited"}

Chain = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """One network of a node in one IP version, as the rules see it.

    Args:
        version: 4 or 6.
        bridge: name of the bridge.
        subnet: addresses of this node's containers.
        area: addresses that sit on the bridge: the subnet, or the whole prefix where the bridge spans all nodes.
        prefix: addresses of the containers of all nodes.
        tunnel: link through which the other nodes' containers come; "" = none.
        nodes: underlay addresses of the other nodes that belong to the network.
        network: none, routed or overlay.
        egress: masquerade, routed or none.
        isolation: whether strangers are kept out.
        blocked: prefixes that containers may not ask for.
        ports: (container, its address, port) of everything that is published in this IP version.
        services: (service, words of a rule) of everything that is a service for everybody in this IP version.
    """

    version: int
    bridge: str
    subnet: str
    area: str
    prefix: str
    tunnel: str
    nodes: tuple[str, ...]
    network: str
    egress: str
    isolation: bool
    blocked: tuple[str, ...]
    ports: tuple[tuple[str, str, Mapping[str, Any]], ...]
    services: tuple[tuple[str, str], ...] = ()

    def name(self, purpose: str) -> str:
        """Name of a chain; 28 bytes at most, as iptables allows, if the bridge's name has the 15 of a link."""
        return f"CTL-{self.bridge}-{purpose}"

    def chain(self, table: str, purpose: str, rules: Sequence[str] | None, *jumps: Mapping[str, str]) -> Chain:
        """An element of the list ``iptables_chain``; `rules` None leaves its content alone."""
        made: Chain = {"chain": self.name(purpose), "table": table, "ip_version": f"ipv{self.version}"}
        if rules is not None:
            made["rules"] = list(rules)
        if jumps:
            made["jumps"] = [dict(jump) for jump in jumps]
        return made


def containers_firewall(
    plan: Plan,
    node: str,
    bridge: str = "ctl0",
    enabled: bool = True,
    egress: str = "masquerade",
    egress6: str = "",
    isolation: bool = True,
    blocked: Sequence[str] = METADATA,
    overlay_interface: str = "",
) -> Lists:
    """The rules of a node's containers.

    Args:
        plan: the fleet plan.
        node: name of the node.
        bridge: name of the bridge.
        enabled: False for no rules at all.
        egress, egress6: how containers reach what is outside, per IP version: with the node's address (masquerade),
            with their own (routed), not at all (none); egress6 "" = as `egress`.
        isolation: whether only the fleet, answers, and who asks for a published port come in.
        blocked: prefixes that containers may not ask for.
        overlay_interface: name of the overlay's link; "" = as the role overlay names it.

    Returns:
        ``iptables_chain`` and ``sysctls`` of the topology module.

    Raises:
        FleetError: an option is wrong, or needs the rules that are not wanted.
    """
    mine = slice_of(plan, node)
    published = [index for index, container in enumerate(mine["containers"]) if container.get("publish")]
    if not enabled:
        if published:
            where = f"{node}: containers_list[{published[0]}].publish"
            raise FleetError(where, "published ports need containers_firewall: true")
        return {"iptables_chain": [], "sysctls": {}}
    wanted = {4: egress, 6: egress6 or egress}
    for name, value in (("containers_egress", wanted[4]), ("containers_egress6", wanted[6])):
        if value not in EGRESS:
            raise FleetError(name, f"must be one of {', '.join(EGRESS)}, not {value!r}")
    refused = _prefixes(blocked, "containers_blocked")
    tunnel = ""
    if plan["network"] == "overlay" and plan["style"] == "l3":
        tunnel = overlay_interface or f"vxlan{plan['vni']}"
    networks = [
        Network(
            version=version,
            bridge=bridge,
            subnet=mine["subnets"][family],
            area=str(IPNetwork(mine["bridge"]["addresses"][family]).cidr),
            prefix=prefix,
            tunnel=tunnel,
            nodes=_other_nodes(plan, node, version),
            network=plan["network"],
            egress=wanted[version],
            isolation=isolation,
            blocked=tuple(str(entry) for entry in refused if entry.version == version),
            ports=tuple(_ports(mine["containers"], family, version)),
            services=tuple(_services(plan, mine, version)),
        )
        for family, (prefix, version) in enumerate((p, IPNetwork(p).version) for p in plan["prefixes"])
    ]
    return {
        "iptables_chain": [chain for network in networks for chain in _chains(network)],
        "sysctls": _sysctls(networks[0]),
    }


def _prefixes(texts: Sequence[str], where: str) -> list[IPNetwork]:
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(IPNetwork(text if "." in text or ":" in text else "").cidr)
        except (AddrFormatError, ValueError, TypeError):
            raise FleetError(f"{where}[{index}]", f"not a prefix: {text!r}") from None
    return found


def _other_nodes(plan: Plan, node: str, version: int) -> tuple[str, ...]:
    if plan["network"] == "none":
        return ()
    said = [p[key] for p in plan["peers"] if p["name"] != node for key in ("underlay", "underlay6") if p[key]]
    return tuple(address for address in said if IPAddress(address).version == version)


def _ports(
    containers: Sequence[Mapping[str, Any]], family: int, version: int
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """What is published in one IP version; `from` holds prefixes of that version only."""
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    for container in containers:
        for port in container.get("publish") or ():
            sources = [prefix for prefix in port["from"] if IPNetwork(prefix).version == version]
            other_version = port["address"] and IPAddress(port["address"]).version != version
            if not other_version and (sources or not port["from"]):
                address = container["addresses"][family].split("/")[0]
                found.append((container["name"], address, {**port, "from": sources}))
    return found


def _services(plan: Plan, mine: Mapping[str, Any], version: int) -> list[tuple[str, str]]:
    """Services that everybody may ask for; those that the fleet asks for come from the fleet's addresses anyway."""
    if not plan.get("services"):
        return []
    own = [a for a in services_rules.node_addresses(plan, mine) if IPAddress(a).version == version]
    return services_rules.open_places(plan["services"], version, own[0] if own else "")


def _sysctls(network: Network) -> dict[str, int]:
    """The node's own 127.0.0.1 reaches published ports only if the bridge may carry such addresses (CVE-2020-8558:
    never without the chain GUARD). There is no such switch for ::1."""
    if any(not port["address"] for _name, _address, port in network.ports):
        return {f"net/ipv4/conf/{network.bridge}/route_localnet": 1}
    return {}


def _chains(network: Network) -> list[Chain]:
    return [_guard(network), *_filter(network), *_nat(network)]


def _guard(network: Network) -> Chain:
    rules = [f"-d {prefix} -i {network.bridge} -j DROP" for prefix in network.blocked]
    if network.version == 4:
        # The kernel itself sees to ::1.
        rules = [f"-d {LOOPBACK} ! -i lo -j DROP", f"-s {LOOPBACK} ! -i lo -j DROP", *rules]
    return network.chain("raw", "GUARD", rules, {"from": "PREROUTING", "position": "first"})


def _filter(network: Network) -> list[Chain]:
    bridge = network.bridge
    into = [{"from": "FORWARD", "position": "first", "match": f"-o {bridge}"}]
    if network.network != "none":
        # What is on its way to a container of another node is asked here as well: there, all comes from this node.
        into.append({"from": "FORWARD", "position": "first", "match": f"-d {network.prefix} ! -o {bridge}"})
    out = {"from": "FORWARD", "position": "first", "match": f"-i {bridge}"}
    last = [{"from": "FORWARD", "position": "last", "match": f"{way} {bridge}"} for way in ("-o", "-i")]
    return [
        network.chain("filter", "USER", None),
        network.chain("filter", "TO", _to(network), *into),
        network.chain("filter", "FROM", _from(network), out),
        network.chain("filter", "ACCEPT", ["-j ACCEPT"], *last),
    ]


def _to(network: Network) -> list[str]:
    rules = [f"-j {network.name('USER')}"]
    if not network.isolation:
        return rules
    rules += [ANSWERS, f"-i {network.bridge} -j RETURN"]
    if network.tunnel:
        rules.append(f"-s {network.prefix} -i {network.tunnel} -j RETURN")
    elif network.network == "routed":
        rules += [f"-s {source} -j RETURN" for source in (network.prefix, *network.nodes)]
    for name, address, port in network.ports:
        asked = f" --ctorigdst {port['address']}" if port["address"] else ""
        rules += [
            f"{source}-d {address} -p {port['protocol']} --dport {port['to']} -m conntrack --ctstate DNAT{asked}"
            f" --ctorigdstport {port['port']} -m comment --comment {name} -j RETURN"
            for source in _each_source(port)
        ]
    rules += [f"{words} --ctstate DNAT -m comment --comment {name} -j RETURN" for name, words in network.services]
    return [*rules, "-j DROP"]


def _from(network: Network) -> list[str]:
    rules = [f"-j {network.name('USER')}"]
    if network.egress != "none":
        return rules
    rules += [ANSWERS, f"-o {network.bridge} -j RETURN"]
    if network.network != "none":
        rules += [f"-d {place} -j RETURN" for place in (network.prefix, *network.nodes)]
    return [*rules, f"-j REJECT --reject-with {REJECTED[network.version]}"]


def _nat(network: Network) -> list[Chain]:
    chains = []
    bridge = network.bridge
    if network.ports:
        local = "-m addrtype --dst-type LOCAL"
        output = local if network.version == 4 else f"! -d ::1/128 {local}"
        jumps = ({"from": "PREROUTING", "match": local}, {"from": "OUTPUT", "match": output})
        chains.append(network.chain("nat", "PUBLISH", _publish(network), *jumps))
        asked = {"from": "POSTROUTING", "match": f"-o {bridge} -m conntrack --ctstate DNAT"}
        near = [network.area, *([LOOPBACK] if network.version == 4 else [])]
        chains.append(network.chain("nat", "HAIRPIN", [f"-s {source} -j MASQUERADE" for source in near], asked))
    if network.egress == "masquerade":
        leaves = {"from": "POSTROUTING", "match": f"-s {network.subnet} ! -o {bridge}"}
        stays = [f"-d {place} -j RETURN" for place in (network.prefix, *network.nodes)]
        rules = [*stays, "-j MASQUERADE --random-fully"]
        chains.append(network.chain("nat", "EGRESS", rules, leaves))
    return chains


def _publish(network: Network) -> list[str]:
    rules = []
    for name, address, port in network.ports:
        target = f"[{address}]" if network.version == 6 else address
        at = f"-d {port['address']} " if port["address"] else ""
        rules += [
            f"{source}{at}-p {port['protocol']} --dport {port['port']} -m comment --comment {name}"
            f" -j DNAT --to-destination {target}:{port['to']}"
            for source in _each_source(port)
        ]
    return rules


def _each_source(port: Mapping[str, Any]) -> list[str]:
    return [f"-s {prefix} " for prefix in port["from"]] or [""]
