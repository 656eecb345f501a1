# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""veth(4): two links, what enters one leaves the other. Both ends are objects; `peer` says which belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import InputError
from ...fields import Field
from ..base import NETNS, Declarable, Place
from ..link_options import COMMON, END, NAME, PORT, declare_link
from ..link_type import LinkType

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
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns = place.at(options)
        peer = options.get("peer")
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
