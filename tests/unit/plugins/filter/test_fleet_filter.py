# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What filters remember of a plan."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.filter import fleet as filters
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, topologies
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import NodeInput, Options


def test_a_plan_with_an_id_is_computed_once_for_each_set_of_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    compute = topologies.overlay_topology

    def counting(plan: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        asked.append((plan.get("id"), *arguments, options))
        return compute(plan, *arguments, **options)

    monkeypatch.setattr(topologies, "overlay_topology", counting)
    overlay = filters.FilterModule().filters()["overlay_topology"]
    nodes = [NodeInput(f"node{k}", f"192.0.2.{k}") for k in (1, 2)]
    plans = {vni: {**fleet.plan(nodes, Options(vni=vni)), "id": str(vni)} for vni in (7, 8)}
    for _turn in range(3):
        assert [overlay(plans[vni], "node1", "vx0")["vxlan"][0]["vni"] for vni in plans] == [7, 8]
        assert overlay(plans[7], "node1", "vx0", port=8472)["vxlan"][0]["port"] == 8472
        assert overlay(plans[7], "node2", "vx0") != overlay(plans[7], "node1", "vx0")
    assert len(asked) == 4
    nameless = fleet.plan(nodes, Options())
    for _turn in range(2):
        overlay(nameless, "node1", "vx0")
    assert len(asked) == 6
