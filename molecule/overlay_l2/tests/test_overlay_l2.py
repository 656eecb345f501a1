# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bridge over all nodes: every MAC of the others is known, nobody forwards."""

from __future__ import annotations

import pytest
from labtest.machine import Machine
from labtest.traffic import ask, serving

NODES = {"node1": "192.0.2.11", "node2": "192.0.2.12", "node3": "192.0.2.13"}
LINK = "vxlan77"
FLOOD = "00:00:00:00:00:00"


@pytest.mark.parametrize("name", NODES)
def test_link(nodes: dict[str, Machine], name: str) -> None:
    link = nodes[name].link(LINK)
    assert (link["master"], link["mtu"]) == ("ctl0", 1450)
    assert (link["linkinfo"]["info_data"]["id"], link["linkinfo"]["info_data"]["learning"]) == (77, False)
    assert nodes[name].addresses(LINK) == []


@pytest.mark.parametrize("name", NODES)
def test_peers(nodes: dict[str, Machine], name: str) -> None:
    wanted = set()
    for other in NODES:
        if other != name:
            ends = [nodes[other].link("ctl0")]
            ends += [nodes[other].inside(container).link("eth0") for container in ("web1", "web2")]
            wanted |= {(end["address"], NODES[other]) for end in ends} | {(FLOOD, NODES[other])}
    assert nodes[name].forwarding(LINK) == wanted


def test_reach(nodes: dict[str, Machine]) -> None:
    address = nodes["node3"].inside("web2").addresses("eth0")[0].split("/")[0]
    assert nodes["node1"].inside("web1").ping(address, size=1450 - 28) == 64
    assert nodes["node1"].ping(address) == 64


def test_published_for_containers_of_other_nodes(nodes: dict[str, Machine]) -> None:
    """Their answers would go past the node, if it did not lend its address."""
    with serving(nodes["node1"].inside("web1"), "web1", 81):
        assert ask(nodes["node3"].inside("web2"), ("tcp", NODES["node1"], 8081)) == ["web1 10.244.11.1"]
        assert ask(nodes["node3"], ("tcp", NODES["node1"], 8081)) == [f"web1 {NODES['node3']}"]
