# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of links, IPv4 and IPv6 (ip-address(8))."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Any

from ..kernel import packed
from ..model import Change, Key, Resource, Stage, Step, Verb
from .base import Kind, Wanted, by_netns, encoded, reads_all

IFA_F_PERMANENT = 0x80
IFA_F_NODAD = 0x02


class AddressKind(Kind):
    name = "address"
    rank = 3
    add = Stage.ADDRESS
    remove = Stage.REMOVE_ADDRESS

    def observe(self, node: Any, netns: str, wanted: Wanted | None) -> dict[Key, Resource]:
        found = {}
        name_of = node.link_names(netns).get
        families = {0} if reads_all(self.name, netns, wanted) else {_family(key) for key in wanted or ()}
        for row in node.addresses(netns, sorted(families)):
            name = name_of(row.index) or f"if{row.index}"
            key = Key("address", netns, (name, f"{row.address}/{row.prefixlen}"))
            values = {
                "nodad": bool(row.flags & IFA_F_NODAD) and row.family == socket.AF_INET6,
                "permanent": bool(row.flags & IFA_F_PERMANENT),
            }
            found[key] = Resource(key, values)
        return found

    def restorable(self, resource: Resource) -> bool:
        return bool(resource.values["permanent"]) and not is_link_local(resource.key.ident[1])

    def devices(self, observed: Resource) -> Iterable[str]:
        device, address = observed.key.ident
        return (device,) if observed.values["permanent"] and not is_link_local(address) else ()

    def lends(self, change: Change) -> list[Key]:
        device, address = change.key.ident
        gone = change.after is None and not change.implied
        return [Key("sysctl", change.key.netns, (_promotes(device),))] if gone and ":" not in address else []

    def execute(self, steps: Sequence[Step], node: Any) -> None:
        for netns, group in by_netns(steps).items():
            removed = [step.key.ident for step in group if step.verb is Verb.DELETE]
            devices = sorted({device for device, address in removed if ":" not in address})
            # With the first address of a subnet, the kernel removes the others of it otherwise (ip-sysctl.rst).
            with node.sysctls_on(netns, [_promotes(name) for name in devices]):
                node.send(netns, encoded(group, lambda step: [self.encode(step, node)]))

    def encode(self, step: Step, node: Any) -> bytes:
        device, address = step.key.ident
        index = node.index(step.key.netns, device)
        if step.verb is Verb.DELETE:
            return packed.address_delete(index, address)
        nodad = bool(step.values.get("nodad"))
        return packed.address_new(index, address, nodad=nodad, replace=step.verb is Verb.SET)


def _promotes(device: str) -> str:
    return f"net/ipv4/conf/{device}/promote_secondaries"


def _family(key: Key) -> int:
    return socket.AF_INET6 if ":" in key.ident[1] else socket.AF_INET


def is_link_local(address: str) -> bool:
    """fe80::/10, which the kernel gives by itself."""
    return address.startswith(("fe8", "fe9", "fea", "feb"))
