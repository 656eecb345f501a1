# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as hosts: their names, what is refused, and the way that leads into them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, inventory_containers
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options

NSENTER = "containerland.net.nsenter"


def members(known: tuple[str, ...] = (), **nodes: list[dict[str, Any]]) -> list[inventory_containers.Member]:
    """What becomes of nodes (with `_` for `.`) that declare these containers."""
    given = [
        NodeInput(name.replace("_", "."), f"192.0.2.{11 + index}", containers=tuple(containers))
        for index, (name, containers) in enumerate(nodes.items())
    ]
    return inventory_containers.members(fleet.plan(given, Options()), known)


def test_names_addresses_and_groups_follow_the_plan() -> None:
    one, two = members(
        node1=[{"name": "web1", "address": 20, "labels": {"app": "web", "tier": 1}}],
        node2=[{"name": "db", "address": 21, "attach": "docker:db", "interface": "net0"}],
    )
    assert (one.host, one.node, two.host) == ("web1.node1", "node1", "db.node2")
    assert one.variables["container_address"] == "10.244.11.20"
    assert one.variables["container_addresses"] == ["10.244.11.20/24"]
    assert inventory_containers.label_groups(one.labels) == ["app_web", "tier_1"]
    assert (two.variables["container_netns"], two.variables["container_interface"]) == ("docker:db", "net0")
    assert inventory_containers.label_groups(two.labels) == []


@pytest.mark.parametrize(
    ("known", "nodes", "problem"),
    [
        (("a.n",), {"n": [{"name": "a"}]}, "n: containers_list[0].name: the inventory has a host 'a.n' already"),
        (
            (),
            {"b_c": [{"name": "a"}], "c": [{"name": "a.b"}]},
            "c: containers_list[0].name: container 'a' of b.c is 'a.b.c' as well; rename one",
        ),
        ((), {"n": [{"name": "a", "labels": "web"}]}, "n: containers_list[0].labels: must be a dictionary"),
    ],
)
def test_refused(known: tuple[str, ...], nodes: dict[str, list[dict[str, Any]]], problem: str) -> None:
    with pytest.raises(FleetError) as refused:
        members(known, **nodes)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("netns", "expected"),
    [("web1", "web1"), ("4711", "/run/netns/4711"), ("pid:4711", "pid:4711"), ("docker:4711", "docker:4711")],
)
def test_a_name_of_digits_is_not_a_process(netns: str, expected: str) -> None:
    assert inventory_containers.target(netns) == expected


def test_the_way_is_the_node_s_but_for_who_becomes_root() -> None:
    seen = [
        "ansible_user",
        "ansible_become",
        "ansible_become_password",
        "ansible_nsenter_target",
        "mtu",
        "ansible_host",
    ]
    assert dict(inventory_containers.connection(seen)) == {
        "ansible_user": "{{ hostvars[container_node].ansible_user }}",
        "ansible_host": "{{ hostvars[container_node].ansible_host | default(container_node) }}",
    }


@pytest.mark.parametrize(
    ("method", "elevated", "namespaces", "expected"),
    [
        ("", False, "", {}),
        ("", True, "", {"ansible_nsenter_sudo": True}),
        ("sudo", True, "", {"ansible_nsenter_sudo": True}),
        (NSENTER, True, "net", {}),
        (NSENTER, True, "all", {"ansible_nsenter_through": "{{ hostvars[container_node].ansible_nsenter_target }}"}),
    ],
)
def test_from_the_node_into_the_container(method: str, elevated: bool, namespaces: str, expected: Any) -> None:
    found = inventory_containers.become(method, elevated, namespaces)
    assert found == {"ansible_become": True, "ansible_become_method": NSENTER, **expected}
