# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of objects, and all declarations; a new one is a file here, its import and a line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import Registry

if TYPE_CHECKING:
    from . import (  # noqa: F401  # AnsiballZ sends along what it sees imported
        address,
        any_link,
        fdb,
        ipset,
        ipset_options,
        iptables_chain,
        iptables_jump,
        ipvs,
        ipvs_options,
        link,
        neighbor,
        netns,
        route,
        rule,
        source_guard,
        sysctl,
    )
    from .base import Declarable, Kind
    from .types import bridge, veth, vxlan  # noqa: F401

KINDS: Registry[Kind] = Registry(
    __name__.rpartition(".")[0],
    {
        "netns": "netns:NetnsKind",
        "link": "link:LinkKind",
        "sysctl": "sysctl:SysctlKind",
        "address": "address:AddressKind",
        "fdb": "fdb:FdbKind",
        "neighbor": "neighbor:NeighborKind",
        "route": "route:RouteKind",
        "rule": "rule:RuleKind",
        "iptables_chain": "iptables_chain:IptablesChainKind",
        "iptables_jump": "iptables_jump:IptablesJumpKind",
        "ipset": "ipset:IpsetKind",
        "ipset_entry": "ipset:IpsetEntryKind",
        "ipvs_service": "ipvs:IpvsServiceKind",
        "ipvs_server": "ipvs:IpvsServerKind",
        "port_guard": "source_guard:PortGuardKind",
        "tunnel_guard": "source_guard:TunnelGuardKind",
    },
    lambda kind: kind(),
)

# What outlives all links, and is dear to read (often a program is started): it is read where it is declared, and on
# request.
STAND_ALONE = frozenset(
    {
        *("iptables_chain", "iptables_jump", "ipset", "ipset_entry", "ipvs_service", "ipvs_server"),
        *("port_guard", "tunnel_guard"),
    }
)
GO_WITH_LINKS = frozenset(KINDS) - STAND_ALONE

DECLARATIONS: Registry[Declarable] = Registry(
    __name__.rpartition(".")[0],
    {
        "netns": "netns:NetnsDeclaration",
        "bridge": "types.bridge:BridgeDeclaration",
        "veth": "types.veth:VethDeclaration",
        "vxlan": "types.vxlan:VxlanDeclaration",
        "link": "any_link:LinkDeclaration",
        "route": "route:RouteDeclaration",
        "rule": "rule:RuleDeclaration",
        "neighbor": "neighbor:NeighborDeclaration",
        "fdb": "fdb:FdbDeclaration",
        "iptables_chain": "iptables_chain:IptablesChainDeclaration",
        "ipset": "ipset_options:IpsetDeclaration",
        "ipvs_service": "ipvs_options:IpvsServiceDeclaration",
    },
    lambda declaration: declaration(),
)
