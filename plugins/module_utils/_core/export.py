# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what exists to the options that declare it: what network_info returns is what topology takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .canonical import PROTOCOLS, TABLES, is_name, named
from .fields import Field
from .kernel.ipset import HEADER, unset, write_entry
from .kinds.ipvs_options import can_be_declared, server_options, service_options
from .kinds.link import PORT_FLAGS
from .kinds.neighbor import PROXY
from .kinds.registry import DECLARATIONS, KINDS
from .kinds.source_guard_values import guard_options, own_addresses
from .kinds.types.registry import TYPES
from .model import Key, Resource

_SETTINGS: Mapping[str, Any] = {"master": "", "group": 0, "alias": "", "txqueuelen": 1000}
_LOOPBACK = ("127.0.0.1/8", "::1/128")
# The rules that every namespace begins with (fib_default_rules_init).
_DEFAULT_RULES = (0, 32766, 32767)
_COUNTERS = ("packets", "bytes")
Options = dict[str, Any]


def export(observed: Mapping[Key, Resource], namespaces: list[str]) -> dict[str, list[Options]]:
    """The state of these namespaces as lists of topology."""
    found: dict[str, list[Options]] = {"namespaces": [{"name": ref} for ref in namespaces if is_name(ref)]}
    addresses = _addresses(observed)
    for option, element in _links(observed, addresses):
        found.setdefault(option, []).append(element)
    for key, resource in observed.items():
        if key.kind in _EXPORTS and KINDS[key.kind].restorable(resource):
            element = _EXPORTS[key.kind](key, resource.values)
            if element:
                found.setdefault(key.kind, []).append({**_place(key.netns), **element})
    found["ipset"] = _sets(observed)
    found["ipvs_service"] = ipvs_services(observed)
    return {name: elements for name, elements in found.items() if elements}


def _place(netns: str) -> Options:
    return {"netns": netns} if netns else {}


def _addresses(observed: Mapping[Key, Resource]) -> dict[tuple[str, str], Options]:
    """The options `addresses` and `nodad` of each link."""
    found: dict[tuple[str, str], Options] = {}
    checked = set()
    for key, resource in observed.items():
        if key.kind != "address" or not KINDS["address"].restorable(resource):
            continue
        device, address = key.ident
        if device == "lo" and address in _LOOPBACK:
            continue
        options = found.setdefault((key.netns, device), {"addresses": []})
        options["addresses"].append(address)
        if resource.values["nodad"]:
            options["nodad"] = True
        elif ":" in address:
            checked.add((key.netns, device))
    for place in checked:
        found[place].pop("nodad", None)
    return found


def _links(
    observed: Mapping[Key, Resource], addresses: Mapping[tuple[str, str], Options]
) -> Iterator[tuple[str, Options]]:
    done: set[Key] = set()
    for key, resource in observed.items():
        if key.kind != "link" or key in done:
            continue
        element = _end(key, resource, addresses)
        kind = resource.values["kind"]
        if kind == "veth":
            peer = resource.values["peer"]
            other = observed.get(Key("link", peer[0], (peer[1],)))
            if other is None:
                yield "link", element
                continue
            done.add(other.key)
            ends = [resource, other]
            if Key("port_guard", *other.key[1:]) in observed:
                ends.reverse()
            yield "veth", _pair(ends[0], ends[1], observed, addresses)
        elif kind in DECLARATIONS:
            yield kind, {**element, **_guard("tunnel_guard", resource, observed)}
        elif kind in TYPES:
            yield "link", {"kind": kind, **element}
        elif key.ident[0] != "lo" or element.get("addresses"):
            yield "link", element


def _pair(
    resource: Resource,
    other: Resource,
    observed: Mapping[Key, Resource],
    addresses: Mapping[tuple[str, str], Options],
) -> Options:
    """A veth by the one of its ends that is guarded, if any."""
    element = _end(resource.key, resource, addresses)
    peer = _end(other.key, other, addresses)
    if not peer.get("netns") and element.get("netns"):
        peer["netns"] = ""
    return {**element, "peer": peer, **_guard("port_guard", resource, observed, own_addresses(peer))}


def _guard(kind: str, resource: Resource, observed: Mapping[Key, Resource], own: Collection[str] = ()) -> Options:
    """What is said of a link's source guard; nothing if it has none."""
    place = resource.values.get("parent_netns", resource.key.netns) if kind == "tunnel_guard" else resource.key.netns
    found = observed.get(Key(kind, place, resource.key.ident))
    return guard_options(kind, found.values, own) if found is not None else {}


def _end(key: Key, resource: Resource, addresses: Mapping[tuple[str, str], Options]) -> Options:
    values = resource.values
    element: Options = {"name": key.ident[0], **_place(key.netns), "up": values["up"]}
    if key.ident[0] != "lo":
        element.update({name: values[name] for name in ("mac", "mtu") if values.get(name)})
    element.update({n: values[n] for n, default in _SETTINGS.items() if values.get(n, default) != default})
    if values.get("addrgenmode", "eui64") != "eui64":
        element["addrgenmode"] = values["addrgenmode"]
    element.update({name: True for name in PORT_FLAGS if values.get(name)})
    if values.get("vlans"):
        element["vlans"] = [{"vid": v, "pvid": p, "untagged": u} for v, p, u in values["vlans"]]
    link_type = TYPES.get(values["kind"])
    if link_type is not None:
        own = {n: f for n, f in link_type.fields.items() if values.get(n) not in (None, "", ())}
        element.update({n: _without_secrets(f, values[n]) for n, f in own.items() if not f.secret})
        if link_type.parent:
            element["parent"] = values["parent"]
            if values.get("parent_netns", key.netns) != key.netns:
                element["parent_netns"] = values["parent_netns"]
        elif values["kind"] == "vxlan" and values.get("parent_netns", key.netns) not in (key.netns, "?"):
            element["underlay_netns"] = values["parent_netns"]
    return {**element, **addresses.get((key.netns, key.ident[0]), {})}


def _without_secrets(field: Field, value: Any) -> Any:
    """Keys stay on the node; an element without them declares everything else, and leaves them as they are."""
    if field.fields is None or not isinstance(value, (list, tuple)):
        return value
    return [{n: v for n, v in part.items() if n not in field.fields or not field.fields[n].secret} for part in value]


def _route(key: Key, values: Mapping[str, Any]) -> Options:
    destination, table, metric = key.ident
    everywhere = destination in ("0.0.0.0/0", "::/0")
    element: Options = {"dest": destination, "table": named(int(table), TABLES), "type": values["type"]}
    if everywhere:
        element.update(dest="default", family="ipv6" if ":" in destination else "ipv4")
    if int(metric):
        element["metric"] = int(metric)
    hops = [{n: v for n, v in hop.items() if v not in ("", False)} for hop in values["nexthops"]]
    if len(hops) == 1:
        element.update({n: v for n, v in hops[0].items() if n != "weight"})
    elif hops:
        element["nexthops"] = hops
    element.update({name: values[name] for name in ("source", "mtu") if values[name]})
    element["protocol"] = named(values["protocol"], PROTOCOLS)
    return element


def _rule(_key: Key, values: Mapping[str, Any]) -> Options:
    if values["priority"] in _DEFAULT_RULES:
        return {}
    element = {name: value for name, value in values.items() if name != "protocol"}
    if "table" in element:
        element["table"] = named(element["table"], TABLES)
    if element["action"] != "lookup":
        element.pop("table", None)
    return element


def _neighbor(key: Key, values: Mapping[str, Any]) -> Options:
    device, address, *proxy = key.ident
    if proxy:
        return {"device": device, "address": address, PROXY: True}
    return {"device": device, "address": address, "mac": values["mac"], "nud_state": values["nud_state"]}


def _fdb(key: Key, values: Mapping[str, Any]) -> Options:
    device, mac, target, vlan, _destination = key.ident
    element: Options = {"device": device, "mac": mac, "target": target}
    if vlan:
        element["vlan"] = int(vlan)
    element.update({name: value for name, value in values.items() if value not in (None, "")})
    return element


def _sets(observed: Mapping[Key, Resource]) -> list[Options]:
    """Sets with what is in them; lists come last, when the sets that they hold are there."""
    found: dict[tuple[str, str], Options] = {}
    for key, resource in observed.items():
        if key.kind == "ipset":
            options = {name: resource.values[name] for name in HEADER if not unset(resource.values[name])}
            found[key.netns, key.ident[0]] = {"name": key.ident[0], **_place(key.netns), **options}
    for key, resource in observed.items():
        if key.kind == "ipset_entry":
            text = write_entry(key.ident[1], {n: v for n, v in resource.values.items() if n not in _COUNTERS})
            found[key.netns, key.ident[0]].setdefault("entries", []).append(text)
    return sorted(found.values(), key=lambda element: bool(element["type"] == "list:set"))


def ipvs_services(observed: Mapping[Key, Resource]) -> list[Options]:
    """Services with their servers."""
    found: dict[tuple[str, str], Options] = {}
    for key, resource in observed.items():
        if key.kind == "ipvs_service":
            element = {**_place(key.netns), **service_options(key.ident[0], resource.values)}
            found[key.netns, key.ident[0]] = {**element, "servers": []}
    for key, resource in observed.items():
        if key.kind == "ipvs_server" and can_be_declared(key, resource.values):
            found[key.netns, key.ident[0]]["servers"].append(server_options(key.ident[1], resource.values))
    return list(found.values())


def _iptables_chain(key: Key, values: Mapping[str, Any]) -> Options:
    """A chain with all its rules, jumps of others among them; not a built-in one that does nothing."""
    backend, version, table, chain = key.ident
    if values["policy"] == "ACCEPT" and not values["rules"]:
        return {}
    element: Options = {"chain": chain, "table": table, "ip_version": version, "rules": list(values["rules"])}
    element.update({n: v for n, v in (("policy", values["policy"]), ("backend", backend)) if v})
    return element


_EXPORTS = {"iptables_chain": _iptables_chain, "route": _route, "rule": _rule, "neighbor": _neighbor, "fdb": _fdb}
