# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory plugin: the declared containers of the nodes, as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: Declared containers as hosts, in which any module runs
version_added: 0.4.0
author:
  - containerland.net contributors (@containerland)
description:
  - Adds each container that C(containers_list) declares for a node as a host C(CONTAINER.NODE), for example
    C(web1.node1).
  - The nodes come from the inventory sources before this one, so pass this file last. Variables come from these
    sources and the C(group_vars) and C(host_vars) beside them. What a playbook alone says is not known here.
  - A container is reached as its node is, and entered with P(containerland.net.nsenter#become), so that any module
    runs in its network namespace. Programs, files and the host name stay those of the node; see
    C(ansible_nsenter_namespaces).
  - Where the node's own variables say C(ansible_become), its root is asked for with C(sudo), without a password.
  - Nothing is asked of any node, so there is nothing to cache. A container need not run yet.
  - Each host has C(container_name), C(container_node), C(container_labels), C(container_netns),
    C(container_interface), C(container_address), C(container_addresses) and C(container_mac), as
    P(containerland.net.fleet_plan#module) computes them.
  - All are in the group C(containers), and for each label in a group C(LABEL_VALUE), for example C(app_web).
  - Plays for C(all) reach the containers as well. So keep this file out of the directory of the nodes' inventory,
    and pass it where it is wanted.
extends_documentation_fragment:
  - ansible.builtin.constructed
options:
  plugin:
    description: Has to be V(containerland.net.containers).
    type: str
    required: true
    choices: [containerland.net.containers]
  nodes_group:
    description:
      - The group of the nodes. By default C(nodes), and if there is none, all hosts that declare containers.
      - The same that C(containers_group) tells the roles.
    type: str
  label_groups:
    description: Whether there are groups for labels.
    type: bool
    default: true
requirements:
  - netaddr on the controller
seealso:
  - plugin: containerland.net.nsenter
    plugin_type: become
  - module: containerland.net.fleet_plan
"""

EXAMPLES = r"""
# containers.yml; use it as the last source: ansible-playbook -i hosts.yml -i containers.yml containerland.net.inside
plugin: containerland.net.containers

# That is enough. This adds groups for nodes and for what is to be watched, and a variable.
strict: true
keyed_groups:
  - key: container_node
    prefix: at
groups:
  watched: container_labels.app | default('') in ['web', 'db']
compose:
  url: "'http://' ~ container_address ~ '/'"
"""

import sys
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.helpers import get_group_vars
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.vars import combine_vars, load_extra_vars
from ansible.vars.plugins import get_vars_from_inventory_sources
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, fleet_inputs, inventory_containers
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, Options
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_options import DEFAULT_GROUP, OPTIONS
from ansible_collections.containerland.net.plugins.plugin_utils.netaddr_names import HAS_NETADDR

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is a template

    def trust_as_template(value: Any) -> Any:
        return value


# Not needed for names and addresses, and full of templates that only a play can resolve.
NOT_READ = ("command", "environment", "publish")
# What these options say of services does not change a container's address.
NOT_ASKED = ("group", "services", "services_prefix", "services_prefix6", "services_drained")


class InventoryModule(BaseInventoryPlugin, Constructable):
    """Reads the nodes' variables, computes the fleet plan, and adds what it says of containers."""

    NAME = "containerland.net.containers"

    def verify_file(self, path: str) -> bool:
        return bool(super().verify_file(path)) and path.endswith(("containers.yml", "containers.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = False) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if not HAS_NETADDR:
            message = "containers needs the Python library netaddr on the controller: pip install netaddr"
            raise AnsibleParserError(message)
        reader = _Variables(inventory, loader, self.templar)
        try:
            nodes = self._nodes(reader)
            plan = fleet.plan([fleet_inputs.node_input(node, reader) for node in nodes], _options(nodes, reader))
            found = inventory_containers.members(plan, inventory.hosts)
        except FleetError as problem:
            raise AnsibleParserError(str(problem)) from None
        inventory.add_group("containers")
        ways = {node: _way(node, reader) for node in nodes}
        for member in found:
            self._add(member, ways[member.node])

    def _nodes(self, reader: _Variables) -> list[str]:
        groups = self.inventory.groups
        said = self.get_option("nodes_group")
        if said and not (said in groups and groups[said].get_hosts()):
            raise AnsibleParserError(f"nodes_group: the inventory sources before have no hosts in the group '{said}'")
        name = said or DEFAULT_GROUP
        if name in groups and groups[name].get_hosts():
            return [str(host) for host in groups[name].get_hosts()]
        return [host for host in self.inventory.hosts if reader.has(host, "containers_list")]

    def _add(self, member: Any, way: Mapping[str, Any]) -> None:
        host = member.host
        self.inventory.add_host(host, group="containers")
        reach = {**way, "ansible_nsenter_target": inventory_containers.target(member.variables["container_netns"])}
        for name, value in {**member.variables, **reach}.items():
            self.inventory.set_variable(host, name, value)
        for label in inventory_containers.label_groups(member.labels) if self.get_option("label_groups") else []:
            group = self.inventory.add_group(self._sanitize_group_name(label))
            self.inventory.add_host(host, group=group)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), self._seen(host), host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), self._seen(host), host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), self._seen(host), host, strict=strict)

    def _seen(self, host: str) -> dict[str, Any]:
        return dict(self.inventory.get_host(host).get_vars())


class _Variables:
    """Reads what the inventory sources say of hosts; see fleet_inputs.Variables."""

    def __init__(self, inventory: Any, loader: Any, templar: Any) -> None:
        self._inventory = inventory
        self._loader = loader
        self._templar = templar
        self._known: dict[str, dict[str, Any]] = {}
        self._groups = {name: [str(host) for host in group.get_hosts()] for name, group in inventory.groups.items()}

    def of(self, host: str) -> dict[str, Any]:
        """All variables, not resolved: of groups, then of the host, then those of the command line."""
        if host not in self._known:
            entry = self._inventory.hosts[host]
            groups, sources = entry.get_groups(), self._inventory.processed_sources
            found = get_group_vars(groups)
            for more in (
                get_vars_from_inventory_sources(self._loader, sources, groups, "all"),
                entry.get_vars(),
                get_vars_from_inventory_sources(self._loader, sources, [entry], "all"),
                load_extra_vars(self._loader),
            ):
                found = combine_vars(found, more)
            self._known[host] = found
        return self._known[host]

    def has(self, host: str, name: str) -> bool:
        return name in self.of(host)

    def get(self, host: str, name: str, default: Any) -> Any:
        if not self.has(host, name):
            return default
        known = self.of(host)
        self._templar.available_variables = {
            "ansible_playbook_python": sys.executable,
            "playbook_dir": self._loader.get_basedir(),
            "groups": self._groups,
            **known,
        }
        raw = known[name]
        try:
            return fleet_inputs.plain(self._templar.template(_read(raw) if name == "containers_list" else raw))
        except AnsibleError as problem:
            raise FleetError(f"{host}: {name}", " ".join(str(problem).split())) from None

    def text(self, host: str, name: str) -> str:
        value = self.get(host, name, "")
        return "" if value is None else str(value)


def _read(containers: Any) -> Any:
    """The list without what is not read of its elements."""
    if not isinstance(containers, list):
        return containers
    return [
        {key: item[key] for key in item if key not in NOT_READ} if isinstance(item, Mapping) else item
        for item in containers
    ]


def _options(nodes: list[str], reader: _Variables) -> Options:
    """What holds for the fleet, as the first node's variables say it, as in a task that runs once."""
    asked = {option: said for option, said in OPTIONS.items() if option not in NOT_ASKED}
    values = {option: reader.get(nodes[0], name, None) for option, (name, _unused) in asked.items()} if nodes else {}
    checked = ArgumentSpecValidator({option: argument for option, (_unused, argument) in asked.items()}).validate(
        {option: value for option, value in values.items() if value is not None}
    )
    if checked.error_messages:
        raise FleetError(nodes[0], checked.error_messages[0])
    return Options(**checked.validated_parameters)


def _way(node: str, reader: _Variables) -> dict[str, Any]:
    """How the containers of a node are reached; its templates are resolved when that is done."""
    elevated = boolean(reader.get(node, "ansible_become", False), strict=False)
    method = reader.text(node, "ansible_become_method")
    way = {
        **dict(inventory_containers.connection(reader.of(node))),
        **inventory_containers.become(method, elevated, reader.text(node, "ansible_nsenter_namespaces")),
    }
    if reader.has(node, "ansible_nsenter_run_dir"):
        way["ansible_nsenter_run_dir"] = "{{ hostvars[container_node].ansible_nsenter_run_dir }}"
    return {name: trust_as_template(value) if isinstance(value, str) else value for name, value in way.items()}
