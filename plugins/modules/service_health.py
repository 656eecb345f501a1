#!/usr/bin/python
# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watch over a node's services is to look at."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_health
short_description: Say which services of a node are watched, and how
version_added: 0.3.0
description:
  - Writes down the services whose servers C(containerland-net health) on the node asks whether they are well, and takes
    out of the service while they are not. Used by the role P(containerland.net.services#role), which also starts it.
  - A watch that runs reads it anew at once. Who fails at the moment is in C(/run/containerland.health/NAME.json).
extends_documentation_fragment:
  - containerland.net.attributes
requirements:
  - python >= 3.9
notes:
  - 'Run the task as root on the node (C(become: true)); it needs no capability.'
options:
  name:
    description: The owner of the services; letters, digits, C(-), C(_) and C(.).
    type: str
    required: true
  services:
    description:
      - Services as the filter P(containerland.net.services_topology#filter) returns them under C(services). Those
        without C(health) are left out.
    type: list
    elements: dict
    default: []
  state:
    description: V(absent) is as no services.
    type: str
    choices: [present, absent]
    default: present
author:
  - containerland.net contributors (@containerland)
seealso:
  - module: containerland.net.node_program
    description: Installs what does the watching.
"""

EXAMPLES = r"""
- name: Watch the services
  containerland.net.service_health:
    name: services
    services: "{{ (plan | containerland.net.services_topology(inventory_hostname)).services }}"

- name: Watch nothing any more
  containerland.net.service_health:
    name: services
    state: absent
"""

RETURN = r"""
watched:
  description: The names of the services that are watched.
  returned: success
  type: list
  elements: str
  sample: [web]
"""

from typing import Any

from ansible_collections.containerland.net.plugins.module_utils._ansible.module import Module
from ansible_collections.containerland.net.plugins.module_utils._core import health_files
from ansible_collections.containerland.net.plugins.module_utils._core.declare import owner_name
from ansible_collections.containerland.net.plugins.module_utils._core.errors import ContainerlandError, InputError
from ansible_collections.containerland.net.plugins.module_utils._core.health_watch import check_service


def apply(options: dict[str, Any], check: bool) -> dict[str, Any]:
    """Writes the file, and returns the module's result."""
    try:
        name = owner_name(options["name"])
    except ValueError as problem:
        raise InputError("name", str(problem)) from None
    services = [service for service in options["services"] if service.get("health")]
    if options["state"] == "absent":
        services = []
    for index, service in enumerate(services):
        try:
            check_service(service)
        except (KeyError, TypeError, AttributeError) as problem:
            said = f"is no service of the filter services_topology: {type(problem).__name__}: {problem}"
            raise InputError(f"services[{index}]", said) from None
    before = health_files.saved(name)
    changed = before != services
    if not check:
        health_files.save(name, services)
        if not services:
            health_files.forget(name)
    return {
        "changed": changed,
        "watched": [service["name"] for service in services],
        "diff": {"before": _lines(before), "after": _lines(services)},
    }


def _lines(services: list[Any]) -> str:
    return "".join(
        f"watch {service['name']}: {len(service['servers'])} servers, by {service['health']['type']}\n"
        for service in services
    )


def main() -> None:
    module = Module(
        spec={
            "name": {"type": "str", "required": True},
            "services": {"type": "list", "elements": "dict", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    )
    try:
        result = apply(module.params, module.check_mode)
    except ContainerlandError as problem:
        module.fail_json(msg=str(problem))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
