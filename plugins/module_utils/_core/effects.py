# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else happens when a link or a namespace goes: the kernel's own clearing up, foreseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .kinds import KINDS
from .kinds.sysctl import device_of
from .model import Change, Key, Resource


def dependents(observed: Mapping[Key, Resource], gone: Iterable[Key]) -> dict[Key, Resource]:
    """What else the kernel removes when it removes these namespaces and links."""
    gone = set(gone)
    found: dict[Key, Resource] = {}
    names = {key.ident[0] for key in gone if key.kind == "netns"}
    links = {key for key in gone if key.kind == "link"}
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
    """The links without which this object cannot be."""
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


def goes_down_with_link(key: Key) -> bool:
    """Routes, neighbours and IPv6 addresses (fib_disable_ip, neigh_ifdown, addrconf_ifdown)."""
    return key.kind in ("route", "neighbor") or (key.kind == "address" and ":" in key.ident[1])
