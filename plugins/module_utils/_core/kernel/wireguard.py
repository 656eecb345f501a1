# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard devices over generic netlink, encoded by pyroute2's wgmsg; no repr or error shows a key."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import InputError
from . import messages, pyroute2_classes, wire

FAMILY = "wireguard"

_MODULE, _CLASS = "pyroute2.netlink.generic.wireguard", "wgmsg"
_NO_KEY = base64.b64encode(bytes(32)).decode()
_GET_DEVICE, _SET_DEVICE, _VERSION = 0, 1, 1
_REPLACE_PEERS = 1
_REMOVE_ME, _REPLACE_ALLOWED_IPS = 1, 2
# A nested attribute's length is 16 bits; a peer takes up to 156 bytes, an allowed IP up to 40.
_PEER_BYTES, _ALLOWED_IP_BYTES, _MESSAGE_BYTES = 156, 40, 32768


@dataclass(frozen=True)
class Peer:
    """A peer; None is "leave it" when set and "unset" when read.

    Args:
        public_key, preshared_key: base64.
        endpoint: address and UDP port.
        keepalive: seconds, 0 is off.
        allowed_ips: CIDR; exactly these.
        remove: take this peer away.
    """

    public_key: str
    preshared_key: str | None = field(default=None, repr=False)
    endpoint: tuple[str, int] | None = None
    keepalive: int | None = None
    allowed_ips: tuple[str, ...] = ()
    remove: bool = False


@dataclass(frozen=True)
class Device:
    private_key: str | None = field(default=None, repr=False)
    public_key: str | None = None
    listen_port: int | None = None
    fwmark: int | None = None
    peers: tuple[Peer, ...] = ()


def get_device(family: int, index: int) -> bytes:
    """A dump request; `family` is `Socket.family(FAMILY)` of a NETLINK_GENERIC socket."""
    return _encode(family, _GET_DEVICE, [("WGDEVICE_A_IFINDEX", index)])


def decode_device(replies: Sequence[bytes]) -> Device:
    """A device from all messages of its dump; a peer with many allowed IPs comes in several pieces."""
    device = Device()
    peers: dict[str, Peer] = {}
    for reply in replies:
        found = messages.plain(_decoded(reply))
        if "WGDEVICE_A_LISTEN_PORT" in found:
            device = Device(
                private_key=_key(found.get("WGDEVICE_A_PRIVATE_KEY")),
                public_key=_key(found.get("WGDEVICE_A_PUBLIC_KEY")),
                listen_port=found["WGDEVICE_A_LISTEN_PORT"],
                fwmark=found.get("WGDEVICE_A_FWMARK"),
            )
        for item in found.get("WGDEVICE_A_PEERS") or ():
            peer = _decode_peer(item)
            known = peers.get(peer.public_key)
            if known:
                peer = replace(known, allowed_ips=known.allowed_ips + peer.allowed_ips)
            peers[peer.public_key] = peer
    return replace(device, peers=tuple(peers.values()))


def set_device(family: int, index: int, device: Device, *, exact_peers: bool = False) -> list[bytes]:
    """Set what is not None; `exact_peers` removes the peers that are not listed. Send all, in order."""
    first: list[tuple[str, Any]] = [("WGDEVICE_A_IFINDEX", index)]
    if device.private_key is not None:
        _check_key(device.private_key)
        first.append(("WGDEVICE_A_PRIVATE_KEY", device.private_key))
    if device.listen_port is not None:
        first.append(("WGDEVICE_A_LISTEN_PORT", device.listen_port))
    if device.fwmark is not None:
        first.append(("WGDEVICE_A_FWMARK", device.fwmark))
    if exact_peers:
        first.append(("WGDEVICE_A_FLAGS", _REPLACE_PEERS))
    requests = []
    for number, batch in enumerate(_batches(device.peers)):
        attributes: list[tuple[str, Any]] = [*first] if number == 0 else [("WGDEVICE_A_IFINDEX", index)]
        if batch:
            attributes.append(("WGDEVICE_A_PEERS", batch))
        requests.append(_encode(family, _SET_DEVICE, attributes))
    return requests


def _batches(peers: Sequence[Peer]) -> Iterator[list[dict[str, Any]]]:
    """Peers in groups that fit one message; at least one group, for the device's own settings."""
    batch: list[dict[str, Any]] = []
    size = 0
    for peer, allowed_ips, is_first in _pieces(peers):
        bytes_needed = _PEER_BYTES + _ALLOWED_IP_BYTES * len(allowed_ips)
        if batch and size + bytes_needed > _MESSAGE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append({"attrs": _encode_peer(peer, allowed_ips, is_first)})
        size += bytes_needed
    yield batch


def _pieces(peers: Sequence[Peer]) -> Iterator[tuple[Peer, tuple[str, ...], bool]]:
    most = (_MESSAGE_BYTES - _PEER_BYTES) // _ALLOWED_IP_BYTES
    for peer in peers:
        for start in range(0, len(peer.allowed_ips) or 1, most):
            yield peer, peer.allowed_ips[start : start + most], start == 0


def _encode_peer(peer: Peer, allowed_ips: Sequence[str], is_first: bool) -> list[tuple[str, Any]]:
    _check_key(peer.public_key)
    attributes: list[tuple[str, Any]] = [("WGPEER_A_PUBLIC_KEY", peer.public_key)]
    if peer.remove:
        return [*attributes, ("WGPEER_A_FLAGS", _REMOVE_ME)]
    if is_first:
        attributes.append(("WGPEER_A_FLAGS", _REPLACE_ALLOWED_IPS))
    if peer.preshared_key is not None:
        _check_key(peer.preshared_key)
        attributes.append(("WGPEER_A_PRESHARED_KEY", peer.preshared_key))
    if peer.endpoint is not None:
        address, port = peer.endpoint
        wire.ip_bytes(address)
        attributes.append(("WGPEER_A_ENDPOINT", {"addr": address, "port": port}))
    if peer.keepalive is not None:
        attributes.append(("WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL", peer.keepalive))
    if allowed_ips:
        attributes.append(("WGPEER_A_ALLOWEDIPS", [_encode_allowed_ip(cidr) for cidr in allowed_ips]))
    return attributes


def _encode_allowed_ip(cidr: str) -> dict[str, Any]:
    family, address, length = wire.cidr_bytes(cidr)
    return {
        "attrs": [
            ("WGALLOWEDIP_A_FAMILY", family),
            ("WGALLOWEDIP_A_IPADDR", address),
            ("WGALLOWEDIP_A_CIDR_MASK", length),
        ]
    }


def _decode_peer(item: dict[str, Any]) -> Peer:
    endpoint = item.get("WGPEER_A_ENDPOINT")
    return Peer(
        public_key=_key(item["WGPEER_A_PUBLIC_KEY"]) or "",
        preshared_key=_key(item.get("WGPEER_A_PRESHARED_KEY")),
        endpoint=(endpoint["addr"], endpoint["port"]) if endpoint else None,
        keepalive=item.get("WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL"),
        allowed_ips=tuple(_decode_allowed_ip(one) for one in item.get("WGPEER_A_ALLOWEDIPS") or ()),
    )


def _decode_allowed_ip(item: dict[str, Any]) -> str:
    address = wire.to_ip(bytes.fromhex(item["WGALLOWEDIP_A_IPADDR"].replace(":", "")))
    return f"{address}/{item['WGALLOWEDIP_A_CIDR_MASK']}"


def _key(value: bytes | None) -> str | None:
    """Base64 as text; the all-zero key is the kernel's way to say that there is none."""
    if value is None:
        return None
    text = value.decode("ascii")
    return None if text == _NO_KEY else text


def _check_key(key: str) -> None:
    try:
        good = len(base64.b64decode(key, validate=True)) == 32
    except ValueError:
        good = False
    if not good:
        raise InputError("peers", "a WireGuard key is 32 bytes in base64")


def _encode(family: int, command: int, attributes: list[tuple[str, Any]]) -> bytes:
    fields = {"cmd": command, "version": _VERSION}
    return messages.encode(pyroute2_classes.load(_MODULE, _CLASS), family, 0, fields, attributes)


def _decoded(reply: bytes) -> Any:
    message = pyroute2_classes.load(_MODULE, _CLASS)(reply)
    message.decode()
    return message
