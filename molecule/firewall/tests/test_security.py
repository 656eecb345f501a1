# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The security rules that hold by default, each with packets that would get through without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from labtest import packets
from labtest.frames import unguarded
from labtest.machine import Machine
from labtest.traffic import ask, ask_each, having, serving

NODE1, NODE1_6 = "192.0.2.11", "2001:db8::11"
CLIENT = "192.0.2.2"

Nodes = dict[str, Machine]


@pytest.fixture
def client_goes_through_node1(nodes: Nodes) -> Iterator[None]:
    """To strangers that are behind node2."""
    strangers = ("203.0.113.5", "198.51.100.7")
    redirects = "sysctl -qw net.ipv4.conf.all.accept_redirects={0} net.ipv4.conf.eth0.accept_redirects={0}"
    begin = [redirects.format(0), *(f"ip route add {stranger} via 192.0.2.11" for stranger in strangers)]
    end = [*(f"ip route delete {stranger}" for stranger in strangers), redirects.format(1)]
    with having(nodes["client"], "\n".join(begin), "\n".join(end)):
        yield


@pytest.mark.parametrize(("sender", "device"), [("client", "eth0"), ("web1", "ctl0"), ("guest1", "ctl1")])
def test_s4_loopback_addresses_from_a_wire_are_dropped(nodes: Nodes, sender: str, device: str) -> None:
    node = nodes["node1"]
    machine = nodes["client"] if sender == "client" else node.inside(sender)
    mac = node.link(device)["address"]
    # One to the loopback, and one that claims to come from there; `usual` shows that packets arrive at all.
    usual = {"client": NODE1, "web1": "10.244.11.1", "guest1": "10.245.11.1"}[sender]
    frames = [("10.0.0.9", "127.0.0.1", "to"), ("127.0.0.1", usual, "from"), (CLIENT, usual, "usual")]
    localnet, own = f"net.ipv4.conf.{device}.route_localnet", f"net.ipv4.conf.{device}.accept_local"
    was = f"sysctl -qw {localnet}={node.sysctl(localnet)} {own}={node.sysctl(own)}"
    # That containers send as themselves only, is another rule (S7).
    with having(node, f"sysctl -qw {localnet}=1 {own}=1", was), unguarded(node):
        assert packets.received(node, machine, mac, frames) == {"usual"}
        guard = "iptables -t raw {} PREROUTING -j ACCEPT"
        with having(node, guard.format("-I"), guard.format("-D")):
            assert packets.received(node, machine, mac, frames) == {"usual", "to", "from"}


def test_s5_router_advertisements_of_containers_change_no_route(nodes: Nodes) -> None:
    node = nodes["node1"]
    places = {"ctl0": node, "eth0": node.inside("web2")}
    before = {device: machine.sh("ip -6 route show") for device, machine in places.items()}
    packets.advertise_router(node.inside("web1"))
    assert {device: machine.sh("ip -6 route show") for device, machine in places.items()} == before
    # The same packet is believed where it may be.
    switch = "sysctl -qw net.ipv6.conf.eth0.accept_ra="
    with having(places["eth0"], switch + "2", switch + "0; ip -6 route flush proto ra"):
        packets.advertise_router(node.inside("web1"))
        assert "proto ra" in places["eth0"].sh("ip -6 route show")


def test_s6_a_network_without_ipv6_has_none(nodes: Nodes) -> None:
    """No address, link-local included, and not one packet was sent: it was off before the link was up."""
    node = nodes["node1"]
    for name in ("guest1", "guest2"):
        inside = node.inside(name)
        assert inside.sh("cat /proc/net/if_inet6") == ""
        counters = dict(line.split() for line in inside.sh("cat /proc/net/snmp6").splitlines())
        assert int(counters["Ip6OutRequests"]) == int(counters["Icmp6OutMsgs"]) == 0
        assert node.sh(f"ip -6 -o address show dev c-{name}") == ""
    assert node.sh("ip -6 -o address show dev ctl1") == ""
    # While the other one has.
    assert node.inside("web1").sh("cat /proc/net/if_inet6") != ""


@pytest.mark.usefixtures("client_goes_through_node1")
def test_s10_only_local_destinations_are_published(nodes: Nodes) -> None:
    """What node1 forwards to somebody else's port 8080 arrives there."""
    with serving(nodes["node2"], "stranger", 8080):
        # node2 has published this port as well, which its own loopback address would show.
        switch = "iptables -t nat {} PREROUTING -d 203.0.113.5 -j ACCEPT"
        with having(nodes["node2"], switch.format("-I"), switch.format("-D")):
            assert ask(nodes["client"], ("tcp", "203.0.113.5", 8080)) == [f"stranger {CLIENT}"]
            (said,) = ask(nodes["node1"].inside("web2"), ("tcp", "203.0.113.5", 8080))
            assert said == f"stranger {NODE1}"


def test_s11_rules_of_others_come_first(nodes: Nodes) -> None:
    """The administrator redirects port 8084, which is published, too."""
    with serving(nodes["node1"], "administrator", 7000):
        assert ask(nodes["client"], ("tcp", NODE1, 8084), ("tcp", NODE1_6, 8084)) == [
            f"administrator {CLIENT}",
            "web1 2001:db8::2",
        ]
    for chain in ("PREROUTING", "OUTPUT"):
        rules = nodes["node1"].sh(f"iptables -t nat -S {chain}").splitlines()[1:]
        assert [rule.rpartition(" ")[2].startswith("CTL-") for rule in rules[-2:]] == [True, True]


@pytest.mark.usefixtures("client_goes_through_node1")
def test_s13_a_foreign_address_is_not_taken_over(nodes: Nodes) -> None:
    """node1 publishes at 198.51.100.7, which is somebody else's."""
    with serving(nodes["node2"], "stranger", 8089):
        switch = "iptables -t nat {} PREROUTING -p tcp -d 198.51.100.7 --dport 8082 -j REDIRECT --to-ports 8089"
        with having(nodes["node2"], switch.format("-I"), switch.format("-D")):
            assert ask(nodes["client"], ("tcp", "198.51.100.7", 8082)) == [f"stranger {CLIENT}"]
            assert ask(nodes["node1"].inside("web2"), ("tcp", "198.51.100.7", 8082)) == [f"stranger {NODE1}"]
    address = "ip address {} 198.51.100.7/32 dev lo"
    with having(nodes["node1"], address.format("add"), address.format("delete")):
        assert ask(nodes["client"], ("tcp", "198.51.100.7", 8082)) == [f"web1 {CLIENT}"]


def test_s17_rules_that_deny_are_honoured(nodes: Nodes) -> None:
    """The node's own in FORWARD, and those in the chain that is left to the administrator."""
    # Nothing else is open: a port that is not published is the node's own.
    assert ask(nodes["client"], ("tcp", NODE1, 8080), ("tcp", NODE1, 80)) == [f"web1 {CLIENT}", "refused"]
    deny = "iptables {} CTL-ctl0-USER -s 192.0.2.2 -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP"
    with having(nodes["node1"], deny.format("-A"), deny.format("-D")):
        assert ask_each(
            (nodes["node3"], [("tcp", NODE1, 8080), ("udp", NODE1, 8080)]),
            (nodes["client"], [("tcp", NODE1, 8080), ("tcp", NODE1, 8083)]),
        ) == [["silence", "web1 192.0.2.13"], ["silence", f"web1 {CLIENT}"]]


def test_s18_metadata_services_are_out_of_reach(nodes: Nodes) -> None:
    """Even those on the node itself; and who is asked by the node answers."""
    node = nodes["node1"]
    with serving(node, "metadata", 7002):
        four, six = ("tcp", "169.254.169.254", 7002), ("tcp", "fd00:ec2::254", 7002)
        assert ask(node, four, six) == ["metadata 169.254.169.254", "metadata fd00:ec2::254"]
        said = ask_each((node.inside("web1"), [four, six]), (node.inside("guest1"), [four]))
        assert said == [["silence", "silence"], ["silence"]]


def test_s18_redirects_and_hairpin_are_off_and_bridges_unfiltered(nodes: Nodes) -> None:
    node = nodes["node1"]
    for bridge in ("ctl0", "ctl1"):
        for name in ("send_redirects", "accept_redirects"):
            assert node.sysctl(f"net.ipv4.conf.{bridge}.{name}") == 0
        for port in node.ask(f"ip link show master {bridge}"):
            # But for containers that publish, which may ask themselves.
            publishes = port["ifname"] in ("c-web1", "c-guest1")
            assert port["linkinfo"]["info_slave_data"]["hairpin"] is publishes
    assert node.sysctl("net.ipv6.conf.ctl0.accept_redirects") == 0
    # The file is there only if somebody has loaded br_netfilter; node3 has nothing of ours.
    state = "cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || echo none"
    assert node.sh(state) == nodes["node3"].sh(state)


def test_s18_state_files_are_private(nodes: Nodes) -> None:
    files = nodes["node1"].sh("find /var/lib/containerland -type f -printf '%m %f\\n'").splitlines()
    assert {"600 containers.json", "600 guests.json", "600 overlay.json"} <= set(files)
    assert all(line.startswith("600 ") for line in files)
