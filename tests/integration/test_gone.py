# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others removed meanwhile, and what goes along with what is removed here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ConflictError

from tests.integration.support.kernel import said, sh
from tests.integration.support.run import apply

STATE = Path("/var/lib/containerland/t.json")
ABSENT = {"name": "t", "state": "absent"}


def topology(**lists: Any) -> dict[str, Any]:
    return {"name": "t", **lists}


def converge(options: dict[str, Any]) -> None:
    """Made, as foretold, and a second run has nothing to do."""
    foretold = apply("topology", options, check=True).plan.lines()
    assert apply("topology", options).plan.lines() == foretold
    assert not apply("topology", options).changed


@pytest.mark.parametrize(
    ("before", "lists", "loss"),
    [
        ("ip link add e0 type veth peer name e1", {"link": [{"name": "e0", "mtu": 1400}]}, "ip link del e0"),
        (
            "ip link add e0 type veth peer name e1; ip netns add w",
            {"link": [{"name": "lan", "netns": "w", "adopt": {"name": "e0"}}]},
            "ip -n w link del lan",
        ),
        (
            "ip link add e0 type veth peer name e1; ip a add 10.9.0.1/24 dev e0; ip l set e0 up; ip l set e1 up;"
            "ip r add 10.8.0.0/16 via 10.9.0.2 proto static",
            {"route": [{"dest": "10.8.0.0/16", "gateway": "10.9.0.3"}]},
            "ip route del 10.8.0.0/16",
        ),
        ("ip netns add w", {"namespaces": [], "link": [{"name": "lo", "netns": "w", "up": True}]}, "ip netns del w"),
    ],
)
def test_what_was_only_changed_and_is_gone_blocks_nothing(before: str, lists: dict[str, Any], loss: str) -> None:
    sh(before)
    converge(topology(bridge=[{"name": "br0"}], **lists))
    sh(loss)
    assert apply("topology", ABSENT).changed
    assert said("ip -j link show br0", "ifname") == [] and not STATE.exists()


def test_a_process_that_ended_blocks_nothing() -> None:
    holder = subprocess.Popen(["unshare", "--net", "sleep", "60"])
    try:
        while os.stat(f"/proc/{holder.pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
            pass
        peer = {"name": "eth0", "netns": f"pid:{holder.pid}", "addresses": ["10.1.0.2/24"]}
        converge(topology(bridge=[{"name": "br0"}], veth=[{"name": "v", "master": "br0", "peer": peer}]))
    finally:
        holder.kill()
        holder.wait()
    assert apply("topology", ABSENT).changed
    assert said("ip -j link show br0", "ifname") == [] and not STATE.exists()


def test_an_address_that_moves_to_a_bridge_takes_the_default_route_along() -> None:
    sh("ip link add e0 type veth peer name e1; ip link set e1 up")
    route = [{"dest": "default", "gateway": "10.0.0.9"}]
    converge(topology(link=[{"name": "e0", "up": True, "addresses": ["10.0.0.1/24"]}], route=route))
    bridge = [{"name": "br0", "ports": ["e0"], "addresses": ["10.0.0.1/24"]}]
    converge(topology(bridge=bridge, route=route))
    assert said("ip route show default", "dev") == ["br0"]


def test_an_ipv6_address_gets_another_prefix_length() -> None:
    for length in (64, 56):
        converge(topology(bridge=[{"name": "br0", "addresses": [f"fd00::1/{length}"]}]))
        assert f"fd00::1/{length}" in sh("ip -6 address show dev br0")


@pytest.mark.parametrize("above", ["vxlan id 9 dstport 4789 remote 10.0.0.2 dev v", "macvlan"])
def test_a_link_under_a_foreign_one_is_not_made_anew(above: str) -> None:
    pair = {"name": "v", "recreate": True, "peer": {"name": "p"}}
    converge(topology(veth=[pair]))
    kind = above.partition(" ")[0]
    sh(f"ip link add m9 {'link v ' if kind == 'macvlan' else ''}type {above}")
    with pytest.raises(ConflictError, match="'m9' sits on it"):
        apply("topology", topology(veth=[{**pair, "peer": {"name": "p2"}}]))
    assert said("ip -j link show m9", "ifname") and said("ip -j link show p", "ifname")


def test_a_port_comes_back_with_its_settings() -> None:
    sh("ip link add brx type bridge; ip link add e0 type veth peer name e1; ip link set e0 master brx")
    sh("bridge link set dev e0 hairpin on isolated on")
    converge(topology(bridge=[{"name": "br0", "ports": ["e0"]}]))
    assert apply("topology", ABSENT).changed
    assert said("ip link show e0", "master") == ["brx"]
    assert said("ip link show e0", "linkinfo.info_slave_data.hairpin") == [True]
    assert said("ip link show e0", "linkinfo.info_slave_data.isolated") == [True]
