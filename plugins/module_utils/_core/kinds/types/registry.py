# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of links, one file each; a new one is a file here, its import and a line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...lazy import Registry

if TYPE_CHECKING:
    from ..link_type import LinkType
    from . import (  # noqa: F401  # AnsiballZ sends along what it sees imported
        bond,
        bridge,
        dummy,
        geneve,
        gre,
        ifb,
        ipip,
        ipvlan,
        macvlan,
        veth,
        vlan,
        vrf,
        vxlan,
        wireguard,
    )

TYPES: Registry[LinkType] = Registry(
    __name__.rpartition(".")[0],
    {
        "bond": "bond:TYPE",
        "bridge": "bridge:TYPE",
        "dummy": "dummy:TYPE",
        "geneve": "geneve:TYPE",
        "gre": "gre:TYPE",
        "gretap": "gre:TAP",
        "ifb": "ifb:TYPE",
        "ipip": "ipip:TYPE",
        "sit": "ipip:SIT",
        "ipvlan": "ipvlan:TYPE",
        "macvlan": "macvlan:TYPE",
        "veth": "veth:TYPE",
        "vlan": "vlan:TYPE",
        "vrf": "vrf:TYPE",
        "vxlan": "vxlan:TYPE",
        "wireguard": "wireguard:TYPE",
    },
    lambda link_type: link_type,
)
