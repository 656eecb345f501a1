# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services by IPVS on machines: each server gets its share, one that is ill nothing, and all that outlives a boot."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from fleet.machines import Machine
from fleet.play import Plays

REQUESTS = 60
SERVERS = 6
# As many requests as said, each on a connection of its own.
ASK = """python3 -c '
import sys, urllib.request
for _ in range(int(sys.argv[2])):
    urllib.request.urlopen(sys.argv[1], timeout=20).read()
' {url} {number}"""
ADDRESS = "10.96.0.10"
WATCHED = [
    {
        "name": "web",
        "port": 80,
        "address": ADDRESS,
        "select": {"app": "web"},
        "ingress_port": 30080,
        "health": {"type": "http", "interval": 2, "timeout": 20, "fall": 2, "rise": 1},
    }
]
WAIT = "for _ in $(seq 120); do {} && exit 0; sleep 1; done; exit 1"


def servers(machine: Machine, port: str) -> set[str]:
    """The servers of the services at a port, as the kernel tells them."""
    found: set[str] = set()
    inside = False
    for line in machine.sh("cat /proc/net/ip_vs").splitlines():
        if not line.startswith("  ->"):
            inside = bool(re.match(rf"TCP +[0-9A-F]{{8}}:{port} ", line))
        elif inside and "Masq" in line:
            found.add(line.split()[1])
    return found


# What each server of the services at a port has got since it was made. /proc tells only what is left of connections,
# and they are forgotten after two minutes.
COUNT = """python3 -c '
import sys
sys.path.insert(0, "/usr/local/sbin/containerland-net-health")
from containerland_core.kernel.node import Node
with Node() as node:
    for service in node.ipvs_services(""):
        if service.id.port == {port}:
            print(*[server.statistics["connections"] for server in node.ipvs_servers("", service.id)])
'"""


def shares(machine: Machine, port: int, script: Callable[[], object]) -> list[int]:
    """How many connections each server gets from what the script does."""
    before = [int(number) for number in machine.sh(COUNT.format(port=port)).split()]
    script()
    after = [int(number) for number in machine.sh(COUNT.format(port=port)).split()]
    assert len(before) == len(after) == SERVERS
    return [new - old for old, new in zip(before, after)]


@pytest.fixture(scope="module")
def served(plays: Plays, built: dict[str, Machine]) -> Iterator[dict[str, Machine]]:
    """The machines, with the service at an address that is known here, and its servers watched."""
    with plays.clock.phase("services"):
        plays.run("site.yml", "-e", json.dumps({"services_list": WATCHED}))
    yield built
    with plays.clock.phase("services as before"):
        plays.run("site.yml")


def test_ipvs_balances(served: dict[str, Machine]) -> None:
    for machine in served.values():
        assert len(servers(machine, "0050")) == SERVERS


def test_each_server_gets_its_share(served: dict[str, Machine]) -> None:
    """From a container and from the node by the service's address, and from outside by a port of a node."""
    one, two, three = (served[name] for name in ("node1", "node2", "node3"))
    inside = ASK.format(url=f"http://{ADDRESS}/", number=REQUESTS)

    def outside() -> None:
        for _turn in range(REQUESTS):
            urllib.request.urlopen("http://192.0.2.13:30080/", timeout=20).read()

    share = [REQUESTS // SERVERS] * SERVERS
    assert shares(one, 80, lambda: one.sh(f"ip netns exec web1 {inside}")) == share
    assert shares(two, 80, lambda: two.sh(inside)) == share
    assert shares(three, 30080, outside) == share


def test_a_server_that_ends_gets_nothing_until_it_is_back(served: dict[str, Machine]) -> None:
    """On every node, by the unit that watches; and a run of the playbook leaves it so."""
    state = "/run/containerland.health/services.json"
    node = served["node2"]
    unit = "containerland-containers-web1"
    assert node.host.service("containerland-services-health-watch").is_running
    node.sh("ip netns exec web1 iptables -A INPUT -p tcp --dport 80 -j REJECT")
    for machine in served.values():
        machine.sh(WAIT.format(f"grep -q 10.244.12. {state}"))
        machine.sh(WAIT.format("grep -qE '^  -> 0AF40C.* Masq +0 ' /proc/net/ip_vs"))
    node.sh("ip netns exec web1 iptables -D INPUT -p tcp --dport 80 -j REJECT")
    for machine in served.values():
        machine.sh(WAIT.format("! grep -qE '^  -> 0AF40C.* Masq +0 ' /proc/net/ip_vs"))
    assert node.host.service(unit).is_running


def test_services_are_back_after_a_boot(plays: Plays, served: dict[str, Machine]) -> None:
    machine = served["node3"]
    with plays.clock.phase("reboot with services"):
        machine.reboot()
    machine.sh(WAIT.format("systemctl is-active --quiet containerland-services-health-watch"))
    assert len(servers(machine, "0050")) == SERVERS
    machine.sh(ASK.format(url=f"http://{ADDRESS}/", number=SERVERS))
