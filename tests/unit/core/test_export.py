# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What network_info returns is what topology takes: on another node it makes the same, here it changes nothing."""

from __future__ import annotations

from ansible_collections.containerland.net.plugins.module_utils._core.info import look

from .everything import START, node_at, run
from .fake import FakeWorld, derived, state
from .fake_kernel import FakeKernel

NAMESPACES = ["", "old", "app"]


def test_the_state_declares_itself() -> None:
    kernel = node_at(START)
    seen = look(FakeWorld(kernel), NAMESPACES)
    assert run(FakeWorld(kernel), seen["topology"]).plan.lines() == []


def test_another_node_gets_the_same() -> None:
    kernel, other = node_at(START), FakeKernel()
    seen = look(FakeWorld(kernel), NAMESPACES)
    run(FakeWorld(other), seen["topology"])
    # Sysctls are read by name only.
    wanted = {key: values for key, values in state(kernel).items() if key.kind != "sysctl"}
    assert {key: values for key, values in state(other).items() if key.kind != "sysctl"} == wanted


def test_it_leaves_out_what_the_kernel_makes() -> None:
    kernel = node_at(START)
    seen = look(FakeWorld(kernel), NAMESPACES)["topology"]
    listed = {
        address
        for links in ("veth", "bridge", "vxlan", "link")
        for e in seen[links]
        for address in e.get("addresses", [])
    }
    assert not {key.ident[1] for key, _values in derived(kernel) if key.kind == "address"} & listed
    assert sorted(route["dest"] for route in seen["route"]) == [
        "10.20.0.0/24",
        "10.21.0.0/24",
        "10.22.0.0/24",
        "10.8.0.0/24",
        "default",
    ]
    assert [rule["priority"] for rule in seen["rule"]] == [100]


def test_kinds_and_counts() -> None:
    seen = look(FakeWorld(node_at(START)), ["app"], ["link"])
    assert seen["counts"]["namespaces"] == 1 and seen["counts"]["route"] == 0
