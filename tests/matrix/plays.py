# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook for one managed node: a topology with something of every kind through its life, and every kind alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.faults.everything import ABSENT, FIRST, SECOND

TOPOLOGY = "containerland.net.topology"
Task = dict[str, Any]
#: Alone, in namespaces and with names that the topology does not use.
ALONE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("netns", {"name": "alone", "sysctls": {"net.ipv4.conf.all.rp_filter": 2}}),
    ("bridge", {"name": "br9", "netns": "alone", "addresses": ["10.20.0.1/24", "fd20::1/64"], "stp": True}),
    ("veth", {"name": "v9", "netns": "alone", "master": "br9", "hairpin": True, "peer": {"name": "v8", "mtu": 1400}}),
    ("vxlan", {"name": "vx9", "netns": "alone", "vni": 9, "local": "10.20.0.1", "peers": [{"underlay": "10.20.0.2"}]}),
    ("link", {"name": "ifb9", "netns": "alone", "kind": "ifb", "alias": "mine"}),
    ("route", {"netns": "alone", "dest": "10.30.0.0/16", "gateway": "10.20.0.9"}),
    ("rule", {"netns": "alone", "priority": 90, "from": "10.20.0.0/16", "table": "main"}),
    ("neighbor", {"netns": "alone", "address": "10.20.0.9", "device": "br9", "mac": "02:00:00:00:00:ac"}),
    ("fdb", {"netns": "alone", "mac": "02:00:00:00:00:ad", "device": "vx9", "destination": "10.20.0.3"}),
    ("ipset", {"netns": "alone", "name": "s9", "type": "hash:net", "entries": ["10.20.0.0/24"]}),
    (
        "iptables_chain",
        {"netns": "alone", "chain": "ALONE", "rules": ["-p tcp --dport 80 -j ACCEPT"], "jumps": ["INPUT"]},
    ),
)


def play(python: str) -> list[dict[str, Any]]:
    """The play, on a node that this version of Python runs on."""
    return [
        {"name": "Live", "hosts": "node", "gather_facts": False, "tasks": [*_look(python), *_topology(), *_alone()]}
    ]


def _look(python: str) -> Iterator[Task]:
    yield {"name": "Ask who runs modules", "ansible.builtin.setup": {"gather_subset": ["!all", "python"]}}
    yield _assert(f"ansible_facts.python_version == '{python}'")


def _topology() -> Iterator[Task]:
    yield _task("check", TOPOLOGY, FIRST, changed=True, check_mode=True)
    yield from _made("make", TOPOLOGY, FIRST)
    yield {"name": "See", "containerland.net.network_info": {}, "register": "seen"}
    yield _assert("seen.topology.bridge | selectattr('name', 'eq', 'br1') | length == 1")
    yield {"name": "Disturb", "ansible.builtin.command": "ip link delete ifb1", "changed_when": True}
    yield from _made("repair", TOPOLOGY, FIRST)
    yield from _made("change", TOPOLOGY, SECOND)
    yield from _made("take away", TOPOLOGY, ABSENT)


def _alone() -> Iterator[Task]:
    for module, options in ALONE:
        yield _task(f"check {module}", f"containerland.net.{module}", options, changed=True, check_mode=True)
        yield from _made(f"make {module}", f"containerland.net.{module}", options)
    for module, options in reversed(ALONE):
        yield from _made(f"take away {module}", f"containerland.net.{module}", {**options, "state": "absent"})


def _made(name: str, module: str, options: Mapping[str, Any]) -> Iterator[Task]:
    """Something to do, and then nothing."""
    yield _task(name, module, options, changed=True)
    yield _task(f"{name}, again", module, options, changed=False)


def _task(name: str, module: str, options: Mapping[str, Any], *, changed: bool, **more: Any) -> Task:
    wrong = f"done is failed or done is {'not ' if changed else ''}changed"
    return {"name": name.capitalize(), module: dict(options), "register": "done", "failed_when": wrong, **more}


def _assert(that: str) -> Task:
    return {"name": f"See that {that[:40]}", "ansible.builtin.assert": {"that": that, "quiet": True}}
