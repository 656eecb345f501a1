# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all links share, and the objects that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..canonical import integer, interface_address, interface_name, optional_interface, text, unicast_mac
from ..errors import InputError
from ..fields import Field, Fields
from ..model import Key, Resource
from .base import PLACE, Place, present

NAME = Field("str", "The name of the link, at most 15 bytes.", required=True, check=interface_name)
SETTINGS: Fields = {
    "mac": Field("str", "Its MAC address.", check=unicast_mac),
    "mtu": Field("int", "Its MTU in bytes.", check=integer(68, 65535)),
    "master": Field(
        "str",
        "The bridge, bond or VRF that it is a port of; an empty text takes it out.",
        check=optional_interface,
    ),
    "txqueuelen": Field("int", "The length of its transmit queue in packets.", check=integer(0, 2**31 - 1)),
    "group": Field("int", "The device group, a number.", check=integer(0, 2**31 - 1)),
    "alias": Field("str", "A text for people, at most 255 bytes; an empty one takes it away.", check=text),
    "addrgenmode": Field(
        "str",
        "How its IPv6 link-local address is made; with V(none) it has none.",
        choices=("eui64", "none", "stable_secret", "random"),
    ),
}
UP: Fields = {
    "up": Field(
        "bool",
        "Whether it is up. If nothing is said, a link that is made or adopted is, and another one is left alone.",
    )
}
ADDRESSES: Fields = {
    "addresses": Field(
        "list",
        "Addresses with prefix lengths, IPv4 and IPv6. Others that it has stay; see O(exact_addresses).",
        elements="str",
        check=interface_address,
    ),
    "exact_addresses": Field(
        "bool",
        "Whether addresses that are not listed are removed; link-local and temporary ones stay.",
        default=False,
    ),
    "nodad": Field(
        "bool",
        "Whether the listed IPv6 addresses are usable at once, without duplicate address detection.",
    ),
}
VLAN_FIELDS: Fields = {
    "vid": Field("int", "The VLAN's id.", required=True, check=integer(1, 4094)),
    "pvid": Field("bool", "Whether untagged frames that arrive belong to it.", default=False),
    "untagged": Field("bool", "Whether its frames leave untagged.", default=False),
}
PORT: Fields = {
    "hairpin": Field("bool", "As a bridge port: whether a frame may leave where it came in."),
    "isolated": Field("bool", "As a bridge port: whether it talks only to ports that are not isolated."),
    "neigh_suppress": Field("bool", "As a bridge port: whether ARP and ND are answered from known neighbours."),
    "vlans": Field(
        "list",
        "As a port of a bridge with O(containerland.net.bridge#module:vlan_filtering): exactly its VLANs.",
        elements="dict",
        fields=VLAN_FIELDS,
    ),
}
RECREATE: Fields = {
    "recreate": Field(
        "bool",
        "Whether it may be deleted and made anew if it exists with a property that cannot be changed in place.",
        default=False,
    ),
}
END: Fields = {**SETTINGS, **UP, **PORT, **ADDRESSES}
COMMON: Fields = {"name": NAME, **SETTINGS, **UP, **ADDRESSES, **RECREATE, **PLACE}
# RFC 8200, section 5; the kernel takes IPv6 off a link whose MTU is lower.
_IPV6_MTU = 1280
_LINK_VALUES = frozenset({*SETTINGS, *UP, *PORT})


def vlans_value(vlans: list[dict[str, Any]], path: str) -> tuple[tuple[int, bool, bool], ...]:
    """Sorted (vid, pvid, untagged)."""
    if len({vlan["vid"] for vlan in vlans}) != len(vlans):
        raise InputError(path, "a vid is listed twice")
    if sum(vlan["pvid"] for vlan in vlans) > 1:
        raise InputError(path, "only one VLAN can be the pvid")
    return tuple(sorted((vlan["vid"], vlan["pvid"], vlan["untagged"]) for vlan in vlans))


def link_values(options: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The options that are values of the link itself."""
    values = {name: value for name, value in options.items() if name in _LINK_VALUES}
    if "vlans" in values:
        values["vlans"] = vlans_value(values["vlans"], f"{path}.vlans" if path else "vlans")
    if len(values.get("alias", "").encode()) > 255:
        raise InputError(f"{path}.alias" if path else "alias", "has more than 255 bytes")
    if values.get("mtu", _IPV6_MTU) < _IPV6_MTU:
        six = [address for address in options.get("addresses", ()) if ":" in address]
        if six or "addrgenmode" in values:
            raise InputError(f"{path}.mtu" if path else "mtu", f"IPv6 needs at least {_IPV6_MTU}: {values['mtu']}")
    port = next((name for name in PORT if values.get(name)), None)
    if port is not None and values.get("master") == "":
        raise InputError(f"{path}.{port}" if path else port, "is for ports only, and master says that it is none")
    return values


def declare_link(
    options: Mapping[str, Any],
    path: str,
    place: Place,
    netns: str,
    own: Mapping[str, Any],
    source: Key | None = None,
) -> None:
    """The link and its addresses; `own` are the values of its type, without `kind` for an existing link."""
    key = Key("link", netns, (options["name"],))
    is_present = options.get("state", "present") == "present"
    values = {**own, **link_values(options, path)}
    existing = "kind" not in own
    if source is not None or (not existing and (own["kind"] != "veth" or "peer" in own)):
        values.setdefault("up", True)
    recreate = bool(options.get("recreate"))
    place.add(Resource(key, values, path, existing and is_present, recreate, source), is_present)
    if is_present:
        declare_addresses(options, path, place, netns)


def declare_addresses(options: Mapping[str, Any], path: str, place: Place, netns: str) -> None:
    device = options["name"]
    dot = f"{path}." if path else ""
    for number, address in enumerate(options.get("addresses", [])):
        values = {"nodad": options["nodad"]} if "nodad" in options and ":" in address else {}
        key = Key("address", netns, (device, address))
        place.add(Resource(key, values, f"{dot}addresses[{number}]"))
    place.exact(options, "exact_addresses", "address", netns, device)


def declare_ports(options: Mapping[str, Any], path: str, place: Place, netns: str) -> None:
    """The ports of a bridge (or of a bond or VRF): existing links, or links declared elsewhere in the same run."""
    master = options["name"]
    dot = f"{path}." if path else ""
    for number, port in enumerate(options.get("ports", [])):
        where = f"{dot}ports[{number}]"
        key = Key("link", netns, (port["name"],))
        place.add(Resource(key, {"master": master, **link_values(port, where)}, where, partial=True))
    place.exact(options, "exact_ports", "link", netns, master)


def wanted_guard(kind: str, options: Mapping[str, Any], path: str, place: Place, netns: str) -> Key | None:
    """The source guard that these options of a link ask for; one that they take away is declared absent here."""
    dot = f"{path}." if path else ""
    key, asked = Key(kind, netns, (options["name"],)), options.get("source_guard")
    if not present(options) or asked is False:
        place.add(Resource(key, path=f"{dot}source_guard"), present=False)
    if not asked and options.get("source_addresses"):
        raise InputError(f"{dot}source_addresses", "means nothing without source_guard: true")
    return key if asked and present(options) else None


PORTS: Fields = {
    "ports": Field(
        "list",
        "Links that are its ports: names, or dictionaries with settings. Other ports stay; see O(exact_ports).",
        elements="raw",
        fields={"name": NAME, **PORT},
        shorthand="name",
    ),
    "exact_ports": Field("bool", "Whether ports that are not listed are taken out.", default=False),
}

__all__ = ["ADDRESSES", "COMMON", "END", "NAME", "PORT", "PORTS", "declare_link", "declare_ports", "wanted_guard"]
