# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark runs, and what it goes by to say that everybody has built the same notices if somebody has not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import two_nodes
from benchmarks.cases import peers
from benchmarks.harness import CHECKOUT, Engine, compiled
from tests.integration.support.kernel import sh

#: Case → what its rows begin with.
CASES = {
    "containers": ["1 build", "2 no change", "3 one container", "4 take away"],
    "peers": ["8 build", "8 no change"],
    "data_plane": ["11 TCP", "11 round trip"],
}


def test_runs() -> None:
    """Each case ends with an error where two do not have the same end state."""
    command = [sys.executable, "-m", "benchmarks", "--quick", *CASES]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    for begin in (begin for begins in CASES.values() for begin in begins):
        rows = [row for case, row in figures.items() if case.startswith(begin)]
        assert rows, f"no row {begin}"
        assert all(row["ours"] > 0 for row in rows)
    assert figures["1 build, 10 containers"]["ratio_floor"] > 0


#: What is said → what was done.
BROKEN = {
    "container 2: eth0 is not there or not up": "ip -n c2 link set eth0 down",
    "container 2: lo is not up": "ip -n c2 link set lo down",
    "container 2: the node's end is not up": "ip link set v2 down",
    "container 2: not on its bridge": "ip link add ot0 type bridge; ip link set v2 master ot0",
    "container 2: address": "ip -n c2 addr add 10.9.9.9/16 dev eth0",
    "container 2: default route": "ip -n c2 route replace default via 10.0.0.3",
    "container 0: address of its bridge": "ip addr flush dev br0",
    "container 0: its bridge is not up": "ip link set br0 down",
    "1 bridges with 2 ports": "ip link set v2 nomaster",
    "/run/netns/c2: No such file": "touch /run/netns/kept; mount --bind /run/netns/c2 /run/netns/kept; "
    "umount /run/netns/c2; rm /run/netns/c2",
}


def test_the_containers_are_checked() -> None:
    floor = compiled("node")
    sh("mkdir -p /run/netns")
    for said, change in BROKEN.items():
        sh(f"{floor} build 3; {floor} read 3; {change}")
        done = subprocess.run([floor, "read", "3"], capture_output=True, text=True, check=False)
        assert (done.returncode, said in done.stderr) == (1, True), f"{said}: {done}"
        sh("for link in v0 v1 v2 br0; do ip link delete $link; done; ip -all netns delete; ip link delete ot0 || true")


def test_the_peers_are_checked() -> None:
    Engine().apply("topology", peers.topology(3), changed=True)
    peers.check(3)
    sh("ip neigh change 10.0.2.0 lladdr 02:00:00:00:00:09 dev vx0 nud permanent")
    with pytest.raises(SystemExit, match="not the same end state"):
        peers.check(3)


def test_the_two_networks_are_compared() -> None:
    two_nodes.by_engine(Engine(), "o")
    two_nodes.by_hand("h")
    two_nodes.check("o", "h")
    sh("ip -n hc link set eth0 mtu 1400")
    with pytest.raises(SystemExit, match=r"not the same network.*eth0.*mtu"):
        two_nodes.check("o", "h", patience=0)
