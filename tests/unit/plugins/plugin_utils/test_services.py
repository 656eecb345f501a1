# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node gets for its services. What packets make of it is tested in molecule/services."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import firewall, fleet, services, topologies
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options

WEB = {"name": "web1", "address": 9, "labels": {"app": "web"}}
SERVICE = {"name": "web", "address": "10.96.0.1", "port": 80, "select": {"app": "web"}}
OPEN = {**SERVICE, "ingress_port": 30080, "external_addresses": ["198.51.100.1"]}
SIX = {"prefix6": "fd00:244::/48", "services_prefix6": "fd00:96::/112"}
SEEN = ["address 192.0.2.1 eth0", "address 10.96.0.1 svc0", "gateway 192.0.2.254", "nameserver 10.96.0.53"]


def plan(*listed: dict[str, Any], **options: Any) -> dict[str, Any]:
    nodes = [NodeInput(f"node{k}", f"192.0.2.{k}", f"2001:db8::{k}", containers=(WEB,)) for k in (1, 2)]
    return fleet.plan(nodes, Options(services=listed or (SERVICE,), **options))


def chains(made: dict[str, Any], version: str = "ipv4") -> dict[str, dict[str, Any]]:
    found = [chain for chain in made["iptables_chain"] if chain["ip_version"] == version]
    return {chain["chain"].removeprefix("CTL-SVC-"): chain for chain in found}


def test_without_services_there_is_nothing() -> None:
    made = services.services_topology(fleet.plan([NodeInput("node1", "192.0.2.1")], Options()), "node1")
    assert not any(made.values())


def test_order_among_the_rules_of_others() -> None:
    """What leads to a service, and what refuses, comes first; what accepts comes last."""
    for proxy in services.PROXIES:
        made = chains(services.services_topology(plan(OPEN), "node1", proxy))
        jumps = {name: [(j["from"], j.get("position")) for j in c.get("jumps", ())] for name, c in made.items()}
        assert jumps["DISPATCH"] == [("PREROUTING", "first"), ("OUTPUT", "first")]
        # With IPVS, what is asked at an ingress port comes in here, and is not refused.
        assert jumps["INPUT"] == [("INPUT", "first")] * (3 if proxy == "iptables" else 2)
        assert jumps["ACCEPT"] == [("FORWARD", "last"), ("INPUT", "last")]
        assert made["INPUT"]["rules"][-1] == "-j REJECT"
        assert made["VIP"]["table"] == made["DISPATCH"]["table"] == "nat"


def test_the_services_prefix_is_for_the_fleet_and_for_services_only() -> None:
    made = chains(services.services_topology(plan(OPEN), "node1"))
    assert made["DISPATCH"]["rules"][:3] == [
        "-d 10.96.0.0/16 -i ctl0 -j CTL-SVC-VIP",
        "-d 10.96.0.0/16 -m addrtype --src-type LOCAL -j CTL-SVC-VIP",
        "-d 10.96.0.0/16 -j ACCEPT",
    ]
    assert made["DISPATCH"]["rules"][-1] == "-d 198.51.100.1 -j ACCEPT"


def test_ipvs_has_no_chains_for_servers_and_more_places() -> None:
    made = services.services_topology(plan(OPEN), "node1", "ipvs", holder="dummy")
    assert "web" not in chains(made)
    assert [(s["address"], s["port"]) for s in made["ipvs_service"]] == [
        ("10.96.0.1", 80),
        ("198.51.100.1", 80),
        ("192.0.2.1", 30080),
    ]
    assert made["sysctls"]["net/ipv4/vs/conntrack"] == 1
    assert [(link["name"], link["kind"]) for link in made["link"]] == [("svc0", "dummy")]
    assert "-d 10.96.0.1 -i ctl0 -p tcp --dport 80 -m comment --comment web -j RETURN" in chains(made)["INPUT"]["rules"]


def test_holder() -> None:
    made = services.services_topology(plan(OPEN, **SIX), "node1", interface="vips")
    (bridge,) = made["bridge"]
    assert (bridge["name"], bridge["exact_addresses"]) == ("vips", True)
    assert set(bridge["addresses"]) > {"10.96.0.1/32", "198.51.100.1/32"}
    assert any(address.endswith("/128") for address in bridge["addresses"])
    assert "net/ipv6/conf/vips/disable_ipv6" not in made["sysctls"]
    assert services.services_topology(plan(), "node1")["sysctls"]["net/ipv6/conf/svc0/disable_ipv6"] == 1


def test_arp_is_strict_on_the_link_of_the_underlay_only() -> None:
    sysctls = services.services_topology(plan(), "node1", seen=SEEN)["sysctls"]
    assert {name: value for name, value in sysctls.items() if "arp" in name} == {
        "net/ipv4/conf/eth0/arp_ignore": 1,
        "net/ipv4/conf/eth0/arp_announce": 2,
    }
    bridged = services.services_topology(plan(style="l2"), "node1", seen=SEEN)["sysctls"]
    assert bridged["net/ipv4/conf/ctl0/arp_ignore"] == 1


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, ["-s 10.244.1.0/24 -o ctl0 ", "-d 10.244.1.0/24 -o ctl0 -j RETURN", "-s 10.244.1.0/24 -j RETURN"]),
        # Servers of other nodes on the same bridge would answer a neighbour, or by their own node.
        ({"style": "l2"}, ["-s 10.244.0.0/16 -o ctl0 ", "-d 10.244.1.0/24 -o ctl0 -j RETURN", "-s 10.244.1.0/24"]),
    ],
)
def test_masquerade(options: dict[str, str], kept: list[str]) -> None:
    rules = chains(services.services_topology(plan(**options), "node1"))["MASQ"]["rules"]
    assert rules[0].startswith("-s 10.96.0.0/16 -j MASQUERADE")
    assert all(rule.startswith(start) for rule, start in zip(rules[1:], kept))
    assert rules[-1].startswith("-j MASQUERADE")


def test_without_a_network_each_node_has_its_own_servers() -> None:
    for network, count in (("none", 1), ("routed", 2), ("overlay", 2)):
        made = services.services_topology(plan(network=network), "node2")["services"]
        assert len(made[0]["servers"]) == count


def test_direct_routing() -> None:
    """To servers on the node's own bridge; others are asked by their own address."""
    direct = plan({**SERVICE, "method": "gatewaying"})
    made = services.services_topology(direct, "node1", "ipvs")
    assert [server["method"] for server in made["ipvs_service"][0]["servers"]] == ["gatewaying", "masq"]
    assert made["namespaces"] == [
        {"name": "web1", "sysctls": {"net/ipv4/conf/eth0/arp_ignore": 1, "net/ipv4/conf/eth0/arp_announce": 2}}
    ]
    assert {"name": "lo", "netns": "web1", "addresses": ["10.96.0.1/32"]} in made["link"]
    assert made["sysctls"]["net/ipv4/conf/ctl0/accept_local"] == 1
    bridged = services.services_topology(plan({**SERVICE, "method": "gatewaying"}, style="l2"), "node1", "ipvs")
    assert {server["method"] for server in bridged["ipvs_service"][0]["servers"]} == {"gatewaying"}
    with pytest.raises(FleetError, match=r"^node1: services_list\[0\].method: gatewaying needs the proxy ipvs"):
        services.services_topology(direct, "node1", "iptables")


def test_failing_servers_get_nothing_new() -> None:
    watched = {**SERVICE, "health": {"type": "tcp"}}
    (first, second) = (server["address"] for server in plan()["services"][0]["servers"][:2])
    for listed, weights in ((watched, [0, 1]), (SERVICE, [1, 1])):
        made = services.services_topology(plan(listed), "node1", "ipvs", failing={"web": [f"{first}:80"]})
        assert [server["weight"] for server in made["ipvs_service"][0]["servers"]] == weights
        assert [server["address"] for server in made["ipvs_service"][0]["servers"]] == [first, second]


def test_containers_let_in_what_everybody_may_ask() -> None:
    made = firewall.containers_firewall(plan(OPEN), "node1")["iptables_chain"]
    (to,) = [chain["rules"] for chain in made if chain["chain"] == "CTL-ctl0-TO"]
    words = "-p tcp -m conntrack --ctorigdst {} --ctorigdstport {} --ctstate DNAT -m comment --comment web -j RETURN"
    assert to[-3:] == [words.format("198.51.100.1", 80), words.format("192.0.2.1", 30080), "-j DROP"]
    closed = firewall.containers_firewall(plan(), "node1")["iptables_chain"]
    assert not any("ctorigdst" in rule for chain in closed for rule in chain.get("rules", ()))


def test_servers_may_ask_for_themselves() -> None:
    assert topologies.containers_topology(plan(), "node1")["veth"][0]["hairpin"] is True


def test_addresses_of_others_are_refused() -> None:
    listed = [
        {**OPEN, "address": "10.96.0.53", "external_addresses": ["192.0.2.254", "198.51.100.9"]},
        {**SERVICE, "name": "two"},
        {**SERVICE, "name": "three", "address": "10.96.0.7"},
    ]
    seen = [*SEEN, "address 10.96.0.7 eth1", "address 198.51.100.9 eth0", "address 10.96.3.4 docker0"]
    assert services.services_foreign(plan(*listed), seen) == [
        "services_list[0].address: 10.96.0.53 is a name server of this node",
        "services_list[0].external_addresses[0]: 192.0.2.254 is the gateway of a route of this node",
        "services_list[2].address: 10.96.0.7 is an address of eth1 on this node",
        "services_prefix: 10.96.0.0/16 holds 10.96.3.4, an address of docker0 on this node; choose another prefix",
    ]


def test_hosts() -> None:
    made = services.services_hosts(plan(), "node1")
    assert made == {"entries": [{"address": "10.96.0.1", "names": ["web"]}], "namespaces": ["web1"]}


@pytest.mark.parametrize(("options", "word"), [({"proxy": "nginx"}, "proxy"), ({"holder": "tap"}, "holder")])
def test_options_are_refused(options: dict[str, str], word: str) -> None:
    with pytest.raises(FleetError, match=f"^services_{word}: must be one of"):
        services.services_topology(plan(), "node1", **options)


def test_only_what_was_asked_of_a_service_is_masqueraded() -> None:
    """Others translate what is asked at the node's address too, and at an address of the same prefix."""
    made = chains(services.services_topology(plan(OPEN), "node1"))
    assert "jumps" not in made["MASQ"]
    asked = made["ASKED"]["rules"]
    assert "-p tcp -m conntrack --ctorigdst 192.0.2.1 --ctorigdstport 30080 -j CTL-SVC-MASQ" in asked
    assert all("--ctorigdstport" in rule for rule in asked)


def test_an_ingress_port_without_servers_leads_to_nobody_else() -> None:
    made = chains(services.services_topology(plan({**OPEN, "select": {"app": "nobody"}}), "node1"))
    rules = made["DISPATCH"]["rules"]
    words = "-d 192.0.2.1 -p tcp -m comment --comment web --dport 30080"
    assert rules[rules.index(f"{words} -j CTL-SVC-web") + 1] == f"{words} -j ACCEPT"
    assert {"from": "INPUT", "match": "-d 192.0.2.1 -p tcp --dport 30080", "position": "first"} in made["INPUT"][
        "jumps"
    ]


def test_an_external_address_of_the_node_itself_stays_open() -> None:
    """Somebody may be logged in there."""
    for held, count in (("svc0", 1), ("eth1", 0)):
        made = services.services_topology(plan(OPEN), "node1", seen=[f"address 198.51.100.1 {held}"])
        jumps = [jump["match"] for jump in chains(made)["INPUT"]["jumps"]]
        assert jumps.count("-d 198.51.100.1") == count


def test_no_network_of_the_node_learns_of_external_addresses() -> None:
    seen = ["address 192.0.2.1 eth0", "address 203.0.113.1 eth1", "address 127.0.0.1 lo", "address 10.244.1.1 ctl0"]
    # The playbook site looks before the tunnel is there, and must not find something to change in the next run.
    seen.append("address 10.244.1.0 vxlan4096")
    for listed, links in ((OPEN, ["eth0", "eth1"]), (SERVICE, ["eth0"])):
        made = services.services_topology(plan(listed), "node1", seen=seen)["sysctls"]
        strict = [name.split("/")[3] for name in made if name.endswith("/arp_ignore")]
        assert strict == links
