# Copyright (c) 2026, containerland.net contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All kinds of objects, and all declarations; a new one is a file here and a line below."""

from __future__ import annotations

from .address import AddressKind
from .any_link import LinkDeclaration
from .base import Declarable, Kind
from .fdb import FdbDeclaration, FdbKind
from .ipset import IpsetEntryKind, IpsetKind
from .ipset_options import IpsetDeclaration
from .iptables_chain import IptablesChainDeclaration, IptablesChainKind
from .iptables_jump import IptablesJumpKind
from .ipvs import IpvsServerKind, IpvsServiceKind
from .ipvs_options import IpvsServiceDeclaration
from .link import LinkKind
from .neighbor import NeighborDeclaration, NeighborKind
from .netns import NetnsDeclaration, NetnsKind
from .route import RouteDeclaration, RouteKind
from .rule import RuleDeclaration, RuleKind
from .sysctl import SysctlKind
from .types.bridge import BridgeDeclaration
from .types.veth import VethDeclaration
from .types.vxlan import VxlanDeclaration

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        NetnsKind(),
        LinkKind(),
        SysctlKind(),
        AddressKind(),
        FdbKind(),
        NeighborKind(),
        RouteKind(),
        RuleKind(),
        IptablesChainKind(),
        IptablesJumpKind(),
        IpsetKind(),
        IpsetEntryKind(),
        IpvsServiceKind(),
        IpvsServerKind(),
    )
}

DECLARATIONS: dict[str, Declarable] = {
    declaration.name: declaration
    for declaration in (
        NetnsDeclaration(),
        BridgeDeclaration(),
        VethDeclaration(),
        VxlanDeclaration(),
        LinkDeclaration(),
        RouteDeclaration(),
        RuleDeclaration(),
        NeighborDeclaration(),
        FdbDeclaration(),
        IptablesChainDeclaration(),
        IpsetDeclaration(),
        IpvsServiceDeclaration(),
    )
}
