# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A route per other node and IP version, and what goes that way."""

from __future__ import annotations

import pytest
from labtest.machine import Machine

NODES = {"node1": 11, "node2": 12, "node3": 13}


@pytest.mark.parametrize("name", NODES)
def test_routes(nodes: dict[str, Machine], name: str) -> None:
    for other, number in NODES.items():
        if other != name:
            four = nodes[name].route(f"10.244.{number}.0/24")
            six = nodes[name].route(f"fd00:244:0:{0x200 + number:x}::/64")
            assert (four["gateway"], four["dev"]) == (f"192.0.2.{number}", "eth0")
            assert (six["gateway"], six["dev"]) == (f"2001:db8::{number}", "eth0")


def test_reach(nodes: dict[str, Machine]) -> None:
    """Two nodes forward between containers, and the underlay's whole MTU can be used."""
    four, six = (address.split("/")[0] for address in nodes["node3"].inside("web2").addresses("eth0"))
    for source, ttl in ((nodes["node1"].inside("web1"), 62), (nodes["node1"], 63)):
        assert source.ping(four, size=1500 - 28) == ttl
        assert source.ping(six, size=1500 - 48) == ttl
