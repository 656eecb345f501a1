# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's servers are drained under steady load: no request fails, what stands goes on, nothing new comes to them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from labtest import load
from labtest.machine import Machine
from labtest.scenario import converge

Nodes = dict[str, Machine]

ECHO, PORT = "10.96.0.10", 9000
NODES = ("node1", "node2", "node3")
# Sockets of a client that asks again from the same port; connection tracking would hold them to one server.
ASK_BY_UDP = """
import socket, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.settimeout(2)
line.bind(("", int(sys.argv[2])))
line.connect((sys.argv[1], 53))
line.send(b"?")
print(line.getsockname()[1], line.recv(100).decode().split()[0])
"""
NEW = [0] * 20


@pytest.fixture
def echo(nodes: Nodes) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name in NODES:
            inside = nodes[name].inside("web1")
            stack.callback(end, inside.start("python3", load.__file__, "serve", name, str(PORT)))
            inside.sh(
                f"for _ in $(seq 100); do ss -Hltn 'sport = :{PORT}' | grep -q . && exit 0; sleep 0.05; done; exit 1"
            )
        yield


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def udp_servers(client: Machine, address: str, ports: Iterable[int]) -> dict[int, str]:
    """Who answers questions from these ports; 0 is one that the kernel chooses, hence a new flow."""
    said = (client.sh(f"python3 -c '{ASK_BY_UDP}' {address} {port}").split() for port in ports)
    return {int(port): server for port, server in said}


@pytest.fixture
def patient(nodes: Nodes) -> Iterator[None]:
    """Connection tracking remembers UDP flows for half a minute, and a busy machine takes longer to drain."""
    name = "net.netfilter.nf_conntrack_udp_timeout"
    usual = nodes["node1"].sh(f"sysctl -n {name}").strip()
    nodes["node1"].sh(f"sysctl -qw {name}=600")
    yield
    nodes["node1"].sh(f"sysctl -qw {name}={usual}")


@pytest.mark.usefixtures("echo", "patient")
def test_drain(nodes: Nodes, tmp_path: Path) -> None:
    client = nodes["node1"].inside("db")
    ask_address = nodes["node1"].sh("ip netns exec db getent ahostsv4 ask").split()[0]
    before = udp_servers(client, ask_address, NEW)
    process = client.start(
        "python3", load.__file__, "ask", ECHO, str(PORT), str(tmp_path / "end"), stdout=subprocess.PIPE
    )
    try:
        time.sleep(1)
        converge(services_drained=["web1@node2"])
        drained = time.time()
        after = udp_servers(client, ask_address, before)
        time.sleep(3)
        (tmp_path / "end").touch()
        output, _nothing = process.communicate(timeout=60)
    finally:
        end(process)
        converge()
    said = json.loads(output)
    assert said["errors"] == []
    assert "node2" in said["held"], "no connection was there to be held"
    late = [name for moment, name in said["answers"] if moment > drained]
    assert len(late) > 20
    assert set(late) == {"node1", "node3"}
    assert "node2" in before.values()
    assert set(after.values()) == {"node1", "node3"}, "connection tracking holds clients to a server that is drained"
    assert {port for port in before if before[port] != "node2" and after[port] != before[port]} == set()
