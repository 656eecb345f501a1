# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of links, one file each; a new one is a file here and a line below."""

from __future__ import annotations

from ..link_type import LinkType
from . import bond, bridge, dummy, geneve, gre, ifb, ipip, ipvlan, macvlan, veth, vlan, vrf, vxlan, wireguard

TYPES: dict[str, LinkType] = {
    link_type.kind: link_type
    for link_type in (
        bond.TYPE,
        bridge.TYPE,
        dummy.TYPE,
        geneve.TYPE,
        gre.TYPE,
        gre.TAP,
        ifb.TYPE,
        ipip.TYPE,
        ipip.SIT,
        ipvlan.TYPE,
        macvlan.TYPE,
        veth.TYPE,
        vlan.TYPE,
        vrf.TYPE,
        vxlan.TYPE,
        wireguard.TYPE,
    )
}
