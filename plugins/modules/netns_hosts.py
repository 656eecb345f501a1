#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: names of hosts that network namespaces know."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns_hosts
short_description: Names of hosts that network namespaces know
version_added: 0.3.0
description:
  - Keeps a block of lines in C(/etc/netns/NAME/hosts) of namespaces, and in C(/etc/hosts) of the node.
  - "C(ip netns exec) and the commands of M(containerland.net.netns_commands) see the former as their C(/etc/hosts), if
    it was there when they began; they see its later changes, because it is written in place."
  - The namespaces of an owner (O(name)) are an exact list. Where the block is not wanted any more, it is removed, and
    with it a file that held nothing else. What others have in the files stays.
extends_documentation_fragment:
  - containerland.net.attributes
notes:
  - 'Run the task as root on the node (C(become: true)); it needs no capability.'
options:
  name:
    description: The owner of the blocks; letters, digits, C(-), C(_) and C(.).
    type: str
    required: true
  state:
    description: V(absent) removes all blocks of the owner.
    type: str
    choices: [present, absent]
    default: present
  entries:
    description: What the blocks say. Without any, there are no blocks.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address.
        type: str
        required: true
      names:
        description: Its names, the most usual first.
        type: list
        elements: str
        required: true
  namespaces:
    description: The names of the namespaces, which need not exist yet.
    type: list
    elements: str
    default: []
  node:
    description: Whether C(/etc/hosts) of the node has a block as well.
    type: bool
    default: false
author:
  - containerland.net contributors (@containerland)
"""

EXAMPLES = r"""
- name: Let two namespaces know the database
  containerland.net.netns_hosts:
    name: shop
    entries:
      - {address: 10.96.0.10, names: [db]}
    namespaces: [web1, web2]

- name: Take that back
  containerland.net.netns_hosts:
    name: shop
    state: absent
"""

RETURN = r"""
files:
  description: The files that were changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/netns/web1/hosts]
"""

import ipaddress
import re
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils import _hosts
from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._core.canonical import netns_name
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError

OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def check(options: dict[str, Any]) -> None:
    """Refuses what would be more than a word in a line, or lead out of the directory; InputError."""
    if not OWNER.fullmatch(options["name"]):
        raise InputError("name", f"must be letters, digits, '-', '_' or '.', not {options['name']!r}")
    for index, entry in enumerate(options["entries"]):
        try:
            entry["address"] = str(ipaddress.ip_address(entry["address"]))
        except ValueError:
            raise InputError(f"entries[{index}].address", f"not an IP address: {entry['address']!r}") from None
        if not entry["names"]:
            raise InputError(f"entries[{index}].names", "is empty: there must be a name")
        for number, name in enumerate(entry["names"]):
            if not NAME.fullmatch(name):
                problem = f"not a name of a host (letters, digits, '-' and '.'): {name!r}"
                raise InputError(f"entries[{index}].names[{number}]", problem)
    for index, name in enumerate(options["namespaces"]):
        try:
            netns_name(name)
        except ValueError as problem:
            raise InputError(f"namespaces[{index}]", str(problem)) from None


def reconcile(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Write what differs; the module's result."""
    check(options)
    lines = _hosts.lines_of(options["entries"]) if options["state"] == "present" else []
    wanted = _hosts.wanted(options["name"], lines, options["namespaces"] if lines else [], options["node"])
    before = {path: _hosts.read(path) for path in wanted}
    changed = [path for path, content in wanted.items() if content != before[path]]
    if not check_mode:
        for path in changed:
            _hosts.write(path, wanted[path])
    diff = [
        {"before_header": path, "after_header": path, "before": before[path] or "", "after": wanted[path] or ""}
        for path in changed
    ]
    return {"changed": bool(changed), "files": changed, "diff": diff}


def main() -> None:
    entry = {
        "address": {"type": "str", "required": True},
        "names": {"type": "list", "elements": "str", "required": True},
    }
    module = Module(
        spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "entries": {"type": "list", "elements": "dict", "options": entry, "default": []},
            "namespaces": {"type": "list", "elements": "str", "default": []},
            "node": {"type": "bool", "default": False},
        },
    )
    try:
        result = reconcile(module.params, module.check_mode)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
