# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv4 in IPv4 (ipip) and IPv6 in IPv4 (sit)."""

from __future__ import annotations

from ...canonical import integer, optional_address
from ...fields import Field
from ..link_type import Attribute, LinkType

LOCAL = Field("str", "For tunnels: the local address.", check=optional_address, recreate=True)
REMOTE = Field("str", "For tunnels: the address of the other end.", check=optional_address, recreate=True)
TTL = Field("int", "For tunnels: the TTL of outer packets; 0 is the kernel's choice.", check=integer(0, 255))
TOS = Field("int", "For tunnels: the TOS of outer packets; 1 inherits it.", check=integer(0, 255))
FIELDS = {"local": LOCAL, "remote": REMOTE, "ttl": TTL, "tos": TOS}


def _address(value: str) -> str:
    return "" if value == "0.0.0.0" else value


def outer(prefix: str) -> dict[str, Attribute]:
    """The attributes of the outer header, which all IPv4 tunnels share but for their prefix."""
    return {
        "local": Attribute(f"{prefix}_LOCAL", decode=_address),
        "remote": Attribute(f"{prefix}_REMOTE", decode=_address),
        "ttl": Attribute(f"{prefix}_TTL"),
        "tos": Attribute(f"{prefix}_TOS"),
    }


TYPE = LinkType("ipip", "an IPv4 in IPv4 tunnel", FIELDS, outer("IFLA_IPIP"), whole=True)
SIT = LinkType("sit", "an IPv6 in IPv4 tunnel", FIELDS, outer("IFLA_SIT"), whole=True)
