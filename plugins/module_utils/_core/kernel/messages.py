# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages by pyroute2's classes: links of every kind, bridge ports and their VLANs.

Attributes go by their kernel names, so that a link kind only declares which option is which name. Works with pyroute2
0.7.2 to 0.9.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InputError, MissingError
from . import wire
from .pyroute2_classes import load

Pairs = Iterable[Sequence[Any]]

_PVID, _UNTAGGED, _RANGE_BEGIN, _RANGE_END = 0x2, 0x4, 0x8, 0x10
_BRIDGE_FLAGS_SELF = 2
_BODY = 16
# IFLA_AF_SPEC of a link, IFLA_BRIDGE_VLAN_INFO in it, and struct bridge_vlan_info (linux/if_link.h, linux/if_bridge.h).
_AF_SPEC, _BRIDGE_VLAN_INFO = 26, 2
_vlan_info = struct.Struct("=HH")


class Vlan(NamedTuple):
    vid: int
    pvid: bool = False
    untagged: bool = False


def encode_link(
    name: str | None = None,
    *,
    index: int = 0,
    kind: str = "",
    info: Pairs = (),
    port: Pairs = (),
    attributes: Pairs = (),
    up: bool | None = None,
    create: bool = False,
) -> bytes:
    """Create a link, or change the one of that index.

    Args:
        name: the (new) name.
        info: (IFLA_VXLAN_ID, 5)…, the data of `kind`.
        port: (IFLA_BRPORT_MODE, 1)…, of a link that is, or with IFLA_MASTER becomes, a bridge's port.
        attributes: (IFLA_MTU, 1400)…, anything else of the link.

    Raises:
        MissingError: pyroute2 is missing, or too old to know an attribute.
        InputError: a value does not fit its attribute.
    """
    pairs = [*attributes] if name is None else [("IFLA_IFNAME", name), *attributes]
    linkinfo = _linkinfo(kind, list(info), list(port))
    if linkinfo:
        pairs.append(("IFLA_LINKINFO", {"attrs": linkinfo}))
    fields = {
        "index": index,
        "flags": wire.IFF_UP if up else 0,
        "change": 0 if up is None else wire.IFF_UP,
    }
    flags = wire.CREATE | wire.EXCL if create else 0
    return encode(_ifinfmsg(), wire.RTM_NEWLINK, flags, fields, pairs)


def decode_info(kind: str, raw: bytes) -> dict[str, Any]:
    """IFLA_INFO_DATA of a link's message by NLA name; empty if there is none or pyroute2 does not know it."""
    data_class = _ifinfmsg().ifinfo.data_map.get(kind)
    data = _info_part(raw, 2)
    return decode_nested(data_class, data) if data_class and data else {}


def decode_port(raw: bytes) -> dict[str, Any]:
    """The bridge port's settings (IFLA_BRPORT_…) of a link's message, from a plain or an AF_BRIDGE dump."""
    found = wire.attributes(raw, _BODY + 16)
    data = found.get(12, b"") if raw[_BODY] == wire.AF_BRIDGE else b""
    if not data and wire.to_text(_info_part(raw, 4)) == "bridge":
        data = _info_part(raw, 5)
    return decode_nested(_ifinfmsg().ifinfo.bridge_slave_data, data) if data else {}


def encode_vlans(index: int, vlans: Iterable[Vlan], *, itself: bool = False) -> bytes:
    """Add VLANs to a bridge's port, or (`itself`) to the bridge; those that exist take the new flags."""
    return _encode_vlans(wire.RTM_SETLINK, index, vlans, itself)


def encode_vlans_delete(index: int, vlans: Iterable[Vlan], *, itself: bool = False) -> bytes:
    return _encode_vlans(wire.RTM_DELLINK, index, vlans, itself)


def decode_vlans(raw: bytes) -> tuple[Vlan, ...]:
    """VLANs of one port (or bridge) in an AF_BRIDGE dump with RTEXT_FILTER_BRVLAN, ranges expanded."""
    spec = wire.attributes(raw, _BODY + 16).get(_AF_SPEC, b"")
    vlans: list[Vlan] = []
    first = 0
    for kind, start, _end in wire.walk(spec, 0):
        if kind != _BRIDGE_VLAN_INFO:
            continue
        flags, vid = _vlan_info.unpack_from(spec, start)
        if flags & _RANGE_BEGIN:
            first = vid
            continue
        start = first if flags & _RANGE_END else vid
        last = Vlan(vid, bool(flags & _PVID), bool(flags & _UNTAGGED))
        vlans += [last._replace(vid=number) for number in range(start, vid + 1)]
    return tuple(vlans)


def encode(
    message_class: Any, kind: int, flags: int, fields: Mapping[str, Any], attributes: Sequence[Sequence[Any]]
) -> bytes:
    """A complete nlmsg of one of pyroute2's classes; sequence number and port are zero."""
    _check_known(message_class, attributes)
    message = message_class()
    message["header"].update({"type": kind, "flags": flags, "sequence_number": 0, "pid": 0})
    for name, value in fields.items():
        message[name] = value
    message["attrs"] = [tuple(pair) for pair in attributes]
    try:
        message.encode()
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        names = ", ".join(str(pair[0]) for pair in attributes)
        raise InputError("attributes", f"cannot be encoded ({type(error).__name__}) in {names}") from None
    return bytes(message.data)


def decode_nested(nla_class: Any, data: bytes) -> dict[str, Any]:
    """The content of a nested attribute; attributes that pyroute2 does not know are left out."""
    nested = nla_class(struct.pack("=HH", len(data) + 4, 0) + data)
    nested.decode()
    content: dict[str, Any] = plain(nested)
    return content


def plain(value: Any) -> Any:
    """Dicts, lists and scalars from pyroute2's objects."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("attrs"):
        return {slot[0]: plain(slot[1]) for slot in value["attrs"] if slot[0] != "UNKNOWN"}
    return {name: plain(item) for name, item in value.items() if name not in ("header", "attrs")}


def _linkinfo(kind: str, info: list[Any], port: list[Any]) -> list[tuple[str, Any]]:
    link_info = _ifinfmsg().ifinfo
    found: list[tuple[str, Any]] = []
    if kind:
        found.append(("IFLA_INFO_KIND", kind))
    if info:
        data_class = link_info.data_map.get(kind)
        if data_class is None:
            raise MissingError(f"pyroute2 on the node is too old for links of kind '{kind}'")
        _check_known(data_class, info)
        found.append(("IFLA_INFO_DATA", {"attrs": [tuple(pair) for pair in info]}))
    if port:
        _check_known(link_info.bridge_slave_data, port)
        found.append(("IFLA_INFO_SLAVE_KIND", "bridge"))
        found.append(("IFLA_INFO_SLAVE_DATA", {"attrs": [tuple(pair) for pair in port]}))
    return found


def _info_part(raw: bytes, part: int) -> bytes:
    linkinfo = wire.attributes(raw, _BODY + 16).get(18)
    return wire.attributes(linkinfo, 0).get(part, b"") if linkinfo else b""


def _encode_vlans(kind: int, index: int, vlans: Iterable[Vlan], itself: bool) -> bytes:
    infos: list[tuple[str, Any]] = [("IFLA_BRIDGE_FLAGS", _BRIDGE_FLAGS_SELF)] if itself else []
    for first, last in _runs(sorted(vlans)):
        flags = (_PVID if first.pvid else 0) | (_UNTAGGED if first.untagged else 0)
        if first == last:
            infos.append(("IFLA_BRIDGE_VLAN_INFO", {"flags": flags, "vid": first.vid}))
            continue
        infos.append(("IFLA_BRIDGE_VLAN_INFO", {"flags": flags | _RANGE_BEGIN, "vid": first.vid}))
        infos.append(("IFLA_BRIDGE_VLAN_INFO", {"flags": flags | _RANGE_END, "vid": last.vid}))
    fields = {"family": wire.AF_BRIDGE, "index": index}
    return encode(_ifinfmsg(), kind, 0, fields, [("IFLA_AF_SPEC", {"attrs": infos})])


def _runs(vlans: Sequence[Vlan]) -> list[tuple[Vlan, Vlan]]:
    """First and last of each run of neighbours with equal flags; a PVID stands alone, ranges refuse it."""
    runs: list[tuple[Vlan, Vlan]] = []
    for vlan in vlans:
        if runs and not vlan.pvid and runs[-1][1] == vlan._replace(vid=vlan.vid - 1):
            runs[-1] = (runs[-1][0], vlan)
        else:
            runs.append((vlan, vlan))
    return runs


def _check_known(nla_class: Any, pairs: Iterable[Sequence[Any]]) -> None:
    """pyroute2 drops attributes that it does not know without a word."""
    known = {entry[0] if isinstance(entry[0], str) else entry[1] for entry in nla_class.nla_map}
    for pair in pairs:
        if pair[0] not in known:
            raise MissingError(f"pyroute2 on the node is too old to know {pair[0]}; a newer one is needed")


def _ifinfmsg() -> Any:
    return load("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg")
