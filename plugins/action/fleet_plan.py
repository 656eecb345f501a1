# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action of fleet_plan: reads a few variables of all nodes once, and returns the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

try:
    import netaddr

    HAS_NETADDR = True
except ImportError:
    HAS_NETADDR = False
else:
    from ansible_collections.containerland.net.plugins.plugin_utils import fleet
    from ansible_collections.containerland.net.plugins.plugin_utils.fleet_model import FleetError, NodeInput, Options

DEFAULT_GROUP = "nodes"
# Each option, and the variable that speaks for it where the task does not.
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "group": ("containers_group", {"type": "str"}),
    "prefix": ("containers_prefix", {"type": "str", "default": "10.244.0.0/16"}),
    "prefix6": ("containers_prefix6", {"type": "str", "default": ""}),
    "node_length": ("containers_node_length", {"type": "int", "default": 24}),
    "node_length6": ("containers_node_length6", {"type": "int", "default": 64}),
    "network": (
        "containers_network",
        {"type": "str", "default": "overlay", "choices": ["none", "routed", "overlay"]},
    ),
    "style": ("overlay_style", {"type": "str", "default": "l3", "choices": ["l3", "l2"]}),
    "vni": ("overlay_vni", {"type": "int", "default": 4096}),
    "collisions": (
        "containers_collisions",
        {"type": "str", "default": "refuse", "choices": ["refuse", "probe"]},
    ),
    "services": ("services_list", {"type": "list", "elements": "dict", "default": []}),
    "services_prefix": ("services_prefix", {"type": "str", "default": "10.96.0.0/16"}),
    "services_prefix6": ("services_prefix6", {"type": "str", "default": ""}),
    "services_drained": ("services_drained", {"type": "list", "elements": "str", "default": []}),
}


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
            nodes = [_node(host, reader) for host in hosts]
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
            for option, (name, _) in OPTIONS.items()
            if name in variables
        }
        said = {option: value for option, value in spoken_for.items() if value is not None}
        self._task.args = {**said, **self._task.args}
        specification = {option: argument for option, (_, argument) in OPTIONS.items()}
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
            return _plain(own[name]) if name in own else default
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
            value = _plain(self._template(self._here[name])) if said else None
            overrides = said and name in inventory and value != _plain(inventory[name])
            self._of_the_play[name] = (overrides, said and name not in inventory, value)
        return self._of_the_play[name]


def _plain(value: Any) -> Any:
    """The same as plain data: Ansible's own containers resolve each element anew whenever it is read."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _node(host: str, variables: _Variables) -> NodeInput:
    containers = variables.get(host, "containers_list", [])
    if not isinstance(containers, list) or not all(isinstance(item, Mapping) for item in containers):
        raise FleetError(f"{host}: containers_list", "must be a list of dictionaries, such as [{name: web1}]")
    mtu = variables.get(host, "containers_underlay_mtu", 1500)
    if not str(mtu).isdigit():
        raise FleetError(f"{host}: containers_underlay_mtu", f"must be a number of bytes, not {mtu!r}")
    return NodeInput(
        name=host,
        underlay=_underlay(host, variables),
        underlay6=variables.text(host, "containers_underlay6"),
        containers=tuple(_container(item, index, host) for index, item in enumerate(containers)),
        subnet=variables.text(host, "containers_subnet"),
        subnet6=variables.text(host, "containers_subnet6"),
        mtu=int(mtu),
        reached=_reached(host, variables),
    )


def _container(item: Mapping[str, Any], index: int, host: str) -> dict[str, Any]:
    """The element with its types made certain, as inventory variables may be texts."""
    made = dict(item)
    if "isolated" in made:
        try:
            made["isolated"] = boolean(made["isolated"])
        except TypeError:
            where = f"{host}: containers_list[{index}].isolated"
            raise FleetError(where, f"must be true or false, not {made['isolated']!r}") from None
    return made


def _underlay(host: str, variables: _Variables) -> str:
    """The variable, else ansible_host, else the name of the host if one of these is an address."""
    said = variables.text(host, "containers_underlay")
    if said:
        return said
    for guess in (variables.text(host, "ansible_host"), host):
        if _is_reachable_address(guess):
            return guess
    return ""


def _reached(host: str, variables: _Variables) -> str:
    said = variables.text(host, "ansible_host")
    return str(netaddr.IPAddress(said)) if _is_reachable_address(said) else ""


def _is_reachable_address(text: str) -> bool:
    if not (netaddr.valid_ipv4(text) and text.count(".") == 3) and not netaddr.valid_ipv6(text):
        return False
    return not netaddr.IPAddress(text).is_loopback()
