# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers on nodes that are Docker containers reach each other through the overlay."""

from __future__ import annotations

import re

import pytest
import testinfra

NODES = {name: testinfra.get_host(f"docker://{name}") for name in ("node1", "node2")}


def address(node: str, container: str) -> str:
    """As the kernel has it."""
    shown = NODES[node].check_output(f"ip -n {container} -o -4 address show dev eth0")
    found = re.search(r"inet ([\d.]+)/", shown)
    assert found, shown
    return found[1]


@pytest.mark.parametrize(("asking", "asked"), [("node1", "node2"), ("node2", "node1")])
def test_through_the_overlay(asking: str, asked: str) -> None:
    said = NODES[asking].run(f"ip netns exec web1 ping -n -c 1 -w 5 {address(asked, 'web2')}")
    # Two nodes forward it.
    assert said.rc == 0 and "ttl=62" in said.stdout, said.stdout


@pytest.mark.parametrize("name", NODES)
def test_nodes_have_few_capabilities(name: str) -> None:
    """CAP_SYS_MODULE (16), CAP_SYS_RAWIO (17) and CAP_SYS_TIME (25) are not among them."""
    effective = int(NODES[name].check_output("sed -n 's/CapEff:\\s*//p' /proc/self/status"), 16)
    assert not effective & (1 << 16 | 1 << 17 | 1 << 25)
