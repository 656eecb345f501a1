# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else happens when a link or a namespace goes, comes or moves: what the kernel does by itself, foreseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import ConflictError
from .kinds.link import PORT_FLAGS
from .kinds.registry import KINDS
from .kinds.sysctl import SIDE_EFFECTS, device_of
from .model import Action, Change, Key, Resource, describe


def dependents(observed: Mapping[Key, Resource], gone: Iterable[Key]) -> dict[Key, Resource]:
    """What else the kernel removes when it removes these namespaces, links, sets and services."""
    gone = set(gone)
    found: dict[Key, Resource] = {}
    names = {key.ident[0] for key in gone if key.kind == "netns"}
    links = {key for key in gone if key.kind in ("link", "ipset", "ipvs_service")}
    if names:
        found.update((key, resource) for key, resource in observed.items() if key.netns in names and key not in gone)
    while links:
        below = {
            key: resource
            for key, resource in observed.items()
            if key not in found and key not in gone and any(owner in links for owner in owners(resource))
        }
        found.update(below)
        links = {key for key in below if key.kind == "link"}
    return found


def owners(resource: Resource) -> Iterator[Key]:
    """The links, the set or the service without which this object cannot be."""
    key, values = resource.key, resource.values
    if key.kind == "link":
        if values.get("parent"):
            yield Key("link", values.get("parent_netns", key.netns), (values["parent"],))
        if values.get("kind") == "vxlan" and values.get("device"):
            yield Key("link", values.get("parent_netns") or key.netns, (values["device"],))
        if values.get("peer"):
            yield Key("link", values["peer"][0], (values["peer"][1],))
    elif key.kind == "sysctl":
        yield Key("link", key.netns, (device_of(key.ident[0]),))
    elif key.kind == "route":
        for hop in values.get("nexthops", ()):
            yield Key("link", key.netns, (hop.get("device", ""),))
    elif key.kind == "ipset_entry":
        yield Key("ipset", key.netns, key.ident[:1])
    elif key.kind == "ipvs_server":
        yield Key("ipvs_service", key.netns, key.ident[:1])
    elif KINDS[key.kind].follows_device:
        yield Key("link", key.netns, key.ident[:1])


def peer_key(resource: Resource) -> Key | None:
    """The other end of a veth."""
    peer = resource.values.get("peer")
    return Key("link", peer[0], (peer[1],)) if peer else None


def lowers(change: Change) -> bool:
    """Whether a link goes down, and takes something with it."""
    after = change.after
    return change.key.kind == "link" and "up" in change.fields and after is not None and not after.values["up"]


def shrinks(change: Change) -> bool:
    """Whether the links on this one get its lower MTU too (vlan_device_event, macvlan_device_event)."""
    named = change.key.kind == "link" and change.action is Action.CHANGE and "mtu" in change.fields
    return named and change.new.values["mtu"] < (change.old.values.get("mtu") or 0)


def shrunk(change: Change, observed: Mapping[Key, Resource]) -> dict[Key, dict[str, Any]]:
    """The links that do, and what they have now."""
    above = dependents(observed, [change.key])
    mtus = {key: resource.values["mtu"] for key, resource in above.items() if resource.values.get("parent")}
    return {key: {"mtu": mtu} for key, mtu in mtus.items() if mtu > change.new.values["mtu"]}


def takes_ipv4(change: Change) -> bool:
    """Whether a link loses an IPv4 address, and with the last one all that needs one."""
    return (
        change.key.kind == "address" and change.after is None and not change.implied and ":" not in change.key.ident[1]
    )


def as_port(values: Mapping[str, Any]) -> dict[str, Any]:
    """The master of a link, and what it is as its port; one that comes back begins anew."""
    return {n: values[n] for n in ("master", *PORT_FLAGS, "vlans") if values.get(n) is not None}


def goes_down_with_link(key: Key) -> bool:
    """Routes, neighbours and IPv6 addresses (fib_disable_ip, neigh_ifdown, addrconf_ifdown)."""
    return key.kind in ("route", "neighbor") or (key.kind == "address" and ":" in key.ident[1])


def wanted_again(
    implied: Mapping[Key, Resource],
    deleted: Iterable[Key],
    desired: Mapping[Key, Resource],
    absent: Mapping[Key, Resource],
    observed: Mapping[Key, Resource],
) -> set[Key]:
    """The links to delete first, because something that is declared goes with them and is then made anew.

    Raises ConflictError if a link that nobody declared goes with them too.
    """
    again = {key for key in implied if key in desired and key.kind == "link"}
    if not again:
        return set()
    links = (key for key in deleted if key.kind == "link")
    first = {key for key in links if not again.isdisjoint(dependents(observed, [key]))}
    known = {*desired, *absent}
    foreign = [key for key in dependents(observed, first) if key.kind == "link" and key not in known]
    if foreign:
        owner = describe(observed[min(again)])
        sitting = describe(observed[foreign[0]])
        raise ConflictError(f"cannot make {owner} anew: {sitting} sits on it and was not declared")
    return first


def entries_that_go(
    deleted: Iterable[Key],
    desired: Mapping[Key, Resource],
    absent: Mapping[Key, Resource],
    observed: Mapping[Key, Resource],
) -> dict[Key, Resource]:
    """IPv4 routes over links that lose their last IPv4 address, and neighbours there (fib_disable_ip in
    net/ipv4/fib_frontend.c).
    """
    gone = {key for key in deleted if key.kind == "address" and ":" not in key.ident[1]}
    left = {
        (key.netns, key.ident[0])
        for key in (*observed, *desired)
        if key.kind == "address" and ":" not in key.ident[1] and key not in gone
    }
    emptied = {(key.netns, key.ident[0]) for key in gone} - left
    return {
        key: resource
        for key, resource in observed.items()
        if emptied and key not in absent and not emptied.isdisjoint(_ipv4_devices(key, resource))
    }


def _ipv4_devices(key: Key, resource: Resource) -> set[tuple[str, str]]:
    """The links, by namespace and name, that an IPv4 route or neighbour needs to have an address."""
    if key.kind == "neighbor" and ":" not in key.ident[1]:
        return {(key.netns, key.ident[0])}
    if key.kind == "route" and ":" not in key.ident[0]:
        return {(key.netns, hop.get("device")) for hop in resource.values["nexthops"]}
    return set()


def addresses_in_the_way(
    deleted: Iterable[Key], entries: Mapping[Key, Resource], desired: Mapping[Key, Resource]
) -> set[Key]:
    """Addresses to delete first: those that take a wanted entry along, IPv6 ones that get another prefix."""
    wanted = {
        (key.netns, key.ident[0], key.ident[1].partition("/")[0])
        for key in desired
        if key.kind == "address" and ":" in key.ident[1]
    }
    devices = {place for key, entry in entries.items() if key in desired for place in _ipv4_devices(key, entry)}
    return {
        key
        for key in deleted
        if key.kind == "address"
        if (key.netns, key.ident[0], key.ident[1].partition("/")[0]) in wanted
        or (":" not in key.ident[1] and (key.netns, key.ident[0]) in devices)
    }


def moving(desired: Mapping[Key, Resource], observed: Mapping[Key, Resource]) -> Iterator[tuple[Key, Key]]:
    """(from, to) of the links that are moved or renamed."""
    for key, wanted in desired.items():
        if wanted.source is not None and wanted.source in observed and key not in observed:
            yield wanted.source, key


def carry_addresses(desired: Mapping[Key, Resource], observed: dict[Key, Resource]) -> None:
    """A link that is renamed keeps its IPv4 addresses; IPv6 ones go as it goes down."""
    for old, new in moving(desired, observed):
        if old.netns != new.netns:
            continue
        for key, resource in list(observed.items()):
            if key[:2] == ("address", old.netns) and key.ident[0] == old.ident[0] and ":" not in key.ident[1]:
                carried = Key("address", new.netns, (new.ident[0], key.ident[1]))
                observed[carried] = resource._replace(key=carried)


def expect_loopbacks(desired: Mapping[Key, Resource], observed: dict[Key, Resource]) -> None:
    """A new namespace has a loopback link, down."""
    for key in desired:
        if key.kind == "netns" and key not in observed:
            loopback = Key("link", key.ident[0], ("lo",))
            observed[loopback] = Resource(loopback, {"kind": "", "master": "", "up": False, "mtu": 65536})


def expect_side_effects(desired: Mapping[Key, Resource], observed: dict[Key, Resource]) -> None:
    """Some sysctls change others, which are then compared with what they will be."""
    for key, wanted in desired.items():
        other = SIDE_EFFECTS.get(key.ident[0]) if key.kind == "sysctl" else None
        have = observed.get(key)
        if other is not None and have is not None and KINDS["sysctl"].compare(wanted, have):
            affected = Key("sysctl", key.netns, (other,))
            opposite = "0" if wanted.values["value"] != "0" else "1"
            observed[affected] = Resource(affected, {"value": opposite})
