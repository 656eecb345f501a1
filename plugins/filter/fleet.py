# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that turn the fleet plan into module options, and pings into a verdict and a matrix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.containerland.net.plugins.plugin_utils import (
    firewall,
    reachability,
    reachability_matrix,
    services,
    topologies,
)
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError
from ansible_collections.containerland.net.plugins.plugin_utils.netaddr_names import HAS_NETADDR

NAMES = (
    "containers_topology",
    "containers_firewall",
    "routed_routes",
    "overlay_topology",
    "services_topology",
    "services_foreign",
    "services_hosts",
    "reachability_sources",
    "reachability_targets",
    "reachability_report",
    "reachability_matrix",
)


def _refuse(*_args: Any, **_options: Any) -> Any:
    raise AnsibleFilterError("this needs the Python library netaddr on the controller: pip install netaddr")


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a memory: Ansible evaluates a variable anew wherever a task's arguments name it.

    A plan of fleet_plan is known by its `id`; a task runs in a process of its own, so little is remembered.
    """
    known: dict[str, Any] = {}

    def remembering(plan: Mapping[str, Any], *args: Any, **options: Any) -> Any:
        if "id" not in plan:
            return function(plan, *args, **options)
        key = repr((plan["id"], args, sorted(options.items())))
        if key not in known:
            known[key] = function(plan, *args, **options)
        return known[key]

    return remembering


def _said_plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with errors that Ansible shows as one sentence."""

    def filter_plugin(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except FleetError as problem:
            raise AnsibleFilterError(str(problem)) from None
        except (KeyError, TypeError, AttributeError) as problem:
            message = f"this is not a result of containerland.net.fleet_plan or reachability: {problem}"
            raise AnsibleFilterError(message) from None

    return filter_plugin


def reachability_targets(plan: Mapping[str, Any], node: str, **options: Any) -> list[str]:
    """The addresses that a node should reach."""
    return [place.address for place in reachability.targets(plan, node, **options)]


def reachability_report(
    measured: Mapping[str, Any],
    plan: Mapping[str, Any],
    node: str,
    bridge: str = "ctl0",
    overlay_interface: str = "",
    remote_nodes: int = 0,
    underlay_hops: int = 0,
) -> dict[str, Any]:
    """What a node's pings say: cells, counts, and a sentence per problem."""
    places = reachability.targets(plan, node, bridge, remote_nodes)
    cells = reachability.judge(plan, node, measured, places, overlay_interface, bridge, underlay_hops)
    problems = [cell["problem"] for cell in cells if cell["verdict"] != "ok"]
    return {"node": node, "cells": cells, "counts": reachability_matrix.summary(cells), "problems": problems}


def matrix(
    reports: Sequence[Mapping[str, Any]],
    columns: int | None = None,
    plan: Mapping[str, Any] | None = None,
    nodes: Sequence[str] = (),
) -> str:
    """The matrix of one or more nodes' reports; those of `nodes` that did not report get rows without answers."""
    most = reachability_matrix.MOST_COLUMNS if columns is None else columns
    found = {report["node"]: report for report in reports}
    silent = [node for node in nodes if plan is not None and node in plan["nodes"] and node not in found]
    found.update({node: reachability_report({}, plan or {}, node) for node in silent})
    return reachability_matrix.render([cell for node in sorted(found) for cell in found[node]["cells"]], most)


class FilterModule:
    """Ansible's way in."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        if not HAS_NETADDR:
            return dict.fromkeys(NAMES, _refuse)
        functions: dict[str, Callable[..., Any]] = {
            "containers_topology": _once(topologies.containers_topology),
            "containers_firewall": _once(firewall.containers_firewall),
            "routed_routes": topologies.routed_routes,
            "overlay_topology": _once(topologies.overlay_topology),
            "services_topology": _once(services.services_topology),
            "services_foreign": services.services_foreign,
            "services_hosts": services.services_hosts,
            "reachability_sources": reachability.sources,
            "reachability_targets": reachability_targets,
            "reachability_report": reachability_report,
            "reachability_matrix": matrix,
        }
        return {name: _said_plainly(functions[name]) for name in NAMES}
