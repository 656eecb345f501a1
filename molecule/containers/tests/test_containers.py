# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridge, links, addresses, routes and commands of one node's containers."""

from __future__ import annotations

import pytest
from labtest.machine import Machine

SUBNET, SUBNET6 = "10.244.11", "fd00:244:0:20b:"
NAMES = {"web1": "eth0", "web2": "eth0", "db": "eth0", "stranger": "net1"}


def test_bridge(nodes: dict[str, Machine]) -> None:
    node = nodes["node1"]
    bridge = node.link("ctl0")
    assert (bridge["mtu"], bridge["address"]) == (1500, "0a:58:0a:f4:0b:01")
    assert node.addresses("ctl0") == [f"{SUBNET}.1/24", f"{SUBNET6}:1/64"]
    assert node.sysctl("net.ipv4.conf.ctl0.send_redirects") == 0
    assert node.sysctl("net.ipv6.conf.ctl0.accept_ra") == 0
    ports = {port["ifname"] for port in node.ask("ip link show master ctl0") if port}
    assert ports == {"c-web1", "c-web2", "c-db", "c-guest"}


@pytest.mark.parametrize("name", NAMES)
def test_inside(nodes: dict[str, Machine], name: str) -> None:
    inside = nodes["node1"].inside(name)
    device = NAMES[name]
    link = inside.link(device)
    assert (link["mtu"], link["operstate"]) == (1500, "UP")
    four, six = inside.addresses(device)
    number = four.removeprefix(f"{SUBNET}.").removesuffix("/24")
    assert six == f"{SUBNET6}:{int(number):x}/64"
    assert link["address"] == f"0a:58:0a:f4:0b:{int(number):02x}"
    assert (inside.route("default")["gateway"], inside.route("default")["dev"]) == (f"{SUBNET}.1", device)
    assert inside.ask("ip -6 route show default")[0]["gateway"] == f"{SUBNET6}:1"
    if name != "stranger":
        assert inside.sysctl("net.ipv6.conf.all.accept_ra") == 0
        assert inside.sysctl("net.ipv4.conf.all.accept_redirects") == 0


def test_pinned_and_isolated(nodes: dict[str, Machine]) -> None:
    assert nodes["node1"].inside("db").addresses("eth0")[0] == f"{SUBNET}.20/24"
    assert nodes["node1"].link("c-db")["linkinfo"]["info_slave_data"]["isolated"] is True
    assert nodes["node1"].link("c-web1")["linkinfo"]["info_slave_data"]["isolated"] is False


def test_reach(nodes: dict[str, Machine]) -> None:
    """Nobody forwards between containers of a node, and the largest packet goes through whole."""
    node = nodes["node1"]
    for name in NAMES:
        for address in (*node.inside("web1").addresses("eth0"), f"{SUBNET}.1", f"{SUBNET6}:1"):
            assert node.inside(name).ping(address.split("/")[0], size=1400) == 64, f"{name} to {address}"


def test_commands(nodes: dict[str, Machine]) -> None:
    node = nodes["node1"]
    address = node.inside("web1").addresses("eth0")[0].split("/")[0]
    answer = f"import urllib.request; print(urllib.request.urlopen('http://{address}', timeout=5).status)"
    wait = f'for _ in $(seq 50); do python3 -c "{answer}" 2>/dev/null && break; sleep 0.1; done'
    assert node.inside("db").sh(wait).strip() == "200"
    environment = node.sh("tr '\\0' '\\n' </proc/$(pgrep -f 'time[.]sleep' | tail -n 1)/environ").splitlines()
    assert {"COLOR=blue", "CONTAINER=web2", "NODE=node1"} <= set(environment)


def test_commands_see_the_files_of_their_namespace(nodes: dict[str, Machine]) -> None:
    """What the server in web1 takes for /etc/hosts, as `ip netns exec` shows it; and nobody else."""
    node = nodes["node1"]
    look = "import urllib.request; print(urllib.request.urlopen('http://{}/etc/hosts', timeout=5).read().decode())"
    address = node.inside("web1").addresses("eth0")[0].split("/")[0]
    assert node.sh(f'python3 -c "{look.format(address)}"').strip() == "203.0.113.77 somebody"
    assert "203.0.113.77" not in node.sh("cat /etc/hosts")
