# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that no longer answers gets nothing new until it does, and a run of the playbook leaves that alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from labtest.machine import Machine
from labtest.scenario import converge

Nodes = dict[str, Machine]

NODES = {"node1", "node2", "node3"}
PATIENCE = 30
STATE = "/run/containerland.health/services.json"
ASK = """
import sys, urllib.request
for _ in range(int(sys.argv[1])):
    try:
        print(urllib.request.urlopen("http://10.96.0.10/", timeout=1).read().decode().split()[0])
    except OSError:
        print("nobody")
"""


def answering(client: Machine) -> set[str]:
    """Which nodes' servers answer 30 requests."""
    return set(client.sh(f"python3 -c '{ASK}' 30").split())


def soon(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.5)
    return False


def failing(node: Machine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(node.sh(f"cat {STATE}"))["failing"]
    return found


def test_a_server_that_hangs(nodes: Nodes) -> None:
    """Stopped, not ended: its port still takes connections, and only a question tells that nobody is there."""
    clients = [nodes[name].inside("db") for name in sorted(NODES)]
    assert all(answering(client) == NODES for client in clients)
    processes = nodes["node2"].sh("ip netns pids web1").split()
    nodes["node2"].sh(f"kill -STOP {' '.join(processes)}")
    try:
        for name in NODES:
            assert soon(lambda node=nodes[name]: len(failing(node).get("web", ())) == 2), "by IPv4 and IPv6"
            assert "10.244.12.195:80" in failing(nodes[name])["web"]
        assert all(soon(lambda client=client: answering(client) == {"node1", "node3"}) for client in clients)
        again = converge()
        assert re.findall(r"changed=(\d+)", again) == ["0", "0", "0"], again
        assert answering(clients[0]) == {"node1", "node3"}
    finally:
        nodes["node2"].sh(f"kill -CONT {' '.join(processes)}")
    assert all(soon(lambda node=nodes[name]: failing(node) == {}) for name in NODES)
    assert all(soon(lambda client=client: answering(client) == NODES) for client in clients)
