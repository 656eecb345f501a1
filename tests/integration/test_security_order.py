# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles declare, applied under fire: rules stand before the first packet, and outlive the last."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError
from ansible_collections.containerland.net.plugins.module_utils._core.kernel.world import KernelWorld
from ansible_collections.containerland.net.plugins.plugin_utils import firewall, services, topologies

from tests.integration.support import fleets
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply
from tests.integration.support.watching import Probes, mac, udp_frame, vxlan_data, watched

NODE, CLIENT, WEB, OTHER = "node1", "client", "web", "other"
UNDERLAY, OUTSIDE = "192.0.2.11", fleets.CLIENT_ADDRESS
BRIDGE, VIP, METADATA = "10.244.11.1", "10.96.0.10", "169.254.169.254"
PORT, PUBLISHED, FREE = 7, 8080, 9
#: Never; and who keeps each of them out.
FORBIDDEN = {
    "from outside to a container": "iptables",
    "from a container to the outside": "iptables",
    "from a container to the metadata service": "iptables",
    "from a container to the loopback": "iptables",
    "from outside to a service of the fleet": "iptables",
    "from outside by a service to the node": "iptables",
    "from a container as somebody else": "port_guard",
    "from a stranger into the tunnel": "tunnel_guard",
}
ALLOWED = {
    "from outside to a published port",
    "from a container to another",
    "from a container to the node",
    "from a container to a service",
    "from a peer into the tunnel",
}


class Node:
    """One node of two, with a container that was there already and sends all the time, and a client outside."""

    def __init__(self) -> None:
        containers = {
            NODE: [
                {"name": WEB, "attach": WEB, "labels": {"app": "web"}, "publish": self.publish()},
                {"name": OTHER, "attach": OTHER},
            ],
            "node2": [],
        }
        listed = [
            {
                "name": "web",
                "address": VIP,
                "port": 53,
                "target_port": PORT,
                "protocol": "udp",
                "select": {"app": "web"},
            }
        ]
        self.plan = fleets.plan_of(containers, listed)
        places = {CLIENT: OUTSIDE, NODE: UNDERLAY, "node2": "192.0.2.12"}
        apply("topology", fleets.underlay(places))
        for name in (WEB, OTHER):
            apply("netns", {"name": name})
        # As the role host has it; and somebody who tries.
        sh(f"""
        ip -n {NODE} address add {METADATA}/32 dev lo
        ip netns exec {NODE} sysctl -qw net.ipv4.ip_forward=1
        for place in all default eth0; do ip netns exec {NODE} sysctl -qw net.ipv4.conf.$place.rp_filter=0; done
        ip -n {CLIENT} route add 10.244.0.0/16 via {UNDERLAY}
        ip -n {CLIENT} route add 10.96.0.0/16 via {UNDERLAY}
        """)
        self.address = {c["name"]: c["addresses"][0].split("/")[0] for c in self.plan["nodes"][NODE]["containers"]}
        self.mac = {c["name"]: c["mac"] for c in self.plan["nodes"][NODE]["containers"]}

    def publish(self, *more: int) -> list[dict[str, Any]]:
        return [{"port": port, "to": PORT, "protocol": "udp"} for port in (PUBLISHED, *more)]

    def containers(self, *more: int) -> dict[str, Any]:
        """What the role containers declares."""
        for container in self.plan["nodes"][NODE]["containers"]:
            if container["name"] == WEB:
                container["publish"] = [{"from": [], "address": "", **port} for port in self.publish(*more)]
        wanted = topologies.containers_topology(self.plan, NODE)
        wanted.pop("commands")
        rules = firewall.containers_firewall(self.plan, NODE, egress="none")
        sysctls = {**wanted.pop("sysctls"), **rules["sysctls"]}
        return {"name": "containers", "netns": NODE, **wanted, **rules, "sysctls": sysctls}

    def overlay(self) -> dict[str, Any]:
        return {"name": "overlay", "netns": NODE, **topologies.overlay_topology(self.plan, NODE, "vxlan7")}

    def services(self) -> dict[str, Any]:
        lists = services.services_topology(self.plan, NODE, "iptables", seen=[f"address {UNDERLAY} eth0"])
        lists.pop("services")
        return {"name": "services", "netns": NODE, **lists}

    def probes(self) -> Probes:
        probes, web = Probes(), self.address[WEB]
        for netns, port in ((WEB, PORT), (OTHER, PORT), (CLIENT, PORT), (NODE, FREE)):
            probes.sink(netns, "0.0.0.0", port)
        probes.datagram(CLIENT, web, PORT, "from outside to a container")
        probes.datagram(WEB, OUTSIDE, PORT, "from a container to the outside")
        probes.datagram(WEB, METADATA, FREE, "from a container to the metadata service")
        probes.datagram(CLIENT, VIP, 53, "from outside to a service of the fleet")
        probes.datagram(CLIENT, VIP, FREE, "from outside by a service to the node")
        probes.datagram(CLIENT, UNDERLAY, PUBLISHED, "from outside to a published port")
        probes.datagram(OTHER, web, PORT, "from a container to another")
        probes.datagram(OTHER, BRIDGE, FREE, "from a container to the node")
        probes.datagram(OTHER, VIP, 53, "from a container to a service")

        def sent(source: str, destination: str, text: str) -> bytes:
            return udp_frame(self.mac[WEB], mac(NODE, "ctl0"), source, destination, FREE, text.encode())

        probes.frame(WEB, "eth0", lambda: sent("10.244.11.99", BRIDGE, "from a container as somebody else"))
        probes.frame(WEB, "eth0", lambda: sent(web, "127.0.0.1", "from a container to the loopback"))

        def tunnelled(netns: str, source: str, text: str) -> bytes:
            inner = udp_frame("02:00:00:00:00:12", mac(NODE, "vxlan7"), "10.244.12.0", BRIDGE, FREE, text.encode())
            return udp_frame(mac(netns, "eth0"), mac(NODE, "eth0"), source, UNDERLAY, 4789, vxlan_data(7, inner))

        probes.frame(CLIENT, "eth0", lambda: tunnelled(CLIENT, OUTSIDE, "from a stranger into the tunnel"))
        probes.frame("node2", "eth0", lambda: tunnelled("node2", "192.0.2.12", "from a peer into the tunnel"))
        return probes


def bring_up(node: Node, world: type[KernelWorld]) -> None:
    for declared in (node.containers(), node.overlay(), node.services()):
        apply("topology", declared, world=world)


def test_s8_no_packet_passes_before_the_rules() -> None:
    """While all is made, while ports are published and no longer, and while all is taken away."""
    node = Node()
    probes = node.probes()
    world = watched(probes)
    bring_up(node, world)
    assert probes.settled() == ALLOWED, "what was made lets this pass, and let nothing else pass before"
    assert apply("topology", node.containers(8081), world=world).changed
    assert apply("topology", node.containers(), world=world).changed
    assert probes.settled() == ALLOWED
    for name in ("services", "overlay", "containers"):
        apply("topology", {"name": name, "state": "absent"}, world=world)
    assert not probes.settled() & set(FORBIDDEN)
    assert not probes.settled(), "nothing is left to be reached"


@pytest.mark.parametrize("kind", sorted(set(FORBIDDEN.values())))
def test_s8_would_notice_rules_that_come_late(kind: str) -> None:
    """The same with another order, to show that the test above looks where it matters."""
    node = Node()
    probes = node.probes()
    bring_up(node, watched(probes, late=kind))
    assert probes.arrived & {name for name, guard in FORBIDDEN.items() if guard == kind}


def test_s9_an_invalid_rule_blocks_nobody_else() -> None:
    """It is refused as a whole, with its path, while what stands goes on and others change theirs."""
    node = Node()
    probes = node.probes()
    bring_up(node, KernelWorld)
    wrong = node.containers(8081)
    wrong["iptables_chain"] = [*wrong["iptables_chain"], {"chain": "X", "rules": ["-p tcp --dport 70000 -j ACCEPT"]}]
    place = len(wrong["iptables_chain"]) - 1
    before = sh(f"ip netns exec {NODE} sh -c 'iptables-save | grep -v ^#; nft list tables'")
    with pytest.raises((InputError, ContainerlandError), match=rf"iptables_chain\[{place}\]\.rules\[0\]"):
        apply("topology", wrong, world=watched(probes))
    assert sh(f"ip netns exec {NODE} sh -c 'iptables-save | grep -v ^#; nft list tables'") == before
    closed = {"chain": "CTL-ctl0-USER", "netns": NODE, "rules": [f"-s {OUTSIDE} -j DROP"]}
    assert apply("iptables_chain", closed).changed
    assert probes.settled() == ALLOWED - {"from outside to a published port"}


def test_s12_after_a_flush() -> None:
    """As firewalld does it. What has tables of its own holds at once; the next run brings back the rest."""
    node = Node()
    probes = node.probes()
    bring_up(node, KernelWorld)
    sh(f"""ip netns exec {NODE} sh -ec '
        nft add table inet firewalld; nft flush table inet firewalld; nft delete table inet firewalld
    '""")
    assert probes.settled() == ALLOWED, "a firewall that keeps to its own table"
    sh(f"""ip netns exec {NODE} sh -ec '
        for table in raw mangle nat filter; do iptables -t $table -F; iptables -t $table -X; done
    '""")
    still = {"from a container as somebody else", "from a stranger into the tunnel", "from a container to the loopback"}
    assert not probes.settled() & still
    for declared in (node.containers(), node.services()):
        assert apply("topology", declared).changed
    assert probes.settled() == ALLOWED
