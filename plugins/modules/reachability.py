#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ping many addresses from many namespaces of a node, at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reachability
short_description: Ping many addresses from a node and its containers at once
version_added: 0.1.0
description:
  - Sends ICMP echo requests to every target from every source, a bounded number at a time, in one process. No ping
    program is needed.
  - It only measures; a target that does not answer is no failure of the module. Judge the result with the filter
    P(containerland.net.reachability_report#filter), or your own conditions.
  - It says with which TTL each answer came, which tells how many routers forwarded it, and by which link the node
    would send to each target.
extends_documentation_fragment:
  - containerland.net.attributes.info_module
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_NET_RAW), and C(CAP_SYS_ADMIN) to enter
    another namespace.'
options:
  sources:
    description: Where to ping from. Without it, from where the task runs.
    type: list
    elements: dict
    suboptions:
      name:
        description: What the result calls it.
        type: str
        required: true
      netns:
        description:
          - The namespace, by name (C(web1)), by path (C(/proc/123/ns/net)), or as C(pid:123), C(docker:NAME),
            C(podman:NAME), C(lxc:NAME) or C(machine:NAME). Without it, the namespace the task runs in.
        type: str
        default: ''
      skip:
        description: Targets that this source leaves out.
        type: list
        elements: str
        default: []
  targets:
    description: The IPv4 and IPv6 addresses to ping.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds to wait for an answer, per attempt; at most 60.
    type: float
    default: 1.0
  attempts:
    description:
      - How often to try a target that has not answered, at most 100 times. The first packet may fall victim to address
        resolution.
    type: int
    default: 2
  window:
    description: How many requests may be under way at the same time, at most 65536.
    type: int
    default: 256
author:
  - containerland.net contributors (@containerland)
"""

EXAMPLES = r"""
- name: Ping the gateway and a neighbour from the node and from a container
  containerland.net.reachability:
    sources:
      - name: node
      - {name: web1, netns: web1}
    targets: [192.0.2.1, 192.0.2.12]
  register: pings

- name: Stop if anything did not answer
  ansible.builtin.assert:
    that: pings.errors == []
"""

RETURN = r"""
targets:
  description: The targets, in canonical form and in the order of the columns of RV(ttl).
  returned: success
  type: list
  elements: str
  sample: [192.0.2.1, 192.0.2.12]
ttl:
  description: By source, the TTL or hop limit of each target's answer; 0 where none came, null where it was skipped.
  returned: success
  type: dict
  sample: {node: [64, 64], web1: [63, 0]}
errors:
  description: One entry for each pair without an answer.
  returned: success
  type: list
  elements: dict
  sample:
    - {source: web1, target: 192.0.2.12, error: no answer}
devices:
  description: By which link the node sends to each target; empty where it has no route.
  returned: success
  type: list
  elements: str
  sample: [eth0, eth0]
"""

import ipaddress
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError
from ansible_collections.containerland.net.plugins.module_utils._reachability import Settings, devices, probe

MOST = {"timeout": 60, "attempts": 100, "window": 65536}
MOST_TARGETS = 65536  # the sequence number of an echo request has 16 bits


def canonical(targets: list[str]) -> list[str]:
    """The addresses as the kernel prints them; InputError for what is none."""
    if len(targets) > MOST_TARGETS:
        raise InputError("targets", f"at most {MOST_TARGETS} at a time, not {len(targets)}")
    found: list[str] = []
    for index, target in enumerate(targets):
        try:
            found.append(str(ipaddress.ip_address(target)))
        except ValueError:
            raise InputError(f"targets[{index}]", f"not an IP address: {target!r}") from None
    return found


def measure(options: dict[str, Any]) -> dict[str, Any]:
    """The module's result."""
    for name, most in MOST.items():
        if not 0 < options[name] <= most:
            raise InputError(name, f"must be more than 0 and at most {most}, not {options[name]}")
    targets = canonical(options["targets"])
    sources = options["sources"] or [{"name": "", "netns": "", "skip": []}]
    settings = Settings(options["timeout"], options["attempts"], options["window"])
    skip = [set(canonical(source["skip"] or [])) for source in sources]
    rows = probe([source["netns"] or "" for source in sources], targets, settings, skip)
    named = [(source["name"], row) for source, row in zip(sources, rows)]
    return {
        "targets": targets,
        "ttl": {name: [cell.ttl or 0 if cell.asked else None for cell in row] for name, row in named},
        "errors": [
            {"source": name, "target": target, "error": cell.error}
            for name, row in named
            for target, cell in zip(targets, row)
            if cell.asked and cell.ttl is None
        ],
        "devices": devices("", targets),
    }


def main() -> None:
    module = Module(
        spec={
            "sources": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "netns": {"type": "str", "default": ""},
                    "skip": {"type": "list", "elements": "str", "default": []},
                },
            },
            "targets": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 1.0},
            "attempts": {"type": "int", "default": 2},
            "window": {"type": "int", "default": 256},
        },
    )
    try:
        result = measure(module.params)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
