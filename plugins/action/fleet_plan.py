# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of fleet_plan: reads a few variables of all nodes once, and returns the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.containerland.net.plugins.plugin_utils import fleet, fleet_inputs
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, Options
from ansible_collections.containerland.net.plugins.plugin_utils.fleet_options import DEFAULT_GROUP, OPTIONS
from ansible_collections.containerland.net.plugins.plugin_utils.netaddr_names import HAS_NETADDR


class ActionModule(ActionBase):
    """Runs on the controller only; needs no connection."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if not HAS_NETADDR:
            message = "fleet_plan needs the Python library netaddr on the controller: pip install netaddr"
            raise AnsibleActionFail(message)
        arguments = self._arguments(variables)
        hosts = _hosts(arguments.pop("group"), variables)
        reader = _Variables(variables, self._templar.template)
        try:
            nodes = [fleet_inputs.node_input(host, reader) for host in hosts]
            for option in ("services", "services_drained"):
                arguments[option] = tuple(arguments[option])
            options = Options(**arguments)
            identity = hashlib.sha256(repr((nodes, options)).encode()).hexdigest()
            result.update(fleet.plan(nodes, options), id=identity, changed=False)
        except FleetError as problem:
            raise AnsibleActionFail(str(problem)) from None
        return result

    def _arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The options, those that the task leaves out from the variables that speak for them."""
        spoken_for = {
            option: self._templar.template(variables[name])
            for option, (name, _unused) in OPTIONS.items()
            if name in variables
        }
        said = {option: value for option, value in spoken_for.items() if value is not None}
        self._task.args = {**said, **self._task.args}
        specification = {option: argument for option, (_unused, argument) in OPTIONS.items()}
        _result, arguments = self.validate_argument_spec(argument_spec=specification)
        return dict(arguments)


def _hosts(group: str | None, variables: Mapping[str, Any]) -> list[str]:
    """The nodes: the group asked for, else `nodes`, else the hosts of the play."""
    groups = variables.get("groups", {})
    if group:
        if not groups.get(group):
            raise AnsibleActionFail(f"group: the inventory has no hosts in the group '{group}'")
        return [str(host) for host in groups[group]]
    return [str(host) for host in groups.get(DEFAULT_GROUP) or variables.get("ansible_play_hosts_all", [])]


class _Variables:
    """Reads variables of hosts, each from where it would be taken if that host ran a task.

    ``hostvars`` knows what the inventory says of a host, but not what the play or role says for all of them. So the
    present host tells whether the play overrides the inventory, or supplies what the inventory does not say.
    """

    def __init__(self, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> None:
        self._template = template
        self._here = variables
        self._hosts = variables["hostvars"]
        self._of_the_play: dict[str, tuple[bool, bool, Any]] = {}
        self._own: tuple[str, Mapping[str, Any]] = ("", {})

    def get(self, host: str, name: str, default: Any) -> Any:
        try:
            overrides, supplies, value = self._play_value(name)
            own = self._of_the_host(host)
            if overrides or (supplies and name not in own):
                return value
            return fleet_inputs.plain(own[name]) if name in own else default
        except AnsibleError as problem:
            raise FleetError(f"{host}: {name}", " ".join(str(problem).split())) from None

    def text(self, host: str, name: str) -> str:
        value = self.get(host, name, "")
        return "" if value is None else str(value)

    def _of_the_host(self, host: str) -> Mapping[str, Any]:
        """Ansible puts all variables of a host together anew whenever it is asked, so it is asked once."""
        if self._own[0] != host:
            self._own = (host, self._hosts[host])
        return self._own[1]

    def _play_value(self, name: str) -> tuple[bool, bool, Any]:
        """(the play overrides the inventory, the play supplies what it lacks, the play's value)."""
        if name not in self._of_the_play:
            inventory = self._hosts[self._here["inventory_hostname"]]
            said = name in self._here
            value = fleet_inputs.plain(self._template(self._here[name])) if said else None
            overrides = said and name in inventory and value != fleet_inputs.plain(inventory[name])
            self._of_the_play[name] = (overrides, said and name not in inventory, value)
        return self._of_the_play[name]
