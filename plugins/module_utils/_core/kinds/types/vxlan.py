# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VXLAN (RFC 7348), and what follows from a list of its peers: forwarding entries, neighbours and routes.

Layer 3 style (flannel): per peer one neighbour, one FDB entry, onlink routes. Layer 2 style (Docker): one FDB entry
and one neighbour per remote endpoint, or a flood entry per peer.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ...canonical import address as ip_address
from ...canonical import (
    integer,
    interface_name,
    multicast_address,
    netns_ref,
    optional_address,
    prefix,
    unicast_mac,
)
from ...errors import InputError
from ...fields import Field
from ...model import Resource
from ..base import Declarable, Place
from ..fdb import FLOOD, declare_entry
from ..link_options import COMMON, PORT, declare_link, wanted_guard
from ..link_type import Attribute, LinkType, flag
from ..neighbor import declare_neighbor
from ..route import declare_route
from ..source_guard_values import tunnel_values
from .ipip import TOS, TTL

# The kernel's default is 8472, from before the port was assigned; IANA's is 4789 (vxlan in ip-link(8)).
IANA_PORT = 4789


def _far_end(multicast: bool) -> Attribute:
    """IFLA_VXLAN_GROUP is the multicast group or the one remote address."""

    def decode(value: str) -> str:
        parsed = ipaddress.ip_address(value)
        return str(parsed) if parsed.is_multicast == multicast and not parsed.is_unspecified else ""

    return Attribute("IFLA_VXLAN_GROUP", "IFLA_VXLAN_GROUP6", decode=decode)


def _local(value: str) -> str:
    return "" if value in ("0.0.0.0", "::") else value


TYPE = LinkType(
    "vxlan",
    "a VXLAN tunnel",
    fields={
        "vni": Field("int", "The virtual network's id.", check=integer(0, 2**24 - 1), recreate=True),
        "local": Field("str", "The source address of outer packets.", check=optional_address),
        "remote": Field("str", "The address of the only other end.", check=optional_address),
        "group_address": Field("str", "The multicast group that stands for all ends.", check=multicast_address),
        "device": Field("str", "The link that outer packets leave by.", check=interface_name),
        "port": Field(
            "int",
            "The UDP port. Always sent, for the kernel's own default is not the assigned port.",
            default=IANA_PORT,
            check=integer(1, 65535),
            recreate=True,
        ),
        "ttl": TTL,
        "tos": TOS,
        "learning": Field("bool", "Whether the source of what arrives becomes a forwarding entry."),
        "udp_checksum": Field("bool", "Whether outer packets over IPv4 have a UDP checksum.", recreate=True),
    },
    attributes={
        "vni": Attribute("IFLA_VXLAN_ID"),
        "local": Attribute("IFLA_VXLAN_LOCAL", "IFLA_VXLAN_LOCAL6", decode=_local),
        "remote": _far_end(multicast=False),
        "group_address": _far_end(multicast=True),
        "device": Attribute("IFLA_VXLAN_LINK", device=True),
        "port": Attribute("IFLA_VXLAN_PORT"),
        "ttl": Attribute("IFLA_VXLAN_TTL"),
        "tos": Attribute("IFLA_VXLAN_TOS"),
        "learning": flag("IFLA_VXLAN_LEARNING"),
        "udp_checksum": flag("IFLA_VXLAN_UDP_CSUM"),
    },
    required=("vni",),
)

PEERS = Field(
    "list",
    "The other ends. From each follow forwarding entries, neighbours and routes on this link.",
    elements="dict",
    fields={
        "underlay": Field("str", "The address that reaches the peer.", required=True, check=ip_address),
        "mac": Field(
            "str",
            "The MAC address of the peer's VXLAN link. Without it and without O(peers[].endpoints), frames for unknown "
            "addresses are flooded to the peer.",
            check=unicast_mac,
        ),
        "gateway": Field(
            "str", "The peer's address on the overlay: a permanent neighbour with O(peers[].mac).", check=ip_address
        ),
        "destinations": Field(
            "list", "Prefixes that are routed over O(peers[].gateway), onlink.", elements="str", check=prefix
        ),
        "endpoints": Field(
            "list",
            "Layer 2 style: what lives behind the peer.",
            elements="dict",
            fields={
                "mac": Field("str", "Its MAC address.", required=True, check=unicast_mac),
                "address": Field("str", "Its address: a permanent neighbour.", check=ip_address),
            },
        ),
    },
)


class VxlanDeclaration(Declarable):
    name = "vxlan"
    fields = {
        **COMMON,
        **PORT,
        **TYPE.fields,
        "underlay_netns": Field(
            "str",
            "The namespace that outer packets travel in, if it is not the one the link lives in.",
            check=netns_ref,
        ),
        "peers": PEERS,
        "exact_peers": Field(
            "bool",
            "Whether forwarding entries, permanent neighbours and onlink routes of this link that do not follow from "
            "O(peers) are removed.",
            default=False,
        ),
        "source_guard": Field(
            "bool",
            (
                "Whether only O(peers), and O(remote), may send into the tunnel. What comes from elsewhere with its "
                "O(vni) and O(port) is dropped, whatever other rules of the packet filter say.",
                "It stands in a table of nf_tables of its own, before the link is up. V(false) takes it away. If "
                "nothing is said, one that is there stays.",
            ),
        ),
        "source_addresses": Field(
            "list",
            "Further addresses that O(source_guard) lets packets come from.",
            elements="str",
            check=ip_address,
        ),
    }

    def declare(self, options: Mapping[str, Any], path: str, place: Place) -> None:
        netns = place.at(options)
        dot = f"{path}." if path else ""
        if options.get("remote") and options.get("group_address"):
            raise InputError(f"{dot}group_address", "cannot be combined with remote: the kernel has one field for both")
        if options.get("group_address") and not options.get("device"):
            raise InputError(f"{dot}device", "is required with group_address")
        own = {"kind": "vxlan", **TYPE.own(options)}
        if "underlay_netns" in options:
            own["parent_netns"] = place.netns_of(options["underlay_netns"], "underlay_netns")
        declare_link(options, path, place, netns, own)
        _declare_guard(options, path, place, own.get("parent_netns", netns))
        if options["exact_peers"] and (options.get("remote") or options.get("group_address")):
            raise InputError(
                f"{dot}exact_peers", "cannot be combined with remote or group_address, a peer of their own"
            )
        if options["state"] == "present":
            for kind in ("fdb", "neighbor", "route"):
                place.exact(options, "exact_peers", kind, netns, options["name"])
            for number, peer in enumerate(options.get("peers", [])):
                _declare_peer(options["name"], netns, peer, f"{dot}peers[{number}]", place)


def _declare_guard(options: Mapping[str, Any], path: str, place: Place, netns: str) -> None:
    """In the namespace that outer packets travel in."""
    key = wanted_guard("tunnel_guard", options, path, place, netns)
    if key is None:
        return
    dot = f"{path}." if path else ""
    where = f"{dot}source_guard"
    if "vni" not in options:
        raise InputError(f"{dot}vni", "is required with source_guard")
    if options.get("group_address"):
        raise InputError(where, "cannot be combined with group_address, which does not say who the peers are")
    peers = {peer["underlay"] for peer in options.get("peers", ())} | {*options.get("source_addresses", ())}
    if options.get("remote"):
        peers.add(options["remote"])
    families = {"ipv6" if ":" in address else "ipv4" for address in (*peers, options.get("local")) if address}
    if len(families) > 1:
        raise InputError(where, "the local address and the peers are not all of one IP version")
    family = families.pop() if families else "ipv4"
    place.add(Resource(key, tunnel_values(family, options["vni"], options["port"], peers), where))


def _declare_peer(device: str, netns: str, peer: Mapping[str, Any], path: str, place: Place) -> None:
    underlay: str = peer["underlay"]
    mac, gateway = peer.get("mac", ""), peer.get("gateway", "")
    if gateway and not mac:
        raise InputError(f"{path}.mac", "is required with gateway")
    if peer.get("destinations") and not gateway:
        raise InputError(f"{path}.gateway", "is required with destinations")
    if mac:
        declare_entry(place, netns, device, mac, path, destination=underlay)
    elif not peer.get("endpoints"):
        declare_entry(place, netns, device, FLOOD, path, destination=underlay)
    if gateway:
        declare_neighbor(place, netns, device, gateway, mac, path)
    for destination in peer.get("destinations", []):
        declare_route(place, netns, destination, path, gateway=gateway, device=device, onlink=True)
    for number, endpoint in enumerate(peer.get("endpoints", [])):
        where = f"{path}.endpoints[{number}]"
        declare_entry(place, netns, device, endpoint["mac"], where, destination=underlay)
        if "address" in endpoint:
            declare_neighbor(place, netns, device, endpoint["address"], endpoint["mac"], where)
