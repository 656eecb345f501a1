# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services by IPVS over two nodes: what molecule/services tests of those by iptables, where the kernel has IPVS."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.integration.support import fleets
from tests.integration.support.kernel import sh
from tests.integration.support.run import apply
from tests.integration.support.traffic import Client, ask, count, even, serve

pytestmark = pytest.mark.other_kernel("ipvs", "dummy", "iptables-legacy", "uml", "vxlan")

VIP, OUTSIDE, INGRESS = "10.96.0.10", "198.51.100.10", 30080
WEB = {"app": "web"}
CONTAINERS: dict[str, Any] = {
    "node1": [{"name": "w1", "labels": WEB}, {"name": "w2", "labels": WEB}],
    "node2": [{"name": "w3", "labels": WEB}, {"name": "db"}],
}
SERVERS = ("w1", "w2", "w3")
SERVICE: dict[str, Any] = {
    "name": "web",
    "address": VIP,
    "port": 80,
    "target_port": 8080,
    "select": WEB,
    "ingress_port": INGRESS,
    "external_addresses": [OUTSIDE],
    "drain": 3,
}
MORE = (
    {"name": "sticky", "address": VIP, "port": 81, "target_port": 8080, "select": WEB, "affinity": 60},
    {"name": "nobody", "address": VIP, "port": 82, "select": {"app": "nobody"}},
)


def fleet(*listed: dict[str, Any]) -> dict[str, Any]:
    """The fleet, with its servers; the nodes' own rules let in only what they have asked for."""
    sh("modprobe ip_vs")
    plan = fleets.build(CONTAINERS, listed or (SERVICE, *MORE))
    for node in CONTAINERS:
        for rule in (
            "-i lo -j ACCEPT",
            "-m conntrack --ctstate ESTABLISHED -j ACCEPT",
            "-p udp --dport 4789 -j ACCEPT",
        ):
            fleets.in_node(node, f"iptables-legacy -A INPUT {rule}")
        fleets.in_node(node, "iptables-legacy -P INPUT DROP; iptables-legacy -P FORWARD DROP")
        for container in plan["nodes"][node]["containers"]:
            serve(container["netns"], container["name"], "0.0.0.0", 8080)
    return plan


def refused(netns: str, address: str, port: int) -> bool:
    with pytest.raises(ConnectionRefusedError):
        ask(netns, address, port)
    return True


def seen(netns: str, address: str, port: int) -> set[tuple[str, str]]:
    """Which server sees which client, of six questions."""
    answers = (ask(netns, address, port) for _turn in range(6))
    return {(answer[0], answer[1]) for answer in answers}


def test_each_server_gets_its_share_from_everywhere() -> None:
    """Of 100 requests 33 or 34 each: from a server itself, another container, a node, and from outside."""
    fleet()
    sh(f"ip -n client route add {OUTSIDE} via 192.0.2.11")
    for netns, address, port in (
        ("w1", VIP, 80),
        ("db", VIP, 80),
        ("node1", VIP, 80),
        ("client", "192.0.2.11", INGRESS),
        ("client", "192.0.2.12", INGRESS),
        ("client", OUTSIDE, 80),
    ):
        counts = count(netns, address, port, 100)
        assert even(counts, SERVERS), f"{netns} asks {address}: {counts}"
    assert {server for server, _client in [ask("db", VIP, 81) for _turn in range(6)]} < set(SERVERS), "affinity"


def test_who_is_seen_and_what_is_refused() -> None:
    plan = fleet()
    address = {
        container["name"]: container["addresses"][0].split("/")[0]
        for entry in plan["nodes"].values()
        for container in entry["containers"]
    }
    one, two = "10.244.11.1", "10.244.12.1"
    assert seen("w1", VIP, 80) == {("w1", one), ("w2", one), ("w3", address["w1"])}
    assert seen("db", VIP, 80) == {("w1", address["db"]), ("w2", address["db"]), ("w3", two)}
    assert seen("node2", VIP, 80) == {("w1", "10.244.12.0"), ("w2", "10.244.12.0"), ("w3", two)}
    client = fleets.CLIENT_ADDRESS
    assert seen("client", "192.0.2.11", INGRESS) == {("w1", client), ("w2", client), ("w3", "10.244.11.0")}
    # S14: at the services' addresses there is nothing but services, and those are for the fleet.
    fleets.in_node("node1", "iptables-legacy -A INPUT -p tcp --dport 7000 -j ACCEPT")
    serve("node1", "host", "0.0.0.0", 7000)
    sh(f"ip -n client route add {VIP} via 192.0.2.11; ip -n client route add {OUTSIDE} via 192.0.2.11")
    assert ask("client", "192.0.2.11", 7000)[0] == "host"
    for netns in ("w1", "node1", "client"):
        assert refused(netns, VIP, 7000) and refused(netns, OUTSIDE, 7000) and refused(netns, VIP, INGRESS)
        assert refused(netns, VIP, 82), "a service without servers"
    assert refused("client", VIP, 80)
    assert ask("client", OUTSIDE, 80)[0] in SERVERS


def test_drained_under_load_and_away_without_a_trace() -> None:
    plan = fleet(SERVICE)
    before = snapshot()
    apply("ipvs_service", {"address": "203.0.113.1", "port": 99, "scheduler": "wlc", "netns": "node1"})
    foreign = ipvs("node1")
    held = [Client("db", VIP, 80) for _turn in SERVERS]
    assert Counter(client.ask()[0] for client in held) == dict.fromkeys(SERVERS, 1)
    stop, problems, answers = threading.Event(), [], []

    def load(netns: str, address: str, port: int) -> None:
        while not stop.is_set():
            try:
                answers.append((time.monotonic(), ask(netns, address, port)[0]))
            except OSError as problem:
                problems.append(problem)

    steady = [
        threading.Thread(target=load, args=where) for where in (("db", VIP, 80), ("client", "192.0.2.12", INGRESS))
    ]
    for thread in steady:
        thread.start()
    drained = fleets.plan_of(CONTAINERS, (SERVICE,), services_drained=("w1@node1",))
    for node in CONTAINERS:
        assert fleets.balance(drained, node).changed
    ended = time.monotonic()
    assert sorted(client.ask()[0] for client in held) == list(SERVERS), "what was there goes on"
    time.sleep(1)
    stop.set()
    for thread in steady:
        thread.join()
    assert not problems
    assert {name for when, name in answers if when > ended} == {"w2", "w3"}
    assert {name for _when, name in answers} == set(SERVERS)
    for node in CONTAINERS:
        assert fleets.balance(plan, node).changed, "it is back"
        assert not fleets.balance(plan, node).changed, "nothing to do"
    assert even(count("db", VIP, 80, 30), SERVERS)
    for client in held:
        client.close(reset=True)
    for node in CONTAINERS:
        fleets.remove(node)
    assert ipvs("node1") == [line for line in foreign if "203.0.113.1:99" in line]
    assert len(ipvs("node1")) == 1 and not ipvs("node2")
    assert not [line for line in snapshot() if "CTL-SVC" in line or "svc0" in line]
    assert [line for line in before if "CTL-SVC" in line], "there was something to take away"


def ipvs(node: str) -> list[str]:
    """Services and servers, as ipvsadm(8) would restore them."""
    return fleets.in_node(node, "ipvsadm --save --numeric").splitlines()


def snapshot() -> list[str]:
    look = "iptables-legacy-save; ip -o address show"
    return [f"{node} {line}" for node in CONTAINERS for line in fleets.in_node(node, look).splitlines()]


def test_s15_direct_routing() -> None:
    """The server sees the client, answers it by itself, and says to nobody that it has the address."""
    fleet({**SERVICE, "method": "gatewaying", "target_port": 80, "ingress_port": None, "name": "direct"})
    for name in SERVERS:
        serve(name, name, "0.0.0.0", 80)
    sh(f"ip -n client route add {OUTSIDE} via 192.0.2.11")
    client = fleets.CLIENT_ADDRESS
    # Those on the bridge of the node that is asked get the packets as they are, the other one by its own address.
    assert seen("client", OUTSIDE, 80) == {("w1", client), ("w2", client), ("w3", "10.244.11.0")}
    assert {server for server, _client in seen("db", VIP, 80)} == set(SERVERS)
    assert {server for server, _client in seen("node2", VIP, 80)} == set(SERVERS)
    bridge = fleets.in_node("node2", "cat /sys/class/net/ctl0/address").strip()
    for _turn in range(3):
        assert who_answers("db", VIP) == {bridge}, "the server beside it has the address, too"


def who_answers(netns: str, address: str) -> set[str]:
    """The MACs that answer a question by ARP."""
    sh(f"ip -n {netns} neighbor flush dev eth0; ip -n {netns} route add {address} dev eth0 2>/dev/null || true")
    sh(f"ip netns exec {netns} ping -c 1 -W 1 {address} >/dev/null 2>&1 || true")
    found = sh(f"ip -n {netns} neighbor show {address}").split()
    sh(f"ip -n {netns} route delete {address} dev eth0")
    return {found[found.index("lladdr") + 1]} if "lladdr" in found else set()
