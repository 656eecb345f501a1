# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GRE tunnels over IPv4 (RFC 2784, keys RFC 2890), for IP (gre) and for Ethernet (gretap)."""

from __future__ import annotations

from ...canonical import integer
from ...fields import Field
from ..link_type import Attribute, LinkType
from .ipip import FIELDS, outer

GRE_FIELDS = {
    **FIELDS,
    "key": Field("int", "For O(kind=gre) and O(kind=gretap): the key.", check=integer(1, 2**32 - 1), recreate=True),
}
# GRE_KEY of linux/if_tunnel.h, without which the kernel ignores the keys.
_HAS_KEY = 0x2000
KEY = Attribute(
    "IFLA_GRE_IKEY",
    decode=lambda key: key or None,
    more={"IFLA_GRE_OKEY": None, "IFLA_GRE_IFLAGS": _HAS_KEY, "IFLA_GRE_OFLAGS": _HAS_KEY},
)
ATTRIBUTES = {**outer("IFLA_GRE"), "key": KEY}

TYPE = LinkType("gre", "a GRE tunnel for IP", GRE_FIELDS, ATTRIBUTES, whole=True)
TAP = LinkType("gretap", "a GRE tunnel for Ethernet", GRE_FIELDS, ATTRIBUTES, whole=True)
