# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of IPVS services, and what is refused because it could not work."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ..canonical import address, integer
from ..errors import InputError
from ..fields import Field, Fields
from ..kernel import ipvs
from ..kernel.wire import AF_INET, AF_INET6
from ..model import Key, Resource
from .base import PLACE, Declarable, Place, present
from .ipvs import DRAIN, server_key, service_key

_PORT = integer(1, 65535)
_MOST = 2**31 - 1
_HEAVIEST = 65535
_METHODS = ("masq", "gatewaying", "tunneling")
_DAY = 24 * 3600
_MASKS = {str(ipaddress.ip_network(f"0.0.0.0/{length}").netmask): length for length in range(1, 33)}


def module_suffix(value: str) -> str:
    """A scheduler's or engine's name: the kernel loads ip_vs_<name> for it (IP_VS_SCHEDNAME_MAXLEN is 16)."""
    if not re.fullmatch(r"[a-z0-9_]{1,15}", value):
        raise ValueError(f"not a name such as rr, wlc or mh: {value!r}")
    return value


def engine(value: str) -> str:
    return module_suffix(value) if value else ""


def netmask(value: str) -> int:
    """A prefix length, also written as an IPv4 mask."""
    length = _MASKS.get(value) or (int(value) if value.isascii() and value.isdigit() else 0)
    if not 1 <= length <= 128:
        raise ValueError(f"not a prefix length such as 24, or a mask such as 255.255.255.0: {value!r}")
    return length


def unicast_address(value: str) -> str:
    """An address that one host can have."""
    form = address(value)
    parsed = ipaddress.ip_address(form)
    if parsed.is_multicast or parsed.is_unspecified or form == "255.255.255.255":
        raise ValueError(f"not an address of one host: {value!r}")
    return form


TUNNEL: Fields = {
    "type": Field("str", "What packets are wrapped in.", default="ipip", choices=tuple(ipvs.TUNNELS)),
    "port": Field("int", "For V(gue), which needs it: the UDP port that the server listens on.", check=_PORT),
    "checksum": Field(
        "str",
        "For V(gue) and V(gre): whether outer packets have a checksum, or, V(remcsum), a remote checksum offload.",
        default="none",
        choices=tuple(ipvs.CHECKSUMS),
    ),
}
SERVER: Fields = {
    "address": Field("str", "The server's address.", required=True, check=unicast_address),
    "port": Field(
        "int",
        "The server's port; that of the service if nothing is said. Only V(masq) can have another.",
        check=integer(0, 65535),
    ),
    "weight": Field(
        "int",
        "Its share, relative to the others. With V(0), it gets nothing new and keeps what it has.",
        default=1,
        check=integer(0, _HEAVIEST),
    ),
    "method": Field(
        "str",
        "How packets reach it: V(masq) rewrites the destination, and answers must come back by this node; "
        "V(gatewaying) (direct routing) sends them to the server's MAC address; V(tunneling) wraps them. With the last "
        "two, the server must have the service's address too, and answers the client itself.",
        default="masq",
        choices=_METHODS,
    ),
    "upper_threshold": Field(
        "int", "With so many connections it gets no new ones; V(0) is no limit.", check=integer(0, _MOST)
    ),
    "lower_threshold": Field(
        "int",
        "It gets new ones again with fewer than this; V(0) is three quarters of the upper one.",
        check=integer(0, _MOST),
    ),
    "tunnel": Field("dict", "For O(method=tunneling).", fields=TUNNEL),
}
PERSISTENCE: Fields = {
    "timeout": Field("int", "Seconds; V(0) switches it off.", default=300, check=integer(0, 31 * _DAY)),
    "netmask": Field("str", "Clients of one network count as one: its prefix length, or mask.", check=netmask),
    "engine": Field(
        "str", "What else tells clients apart, V(sip) for its Call-ID; an empty text for nothing.", check=engine
    ),
}


class IpvsServiceDeclaration(Declarable):
    name = "ipvs_service"
    fields = {
        "address": Field("str", "The virtual address. Either this, or O(fwmark), is required.", check=unicast_address),
        "port": Field(
            "int",
            "The virtual port, required with O(address). V(0) stands for all ports, and needs O(persistence).",
            check=integer(0, 65535),
        ),
        "protocol": Field("str", "The protocol, with O(address).", choices=tuple(ipvs.PROTOCOLS)),
        "fwmark": Field(
            "int",
            "Instead of an address: the mark that rules of iptables have given to packets. Such a service cannot "
            "change ports.",
            check=integer(1, 2**32 - 1),
        ),
        "ip_version": Field("str", "With O(fwmark): the IP version.", choices=("ipv4", "ipv6")),
        "scheduler": Field(
            "str",
            "How a server is chosen: V(rr), V(wrr), V(lc), V(wlc), V(sh), V(mh), V(dh), V(sed), V(nq), V(fo), V(ovf), "
            "V(lblc), V(lblcr), or what else the kernel has. V(wlc) if nothing is said when the service is made.",
            check=module_suffix,
        ),
        "flags": Field(
            "list",
            "For the schedulers V(sh) and V(mh): V(fallback) asks another server where the chosen one has weight 0 or "
            "is full, V(port) looks at the client's port too.",
            elements="str",
            choices=tuple(ipvs.FLAGS),
        ),
        "one_packet": Field("bool", "For UDP: whether each packet is scheduled on its own."),
        "persistence": Field(
            "dict",
            "Whether a client keeps the server that it was given, and how long. What is not said has its default.",
            fields=PERSISTENCE,
        ),
        "servers": Field("list", "The servers.", elements="dict", fields=SERVER),
        "exact_servers": Field("bool", "Whether servers that are not listed are removed.", default=False),
        DRAIN: Field(
            "int",
            (
                "How many seconds a server that is removed has to end its connections, at weight 0; it is removed as "
                "soon as none is left. Those that are closed count for some time more (TCP's TIME_WAIT, 2 minutes).",
                "UDP servers are removed at once, and what connection tracking knows of their flows is forgotten.",
                "The task lasts as long, and other tasks of this collection on this node wait for it.",
            ),
            check=integer(0, _DAY),
        ),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns, dot = place.at(options), f"{path}." if path else ""
        service = _identity(options, dot)
        parting = {DRAIN: options[DRAIN]} if DRAIN in options else {}
        values = {**_service(options, service, dot), **parting}
        place.add(Resource(service_key(netns, service), values, path), present(options))
        if not present(options):
            return
        for number, server in enumerate(options.get("servers", ())):
            where = f"{dot}servers[{number}]"
            name, own = _server(server, service, where)
            place.add(Resource(server_key(netns, service, name), {**own, **parting}, where))
        place.exact(options, "exact_servers", "ipvs_server", netns, str(service))


def _identity(options: Mapping[str, Any], dot: str) -> ipvs.ServiceId:
    if "fwmark" in options:
        for name in ("address", "port", "protocol"):
            if name in options:
                raise InputError(f"{dot}{name}", "means nothing with fwmark, which stands instead of it")
        family = AF_INET6 if options.get("ip_version") == "ipv6" else AF_INET
        return ipvs.ServiceId(fwmark=options["fwmark"], family=family)
    for name in ("address", "port"):
        if name not in options:
            raise InputError(f"{dot}{name}", "is required, unless there is a fwmark")
    family = AF_INET6 if ":" in options["address"] else AF_INET
    if "ip_version" in options:
        raise InputError(f"{dot}ip_version", "goes with fwmark; an address has its own")
    return ipvs.ServiceId(options.get("protocol", "tcp"), options["address"], options["port"], family=family)


def _service(options: Mapping[str, Any], service: ipvs.ServiceId, dot: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: options[name] for name in ("scheduler", "one_packet") if name in options}
    if "flags" in options:
        values["flags"] = tuple(name for name in ipvs.FLAGS if name in options["flags"])
    if values.get("one_packet") and service.protocol in ("tcp", "sctp"):
        raise InputError(f"{dot}one_packet", "is for UDP")
    persistence = options.get("persistence")
    if persistence is not None:
        values.update(_persistence(persistence, service, f"{dot}persistence."))
    if not service.fwmark and not service.port and present(options) and not values.get("persistence_timeout"):
        raise InputError(f"{dot}port", "0 (all ports) needs persistence, or a client's connections would part")
    return values


def _persistence(said: Mapping[str, Any], service: ipvs.ServiceId, dot: str) -> dict[str, Any]:
    values = {"persistence_timeout": said["timeout"]}
    whole = 128 if service.family == AF_INET6 else 32
    if said.get("netmask", 0) > whole:
        raise InputError(f"{dot}netmask", f"has at most {whole} bits here: {said['netmask']}")
    if said.get("engine") == "sip" and service.protocol in ("tcp", "sctp"):
        raise InputError(f"{dot}engine", "sip is for UDP")
    if not said["timeout"]:
        if said.get("netmask"):
            raise InputError(f"{dot}netmask", "means nothing with timeout: 0, which switches persistence off")
        return {**values, "persistence_netmask": 0, "persistence_engine": said.get("engine", "")}
    values["persistence_netmask"] = said.get("netmask", whole)
    return {**values, "persistence_engine": said.get("engine", "")}


def _server(options: Mapping[str, Any], service: ipvs.ServiceId, path: str) -> tuple[str, dict[str, Any]]:
    method = options["method"]
    port = options.get("port", service.port)
    if port != service.port and not service.port:
        raise InputError(f"{path}.port", f"a service of all ports leaves them as they are: {port}")
    if port != service.port and method != "masq":
        raise InputError(f"{path}.port", f"{method} cannot change the port of packets, only masq can: {port}")
    if method != "tunneling" and (":" in options["address"]) != (service.family == AF_INET6):
        version = "IPv6" if service.family == AF_INET6 else "IPv4"
        raise InputError(f"{path}.address", f"the service is {version}, and only tunneling crosses IP versions")
    values = {name: options[name] for name in ("weight", "method") if name in options}
    values.update(_thresholds(options, path))
    values.update(_tunnel(options, f"{path}.tunnel"))
    return ipvs.endpoint(options["address"], port), values


def _thresholds(options: Mapping[str, Any], path: str) -> dict[str, int]:
    """Without an upper one, there is no lower one either: the kernel takes it for a contradiction (ERANGE)."""
    values = {name: options[name] for name in ("upper_threshold", "lower_threshold") if name in options}
    if values.get("lower_threshold", 0) > values.get("upper_threshold", 0):
        raise InputError(f"{path}.lower_threshold", "is above upper_threshold")
    if values.get("upper_threshold") == 0:
        values["lower_threshold"] = 0
    return values


def _tunnel(options: Mapping[str, Any], path: str) -> dict[str, Any]:
    tunnel = options.get("tunnel")
    if tunnel is None:
        return {}
    if options["method"] != "tunneling":
        raise InputError(path, "goes with method: tunneling")
    kind = tunnel["type"]
    if (kind == "gue") != ("port" in tunnel):
        raise InputError(f"{path}.port", "is required for gue" if kind == "gue" else f"{kind} has no port")
    if kind == "ipip" and tunnel["checksum"] != "none":
        raise InputError(f"{path}.checksum", "ipip has no checksum of its own")
    return {
        "tunnel_type": kind,
        "tunnel_port": tunnel.get("port", 0),
        "tunnel_checksum": tunnel["checksum"],
    }


def service_options(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that declare a service, without its servers and its place."""
    service = ipvs.parse_service(name)
    options: dict[str, Any] = {"scheduler": values["scheduler"]}
    if service.fwmark:
        options.update(fwmark=service.fwmark, ip_version="ipv6" if service.family == AF_INET6 else "ipv4")
    else:
        options.update(address=service.address, port=service.port, protocol=service.protocol)
    options["flags"] = list(values["flags"])
    if values["one_packet"]:
        options["one_packet"] = True
    said = {name: values[f"persistence_{name}"] for name in PERSISTENCE}
    persistence = {name: value for name, value in said.items() if value or name == "timeout"}
    return {**options, "persistence": persistence}


def server_options(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that declare a server."""
    address_of, port = ipvs.parse_endpoint(name)
    options = {"address": address_of, "port": port}
    options.update({name: values[name] for name in ("weight", "method", "upper_threshold", "lower_threshold")})
    if values["method"] == "tunneling":
        tunnel = {"type": values["tunnel_type"], "checksum": values["tunnel_checksum"]}
        options["tunnel"] = {**tunnel, "port": values["tunnel_port"]} if values["tunnel_port"] else tunnel
    return options


def can_be_declared(key: Key, values: Mapping[str, Any]) -> bool:
    """Whether a server that others have made is of a sort that the options know."""
    service, (_address, port) = ipvs.parse_service(key.ident[0]), ipvs.parse_endpoint(key.ident[1])
    same_port = port == service.port or (service.port and values["method"] == "masq")
    return bool(values["method"] in _METHODS and values["weight"] <= _HEAVIEST and same_port)
