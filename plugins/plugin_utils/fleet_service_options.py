# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an element of ``services_list`` may say, each option for itself, and in which words the rest is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fleet_health import health_of
from .fleet_model import FleetError
from .fleet_values import address_of, check_options, number
from .netaddr_names import IPAddress, IPNetwork

# A host's name, because containers may reach the service by it.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
OPTIONS = (
    *("name", "address", "address6", "port", "target_port", "protocol", "scheduler", "affinity", "drain", "method"),
    *("select", "servers", "ingress_port", "external_addresses", "health"),
)
SERVER = ("address", "port", "weight")
PROTOCOLS = ("tcp", "udp", "sctp")
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos")
METHODS = ("masq", "gatewaying")
LONGEST_AFFINITY = 30 * 24 * 3600
LONGEST_DRAIN = 3600
HEAVIEST = 65535

SPECIAL = {
    4: (
        ("127.0.0.0/8", "is the loopback"),
        ("169.254.0.0/16", "is link-local"),
        ("224.0.0.0/4", "is for many receivers"),
        ("255.255.255.255/32", "is for many receivers"),
        ("0.0.0.0/8", "stands for this host"),
    ),
    6: (
        ("::1/128", "is the loopback"),
        ("::/128", "stands for all addresses"),
        ("::ffff:0:0/96", "is IPv4 in the notation of IPv6"),
        ("fe80::/10", "is link-local"),
        ("ff00::/8", "is for many receivers"),
    ),
}
_SPECIAL = {version: [(IPNetwork(text), use) for text, use in entries] for version, entries in SPECIAL.items()}


@dataclass
class Service:
    """A service on its way into the plan.

    Args:
        path: where the user wrote it.
        made: what the plan will say of it.
        pins: ``address`` and ``address6``, as far as the user gave them.
        select: labels that its containers have; None = there are explicit servers.
        servers: the explicit ones.
    """

    path: str
    made: dict[str, Any]
    pins: dict[str, IPAddress | None]
    select: dict[str, str] | None
    servers: list[dict[str, Any]] = field(default_factory=list)


def special_use(place: IPAddress | IPNetwork) -> str:
    """What an address, or a part of a prefix, is for by its nature; "" = it can be anybody's."""
    for network, use in _SPECIAL[place.version]:
        if place in network:
            return use
        if isinstance(place, IPNetwork) and network in place:
            return f"holds {network}, which {use}"
    return ""


def parse(item: Any, path: str) -> Service:
    """An element of the list, without what depends on others.

    Raises:
        FleetError: an option is wrong, by its path.
    """
    if not isinstance(item, Mapping):
        raise FleetError(path, "must be a dictionary, such as {name: web, port: 80, select: {app: web}}")
    check_options(item, OPTIONS, path)
    name = item.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name == "localhost":
        problem = "must be at most 63 lower-case letters, digits or '-', as in the name of a host"
        raise FleetError(f"{path}.name", f"{problem}, not {name!r}")
    if item.get("port") is None:
        raise FleetError(f"{path}.port", "is needed: the port of the service")
    port = number(item["port"], f"{path}.port", 1, 65535)
    target = port if item.get("target_port") is None else number(item["target_port"], f"{path}.target_port", 1, 65535)
    made = {
        "name": name,
        "addresses": [],
        "port": port,
        "target_port": target,
        "protocol": _choice(item, "protocol", path, PROTOCOLS),
        "scheduler": _choice(item, "scheduler", path, SCHEDULERS),
        "affinity": number(item.get("affinity") or 0, f"{path}.affinity", 0, LONGEST_AFFINITY),
        "drain": number(30 if item.get("drain") is None else item["drain"], f"{path}.drain", 0, LONGEST_DRAIN),
        "method": _choice(item, "method", path, METHODS),
        "ingress_port": _ingress_port(item, path),
        "external_addresses": _addresses(item.get("external_addresses"), f"{path}.external_addresses"),
        "servers": [],
    }
    health = health_of(item.get("health"), str(made["protocol"]), f"{path}.health")
    if health:
        made["health"] = health
    _check_method(made, path)
    pins = {option: _pin(item.get(option), f"{path}.{option}") for option in ("address", "address6")}
    select, servers = _servers(item, target, path)
    return Service(path, made, pins, select, servers)


def _choice(item: Mapping[str, Any], option: str, path: str, choices: tuple[str, ...]) -> str:
    value = str(item.get(option) or choices[0]).lower()
    if value not in choices:
        raise FleetError(f"{path}.{option}", f"must be one of {', '.join(choices)}, not {item[option]!r}")
    return value


def _ingress_port(item: Mapping[str, Any], path: str) -> int:
    said = item.get("ingress_port")
    return 0 if said in (None, "") else number(said, f"{path}.ingress_port", 1, 65535)


def _pin(value: Any, where: str) -> IPAddress | None:
    return None if value in (None, "") else address_of(value, where)


def _addresses(value: Any, where: str) -> list[str]:
    items = [] if value in (None, "") else value if isinstance(value, (list, tuple)) else [value]
    return [str(address_of(item, f"{where}[{index}]")) for index, item in enumerate(items)]


def _check_method(made: Mapping[str, Any], path: str) -> None:
    """Direct routing leaves packets as they are (kube-router's docs/dsr.md)."""
    if made["method"] == "masq":
        return
    way_out = "leave it out, or use method: masq"
    if made["target_port"] != made["port"]:
        raise FleetError(f"{path}.target_port", f"gatewaying cannot change the port; {way_out}")
    if made["ingress_port"]:
        raise FleetError(f"{path}.ingress_port", f"gatewaying cannot change the address; {way_out}")


def _servers(item: Mapping[str, Any], target: int, path: str) -> tuple[dict[str, str] | None, list[dict[str, Any]]]:
    if (item.get("select") is None) == (item.get("servers") is None):
        both = "both say which containers serve; leave one out" if item.get("select") is not None else "is needed"
        raise FleetError(f"{path}.select", f"{both}: labels of containers (select), or servers (servers)")
    if item.get("servers") is None:
        select = item["select"]
        if not isinstance(select, Mapping) or not select:
            raise FleetError(f"{path}.select", f"must be labels, such as {{app: web}}, not {select!r}")
        return {str(label): str(value) for label, value in select.items()}, []
    said = item["servers"]
    if not isinstance(said, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in said):
        raise FleetError(f"{path}.servers", "must be a list of dictionaries, such as [{address: 192.0.2.7}]")
    return None, [_server(entry, target, f"{path}.servers[{k}]") for k, entry in enumerate(said)]


def _server(entry: Mapping[str, Any], target: int, path: str) -> dict[str, Any]:
    check_options(entry, SERVER, path)
    if entry.get("address") in (None, ""):
        raise FleetError(f"{path}.address", "is needed: the address of the server")
    port, weight = entry.get("port"), entry.get("weight")
    return {
        "address": str(address_of(entry["address"], f"{path}.address")),
        "port": target if port is None else number(port, f"{path}.port", 1, 65535),
        "weight": 1 if weight is None else number(weight, f"{path}.weight", 0, HEAVIEST),
    }
