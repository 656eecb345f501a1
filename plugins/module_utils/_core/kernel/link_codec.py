# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of links that are not among the hot ones: creation and change by type, ports and their VLANs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..lazy import Module
from . import packed, wire

if TYPE_CHECKING:
    from . import messages
else:
    messages = Module(__name__, "messages")

# IFLA_BRPORT_* of the kernel's if_link.h that packed.port_set writes.
_PORT_FLAGS = {"hairpin": 4, "isolated": 33, "neigh_suppress": 32}
_NLA_OF = {
    "mac": "IFLA_ADDRESS",
    "mtu": "IFLA_MTU",
    "txqueuelen": "IFLA_TXQLEN",
    "group": "IFLA_GROUP",
    "master": "IFLA_MASTER",
}
Vlans = Sequence[tuple[int, bool, bool]]


def info(row: packed.LinkRow) -> dict[str, Any]:
    """IFLA_INFO_DATA of a link by attribute name."""
    return messages.decode_info(row.kind, row.raw)


def creation(
    name: str,
    kind: str,
    pairs: Sequence[Sequence[Any]],
    settings: Mapping[str, Any],
    parent: int | None,
    netns_fd: int | None,
) -> bytes:
    """RTM_NEWLINK, down; `netns_fd` is where the link goes if that is not the sender's namespace."""
    attributes: list[tuple[str, Any]] = [(_NLA_OF[option], value) for option, value in settings.items()]
    if parent is not None:
        attributes.append(("IFLA_LINK", parent))
    if netns_fd is not None:
        attributes.append(("IFLA_NET_NS_FD", netns_fd))
    return messages.encode_link(name, kind=kind, info=pairs, attributes=attributes, create=True)


def change(index: int, kind: str, pairs: Sequence[Sequence[Any]]) -> bytes:
    """RTM_NEWLINK of a link that exists, with data of its type."""
    return messages.encode_link(index=index, kind=kind, info=pairs)


def port_flags(row: packed.LinkRow) -> dict[str, bool]:
    """The settings of a bridge port that `port` writes."""
    found = wire.attributes(row.slave_data, 0)
    return {name: bool(found.get(kind, b"\0")[0]) for name, kind in _PORT_FLAGS.items()}


def port(index: int, values: Mapping[str, Any], have: Vlans | None) -> list[bytes]:
    """Messages that set a bridge port's flags, and its VLANs from those that it has."""
    flags = {name: values[name] for name in _PORT_FLAGS if name in values}
    found = [packed.port_set(index, **flags)] if flags else []
    if "vlans" in values:
        wanted, present = set(values["vlans"]), set(have or ())
        gone = [messages.Vlan(*vlan) for vlan in present if vlan[0] not in {vid for vid, _p, _u in wanted}]
        added = [messages.Vlan(*vlan) for vlan in wanted - present]
        if gone:
            found.append(messages.encode_vlans_delete(index, gone))
        if added:
            found.append(messages.encode_vlans(index, added))
    return found
