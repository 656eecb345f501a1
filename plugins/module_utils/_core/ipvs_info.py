# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services of IPVS as they are, with connections and rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .canonical import netns_ref
from .fields import Field, Fields
from .kernel import ipvs
from .kernel.netlink import NETLINK_GENERIC
from .kernel.node import Node
from .kinds.ipvs import server_values, service_values
from .kinds.ipvs_options import server_options, service_options

IPVS_INFO: Fields = {
    "netns": Field(
        "list",
        (
            "The namespaces to look into, by name (V(web1)), by path (V(/proc/123/ns/net)), or as V(pid:123), "
            "V(docker:NAME), V(podman:NAME), V(lxc:NAME) or V(machine:NAME). An empty text is the namespace the task "
            "runs in.",
            "Without it, only the namespace the task runs in.",
        ),
        elements="str",
        check=netns_ref,
    ),
}


def look(node: Node, namespaces: Sequence[str]) -> dict[str, Any]:
    """Whether there is IPVS, its version, and all services; each declares itself if read by `ipvs_service`."""
    if not node.has_ipvs():
        return {"available": False, "version": "", "table_size": 0, "services": []}
    services = [_service(node, netns, row) for netns in namespaces for row in node.ipvs_services(netns)]
    version, size = ipvs.version(node.socket("", NETLINK_GENERIC))
    return {"available": True, "version": version, "table_size": size, "services": services}


def _service(node: Node, netns: str, row: ipvs.ServiceRow) -> dict[str, Any]:
    servers = node.ipvs_servers(netns, row.id)
    return {
        **({"netns": netns} if netns else {}),
        "name": str(row.id),
        **service_options(str(row.id), service_values(row)),
        "servers": [_server(server) for server in servers],
        "statistics": dict(row.statistics),
    }


def _server(row: ipvs.ServerRow) -> dict[str, Any]:
    return {
        **server_options(row.name, server_values(row)),
        "active_connections": row.active,
        "inactive_connections": row.inactive,
        "persistent_connections": row.persistent,
        "statistics": dict(row.statistics),
    }
