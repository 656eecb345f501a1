# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding entries: behind which port or tunnel end a MAC address is (bridge(8), fdb).

A VXLAN link may have several destinations for the flood address and for multicast addresses; there the destination
is part of the entry's identity. A unicast address has one destination, which can be changed in place.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import Any

from ..canonical import address as ip_address
from ..canonical import integer, interface_name
from ..canonical import mac as any_mac
from ..errors import InputError, KernelError
from ..fields import Field
from ..kernel import link_codec, packed
from ..model import Key, Resource, Stage, Step, Verb
from .base import PLACE, Declarable, Kind, Place, Wanted, present

FLOOD = "00:00:00:00:00:00"
STATES = {"permanent": 0x80, "static": 0x40, "dynamic": 0x02}
_NAMES = {0x80: "permanent", 0x40: "static"}
_FLAGS = {"self": 0x02, "master": 0x04}
_OPTIONAL = ("destination", "vni", "port", "via")


def many_destinations(mac: str) -> bool:
    return mac == FLOOD or bool(int(mac[:2], 16) & 1)


def entry_key(netns: str, device: str, mac: str, target: str, vlan: int, destination: str) -> Key:
    ident = (device, mac, target, str(vlan) if vlan else "")
    return Key("fdb", netns, (*ident, destination if destination and many_destinations(mac) else ""))


def declare_entry(place: Place, netns: str, device: str, mac: str, path: str, destination: str) -> None:
    """A permanent entry of a VXLAN link."""
    values = {"destination": destination, "fdb_state": "permanent"}
    place.add(Resource(entry_key(netns, device, mac, "self", 0, destination), values, path))


class FdbKind(Kind):
    name = "fdb"
    rank = 4
    add = Stage.FDB
    remove = Stage.REMOVE_FDB

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = {}
        rows = node.fdb(netns)
        tunnels = _tunnels(node, netns) if any(row.destination for row in rows) else {}
        for row in rows:
            target = "self" if row.flags & _FLAGS["self"] else "master"
            destination = row.destination or ""
            device = node.link_name(netns, row.index)
            key = entry_key(netns, device, row.mac, target, row.vlan, destination)
            via = node.link_name(netns, row.via) if row.via else None
            vni, port = tunnels.get(row.index, (None, None)) if destination else (None, None)
            values = {
                "destination": destination,
                "vni": row.vni or vni,
                "port": row.port or port,
                "via": via,
            }
            found[key] = Resource(key, {**values, "fdb_state": _NAMES.get(row.state, "dynamic")})
        return found

    def devices(self, observed: Resource) -> Iterable[str]:
        return observed.key.ident[:1] if self.restorable(observed) else ()

    def restorable(self, resource: Resource) -> bool:
        return (
            resource.values["fdb_state"] != "dynamic"
            and resource.key.ident[2] == "self"
            and bool(resource.values["destination"])
        )

    def encode(self, step: Step, node: Any) -> bytes:
        device, mac, target, vlan, _destination = step.key.ident
        values = step.resource.values if step.verb is Verb.DELETE else step.values
        options: dict[str, Any] = {name: values.get(name) or None for name in _OPTIONAL}
        if options["via"]:
            options["via"] = node.index(step.key.netns, options["via"])
        options.update(vlan=int(vlan) if vlan else None, flags=_FLAGS[target])
        index = node.index(step.key.netns, device)
        if options["destination"] and node.kind(step.key.netns, device) != "vxlan":
            # Other links take the entry, and drop the destination without a word.
            raise KernelError(errno.EOPNOTSUPP, words=f"'{device}' is not a VXLAN link, so it has no destinations")
        if step.verb is Verb.DELETE:
            return packed.fdb_delete(index, mac, **options)
        append = many_destinations(mac) and target == "self"
        state = STATES[values.get("fdb_state", "permanent")]
        return packed.fdb_new(index, mac, state=state, append=append, replace=not append, **options)


def _tunnels(node: Any, netns: str) -> dict[int, tuple[int, int]]:
    """VNI and port of each VXLAN link, which the kernel does not repeat in its entries."""
    found = {row.index: link_codec.info(row) for row in node.links(netns) if row.kind == "vxlan"}
    return {index: (info["IFLA_VXLAN_ID"], info["IFLA_VXLAN_PORT"]) for index, info in found.items()}


class FdbDeclaration(Declarable):
    name = "fdb"
    fields = {
        "mac": Field(
            "str",
            "The MAC address; V(00:00:00:00:00:00) floods to O(destination).",
            required=True,
            check=any_mac,
        ),
        "device": Field("str", "The bridge port or VXLAN link.", required=True, check=interface_name),
        "target": Field(
            "str",
            "Whether the entry belongs to the link itself (VXLAN) or to the bridge that it is a port of. "
            "V(self) if O(destination) is given, else V(master).",
            choices=("self", "master"),
        ),
        "destination": Field("str", "For VXLAN: the address of the tunnel's end.", check=ip_address),
        "vlan": Field("int", "The VLAN of the entry.", check=integer(1, 4094)),
        "vni": Field("int", "For VXLAN: another VNI than the link's.", check=integer(0, 2**24 - 1)),
        "port": Field("int", "For VXLAN: another UDP port than the link's.", check=integer(1, 65535)),
        "via": Field("str", "For VXLAN: the link that outer packets leave by.", check=interface_name),
        "fdb_state": Field(
            "str",
            "V(permanent) entries stay, and are local on a bridge; V(static) ones stay; V(dynamic) ones age. "
            "V(permanent) for O(target=self), V(static) for O(target=master) if nothing is said.",
            choices=tuple(STATES),
        ),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        dot = f"{path}." if path else ""
        target = options.get("target") or ("self" if "destination" in options else "master")
        for name in _OPTIONAL:
            if name in options and target == "master":
                raise InputError(f"{dot}{name}", "is only for entries of the link itself (target: self)")
        if options["mac"] == FLOOD and "destination" not in options:
            raise InputError(f"{dot}destination", "is required for the flood address")
        values = {name: options[name] for name in _OPTIONAL if name in options}
        values["fdb_state"] = options.get("fdb_state") or ("permanent" if target == "self" else "static")
        netns, vlan, destination = place.at(options), options.get("vlan", 0), options.get("destination", "")
        key = entry_key(netns, options["device"], options["mac"], target, vlan, destination)
        place.add(Resource(key, values, path), present(options))
