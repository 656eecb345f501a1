# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tunnel as the kernel shows it, and what goes through it."""

from __future__ import annotations

import pytest
from labtest.machine import Machine

NODES = ("node1", "node2", "node3")
LINK = "vxlan4096"


@pytest.mark.parametrize("name", NODES)
def test_link(nodes: dict[str, Machine], name: str) -> None:
    node = nodes[name]
    link = node.link(LINK)
    data = link["linkinfo"]["info_data"]
    assert (data["id"], data["port"], data["learning"]) == (4096, 4789, False)
    assert data["local"] == node.addresses("eth0")[0].split("/")[0]
    assert link["mtu"] == 1450
    assert "UP" in link["flags"]
    assert node.addresses(LINK) == [f"10.244.{10 + int(name[-1])}.0/32"]


@pytest.mark.parametrize("name", NODES)
def test_peers(nodes: dict[str, Machine], name: str) -> None:
    node = nodes[name]
    others = {other: nodes[other].link(LINK)["address"] for other in NODES if other != name}
    number = {other: 10 + int(other[-1]) for other in others}
    assert node.forwarding(LINK) == {(mac, f"192.0.2.{number[other]}") for other, mac in others.items()}
    assert node.neighbors(LINK) == {f"10.244.{number[other]}.0": mac for other, mac in others.items()}
    for other in others:
        route = node.route(f"10.244.{number[other]}.0/24")
        assert (route["gateway"], route["dev"], route["flags"]) == (f"10.244.{number[other]}.0", LINK, ["onlink"])


def test_reach(nodes: dict[str, Machine]) -> None:
    """Two nodes forward between containers; the largest packet that fits goes through whole."""
    address = nodes["node3"].inside("web2").addresses("eth0")[0].split("/")[0]
    assert nodes["node1"].inside("web1").ping(address, size=1450 - 28) == 62
    assert nodes["node1"].ping(address) == 63
