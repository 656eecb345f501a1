# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules a node gets for its network. What packets make of them is tested in molecule/firewall."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import firewall, fleet
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options

PUBLISHED = {"name": "web", "address": 9, "publish": [{"port": 8080, "to": 80}]}


def plan(*containers: dict[str, Any], **options: Any) -> dict[str, Any]:
    listed = containers or (PUBLISHED,)
    node1 = NodeInput("node1", "192.0.2.1", "2001:db8::1", containers=listed)
    return fleet.plan([node1, NodeInput("node2", "192.0.2.2", "2001:db8::2")], Options(**options))


def chains(made: dict[str, Any], version: str = "ipv4") -> dict[str, dict[str, Any]]:
    """The chains of one IP version, by what they are for."""
    found = [chain for chain in made["iptables_chain"] if chain["ip_version"] == version]
    return {chain["chain"].rpartition("-")[2]: chain for chain in found}


def rules(purpose: str, *containers: dict[str, Any], version: str = "ipv4", **options: Any) -> list[str]:
    fleet_options = {name: options.pop(name) for name in ("network", "style", "prefix6") if name in options}
    made = firewall.containers_firewall(plan(*containers, **fleet_options), "node1", **options)
    return list(chains(made, version)[purpose]["rules"])


def test_order_among_the_rules_of_others() -> None:
    """What drops comes first, what accepts or translates comes last, and the administrator is asked before all."""
    made = chains(firewall.containers_firewall(plan(), "node1"))
    first = {name for name, c in made.items() if c.get("jumps") and c["jumps"][0].get("position") == "first"}
    assert first == {"GUARD", "TO", "FROM"}
    assert {c["table"] for name, c in made.items() if name in ("PUBLISH", "EGRESS", "HAIRPIN")} == {"nat"}
    assert "rules" not in made["USER"]
    assert made["TO"]["rules"][0] == made["FROM"]["rules"][0] == "-j CTL-ctl0-USER"
    assert [jump["from"] for jump in made["PUBLISH"]["jumps"]] == ["PREROUTING", "OUTPUT"]
    assert all("--dst-type LOCAL" in jump["match"] for jump in made["PUBLISH"]["jumps"])


def test_names_fit_into_28_bytes_and_tell_the_network() -> None:
    made = firewall.containers_firewall(plan(), "node1", bridge="fifteen-bytes-x")
    names = [chain["chain"] for chain in made["iptables_chain"]]
    assert max(len(name) for name in names) <= 28
    assert all("fifteen-bytes-x" in name for name in names)


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"network": "none"}, []),
        ({"network": "overlay"}, ["-s 10.244.0.0/16 -i vxlan4096 -j RETURN"]),
        ({"network": "overlay", "overlay_interface": "tun"}, ["-s 10.244.0.0/16 -i tun -j RETURN"]),
        # The bridge spans all nodes.
        ({"network": "overlay", "style": "l2"}, []),
        ({"network": "routed"}, ["-s 10.244.0.0/16 -j RETURN", "-s 192.0.2.2 -j RETURN"]),
    ],
)
def test_who_of_the_fleet_comes_in(options: dict[str, Any], allowed: list[str]) -> None:
    assert rules("TO", {"name": "web"}, **options) == [
        "-j CTL-ctl0-USER",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        "-i ctl0 -j RETURN",
        *allowed,
        "-j DROP",
    ]


def test_without_isolation_the_administrator_alone_decides() -> None:
    assert rules("TO", isolation=False) == ["-j CTL-ctl0-USER"]


def test_masquerade_is_for_what_leaves_the_fleet() -> None:
    made = chains(firewall.containers_firewall(plan(), "node1"))["EGRESS"]
    assert made["jumps"] == [{"from": "POSTROUTING", "match": "-s 10.244.1.0/24 ! -o ctl0"}]
    others = ["-d 10.244.0.0/16 -j RETURN", "-d 192.0.2.2 -j RETURN"]
    assert made["rules"] == [*others, "-j MASQUERADE --random-fully"]
    # Without a network between the nodes, another node is as foreign as anybody.
    assert rules("EGRESS", network="none") == [others[0], "-j MASQUERADE --random-fully"]


def test_egress_per_version() -> None:
    made = firewall.containers_firewall(plan(prefix6="fd00::/48"), "node1", egress="routed", egress6="none")
    assert "EGRESS" not in chains(made) | chains(made, "ipv6")
    assert chains(made)["FROM"]["rules"] == ["-j CTL-ctl0-USER"]
    assert chains(made, "ipv6")["FROM"]["rules"][1:] == [
        "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        "-o ctl0 -j RETURN",
        "-d fd00::/48 -j RETURN",
        "-d 2001:db8::2 -j RETURN",
        "-j REJECT --reject-with icmp6-adm-prohibited",
    ]


def test_published_port() -> None:
    only = {"port": 53, "protocol": "UDP", "from": "192.0.2.0/24", "address": "192.0.2.1"}
    web = {**PUBLISHED, "publish": [*PUBLISHED["publish"], only]}  # type: ignore[misc]
    assert rules("PUBLISH", web) == [
        "-p tcp --dport 8080 -m comment --comment web -j DNAT --to-destination 10.244.1.9:80",
        "-s 192.0.2.0/24 -d 192.0.2.1 -p udp --dport 53 -m comment --comment web"
        " -j DNAT --to-destination 10.244.1.9:53",
    ]
    assert rules("TO", web)[-3:-1] == [
        "-d 10.244.1.9 -p tcp --dport 80 -m conntrack --ctstate DNAT --ctorigdstport 8080"
        " -m comment --comment web -j RETURN",
        "-s 192.0.2.0/24 -d 10.244.1.9 -p udp --dport 53 -m conntrack --ctstate DNAT --ctorigdst 192.0.2.1"
        " --ctorigdstport 53 -m comment --comment web -j RETURN",
    ]


@pytest.mark.parametrize(
    ("said", "four", "six"),
    [
        ({}, 1, 1),
        ({"from": ["192.0.2.0/24", "198.51.100.0/24"]}, 2, 0),
        ({"from": ["192.0.2.0/24", "2001:db8::/32"]}, 1, 1),
        ({"address": "2001:db8::1"}, 0, 1),
    ],
)
def test_versions_of_a_published_port(said: dict[str, Any], four: int, six: int) -> None:
    web = {"name": "web", "publish": [{"port": 8080, **said}]}
    made = firewall.containers_firewall(plan(web, prefix6="fd00::/48"), "node1")
    found = [chains(made, version).get("PUBLISH", {"rules": []})["rules"] for version in ("ipv4", "ipv6")]
    assert [len(entries) for entries in found] == [four, six]
    assert all("--to-destination [fd00:0:0:201:" in rule for rule in found[1])
    # The bridge carries 127.0.0.1 only for ports that answer there.
    assert made["sysctls"] == ({"net/ipv4/conf/ctl0/route_localnet": 1} if four and "address" not in said else {})


def test_nothing_is_published_unasked() -> None:
    made = firewall.containers_firewall(plan({"name": "web"}, prefix6="fd00::/48"), "node1")
    assert not {"PUBLISH", "HAIRPIN"} & {*chains(made), *chains(made, "ipv6")}
    assert made["sysctls"] == {}


def test_answers_that_would_miss_the_node_are_masqueraded() -> None:
    """On a bridge that spans all nodes, every container's answer would."""
    assert rules("HAIRPIN") == ["-s 10.244.1.0/24 -j MASQUERADE", "-s 127.0.0.0/8 -j MASQUERADE"]
    assert rules("HAIRPIN", style="l2")[0] == "-s 10.244.0.0/16 -j MASQUERADE"
    assert rules("HAIRPIN", prefix6="fd00::/48", version="ipv6") == ["-s fd00:0:0:201::/64 -j MASQUERADE"]


def test_what_containers_may_not_ask_for() -> None:
    assert rules("GUARD")[2:] == ["-d 169.254.169.254/32 -i ctl0 -j DROP"]
    assert rules("GUARD", prefix6="fd00::/48", version="ipv6") == ["-d fd00:ec2::254/128 -i ctl0 -j DROP"]
    assert rules("GUARD", blocked=["192.168.0.0/16"])[2:] == ["-d 192.168.0.0/16 -i ctl0 -j DROP"]
    assert rules("GUARD", blocked=[]) == ["-d 127.0.0.0/8 ! -i lo -j DROP", "-s 127.0.0.0/8 ! -i lo -j DROP"]


def test_no_rules_at_all() -> None:
    none = firewall.containers_firewall(plan({"name": "web"}), "node1", enabled=False)
    assert none == {"iptables_chain": [], "sysctls": {}}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"enabled": False}, "node1: containers_list[0].publish: published ports need containers_firewall: true"),
        ({"egress": "nat"}, "containers_egress: must be one of masquerade, routed, none, not 'nat'"),
        ({"blocked": ["169.254.169.254", "metadata"]}, "containers_blocked[1]: not a prefix: 'metadata'"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FleetError) as refused:
        firewall.containers_firewall(plan(), "node1", **options)
    assert str(refused.value) == message
