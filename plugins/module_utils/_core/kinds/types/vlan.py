# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IEEE 802.1Q VLANs on a parent link."""

from __future__ import annotations

from ...canonical import integer
from ...fields import Field
from ..link_type import Attribute, LinkType, choice

# ETH_P_8021Q and ETH_P_8021AD. pyroute2 hands the number over in host order of a big-endian field.
PROTOCOLS = {"802.1Q": 0x8100, "802.1ad": 0x88A8}

TYPE = LinkType(
    "vlan",
    "an 802.1Q VLAN of O(parent)",
    fields={
        "vlan_id": Field("int", "For O(kind=vlan): the VLAN's id.", check=integer(1, 4094), recreate=True),
        "vlan_protocol": Field("str", "For O(kind=vlan): the tag's protocol.", choices=tuple(PROTOCOLS), recreate=True),
    },
    attributes={
        "vlan_id": Attribute("IFLA_VLAN_ID"),
        "vlan_protocol": choice("IFLA_VLAN_PROTOCOL", PROTOCOLS),
    },
    parent=True,
    required=("vlan_id",),
)
