# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our part of the host: what the roles declare of a node, from the same plan by the same filters, without Ansible.

Two containers, one with a published port, a way to another node, and a set with a rule of its own.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.containerland.net.plugins.plugin_utils import firewall, fleet, topologies
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import NodeInput, Options

from tests.foreign.host import NODE, answers, gets_out
from tests.integration.support.kernel import namespaces
from tests.integration.support.run import apply
from tests.integration.support.traffic import serve

OWNER, TUNNEL = "containers", "vxlan4096"
_BLOCKED = ["198.51.100.0/24", "203.0.113.0/24"]


def bring(port: int = 8080, backend: str = "nft") -> bool:
    """Have it, with web1 published at this port; returns whether something had to change.

    Check mode must foretell that, and a second run has nothing to do.
    """
    wanted = declared(port, backend)
    new = "web1" not in namespaces()
    foretold = apply("topology", wanted, check=True)
    done = apply("topology", wanted)
    assert done.plan.lines() == foretold.plan.lines()
    again = apply("topology", wanted)
    assert not again.changed, again.plan.diff()
    if new:
        serve("web1", "web1", "0.0.0.0", 80)
    return done.changed


def remove() -> None:
    assert apply("topology", {"name": OWNER, "state": "absent"}).changed
    assert not apply("topology", {"name": OWNER, "state": "absent"}).changed


def works(port: int = 8080) -> None:
    answers(port, "web1")
    gets_out("web1")


def declared(port: int, backend: str) -> dict[str, Any]:
    containers = ({"name": "web1", "publish": [{"port": port, "to": 80}]}, {"name": "web2"})
    plan = fleet.plan([NodeInput("node1", NODE, containers=containers), NodeInput("node2", "192.0.2.12")], Options())
    wanted = topologies.containers_topology(plan, "node1")
    rules = firewall.containers_firewall(plan, "node1", overlay_interface=TUNNEL)
    # Where there is only the old backend, there is no nf_tables for IP either, as the guard of the tunnel needs it.
    tunnel = topologies.overlay_topology(plan, "node1", TUNNEL, source_guard=backend == "nft")
    own = {"chain": "CTL-OURS", "rules": ["-m set --match-set OURS dst -j DROP"], "jumps": ["OUTPUT"]}
    return {
        "name": OWNER,
        **{part: wanted[part] for part in ("namespaces", "bridge", "veth")},
        "sysctls": {"net.ipv4.ip_forward": 1, **wanted["sysctls"], **rules["sysctls"]},
        "vxlan": tunnel["vxlan"],
        "neighbor": tunnel["neighbor"],
        "route": [*wanted["route"], *tunnel["route"]],
        "ipset": [{"name": "OURS", "type": "hash:net", "entries": _BLOCKED}],
        "iptables_chain": [{**chain, "backend": backend} for chain in (*rules["iptables_chain"], own)],
    }
