# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: an underlay between nodes that are apart from each other in everything else."""

from __future__ import annotations

import pytest
from labtest.machine import SANDBOX, Machine

ADDRESSES = {"node1": 11, "node2": 12, "node3": 13, "client": 2}


@pytest.mark.parametrize("name", ADDRESSES)
def test_device(nodes: dict[str, Machine], name: str) -> None:
    number = ADDRESSES[name]
    assert nodes[name].addresses("eth0") == [f"192.0.2.{number}/24", f"2001:db8::{number}/64"]
    assert nodes[name].link("eth0")["mtu"] == 1500
    assert Machine(SANDBOX).link(name)["master"] == "underlay"


@pytest.mark.parametrize("name", ADDRESSES)
def test_reaches_all(nodes: dict[str, Machine], name: str) -> None:
    for number in ADDRESSES.values():
        assert nodes[name].ping(f"192.0.2.{number}", size=1500 - 28) == 64
        assert nodes[name].ping(f"2001:db8::{number}") == 64


@pytest.mark.parametrize("name", ADDRESSES)
def test_is_apart(nodes: dict[str, Machine], name: str) -> None:
    node = nodes[name]
    assert node.sh("hostname").strip() == name
    assert node.sh("ls /run/netns /var/lib/containerland /etc/sysctl.d /etc/modules-load.d").count("\n") < 8
    assert "nodes node" in node.sh("tr '\\0' ' ' </proc/1/cmdline")
