# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the fleet plan to containers as hosts of an inventory: names, variables, groups, the way there; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .fleet_model import FleetError

BECOME = "containerland.net.nsenter"
# How Ansible becomes root on the node is the node's; here it becomes root and enters the container.
_NOT_TAKEN = ("ansible_become", "ansible_nsenter", "ansible_sudo", "ansible_su_", "ansible_facts", "ansible_local")


@dataclass(frozen=True)
class Member:
    """A container as a host: its name in the inventory, variables of its own, and labels as texts."""

    host: str
    node: str
    variables: Mapping[str, Any]
    labels: Mapping[str, str]


def members(plan: Mapping[str, Any], known: Collection[str]) -> list[Member]:
    """All containers of the plan as hosts named CONTAINER.NODE.

    Args:
        plan: what ``fleet.plan`` returns.
        known: hosts of the inventory, whose names are taken.

    Raises:
        FleetError: two hosts would have one name, or labels are not a dictionary.
    """
    found: dict[str, Member] = {}
    for node, entry in plan["nodes"].items():
        for index, container in enumerate(entry["containers"]):
            member = _member(node, index, container)
            where = f"{node}: containers_list[{index}].name"
            if member.host in known:
                raise FleetError(where, f"the inventory has a host '{member.host}' already; rename one")
            if member.host in found:
                other = found[member.host]
                problem = f"container '{other.variables['container_name']}' of {other.node} is '{member.host}' as well"
                raise FleetError(where, f"{problem}; rename one")
            found[member.host] = member
    return list(found.values())


def _member(node: str, index: int, container: Mapping[str, Any]) -> Member:
    labels = container.get("labels") or {}
    if not isinstance(labels, Mapping):
        where = f"{node}: containers_list[{index}].labels"
        raise FleetError(where, f"must be a dictionary, such as {{app: web}}, not {labels!r}")
    texts = {str(label): str(value) for label, value in labels.items()}
    variables = {
        "container_name": container["name"],
        "container_node": node,
        "container_labels": texts,
        "container_netns": container["netns"],
        "container_interface": container["interface"],
        "container_address": container["addresses"][0].partition("/")[0],
        "container_addresses": list(container["addresses"]),
        "container_mac": container["mac"],
    }
    return Member(f"{container['name']}.{node}", node, variables, texts)


def label_groups(labels: Mapping[str, str]) -> list[str]:
    """LABEL_VALUE for each label, not yet safe as names of groups."""
    return [f"{label}_{value}" for label, value in labels.items()]


def target(netns: str) -> str:
    """A namespace for the become plugin, to which digits alone would be a process."""
    return f"/run/netns/{netns}" if netns.isdigit() else netns


def connection(node_variables: Collection[str]) -> Iterator[tuple[str, str]]:
    """(variable, template): how the node is reached, which Ansible resolves for the node whenever it is needed.

    Args:
        node_variables: the names of variables that the inventory has for the node.
    """
    for name in sorted(node_variables):
        if name.startswith("ansible_") and name != "ansible_host" and not name.startswith(_NOT_TAKEN):
            yield name, f"{{{{ hostvars[container_node].{name} }}}}"
    # Without a variable, a node is reached by its name.
    yield "ansible_host", "{{ hostvars[container_node].ansible_host | default(container_node) }}"


def become(method: str, elevated: bool, namespaces: str) -> dict[str, Any]:
    """The variables that lead from the node into the container.

    Args:
        method: how tasks become another user on the node.
        elevated: whether they do so.
        namespaces: what the node's own ``ansible_nsenter_namespaces`` says.
    """
    found: dict[str, Any] = {"ansible_become": True, "ansible_become_method": BECOME}
    if not elevated:
        return found
    if method != BECOME:
        return {**found, "ansible_nsenter_sudo": True}
    # A node that is entered with its network only has the files, and so the namespaces, of the machine.
    if namespaces == "all":
        found["ansible_nsenter_through"] = "{{ hostvars[container_node].ansible_nsenter_target }}"
    return found
