# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of links say about their source guards, and the way back. No I/O, and little to import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..kernel.wire import ip_bytes, to_ip

RULES, INTACT, ALTERED = "rules", "as made", "altered"


def port_values(mac: str, addresses: Iterable[str]) -> dict[str, Any]:
    """What a port may send: from this MAC address, and from these IP addresses."""
    return {"mac": mac, "addresses": tuple(sorted(set(addresses), key=in_order)), RULES: INTACT}


def tunnel_values(family: str, vni: int, port: int, peers: Iterable[str]) -> dict[str, Any]:
    """Whose packets with this VNI come in at this UDP port; all are of one IP version."""
    listed = tuple(sorted(set(peers), key=in_order))
    return {"ip_version": family, "vni": vni, "port": port, "peers": listed, RULES: INTACT}


def own_addresses(end: Mapping[str, Any], more: Iterable[str] = ()) -> set[str]:
    """The addresses that the options of a link's end name, these, and its IPv6 link-local address, if it has one."""
    found = {*(address.partition("/")[0] for address in end.get("addresses", ())), *more}
    if end.get("addrgenmode") != "none" and any(":" in address for address in found):
        found.add(_link_local(end["mac"]))
    return found


def guard_options(kind: str, values: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, Any]:
    """The options that declare a guard, beside those of its link, which already say `own`."""
    rest = [address for address in values["addresses" if kind == "port_guard" else "peers"] if address not in own]
    return {"source_guard": True, **({"source_addresses": rest} if rest else {})}


def _link_local(mac: str) -> str:
    """The one that follows from a MAC address (RFC 4291, appendix A)."""
    raw = bytes.fromhex(mac.replace(":", ""))
    return to_ip(b"\xfe\x80" + bytes(6) + bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:])


def in_order(address: str) -> tuple[int, bytes]:
    _family, raw = ip_bytes(address)
    return len(raw), raw
