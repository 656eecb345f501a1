# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard (wireguard.com): keys and peers go over generic netlink, not rtnetlink."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping
from typing import Any

from ...canonical import integer, prefix, text
from ...fields import Field
from ...kernel import wireguard as codec
from ...kernel.netlink import NETLINK_GENERIC
from ..link_type import LinkType


def key(value: str) -> str:
    """A key as wg(8) prints it: 32 bytes in base64."""
    try:
        raw = base64.b64decode(text(value), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not a WireGuard key (32 bytes in base64)") from None
    if len(raw) != 32:
        raise ValueError("not a WireGuard key (32 bytes in base64)")
    return base64.b64encode(raw).decode()


def private_key(value: str) -> str:
    """A private key in the form that the kernel keeps: with the bits set that RFC 7748, 5, says (clamping)."""
    raw = bytearray(base64.b64decode(key(value)))
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return base64.b64encode(raw).decode()


def endpoint(value: str) -> str:
    """ADDRESS:PORT, or [ADDRESS]:PORT for IPv6."""
    host, colon, port = text(value).rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        parsed = ipaddress.ip_address(bare)
        number = int(port)
    except ValueError:
        raise ValueError(f"not ADDRESS:PORT: {value!r}") from None
    if not colon or not 0 < number < 65536:
        raise ValueError(f"not ADDRESS:PORT: {value!r}")
    return f"[{parsed}]:{number}" if parsed.version == 6 else f"{parsed}:{number}"


def canonical_peers(option: str, value: Any) -> Any:
    """The peers sorted by key, as tuples of sorted pairs: which order they are listed in means nothing."""
    if option != "peers":
        return value
    peers = [{**peer, "allowed_ips": tuple(sorted(peer.get("allowed_ips", ())))} for peer in value]
    return tuple(sorted(peers, key=lambda peer: str(peer["public_key"])))


def _configure(node: Any, netns: str, name: str, values: Mapping[str, Any]) -> None:
    device = codec.Device(
        private_key=values.get("private_key"),
        listen_port=values.get("listen_port"),
        fwmark=values.get("fwmark"),
        peers=tuple(_peer(peer) for peer in values.get("peers", ())),
    )
    socket = node.socket(netns, NETLINK_GENERIC)
    family = socket.family(codec.FAMILY)
    messages = codec.set_device(family, node.index(netns, name), device, exact_peers="peers" in values)
    for error in socket.send(messages):
        if error is not None:
            raise error


def _peer(peer: Mapping[str, Any]) -> codec.Peer:
    address, _colon, port = peer.get("endpoint", "").rpartition(":")
    return codec.Peer(
        public_key=peer["public_key"],
        preshared_key=peer.get("preshared_key"),
        endpoint=(address.strip("[]"), int(port)) if address else None,
        keepalive=peer.get("persistent_keepalive"),
        allowed_ips=peer.get("allowed_ips", ()),
    )


def _inspect(node: Any, netns: str, name: str) -> dict[str, Any]:
    socket = node.socket(netns, NETLINK_GENERIC)
    found = codec.decode_device(socket.dump(codec.get_device(socket.family(codec.FAMILY), node.index(netns, name))))
    return {
        "private_key": found.private_key,
        "listen_port": found.listen_port,
        "fwmark": found.fwmark or 0,
        "peers": canonical_peers("peers", [_observed(peer) for peer in found.peers]),
    }


def _observed(peer: codec.Peer) -> dict[str, Any]:
    values: dict[str, Any] = {"public_key": peer.public_key, "allowed_ips": peer.allowed_ips}
    if peer.endpoint is not None:
        address, port = peer.endpoint
        values["endpoint"] = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    values["preshared_key"] = peer.preshared_key
    values["persistent_keepalive"] = peer.keepalive or 0
    return values


def same(option: str, desired: Any, observed: Any) -> bool:
    """Peers are compared by what was said of each."""
    if option != "peers" or observed is None:
        return bool(desired == observed)
    if len(desired) != len(observed):
        return False
    return all(all(have.get(n) == v for n, v in want.items()) for want, have in zip(desired, observed))


TYPE = LinkType(
    "wireguard",
    "an encrypted tunnel",
    fields={
        "private_key": Field("str", "For O(kind=wireguard): the private key.", check=private_key, secret=True),
        "listen_port": Field("int", "For O(kind=wireguard): the UDP port.", check=integer(1, 65535)),
        "fwmark": Field("int", "For O(kind=wireguard): the mark of outer packets.", check=integer(0, 2**32 - 1)),
        "peers": Field(
            "list",
            "For O(kind=wireguard): exactly the peers that it talks to.",
            elements="dict",
            fields={
                "public_key": Field("str", "The peer's public key.", required=True, check=key),
                "preshared_key": Field("str", "A key shared with the peer.", check=key, secret=True),
                "endpoint": Field("str", "Where it is, as V(ADDRESS:PORT) or V([ADDRESS]:PORT).", check=endpoint),
                "allowed_ips": Field(
                    "list", "The prefixes that are routed to and taken from it.", elements="str", check=prefix
                ),
                "persistent_keepalive": Field(
                    "int", "Seconds between keepalive packets; 0 for none.", check=integer(0, 65535)
                ),
            },
        ),
    },
    configure=_configure,
    inspect=_inspect,
    canonical=canonical_peers,
    same=same,
)
