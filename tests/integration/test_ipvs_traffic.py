# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS does with real requests, and what the notes of the module `ipvs_service` warn of."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.lock import LOCK

from tests.integration.support.kernel import said, sh
from tests.integration.support.run import apply, run_module
from tests.integration.support.traffic import UDP, Client, ask, count, even, open_socket, serve

pytestmark = pytest.mark.other_kernel("ipvs", "dummy", "iptables-legacy")

VIP = "10.96.0.10"
SERVERS = ("s1", "s2", "s3")
WEB: dict[str, Any] = {
    "address": VIP,
    "port": 80,
    "scheduler": "rr",
    "exact_servers": True,
    "servers": [{"address": f"10.1.0.{number}", "port": 8080} for number in (1, 2, 3)],
}
#: The balancer (here), three servers on its bridge, and a client beyond a router's link.
NETWORK: dict[str, Any] = {
    "name": "network",
    "sysctls": {"net.ipv4.ip_forward": 1},
    "namespaces": [{"name": name} for name in ("client", *SERVERS)],
    "bridge": [{"name": "br0", "addresses": ["10.1.0.254/24"]}],
    "link": [{"name": "lo", "up": True}, {"name": "vip0", "kind": "dummy", "addresses": [f"{VIP}/32"]}],
    "veth": [
        {
            "name": name,
            "master": "br0",
            "peer": {"name": "eth0", "netns": name, "addresses": [f"10.1.0.{number}/24"]},
        }
        for number, name in enumerate(SERVERS, 1)
    ]
    + [
        {
            "name": "out0",
            "addresses": ["192.0.2.254/24"],
            "peer": {"name": "eth0", "netns": "client", "addresses": ["192.0.2.1/24"]},
        }
    ],
    "route": [{"netns": name, "dest": "default", "gateway": "10.1.0.254"} for name in SERVERS]
    + [{"netns": "client", "dest": "10.96.0.0/16", "gateway": "192.0.2.254"}],
}
SWITCHES = ("conntrack", "expire_nodest_conn", "expire_quiescent_template")


def network(**switches: int) -> None:
    """The network, its servers and the sysctls of IPVS that a balancer wants."""
    sh("modprobe ip_vs")
    wanted = {**dict.fromkeys(SWITCHES, 1), **switches}
    sysctls = {**NETWORK["sysctls"], **{f"net.ipv4.vs.{name}": value for name, value in wanted.items()}}
    apply("topology", {**NETWORK, "sysctls": sysctls})
    for number, name in enumerate(SERVERS, 1):
        serve(name, name, f"10.1.0.{number}", 8080)


def masquerade_neighbours() -> None:
    """What a container of the servers' own subnet needs, for the answers would pass the balancer by."""
    sh("iptables-legacy -t nat -A POSTROUTING -s 10.1.0.0/24 -o br0 -j MASQUERADE")


def fails(netns: str, address: str = VIP, port: int = 80) -> bool:
    """Whether a connection is refused, or nothing comes of it within a second."""
    with open_socket(netns, 2, 1) as client:
        client.settimeout(1)
        try:
            client.connect((address, port))
            client.sendall(b"?\n")
            return not client.recv(64)
        except OSError:
            return True


def test_round_robin_gives_each_its_share() -> None:
    network()
    masquerade_neighbours()
    apply("ipvs_service", WEB)
    for netns in ("client", "", "s1"):
        counts = count(netns, VIP, 80, 100)
        assert even(counts, SERVERS), f"from '{netns}': {counts}"
    assert ask("client", VIP, 80)[1] == "192.0.2.1", "the servers see the client itself"
    assert ask("s1", VIP, 80)[1] == "10.1.0.254"


def test_without_conntrack_ipvs_passes_masquerading_by() -> None:
    """Fact 1: and so a neighbour of the servers gets its answer from somebody whom it has not asked."""
    network(conntrack=0)
    masquerade_neighbours()
    apply("ipvs_service", {**WEB, "servers": WEB["servers"][1:]})
    assert fails("s1") and not fails("client")
    sh("echo 1 >/proc/sys/net/ipv4/vs/conntrack")
    assert not fails("s1")


def test_a_server_reaches_itself_only_if_it_is_masqueraded() -> None:
    """Fact 3."""
    network()
    apply("ipvs_service", {**WEB, "servers": WEB["servers"][:1]})
    assert fails("s1")
    masquerade_neighbours()
    assert ask("s1", VIP, 80) == ["s1", "10.1.0.254"]


def test_the_address_must_be_local_and_the_filter_must_let_both_ways_through() -> None:
    """Fact 2."""
    network()
    apply("ipvs_service", WEB)
    sh(f"ip address delete {VIP}/32 dev vip0")
    assert fails("client")
    sh(f"ip address add {VIP}/32 dev vip0")
    for chain, match in (("INPUT", f"-d {VIP}"), ("FORWARD", "-i br0")):
        assert not fails("client")
        sh(f"iptables-legacy -A {chain} {match} -j DROP")
        assert fails("client"), chain
        sh(f"iptables-legacy -D {chain} {match} -j DROP")


def test_direct_routing_and_who_answers_for_the_address() -> None:
    """Facts 4 and 5: strict ARP per interface; the answer goes to the client by itself."""
    network()
    near = "10.1.0.100"
    sh("ip netns add near && ip link add near type veth peer name eth0 netns near")
    sh("ip link set near master br0 up; ip -n near address add 10.1.0.50/24 dev eth0; ip -n near link set eth0 up")
    sh(f"ip address add {near}/32 dev vip0")
    for name in SERVERS:
        strict = "echo 1 >arp_ignore; echo 2 >arp_announce"
        sh(f"ip netns exec {name} sh -ec 'cd /proc/sys/net/ipv4/conf/eth0; {strict}'")
        sh(f"ip -n {name} link set lo up; ip -n {name} address add {near}/32 dev lo")
        serve(name, name, near, 80)
    direct = [{"address": f"10.1.0.{number}", "method": "gatewaying"} for number in (1, 2, 3)]
    apply("ipvs_service", {**WEB, "address": near, "servers": direct})
    assert even(count("near", near, 80, 30), SERVERS)
    assert ask("near", near, 80)[1] == "10.1.0.50"
    (director,) = said("ip link show br0", "address")
    for _turn in range(3):
        assert said(f"ip -n near neighbor show {near}", "lladdr") == [director]
        sh(f"ip -n near neighbor delete {near} dev eth0")
        ask("near", near, 80)


def test_tunnelling() -> None:
    """Fact 5: a server behind routers, which unwraps the packets itself."""
    network()
    sh("modprobe ipip")
    for name in SERVERS[:2]:
        sh(f"ip -n {name} link set lo up; ip -n {name} link set tunl0 up; ip -n {name} address add {VIP}/32 dev tunl0")
        for interface in ("all", "tunl0", "eth0"):
            sh(f"ip netns exec {name} sh -c 'echo 0 >/proc/sys/net/ipv4/conf/{interface}/rp_filter'")
        serve(name, f"{name} inside", VIP, 80)
    # The answer comes from the address that is local here.
    sh("echo 1 >/proc/sys/net/ipv4/conf/br0/accept_local")
    tunnels = [{"address": f"10.1.0.{number}", "method": "tunneling"} for number in (1, 2)]
    apply("ipvs_service", {**WEB, "servers": tunnels})
    assert even(count("client", VIP, 80, 20), SERVERS[:2])


def test_a_server_that_is_drained_loses_nothing() -> None:
    """Fact 6: what it has goes on, nothing new comes, and no request fails under steady load."""
    network()
    apply("ipvs_service", WEB)
    held = [Client("client", VIP, 80) for _turn in SERVERS]
    (old,) = (client for client in held if client.ask()[0] == "s1")
    stop, problems, seen = threading.Event(), [], []

    def load() -> None:
        while not stop.is_set():
            try:
                seen.append((time.monotonic(), ask("client", VIP, 80)[0]))
            except OSError as problem:
                problems.append(problem)

    steady = threading.Thread(target=load)
    steady.start()
    drained = threading.Thread(target=apply, args=("ipvs_service", {**WEB, "servers": WEB["servers"][1:], "drain": 3}))
    drained.start()
    answers = 0
    while drained.is_alive():
        # Not by ipvsadm, which takes its time where a processor is emulated.
        # A few times only: at the end of its three seconds the server goes, and with it the connection.
        if answers < 3 and re.search(r"0A010001:1F90 +Masq +0 ", Path("/proc/net/ip_vs").read_text()):
            assert old.ask()[0] == "s1"
            answers += 1
        drained.join(0.01)
    ended = time.monotonic()
    after = count("client", VIP, 80, 30)
    stop.set()
    steady.join()
    assert answers >= 2, "the old connection was answered while its server was drained"
    assert not problems
    assert set(after) == {"s2", "s3"}
    assert {name for when, name in seen if when > ended} == {"s2", "s3"}
    assert "10.1.0.1" not in sh("ipvsadm --save --numeric")


def test_a_server_without_connections_goes_at_once_and_one_that_kept_some_is_told_of() -> None:
    network()
    apply("ipvs_service", WEB)
    report = apply("ipvs_service", {**WEB, "servers": WEB["servers"][:2], "drain": 3600})
    assert report.warnings == ()
    held = [Client("client", VIP, 80) for _turn in range(2)]
    assert sorted(client.ask()[0] for client in held) == ["s1", "s2"]
    (warning,) = apply("ipvs_service", {**WEB, "state": "absent", "drain": 1}).warnings
    assert warning == "ipvs_service 'tcp 10.96.0.10:80' was removed after 1 s with 2 connections left"


def test_who_waits_is_told_how_far_a_drain_is() -> None:
    network()
    apply("ipvs_service", WEB)
    held = [Client("client", VIP, 80) for _turn in SERVERS]
    assert sorted(client.ask()[0] for client in held) == sorted(SERVERS)
    gone = {**WEB, "state": "absent", "drain": 5}
    drained = threading.Thread(target=run_module, args=("ipvs_service", gone))
    drained.start()
    said: set[str] = set()
    while drained.is_alive():
        with suppress(OSError):
            said.add(Path(LOCK).read_text().rstrip())
        drained.join(0.05)
    told = [line for line in said if "draining" in line]
    expected = (
        r"ipvs_service, process \d+: draining ipvs_service 'tcp 10.96.0.10:80' \(3 connections\); [0-5] s left at most"
    )
    assert len(told) > 1 and all(re.fullmatch(expected, line) for line in told), said


NAMES: dict[str, Any] = {"address": VIP, "port": 53, "protocol": "udp", "scheduler": "rr", "exact_servers": True}
FIRST, SECOND = ([{"address": f"10.1.0.{number}"}] for number in (1, 2))


def name_servers(**switches: int) -> None:
    network(**switches)
    masquerade_neighbours()  # connections are tracked where a rule needs that
    for number, name in enumerate(SERVERS[:2], 1):
        serve(name, name, f"10.1.0.{number}", 53, UDP)


def tracked(server: str) -> bool:
    return f"src={server} " in sh("conntrack -L -p udp 2>/dev/null")


def test_udp_flows_leave_a_server_that_goes() -> None:
    """Fact 6: by the same port of the client, and at once, whatever time others have to drain."""
    name_servers()
    apply("ipvs_service", {**NAMES, "servers": FIRST})
    client = Client("client", VIP, 53, UDP)
    assert client.ask()[0] == "s1"
    apply("ipvs_service", {**NAMES, "servers": SECOND, "drain": 3600})
    assert client.ask()[0] == "s2"


def test_udp_flows_to_a_server_that_went_are_forgotten() -> None:
    """Fact 6: also by older kernels, which leave it to others (ip_vs_expire_nodest_conn_flush came with Linux 5.9)."""
    name_servers(expire_nodest_conn=0)
    apply("ipvs_service", {**NAMES, "servers": FIRST})
    assert ask("client", VIP, 53, UDP)[0] == "s1"
    assert tracked("10.1.0.1")
    apply("ipvs_service", {**NAMES, "servers": [], "drain": 3600})
    assert not tracked("10.1.0.1")


def test_udp_flows_that_were_there_before_the_service_get_a_server() -> None:
    """That of a neighbour of the servers, so that its answers must be masqueraded."""
    name_servers()
    client = Client("s2", VIP, 53, UDP)
    with pytest.raises(ConnectionRefusedError):
        client.ask()
    assert tracked(VIP)
    apply("ipvs_service", {**NAMES, "servers": FIRST})
    assert client.ask()[0] == "s1"
