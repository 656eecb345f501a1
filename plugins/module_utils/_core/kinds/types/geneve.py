# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Geneve tunnels (RFC 8926)."""

from __future__ import annotations

from ...canonical import integer
from ...fields import Field
from ..link_type import Attribute, LinkType, address
from .ipip import REMOTE, TOS, TTL

PORT = Field("int", "For O(kind=geneve): the UDP port.", check=integer(1, 65535), recreate=True)


TYPE = LinkType(
    "geneve",
    "a Geneve tunnel",
    fields={
        "vni": Field("int", "For O(kind=geneve): the network's id.", check=integer(0, 2**24 - 1), recreate=True),
        "remote": REMOTE,
        "ttl": TTL,
        "tos": TOS,
        "port": PORT,
    },
    attributes={
        "vni": Attribute("IFLA_GENEVE_ID"),
        "remote": address("IFLA_GENEVE_REMOTE", "IFLA_GENEVE_REMOTE6"),
        "ttl": Attribute("IFLA_GENEVE_TTL"),
        "tos": Attribute("IFLA_GENEVE_TOS"),
        "port": Attribute("IFLA_GENEVE_PORT"),
    },
    required=("vni", "remote"),
)
