# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody sends as somebody else: strangers into the overlay, containers as their neighbours or the node.

Frames are made byte by byte; each test sends the same ones again without the guard, and then they arrive.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from labtest.frames import (
    ARP,
    IP,
    IP6,
    LAST,
    VLAN,
    Made,
    advertisement,
    arp,
    ethernet,
    ipv4,
    listening,
    name_of,
    plain,
    priority,
    put,
    received,
    solicitation,
    udp,
    unguarded,
    vxlan,
)
from labtest.machine import Machine
from labtest.traffic import having

Nodes = dict[str, Machine]

GATEWAY, GATEWAY_6 = "10.244.11.1", "fd00:244:0:20b::1"
STRANGE_MAC, ALL, ALL_6 = "02:00:00:00:00:66", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"
TUNNEL = "ip containerland-vxlan77"


@pytest.fixture(autouse=True)
def believed_no_longer(nodes: Nodes) -> Iterator[None]:
    """What was sent without the guard has made neighbours and bridges believe things."""
    yield
    node = nodes["node1"]
    node.sh("""
    ip neigh flush dev ctl0; ip neigh flush dev ctl1
    for bridge in ctl0 ctl1; do
        bridge fdb show br $bridge | awk '/^02:00:00:00:00:/ && !/permanent/ {print $1, $3}' |
            while read -r mac port; do bridge fdb delete $mac dev $port master; done
    done
    """)
    for name in ("web1", "web2", "guest1", "guest2"):
        node.inside(name).sh("ip neigh flush dev eth0")


class Ends:
    """What one container knows of itself and of its neighbour."""

    def __init__(self, node: Machine, name: str, other: str) -> None:
        self.mac, self.other_mac = (node.inside(one).link("eth0")["address"] for one in (name, other))
        own, others = (
            [address.split("/")[0] for address in node.inside(one).addresses("eth0")] for one in (name, other)
        )
        self.four, self.other = own[0], others[0]
        self.six, self.other_6 = own[-1], others[-1]
        (local,) = node.inside(name).ask("ip address show dev eth0 scope link") or [{}]
        self.local_6 = next((entry["local"] for entry in local.get("addr_info", ()) if entry), "")

    def to(self, protocol: int, carried: Made, source: str = "", destination: str = "") -> Made:
        """A frame to the neighbour."""
        return ethernet(source or self.mac, destination or self.other_mac, protocol, carried)


def filtering_bridges(node: Machine, value: int) -> AbstractContextManager[None]:
    """Whether iptables sees what bridges carry, where somebody has loaded br_netfilter."""
    switch = "for file in /proc/sys/net/bridge/bridge-nf-call-ip*; do [ ! -e $file ] || echo {} >$file; done"
    was = node.sh("cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true").strip()
    return having(node, switch.format(value), switch.format(was))


@pytest.mark.parametrize("bridge_filter", [0, 1])
def test_s7_containers_send_only_as_themselves(nodes: Nodes, bridge_filter: int) -> None:
    """With br_netfilter and without, which the guard does not need."""
    node = nodes["node1"]
    me = Ends(node, "web1", "web2")
    own = {
        "ipv4": me.to(IP, udp(me.four, me.other)),
        "ipv6": me.to(IP6, udp(me.six, me.other_6)),
        "link-local ipv6": me.to(IP6, udp(me.local_6, me.other_6)),
        "arp answer": me.to(ARP, arp(me.mac, me.four), destination=ALL),
        "arp question": me.to(ARP, arp(me.mac, me.four, me.other), destination=ALL),
        "arp probe": me.to(ARP, arp(me.mac, "0.0.0.0", me.four), destination=ALL),
        "advertisement": me.to(IP6, advertisement(me.six, me.six), destination=ALL_6),
        "solicitation": me.to(IP6, solicitation(me.six, me.other_6), destination=ALL_6),
        "duplicate detection": me.to(IP6, solicitation("::", me.six), destination=ALL_6),
        "priority": me.to(VLAN, priority(udp(me.four, me.other), IP)),
    }
    forged = {
        "ipv4 with another mac": me.to(IP, udp(me.four, me.other), source=STRANGE_MAC),
        "ipv4 as the gateway": me.to(IP, udp(GATEWAY, me.other)),
        "ipv4 as the neighbour": me.to(IP, udp(me.other, me.other)),
        "ipv4 of nobody": me.to(IP, udp("0.0.0.0", me.other)),
        "ipv6 as the gateway": me.to(IP6, udp(GATEWAY_6, me.other_6)),
        "ipv6 with another link-local address": me.to(IP6, udp("fe80::bad", me.other_6)),
        "ipv6 of nobody": me.to(IP6, udp("::", me.other_6)),
        "arp as the gateway": me.to(ARP, arp(me.mac, GATEWAY), destination=ALL),
        "arp with another mac inside": me.to(ARP, arp(STRANGE_MAC, me.four), destination=ALL),
        "arp with another mac outside": me.to(ARP, arp(me.mac, me.four), source=STRANGE_MAC, destination=ALL),
        "arp probe of the gateway's address": me.to(ARP, arp(me.mac, "0.0.0.0", GATEWAY), destination=ALL),
        "arp as the gateway, with a tag of vlan 0": me.to(VLAN, priority(arp(me.mac, GATEWAY), ARP), destination=ALL),
        "advertisement of the gateway": me.to(IP6, advertisement(me.six, GATEWAY_6), destination=ALL_6),
        "advertisement as the gateway": me.to(IP6, advertisement(GATEWAY_6, GATEWAY_6), destination=ALL_6),
        "duplicate detection of the gateway": me.to(IP6, solicitation("::", GATEWAY_6), destination=ALL_6),
        "another protocol": me.to(0x88B5, plain),
    }
    usual, neighbour = own["ipv4"], node.inside("web2")
    with filtering_bridges(node, bridge_filter):
        assert received(neighbour, node.inside("web1"), {**own, **forged}, usual) == set(own)
        if not bridge_filter:
            with unguarded(node):
                assert received(neighbour, node.inside("web1"), {**own, **forged}, usual) == {*own, *forged}


def test_s7_caches_and_tables_of_others_are_not_poisoned(nodes: Nodes) -> None:
    """What a neighbour and the node know of the gateway's address, and what the bridge learns of MAC addresses."""
    node = nodes["node1"]
    me = Ends(node, "web1", "web2")
    neighbour = node.inside("web2")
    neighbour.ping(GATEWAY)
    bridge_mac = node.link("ctl0")["address"]
    poison = [
        me.to(ARP, arp(me.mac, GATEWAY), destination=ALL),
        # What bridges do not pass on, but would learn from; the first of these, without asking any filter.
        me.to(0x88CC, plain, source="02:00:00:00:00:71", destination="01:80:c2:00:00:0e"),
        me.to(0x88CC, plain, source="02:00:00:00:00:73", destination="01:80:c2:00:00:03"),
        me.to(IP, udp(me.four, me.other), source="02:00:00:00:00:72"),
    ]

    def known() -> tuple[str, list[str]]:
        (entry,) = neighbour.ask(f"ip neigh show {GATEWAY} dev eth0")
        learned = {line.split()[0] for line in node.sh("bridge fdb show br ctl0").splitlines()}
        return entry["lladdr"], sorted(learned & {f"02:00:00:00:00:7{number}" for number in (1, 2, 3)})

    # Whatever answer is believed (arp_accept has nothing to do with what is known already).
    locked = "sysctl -qw net.ipv4.neigh.eth0.locktime="
    with having(neighbour, locked + "0", locked + "100"):
        put(node.inside("web1"), *(frame(b"") for frame in poison))
        assert known() == (bridge_mac, [])
        learn = "ip link set ctl0 type bridge no_linklocal_learn "
        with unguarded(node), having(node, learn + "0", learn + "1"), unguarded(node, chain="local"):
            put(node.inside("web1"), *(frame(b"") for frame in poison))
            assert known() == (me.mac, [f"02:00:00:00:00:7{number}" for number in (1, 2, 3)])


def test_s7_a_network_without_ipv6_carries_none(nodes: Nodes) -> None:
    node = nodes["node1"]
    me = Ends(node, "guest1", "guest2")
    own = {"ipv4": me.to(IP, udp(me.four, me.other))}
    forged = {
        "ipv6": me.to(IP6, udp("fe80::1", "ff02::1"), destination=ALL_6),
        "advertisement": me.to(IP6, advertisement("fd00::1", "fd00::1"), destination=ALL_6),
    }
    frames, usual = {**own, **forged}, own["ipv4"]
    assert received(node.inside("guest2"), node.inside("guest1"), frames, usual) == set(own)
    with unguarded(node), filtering_bridges(node, 0):
        assert received(node.inside("guest2"), node.inside("guest1"), frames, usual) == {*own, *forged}


def test_s1_only_peers_send_into_the_tunnel(nodes: Nodes) -> None:
    """Whatever the administrator accepts, in fragments too; what is for another tunnel at the same port is let be."""
    node, web = nodes["node1"], Ends(nodes["node1"], "web1", "web2")
    outer = {name: nodes[name].link("eth0")["address"] for name in ("node1", "node2", "client")}
    inner = {"node1": node.link("vxlan77")["address"], "foreign": "02:00:00:00:00:99"}

    def frame(sender: str, source: str, name: str, vni: int = 77, fragments: bool = False) -> list[bytes]:
        """From the overlay address of node2 to a container of node1, by VXLAN."""
        packet = ethernet(
            "02:00:00:00:00:77", inner["node1" if vni == 77 else "foreign"], IP, udp("10.244.12.0", web.four)
        )
        body = udp(source, "192.0.2.11", 4789)(vxlan(vni, packet(name_of(name))))
        parts = [body]
        if fragments:
            # The first holds the header of UDP and nothing else.
            parts = [ipv4(source, "192.0.2.11", body[20:28], 0x2000), ipv4(source, "192.0.2.11", body[28:], 1)]
        return [ethernet(outer[sender], outer["node1"], IP, lambda _data, part=part: part)(b"") for part in parts]

    def arrived(*frames: tuple[str, list[bytes]]) -> set[str]:
        """The names of those that get to web1; what node2 sends as a peer tells that nothing is on the way any more."""
        with listening(node.inside("web1")) as found:
            for sender, parts in (*frames, ("node2", frame("node2", "192.0.2.12", LAST))):
                put(nodes[sender], *parts)
            return found()

    strange = [
        ("client", frame("client", "192.0.2.2", "stranger")),
        ("client", frame("client", "192.0.2.2", "stranger in fragments", fragments=True)),
        ("client", frame("client", "192.0.2.66", "nobody")),
    ]
    names = {"stranger", "stranger in fragments", "nobody"}
    accept = "iptables {0} INPUT -p udp -j ACCEPT; iptables -t raw {0} PREROUTING -p udp -j ACCEPT"
    with having(node, accept.format("-I"), accept.format("-D")):
        assert arrived(*strange, ("node2", frame("node2", "192.0.2.12", "peer"))) == {"peer"}
        with unguarded(node, TUNNEL, "tunnel"):
            assert arrived(*strange) == names
    # Somebody else's tunnel, at the same port of the same node.
    begin = f"""
    ip link add foreign type vxlan id 99 dstport 4789 local 192.0.2.11 dev eth0
    ip link set foreign address {inner["foreign"]} up
    sysctl -qw net.ipv4.conf.foreign.rp_filter=0
    iptables -I FORWARD -i foreign -j ACCEPT
    """
    with having(node, begin, "iptables -D FORWARD -i foreign -j ACCEPT; ip link delete foreign"):
        assert arrived(("client", frame("client", "192.0.2.2", "foreign", vni=99))) == {"foreign"}
