# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible's variables say of the fleet: from variables of a host to its NodeInput; no computation of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ansible.module_utils.parsing.convert_bool import boolean

from .fleet_model import FleetError, NodeInput
from .netaddr_names import IPAddress, valid_ipv4, valid_ipv6


class Variables(Protocol):
    """Reads variables of hosts, as whoever asks can see them."""

    def get(self, host: str, name: str, default: Any) -> Any:
        """The value as plain data, or `default` if nobody says it. Raises FleetError if it cannot be resolved."""

    def text(self, host: str, name: str) -> str:
        """The value as text; "" if nobody says it."""


def plain(value: Any) -> Any:
    """The same as plain data: Ansible's own containers resolve each element anew whenever it is read."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def node_input(host: str, variables: Variables) -> NodeInput:
    """What the variables say of one node.

    Raises:
        FleetError: a variable has the wrong shape, or cannot be resolved.
    """
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


def _underlay(host: str, variables: Variables) -> str:
    """The variable, else ansible_host, else the name of the host if one of these is an address."""
    said = variables.text(host, "containers_underlay")
    if said:
        return said
    for guess in (variables.text(host, "ansible_host"), host):
        if _is_reachable_address(guess):
            return guess
    return ""


def _reached(host: str, variables: Variables) -> str:
    said = variables.text(host, "ansible_host")
    return str(IPAddress(said)) if _is_reachable_address(said) else ""


def _is_reachable_address(text: str) -> bool:
    if not (valid_ipv4(text) and text.count(".") == 3) and not valid_ipv6(text):
        return False
    return not IPAddress(text).is_loopback()
