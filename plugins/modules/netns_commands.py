#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep commands running inside network namespaces."""

from __future__ import annotations

DOCUMENTATION = r"""
module: netns_commands
short_description: Keep commands running inside network namespaces
version_added: 0.1.0
description:
  - Starts each command inside its network namespace, and starts it again when it ends.
  - The commands of an owner (O(name)) are an exact list. What was started before and is not in it any more is stopped;
    a command that changed, or whose namespace was replaced, is restarted.
  - Where systemd is the init, a command is the transient unit C(containerland-<owner>-<name>.service), with its output
    in the journal. Elsewhere a shell runs it in a session of its own, and its output is discarded.
  - What should run is kept below C(/var/lib/containerland/commands). After a reboot, the role
    P(containerland.net.persist#role) starts it again, once the namespaces are there.
  - As with C(ip netns exec), the files that C(/etc/netns/NAME) holds when it starts stand for those of the same names
    in C(/etc).
extends_documentation_fragment:
  - containerland.net.attributes
notes:
  - 'Run the task as root on the node (C(become: true)). It needs C(CAP_SYS_ADMIN) to start a command.'
options:
  name:
    description: The owner of the commands; letters, digits, C(-) and C(_).
    type: str
    required: true
  state:
    description: V(absent) stops all commands of the owner.
    type: str
    choices: [present, absent]
    default: present
  commands:
    description: What should run. Leaving one out stops it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A name, unique for the owner; letters, digits, C(-), C(_) and C(.).
        type: str
        required: true
      netns:
        description:
          - The namespace, by name (C(web1)), by path (C(/proc/123/ns/net)), or as C(pid:123), C(docker:NAME),
            C(podman:NAME), C(lxc:NAME) or C(machine:NAME).
          - An empty text is that of the node itself.
        type: str
        required: true
      command:
        description:
          - The program and its arguments, as a list, or as one text that is split like a shell does. No shell runs it.
        type: raw
        required: true
      environment:
        description: Environment variables, in addition to those of the node's init (systemd) or of the task (else).
        type: dict
        default: {}
  supervisor:
    description: V(auto) takes V(systemd) where it is the init, else V(loop).
    type: str
    choices: [auto, systemd, loop]
    default: auto
author:
  - containerland.net contributors (@containerland)
"""

EXAMPLES = r"""
- name: A web server in each of two namespaces
  containerland.net.netns_commands:
    name: shop
    commands:
      - {name: web1, netns: web1, command: python3 -m http.server 80}
      - {name: web2, netns: web2, command: [python3, -m, http.server, "80"]}

- name: Stop them
  containerland.net.netns_commands:
    name: shop
    state: absent
"""

RETURN = r"""
started:
  description: The names of the commands that were started, or started anew.
  returned: success
  type: list
  elements: str
  sample: [web1]
stopped:
  description: The names of the commands that were stopped, those started anew included.
  returned: success
  type: list
  elements: str
  sample: []
"""

import re
import shlex
from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._core import commands
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError
from ansible_collections.containerland.net.plugins.module_utils._core.supervisors import Command

OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def parse(entry: dict[str, Any], path: str) -> Command:
    """An element of `commands`; InputError names what is wrong with it."""
    if not NAME.fullmatch(entry["name"]):
        raise InputError(f"{path}.name", f"must be letters, digits, '-', '_' or '.', not {entry['name']!r}")
    given = entry["command"]
    try:
        words = shlex.split(given) if isinstance(given, str) else [str(word) for word in given]
    except (TypeError, ValueError):
        raise InputError(f"{path}.command", f"must be a list of words or a text, not {given!r}") from None
    if not words or not words[0] or any("\0" in word for word in words):
        raise InputError(f"{path}.command", "must begin with a program and hold no null character")
    environment = {str(name): str(value) for name, value in (entry["environment"] or {}).items()}
    return Command(entry["name"], entry["netns"], tuple(words), environment)


def wanted(options: dict[str, Any]) -> dict[str, Command]:
    """What should run, by name."""
    if not OWNER.fullmatch(options["name"]):
        raise InputError("name", f"must be letters, digits, '-' or '_', not {options['name']!r}")
    found: dict[str, Command] = {}
    for index, entry in enumerate(options["commands"] if options["state"] == "present" else []):
        command = parse(entry, f"commands[{index}]")
        if command.name in found:
            raise InputError(f"commands[{index}].name", f"there is already a command '{command.name}'")
        found[command.name] = command
    return found


def reconcile(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Stop what should not run, start what should, and keep that; the module's result."""
    owner, desired = options["name"], wanted(options)
    done = commands.reconcile(owner, desired, options["supervisor"], check=True)
    if not check_mode:
        commands.permit(desired[name] for name in done.started)
        commands.save(owner, desired, options["supervisor"])
        if done.started or done.stopped or not commands.is_remembered(owner, desired):
            done = commands.reconcile(owner, desired, options["supervisor"])
    before = "".join(f"run {name}: {shlex.join(done.before[name].command)}\n" for name in sorted(done.before))
    after = "".join(f"run {name}: {shlex.join(done.after[name].command)}\n" for name in sorted(done.after))
    return {
        "changed": bool(done.started or done.stopped),
        "started": done.started,
        "stopped": done.stopped,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    entry = {
        "name": {"type": "str", "required": True},
        "netns": {"type": "str", "required": True},
        "command": {"type": "raw", "required": True},
        "environment": {"type": "dict", "default": {}},
    }
    module = Module(
        spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "commands": {"type": "list", "elements": "dict", "options": entry, "default": []},
            "supervisor": {"type": "str", "choices": ["auto", "systemd", "loop"], "default": "auto"},
        },
    )
    try:
        result = reconcile(module.params, module.check_mode)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
