# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes (ip-route(8)).

The kernel tells routes of a table apart by destination, TOS and metric; type, nexthops and the rest can be replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import canonical
from ..canonical import family_of, integer, interface_name, optional_address
from ..errors import InputError
from ..fields import Field, Fields
from ..kernel import packed
from ..model import Action, Change, Key, Resource, Stage, Step, Verb
from .base import PLACE, Context, Declarable, Kind, Place, Wanted, present, reads_all

TYPES = {"unicast": 1, "local": 2, "broadcast": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8}
_TYPE_NAMES = {number: name for name, number in TYPES.items()}
_ONLINK = 4
_KERNEL, _RA, _REDIRECT = 2, 9, 1
# IP6_RT_PRIO_USER in the kernel's ipv6_route.h.
METRIC6 = 1024
_CLONED = 0x200
_EVERYTHING = ((packed.AF_INET, 0), (packed.AF_INET6, 0))
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
Hop = Mapping[str, Any]
# What the kernel makes of a larger one (ip_metrics_convert).
LARGEST_MTU = 65520


def route_key(netns: str, destination: str, table: int, metric: int) -> Key:
    if not metric and family_of(destination) == 6:
        metric = METRIC6
    return Key("route", netns, (destination, str(table), str(metric)))


def declare_route(
    place: Place, netns: str, destination: str, path: str, *, gateway: str, device: str, onlink: bool
) -> None:
    """A route over one gateway in the main table."""
    hop = {"gateway": gateway, "device": device, "onlink": onlink}
    key = route_key(netns, destination, canonical.TABLES["main"], 0)
    values = {"type": "unicast", "nexthops": (hop,), "protocol": canonical.PROTOCOLS["static"]}
    place.add(Resource(key, values, path))


class RouteKind(Kind):
    name = "route"
    rank = 6
    add = Stage.ROUTE
    remove = Stage.REMOVE_ROUTE
    follows_device = False

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found: dict[Key, Resource] = {}
        everything = reads_all(self.name, netns, wanted)
        parts = set(_EVERYTHING) if everything else {_part(key) for key in wanted or ()}
        for row in node.routes(netns, sorted(parts)):
            if row.flags & _CLONED or row.protocol in (_RA, _REDIRECT) or row.type not in _TYPE_NAMES:
                continue
            if row.protocol == _KERNEL and row.family != 2:
                continue
            key = route_key(netns, row.dst, row.table, row.metric)
            if key not in found or found[key].values["protocol"] == _KERNEL:
                found[key] = Resource(key, _observed(row, netns, node))
        return found

    def devices(self, observed: Resource) -> Iterable[str]:
        return [hop["device"] for hop in observed.values["nexthops"] if hop["onlink"]]

    def restorable(self, resource: Resource) -> bool:
        return bool(resource.values["protocol"] != _KERNEL and resource.values["type"] not in ("local", "broadcast"))

    def compare(self, desired: Resource, observed: Resource) -> tuple[str, ...]:
        different = super().compare(desired, observed)
        if "nexthops" in different and same_hops(desired.values["nexthops"], observed.values["nexthops"]):
            return tuple(name for name in different if name != "nexthops")
        return different

    def references(self, resource: Resource) -> list[tuple[str, Key]]:
        devices = [hop["device"] for hop in resource.values.get("nexthops", ()) if hop.get("device")]
        return [("device", Key("link", resource.key.netns, (device,))) for device in devices]

    def steps(self, change: Change, context: Context) -> list[Step]:
        """NLM_F_REPLACE keeps what is not repeated in no case: the whole route is sent."""
        if change.action is Action.CHANGE and change.before is not None and change.after is not None:
            values = dict(change.after.values)
            for name in ("source", "mtu", "scope"):
                if name not in values and change.before.values.get(name) not in (None, ""):
                    values[name] = change.before.values[name]
            whole = change.before.with_values(**values)
            if "scope" not in change.after.values and {"type", "nexthops"} & set(change.fields):
                whole = whole.without("scope")
            return [Step(self.add, Verb.SET, change, whole, whole.values, change.before)]
        return super().steps(change, context)

    def encode(self, step: Step, node: Any) -> bytes:
        spec = _spec(step.resource, node)
        if step.verb is Verb.DELETE:
            return packed.route_delete(spec)
        return packed.route_new(spec, replace=step.verb is Verb.SET)


def _part(key: Key) -> tuple[int, int]:
    """Family and table."""
    return packed.AF_INET6 if ":" in key.ident[0] else packed.AF_INET, int(key.ident[1])


def _observed(row: Any, netns: str, node: Any) -> dict[str, Any]:
    def hop(gateway: str | None, index: int, weight: int, flags: int) -> dict[str, Any]:
        device = node.link_name(netns, index) if index else ""
        return {"gateway": gateway or "", "device": device, "weight": weight, "onlink": bool(flags & _ONLINK)}

    kind = _TYPE_NAMES[row.type]
    hops: tuple[dict[str, Any], ...] = tuple(hop(h.gateway, h.oif, h.weight, h.flags) for h in row.nexthops)
    if not hops and kind in ("unicast", "local", "broadcast"):
        hops = (hop(row.gateway or row.via, row.oif, 1, row.flags),)
    return {
        "type": kind,
        "nexthops": hops,
        "scope": row.scope,
        "source": row.source or "",
        "mtu": row.mtu or 0,
        "protocol": row.protocol,
    }


def same_hops(desired: tuple[Hop, ...], observed: tuple[Hop, ...]) -> bool:
    """Whether each wanted hop is there, in any order, and no other; what a hop does not say is not compared."""
    left = list(observed)
    for hop in desired:
        match = next((have for have in left if all(have.get(n) == v for n, v in hop.items())), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _spec(resource: Resource, node: Any) -> packed.RouteSpec:
    destination, table, metric = resource.key.ident
    values, netns = resource.values, resource.key.netns
    hops = values.get("nexthops", ())
    arguments: dict[str, Any] = {
        "table": int(table),
        "metric": int(metric) or None,
        "type": TYPES[values.get("type", "unicast")],
        "scope": values.get("scope"),
        "source": values.get("source") or None,
        "mtu": values.get("mtu") or None,
        "protocol": values.get("protocol"),
    }

    def index(hop: Hop) -> int:
        return int(node.index(netns, hop["device"])) if hop.get("device") else 0

    if len(hops) == 1:
        hop = hops[0]
        arguments.update(gateway=hop.get("gateway") or None, oif=index(hop), onlink=bool(hop.get("onlink")))
    elif hops:
        arguments["nexthops"] = [
            packed.Nexthop(h.get("gateway") or None, index(h), h.get("weight", 1), _ONLINK if h.get("onlink") else 0)
            for h in hops
        ]
    return packed.RouteSpec(destination, **arguments)


_HOP: Fields = {
    "gateway": Field("str", "The address of the next hop.", check=optional_address),
    "device": Field("str", "The link that packets leave by.", check=interface_name),
    "onlink": Field("bool", "Whether the gateway counts as reachable though no prefix covers it."),
}


class RouteDeclaration(Declarable):
    name = "route"
    fields = {
        "dest": Field("str", "The destination: a prefix, or V(default).", required=True, check=canonical.destination),
        "family": Field(
            "str",
            "For O(dest=default) without a gateway: which IP version. V(ipv4) if nothing is said.",
            choices=("ipv4", "ipv6"),
        ),
        **_HOP,
        "nexthops": Field(
            "list",
            "Several next hops, among which packets are spread. Instead of O(gateway) and O(device).",
            elements="dict",
            fields={
                **_HOP,
                "weight": Field("int", "Its share of the packets.", default=1, check=integer(1, 256)),
            },
        ),
        "metric": Field(
            "int",
            "The metric, part of what identifies a route; 0 for IPv4 and 1024 for IPv6 if nothing is said.",
            check=integer(0, 2**32 - 1),
        ),
        "table": Field(
            "str",
            "The routing table, a number or V(main), V(local), V(default).",
            default="main",
            check=canonical.table,
        ),
        "type": Field("str", "What happens to packets.", default="unicast", choices=tuple(TYPES)),
        "scope": Field(
            "str",
            "How far the destination is, for IPv4: V(global), V(link), V(host) or a number.",
            check=canonical.scope,
        ),
        "source": Field("str", "The preferred source address.", check=optional_address),
        "mtu": Field("int", "The MTU towards the destination; 0 for none.", check=integer(0, LARGEST_MTU)),
        "protocol": Field(
            "str",
            "Who made the route, for example V(static), V(boot), V(bgp) or a number.",
            default="static",
            check=canonical.protocol,
        ),
        **PLACE,
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        dot = f"{path}." if path else ""
        hops = _hops(options, dot)
        destination = _destination(options, hops, dot)
        family = family_of(destination)
        for hop in hops:
            if hop.get("gateway") and family_of(hop["gateway"]) < family:
                raise InputError(f"{dot}gateway", "an IPv6 route has no IPv4 gateway")
        if options.get("source") and family_of(options["source"]) != family:
            raise InputError(f"{dot}source", "is of another IP version than the destination")
        values: dict[str, Any] = {"type": options["type"], "protocol": options["protocol"], "nexthops": hops}
        values.update({n: options[n] for n in ("source", "mtu") if n in options})
        if "scope" in options and family == 4:
            values["scope"] = options["scope"]
        key = route_key(place.at(options), destination, options["table"], options.get("metric", 0))
        place.add(Resource(key, values, path), present(options))


def _hops(options: Mapping[str, Any], dot: str) -> tuple[Hop, ...]:
    single = {n: options[n] for n in _HOP if n in options and options[n] != ""}
    if options["state"] == "absent":
        return (single,) if single else ()
    if "nexthops" in options:
        if single:
            raise InputError(f"{dot}nexthops", f"cannot be combined with {next(iter(single))}")
        if not options["nexthops"]:
            raise InputError(f"{dot}nexthops", "is empty")
        for number, hop in enumerate(options["nexthops"]):
            if not (hop.get("gateway") or hop.get("device")):
                raise InputError(f"{dot}nexthops[{number}]", "needs gateway or device")
        if len(options["nexthops"]) == 1:  # the only one takes all; the kernel keeps no weight of it
            return ({n: v for n, v in options["nexthops"][0].items() if n != "weight"},)
        return tuple(options["nexthops"])
    if options["type"] not in ("unicast", "local", "broadcast"):
        if single:
            raise InputError(f"{dot}{next(iter(single))}", f"has no meaning for a route of type {options['type']}")
        return ()
    if not (single.get("gateway") or single.get("device")):
        raise InputError(f"{dot}gateway", "gateway or device is required for a route that leads somewhere")
    return (single,)


def _destination(options: Mapping[str, Any], hops: tuple[Hop, ...], dot: str) -> str:
    dest = str(options["dest"])
    family = {"ipv4": 4, "ipv6": 6}.get(options.get("family", ""))
    if dest == "default":
        gateways = [hop["gateway"] for hop in hops if hop.get("gateway")]
        return EVERYWHERE[family or (family_of(gateways[0]) if gateways else 4)]
    if family is not None and family_of(dest) != family:
        raise InputError(f"{dot}family", f"is not the IP version of dest: {dest!r}")
    return dest
