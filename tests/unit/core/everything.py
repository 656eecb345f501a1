# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state of a node and a wish; between them, something of every kind is made, changed, moved, replaced, deleted."""

from __future__ import annotations

from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._core.declare import declare_topology
from ansible_collections.containerland.net.plugins.module_utils._core.engine import Report, converge
from ansible_collections.containerland.net.plugins.module_utils._core.ownership import Ledger
from ansible_collections.containerland.net.plugins.module_utils._core.progress import Progress
from ansible_collections.containerland.net.plugins.module_utils._core.store import Store

from .fake import FakeWorld
from .fake_kernel import FakeKernel

FAR_MAC = "02:00:00:00:00:aa"
START: dict[str, Any] = {
    "namespaces": [{"name": "old", "sysctls": {"net.ipv4.ip_forward": 1}}, {"name": "app"}],
    "veth": [
        {"name": "keep0", "mtu": 1400, "addresses": ["10.1.0.1/24", "10.1.9.1/24"], "peer": {"name": "keep1"}},
        {
            "name": "old0",
            "source_guard": True,
            "peer": {"name": "eth0", "netns": "old", "mac": "02:00:00:00:00:a0", "addresses": ["10.4.0.2/24"]},
        },
        {"name": "wan", "addresses": ["10.5.0.1/24", "fd05::1/64"], "nodad": True, "peer": {"name": "isp"}},
    ],
    "bridge": [{"name": "br0", "stp": True, "ports": ["keep1"], "addresses": ["10.6.0.1/24"]}],
    "vxlan": [
        {
            "name": "vx0",
            "vni": 7,
            "mac": "02:00:00:00:00:bb",
            "source_guard": True,
            "master": "br0",
            "addresses": ["10.7.0.1/24"],
            "peers": [
                {"underlay": "192.0.2.2", "mac": FAR_MAC, "gateway": "10.7.0.2", "destinations": ["10.8.0.0/24"]}
            ],
        }
    ],
    "link": [
        {"name": "du0", "kind": "dummy", "mtu": 1300, "alias": "mine", "addresses": ["10.9.0.1/24"]},
        {"name": "vl5", "kind": "vlan", "parent": "du0", "vlan_id": 5},
    ],
    "route": [
        {"dest": "default", "gateway": "10.1.0.2"},
        {"dest": "10.20.0.0/24", "gateway": "10.9.0.2", "metric": 7},
        {"dest": "10.21.0.0/24", "gateway": "10.5.0.2"},
        {"dest": "10.22.0.0/24", "type": "blackhole"},
    ],
    "rule": [{"priority": 100, "from": "10.1.0.0/24", "table": "100"}],
    "neighbor": [
        {"device": "keep0", "address": "10.1.0.7", "mac": FAR_MAC},
        {"device": "keep0", "address": "10.1.0.8", "mac": FAR_MAC},
    ],
    "fdb": [{"device": "vx0", "mac": "00:00:00:00:00:00", "destination": "192.0.2.3"}],
}
WANT: dict[str, Any] = {
    "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.conf.keep0.rp_filter": 2},
    "namespaces": [{"name": "new", "sysctls": {"net.ipv4.ip_forward": 1}}, {"name": "old", "state": "absent"}],
    "veth": [
        {
            "name": "keep0",
            "mtu": 1500,
            "addresses": ["10.1.0.1/24", "fd01::1/64"],
            "exact_addresses": True,
            "peer": {"name": "keep1", "up": False},
        },
        {
            "name": "new0",
            "master": "br0",
            "hairpin": True,
            "source_guard": True,
            "peer": {"name": "eth0", "netns": "new", "mac": "02:00:00:00:00:a1"},
        },
        {"name": "old0", "state": "absent"},
    ],
    "bridge": [{"name": "br0", "stp": False, "mac": "02:00:00:00:00:cc", "exact_ports": True, "ports": ["vx0"]}],
    "vxlan": [
        {
            "name": "vx0",
            "vni": 8,
            "recreate": True,
            "source_guard": True,
            "addresses": ["10.7.0.1/24"],
            "peers": [{"underlay": "192.0.2.4"}],
        }
    ],
    "link": [
        {"name": "uplink", "netns": "app", "adopt": {"name": "wan"}, "addresses": ["10.5.0.1/24"]},
        {"name": "du0", "kind": "dummy", "state": "absent"},
    ],
    "route": [
        {"dest": "default", "gateway": "10.1.0.3", "mtu": 1400},
        {"dest": "10.23.0.0/24", "gateway": "10.5.0.2", "netns": "app"},
        {"dest": "10.22.0.0/24", "state": "absent"},
    ],
    "rule": [
        {"priority": 101, "from": "10.1.0.0/24", "table": "100"},
        {"priority": 100, "from": "10.1.0.0/24", "table": "100", "state": "absent"},
    ],
    "neighbor": [
        {"device": "keep0", "address": "10.1.0.7", "mac": "02:00:00:00:00:dd"},
        {"device": "keep0", "address": "10.1.0.9", "mac": FAR_MAC},
        {"device": "keep0", "address": "10.1.0.8", "state": "absent"},
    ],
}


def run(
    world: FakeWorld,
    options: dict[str, Any],
    directory: str = "",
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> Report:
    """One run of topology; with a directory, one that remembers."""
    declaration = declare_topology({"name": "test", **options}, lambda ref: ref)
    ledger = Ledger(Store("test", directory), {}) if directory else None
    return converge(declaration, world, check=check, ledger=ledger, progress=progress)


def node_at(options: dict[str, Any]) -> FakeKernel:
    """A node on which somebody made this."""
    kernel = FakeKernel()
    run(FakeWorld(kernel), options)
    return kernel
