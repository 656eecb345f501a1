# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pings prove a fleet, and what their answers say; pure, no Ansible.

A *place* is a node, a node's bridge or a container. A *cell* is one source, one target, and what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .topologies import Plan, slice_of

INITIAL_TTL = 64
DEVICE_MATTERS = ("overlay", "bridged", "routed")


class Place(NamedTuple):
    """Something with an address: kind is node, bridge or container."""

    node: str
    kind: str
    name: str
    address: str

    @property
    def label(self) -> str:
        """What people call it: ``node1``, ``node1 ctl0``, ``node1 web1``."""
        return self.node if self.kind == "node" else f"{self.node} {self.name}"


class Expectation(NamedTuple):
    """Which way a packet should go, and how many routers should forward the answer."""

    way: str
    hops: int


def sources(plan: Plan, node: str, neighbors: int = 0) -> list[dict[str, Any]]:
    """A node and its containers, as the reachability module takes them.

    Args:
        plan: the fleet plan.
        node: its name.
        neighbors: each container skips the other containers of its node, except that many after it in the order
            of names (in a circle); 0 = none are skipped. All pairs of more than 30 containers overflow the
            kernel's table of neighbours, which has 1024 entries for all namespaces together (gc_thresh3).
    """
    containers = sorted(slice_of(plan, node)["containers"], key=lambda container: str(container["name"]))
    found: list[dict[str, Any]] = [{"name": node}]
    for index, container in enumerate(containers):
        source = {"name": f"{node} {container['name']}", "netns": container["netns"]}
        if neighbors:
            after = (containers[index + 1 :] + containers[:index])[neighbors:]
            source["skip"] = [_bare(address) for other in after for address in other["addresses"]]
        found.append(source)
    return found


def targets(plan: Plan, node: str, bridge: str = "ctl0", remote_nodes: int = 0) -> list[Place]:
    """Every place that a node should reach.

    Args:
        plan: the fleet plan.
        node: the node that asks.
        bridge: name of the nodes' bridge.
        remote_nodes: only that many other nodes, those after it in the order of names (in a circle, so that every
            node is tested by as many); 0 = all. For fleets where all pairs would be millions.
    """
    names = sorted(plan["nodes"])
    slice_of(plan, node)
    at = names.index(node)
    ring = [node] + names[at + 1 :] + names[:at]
    if plan["network"] == "none":
        ring = [node]
    elif remote_nodes:
        ring = ring[: remote_nodes + 1]
    ipv6 = len(plan["prefixes"]) > 1
    return [place for name in sorted(ring) for place in _places(plan["nodes"][name], bridge, ipv6)]


def expect(plan: Plan, source: Place, target: Place, underlay_hops: int = 0) -> Expectation:
    """Derive the way and the number of routers on the answer's way back, which the TTL tells.

    A container's node forwards what the container sends to, and gets from, other nodes; in an L2 overlay nobody
    forwards, because all containers and bridges share a subnet. Where an answer crosses the underlay itself,
    the routers of the underlay count as well.
    """
    if source.node == target.node:
        return Expectation("local", 0)
    bridged = plan["network"] == "overlay" and plan["style"] == "l2"
    if bridged:
        crosses_underlay = target.kind == "node" and source.kind == "node"
        return Expectation("underlay" if target.kind == "node" else "bridged", underlay_hops * crosses_underlay)
    forwards = [source.kind, target.kind].count("container")
    if plan["network"] == "routed":
        way = "underlay" if target.kind == "node" else "routed"
        return Expectation(way, forwards + underlay_hops)
    # In an L3 overlay the answer to a container goes through the tunnel, wherever it comes from.
    crosses_underlay = target.kind == "node" and source.kind == "node"
    way = "underlay" if target.kind == "node" else "overlay"
    return Expectation(way, forwards + underlay_hops * crosses_underlay)


def judge(
    plan: Plan,
    node: str,
    measured: Mapping[str, Any],
    places: Sequence[Place],
    overlay_interface: str = "",
    bridge: str = "ctl0",
    underlay_hops: int = 0,
) -> list[dict[str, Any]]:
    """The cells of a node's rows.

    Args:
        plan: the fleet plan.
        node: the node that measured.
        measured: result of the reachability module; missing entries count as no answer.
        places: what was pinged, in the order of the module's `targets`.
        overlay_interface, bridge: names of links, to tell which way the node sends.
        underlay_hops: routers between two nodes on the underlay.

    Returns:
        Dictionaries with source, source_node, target, target_node, target_kind, address, way, ttl, expected_ttl,
        verdict (ok, miss, ttl, device) and, unless ok, `problem`: a sentence.
    """
    cells: list[dict[str, Any]] = []
    answers = measured.get("ttl", {})  # None for what was skipped
    links = dict(zip(measured.get("targets", []), measured.get("devices", [])))
    said = {(e["source"], e["target"]): e["error"] for e in measured.get("errors", [])}
    for label in (entry["name"] for entry in sources(plan, node)):
        source = Place(node, "node" if label == node else "container", label[len(node) + 1 :], "")
        row = answers.get(label, [0] * len(places))
        for place, ttl in zip(places, row):
            if ttl is None:
                continue
            expected = expect(plan, source, place, underlay_hops)
            cell = {
                "source": label,
                "source_node": node,
                "target": place.label,
                "target_node": place.node,
                "target_kind": place.kind,
                "address": place.address,
                "way": expected.way,
                "ttl": ttl,
                "expected_ttl": INITIAL_TTL - expected.hops,
                "device": links.get(place.address, ""),
            }
            error = said.get((label, place.address), "not measured")
            cells.append(_with_verdict(cell, error, overlay_interface, bridge))
    return cells


def _places(entry: Mapping[str, Any], bridge: str, ipv6: bool) -> list[Place]:
    """A node's addresses, without those of a family that containers do not have."""
    name = str(entry["name"])
    underlays = [a for a in dict.fromkeys((entry["underlay"], entry["underlay6"])) if a and (ipv6 or ":" not in a)]
    found = [Place(name, "node", name, address) for address in underlays]
    found += [Place(name, "bridge", bridge, _bare(address)) for address in entry["bridge"]["addresses"]]
    for container in entry["containers"]:
        found += [Place(name, "container", container["name"], _bare(address)) for address in container["addresses"]]
    return found


def _bare(address: str) -> str:
    return address.split("/", maxsplit=1)[0]


def _with_verdict(cell: dict[str, Any], error: str, overlay_interface: str, bridge: str) -> dict[str, Any]:
    cell["verdict"] = "ok"
    pair = f"{cell['source']} -> {cell['target']} ({cell['address']})"
    if not cell["ttl"]:
        cell.update(verdict="miss", problem=f"{pair}: {error}")
    elif cell["ttl"] != cell["expected_ttl"]:
        problem = f"answered with TTL {cell['ttl']}, {cell['expected_ttl']} was expected ({cell['way']})"
        cell.update(verdict="ttl", problem=f"{pair}: {problem}")
    elif cell["way"] in DEVICE_MATTERS and not _right_device(cell, overlay_interface, bridge):
        problem = f"goes by way of '{cell['device']}', which is not the way of this network ({cell['way']})"
        cell.update(verdict="device", problem=f"{pair}: {problem}")
    return cell


def _right_device(cell: Mapping[str, Any], overlay_interface: str, bridge: str) -> bool:
    if cell["way"] == "routed":
        return cell["device"] not in ("", bridge, overlay_interface)
    wanted = overlay_interface if cell["way"] == "overlay" else bridge
    return not wanted or cell["device"] == wanted
