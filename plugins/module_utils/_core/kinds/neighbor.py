# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbour entries: which MAC address an address has on a link (ip-neighbour(8))."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..canonical import address as ip_address
from ..canonical import interface_name, unicast_mac
from ..errors import InputError
from ..fields import Field
from ..kernel import packed
from ..model import Key, Resource, Stage, Step, Verb
from .base import PLACE, Declarable, Kind, Place, Wanted, present

# NUD_* and NTF_* of the kernel's neighbour.h.
STATES = {"permanent": 0x80, "noarp": 0x40, "reachable": 0x02, "stale": 0x04}
_NAMES = {number: name for name, number in STATES.items()}
_NTF_PROXY, _NTF_ROUTER = 0x08, 0x80
PROXY = "proxy"


def declare_neighbor(place: Place, netns: str, device: str, address: str, mac: str, path: str) -> None:
    key = Key("neighbor", netns, (device, address))
    place.add(Resource(key, {"mac": mac, "nud_state": "permanent"}, path))


class NeighborKind(Kind):
    name = "neighbor"
    rank = 5
    add = Stage.NEIGHBOR
    remove = Stage.REMOVE_NEIGHBOR

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = {}
        for row in node.neighbors(netns):
            proxy = (PROXY,) if row.flags & _NTF_PROXY else ()
            key = Key("neighbor", netns, (node.link_name(netns, row.index), row.address, *proxy))
            values: dict[str, Any] = {"router": bool(row.flags & _NTF_ROUTER)}
            if not proxy:
                values.update(mac=row.mac, nud_state=_NAMES.get(row.state, "other"))
            found[key] = Resource(key, values)
        return found

    def devices(self, observed: Resource) -> Iterable[str]:
        return observed.key.ident[:1] if observed.values.get("nud_state") == "permanent" else ()

    def restorable(self, resource: Resource) -> bool:
        return bool(resource.values.get("nud_state", "permanent") == "permanent")

    def encode(self, step: Step, node: Any) -> bytes:
        device, address, *proxy = step.key.ident
        index = node.index(step.key.netns, device)
        flags = _NTF_PROXY if proxy else 0
        if step.verb is Verb.DELETE:
            return packed.neighbor_delete(index, address, flags=flags)
        if step.values.get("router"):
            flags |= _NTF_ROUTER
        state = STATES.get(step.values.get("nud_state", ""), STATES["permanent"])
        mac = step.values.get("mac")
        replace = step.verb is Verb.SET or not proxy
        return packed.neighbor_new(index, address, mac, state=state, flags=flags, replace=replace)


class NeighborDeclaration(Declarable):
    name = "neighbor"
    fields = {
        "address": Field("str", "The neighbour's address.", required=True, check=ip_address),
        "device": Field("str", "The link it is on.", required=True, check=interface_name),
        "mac": Field("str", "Its MAC address. Needed unless O(proxy) is set.", check=unicast_mac),
        "nud_state": Field("str", "The state of the entry; V(permanent) if nothing is said.", choices=tuple(STATES)),
        "proxy": Field("bool", "Whether this node answers for the address instead.", default=False),
        "router": Field("bool", "Whether the neighbour is a router (IPv6)."),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        dot = f"{path}." if path else ""
        proxy = options["proxy"]
        if proxy and ("mac" in options or "nud_state" in options):
            raise InputError(f"{dot}proxy", "cannot be combined with mac or nud_state")
        if not proxy and "mac" not in options and present(options):
            raise InputError(f"{dot}mac", "is required unless proxy is set")
        ident = (options["device"], options["address"], *((PROXY,) if proxy else ()))
        values = {name: options[name] for name in ("mac", "router") if name in options}
        if not proxy:
            values["nud_state"] = options.get("nud_state", "permanent")
        key = Key("neighbor", place.at(options), ident)
        place.add(Resource(key, values, path), present(options))
