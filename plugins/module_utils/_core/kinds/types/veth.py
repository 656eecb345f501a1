# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth(4): two links, what enters one leaves the other. Both ends are objects; `peer` says which belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...canonical import address as ip_address
from ...errors import InputError
from ...fields import Field
from ...model import Resource
from ..base import NETNS, Declarable, Place
from ..link_options import COMMON, END, NAME, PORT, declare_link, wanted_guard
from ..link_type import LinkType
from ..source_guard_values import own_addresses, port_values

TYPE = LinkType("veth", "a pair of links, what enters one leaves the other", required=("peer",))


class VethDeclaration(Declarable):
    name = "veth"
    fields = {
        **COMMON,
        **PORT,
        "peer": Field(
            "dict",
            "The other end. Needed to create the pair, and checked against the pair that exists.",
            fields={
                "name": NAME,
                "netns": replace(NETNS, doc="The namespace of this end; without it, the same as the other end."),
                **END,
            },
        ),
        "source_guard": Field(
            "bool",
            (
                "As a bridge port: whether only frames come in that name O(peer) as their source, by its O(peer.mac), "
                "its O(peer.addresses) and O(source_addresses): Ethernet, IPv4, IPv6, ARP and neighbour discovery. "
                "Other protocols do not pass at all.",
                "It stands in a table of nf_tables of its own, before the link is up. V(false) takes it away. If "
                "nothing is said, one that is there stays.",
            ),
        ),
        "source_addresses": Field(
            "list",
            "Further addresses that O(source_guard) lets pass. The IPv6 link-local address that follows from "
            "O(peer.mac) is among them if any address is IPv6, unless O(peer.addrgenmode=none).",
            elements="str",
            check=ip_address,
        ),
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns = place.at(options)
        peer = options.get("peer")
        _declare_guard(options, path, place, netns)
        if peer is None or options["state"] == "absent":
            declare_link(options, path, place, netns, {"kind": "veth"})
            return
        peer_netns = place.netns_of(peer["netns"], "peer.netns") if peer.get("netns") else netns
        if (peer_netns, peer["name"]) == (netns, options["name"]):
            raise InputError(f"{path}.peer.name" if path else "peer.name", "both ends have the same name")
        own = {"kind": "veth", "peer": (peer_netns, peer["name"])}
        declare_link(options, path, place, netns, own)
        other = {"kind": "veth", "peer": (netns, options["name"])}
        where = f"{path}.peer" if path else "peer"
        recreate = {"recreate": options["recreate"]}
        declare_link({**peer, **recreate}, where, place, peer_netns, other)


def _declare_guard(options: Mapping[str, Any], path: str, place: Place, netns: str) -> None:
    key = wanted_guard("port_guard", options, path, place, netns)
    if key is None:
        return
    dot = f"{path}." if path else ""
    peer = options.get("peer") or {}
    if "mac" not in peer:
        raise InputError(f"{dot}peer.mac", "is required with source_guard")
    values = port_values(peer["mac"], own_addresses(peer, options.get("source_addresses", ())))
    place.add(Resource(key, values, f"{dot}source_guard"))
